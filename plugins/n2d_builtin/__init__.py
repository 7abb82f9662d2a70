"""The components, datasets and prepare steps that come with n2d_framework.

Classes of components that plugins derive from, or start with, and the search and graph of
neighbours are exported here; everything else may change without notice. Importing this package
loads nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_builtin.autoencoders.augmentation import Augmentation
    from n2d_builtin.autoencoders.base import Autoencoder
    from n2d_builtin.autoencoders.conv import ConvAutoencoder
    from n2d_builtin.autoencoders.dense import DenseAutoencoder
    from n2d_builtin.autoencoders.planned import PlannedAutoencoder
    from n2d_builtin.gmm.gmm import GaussianMixture
    from n2d_builtin.kmeans.kmeans import KMeans
    from n2d_builtin.neighbors.neighbors import ExactNeighbors
    from n2d_builtin.umap.umap import Umap
    from n2d_builtin.umap.umap_library import neighbor_graph

__all__ = [
    "Augmentation",
    "Autoencoder",
    "ConvAutoencoder",
    "DenseAutoencoder",
    "ExactNeighbors",
    "GaussianMixture",
    "KMeans",
    "PlannedAutoencoder",
    "Umap",
    "neighbor_graph",
]

_HOMES = {
    "Augmentation": "autoencoders.augmentation",
    "Autoencoder": "autoencoders.base",
    "ConvAutoencoder": "autoencoders.conv",
    "DenseAutoencoder": "autoencoders.dense",
    "ExactNeighbors": "neighbors.neighbors",
    "GaussianMixture": "gmm.gmm",
    "KMeans": "kmeans.kmeans",
    "PlannedAutoencoder": "autoencoders.planned",
    "Umap": "umap.umap",
    "neighbor_graph": "umap.umap_library",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
