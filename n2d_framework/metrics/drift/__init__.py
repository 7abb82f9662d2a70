"""Drift of rows against those of a fit."""
