"""Leiden clustering for n2d_framework."""
