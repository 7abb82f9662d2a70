"""Announcements of plugins besides components: metrics, plots, panels."""
