"""Floor 1: what a component is. Protocols, specs, options, state and events."""
