"""Floor of the engine: a plan of steps, the one place where a step is run, and its store."""
