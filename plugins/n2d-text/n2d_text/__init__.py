"""Embedders of texts, and clusters named by their words, for n2d_framework."""
