"""Built-in components that describe clusters."""
