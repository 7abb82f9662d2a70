"""The built-in components, which enter by the same entry point as everybody's."""
