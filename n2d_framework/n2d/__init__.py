"""The calls of the ``n2d`` package (0.3.2), answered by this framework.

Change one import and a script runs again::

    import n2d_framework.n2d as n2d
    from n2d_framework.n2d import datasets as data

What the old documentation promised works here, also where the old code did not. New code is
better served by :class:`n2d_framework.N2D`; docs/migration.md has both side by side.
"""

from __future__ import annotations

import warnings
from typing import NoReturn

from n2d_framework.errors import UnsupportedError
from n2d_framework.n2d import datasets
from n2d_framework.n2d.autoencoders import AutoEncoder, autoencoder_generator
from n2d_framework.n2d.learners import UmapGMM, manifold_cluster_generator
from n2d_framework.n2d.model import n2d
from n2d_framework.n2d.two_files import load_n2d, save_n2d

__all__ = [
    "AutoEncoder",
    "Autoencoder",
    "UmapGMM",
    "autoencoder_generator",
    "datasets",
    "load_n2d",
    "manifold_cluster_generator",
    "n2d",
    "save_n2d",
]

#: So the quick start of the old documentation spells it.
Autoencoder = AutoEncoder

_HUNGARIAN = (
    "scipy.optimize.linear_sum_assignment solves the same problem, and "
    "n2d_framework.metrics.match_labels gives clusters the names of the classes they match"
)
_HERE = "what it held is in n2d_framework.n2d itself"
_GONE = {
    "linear_assignment": _HUNGARIAN,
    "best_cluster_fit": _HUNGARIAN,
    "cluster_acc": "n2d_framework.metrics.score(y, labels)['acc'] gives the same number",
    "plot": "n2d_framework.plots.scatter draws rows by label",
    "N2D": _HERE,
    "generators": _HERE,
}


def __getattr__(name: str) -> NoReturn:
    """Say what became of names of the old package."""
    if name in _GONE:
        raise UnsupportedError(f"{name} of the old package is not here: {_GONE[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


warnings.warn(
    "n2d_framework.n2d keeps scripts written for the n2d package running; "
    "write new ones with n2d_framework.N2D (see the page 'Coming from n2d' of the documentation)",
    DeprecationWarning,
    stacklevel=2,
)
