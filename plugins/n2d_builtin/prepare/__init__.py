"""Built-in components that bring rows to numbers near 1."""
