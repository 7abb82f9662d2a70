"""Built-in components that change labels."""
