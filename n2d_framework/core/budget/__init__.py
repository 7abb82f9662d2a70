"""Memory that a fit may take, and files for what does not fit into it."""
