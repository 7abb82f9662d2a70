"""Tables, intervals, tests and rankings of a comparison; frames in, frames out."""
