"""The components, datasets and prepare steps that come with n2d_framework.

Classes of components that plugins derive from, or start with, are exported here; everything
else may change without notice. Importing this package loads nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_builtin.autoencoders.base import Autoencoder
    from n2d_builtin.autoencoders.conv import ConvAutoencoder
    from n2d_builtin.autoencoders.dense import DenseAutoencoder
    from n2d_builtin.autoencoders.planned import PlannedAutoencoder
    from n2d_builtin.gmm.gmm import GaussianMixture
    from n2d_builtin.kmeans.kmeans import KMeans
    from n2d_builtin.umap.umap import Umap

__all__ = [
    "Autoencoder",
    "ConvAutoencoder",
    "DenseAutoencoder",
    "GaussianMixture",
    "KMeans",
    "PlannedAutoencoder",
    "Umap",
]

_HOMES = {
    "Autoencoder": "autoencoders.base",
    "ConvAutoencoder": "autoencoders.conv",
    "DenseAutoencoder": "autoencoders.dense",
    "GaussianMixture": "gmm.gmm",
    "KMeans": "kmeans.kmeans",
    "PlannedAutoencoder": "autoencoders.planned",
    "Umap": "umap.umap",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
