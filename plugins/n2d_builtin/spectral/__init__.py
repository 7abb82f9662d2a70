"""Manifolds from eigenvectors of a graph of neighbours."""
