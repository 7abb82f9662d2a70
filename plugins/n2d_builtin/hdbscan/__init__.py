"""HDBSCAN."""
