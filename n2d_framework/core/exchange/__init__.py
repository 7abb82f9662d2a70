"""Fitted components in forms that other software computes."""
