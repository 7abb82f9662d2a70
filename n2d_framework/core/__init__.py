"""Components as such: protocols, specs, options, state and events."""
