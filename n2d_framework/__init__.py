"""Cluster unlabelled data by any trio of embedder, manifolder and clusterer."""
