"""Origin of components: distributions, code, and the mark of a plugin."""
