"""Types of options: their meaning, and their JSON Schema."""
