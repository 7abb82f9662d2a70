"""Output of commands: console, streams, messages and progress."""
