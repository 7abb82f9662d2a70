"""What a component is. Protocols, specs, options, state and events."""
