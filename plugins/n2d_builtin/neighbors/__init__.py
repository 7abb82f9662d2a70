"""Nearest neighbours and landmarks, which several families share."""
