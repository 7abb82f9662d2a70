"""The calls of the ``n2d`` package (0.3.2), answered by this framework.

Change one import and a script runs again::

    import n2d_framework.n2d as n2d
    from n2d_framework.n2d import datasets as data

What the old documentation promised works here, also where the old code did not. New code is
better served by :class:`n2d_framework.N2D`; docs/migration.md has both side by side.
"""

from __future__ import annotations

import warnings

from n2d_framework.n2d import datasets
from n2d_framework.n2d.autoencoders import AutoEncoder, autoencoder_generator
from n2d_framework.n2d.learners import UmapGMM, manifold_cluster_generator
from n2d_framework.n2d.model import n2d
from n2d_framework.n2d.saving import load_n2d, save_n2d

__all__ = [
    "AutoEncoder",
    "UmapGMM",
    "autoencoder_generator",
    "datasets",
    "load_n2d",
    "manifold_cluster_generator",
    "n2d",
    "save_n2d",
]

warnings.warn(
    "n2d_framework.n2d keeps scripts written for the n2d package running; "
    "write new ones with n2d_framework.N2D (see the page 'Coming from n2d' of the documentation)",
    DeprecationWarning,
    stacklevel=2,
)
