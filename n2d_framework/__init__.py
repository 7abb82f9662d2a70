"""Cluster unlabelled data by any trio of embedder, manifolder and clusterer.

>>> import n2d_framework as n2d
>>> model = n2d.N2D("pca", "identity", "kmeans", n_clusters=10, random_state=0)

Everything below is imported when it is first used: importing the package is quick and loads
no machine-learning library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_framework.bundle import export_onnx, inspect, load, save, upgrade, verify
    from n2d_framework.config.presets import preset
    from n2d_framework.errors import N2DError
    from n2d_framework.events import TensorBoard
    from n2d_framework.experiment import Comparison, open_comparison
    from n2d_framework.experiment.run_comparison import compare
    from n2d_framework.experiment.search.run_search import search
    from n2d_framework.pipeline import N2D
    from n2d_framework.plan.store import StageStore
    from n2d_framework.registry import components

__all__ = [
    "N2D",
    "Comparison",
    "N2DError",
    "StageStore",
    "TensorBoard",
    "adapt",
    "compare",
    "components",
    "compose",
    "export_onnx",
    "inspect",
    "load",
    "open_comparison",
    "preset",
    "save",
    "search",
    "upgrade",
    "verify",
]

_HOMES = {
    "Comparison": "n2d_framework.experiment",
    "N2D": "n2d_framework.pipeline",
    "N2DError": "n2d_framework.errors",
    "StageStore": "n2d_framework.plan.store",
    "TensorBoard": "n2d_framework.events",
    "adapt": "n2d_framework.pipeline",
    "compare": "n2d_framework.experiment",
    "components": "n2d_framework.registry",
    "compose": "n2d_framework.pipeline",
    "export_onnx": "n2d_framework.bundle",
    "inspect": "n2d_framework.bundle",
    "load": "n2d_framework.bundle",
    "open_comparison": "n2d_framework.experiment",
    "preset": "n2d_framework.config.presets",
    "save": "n2d_framework.bundle",
    "search": "n2d_framework.experiment.search.run_search",
    "upgrade": "n2d_framework.bundle",
    "verify": "n2d_framework.bundle",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("n2d_framework")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
