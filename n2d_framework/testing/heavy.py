"""Libraries that must not be loaded before a component is used."""

from __future__ import annotations

import sys

__all__ = ["HEAVY", "heavy_loaded"]

HEAVY = (
    "aeon",
    "hdbscan",
    "jax",
    "keras",
    "matplotlib",
    "mlflow",
    "numba",
    "onnxruntime",
    "openTSNE",
    "pacmap",
    "pandas",
    "pynndescent",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
    "umap",
)


def heavy_loaded() -> list[str]:
    """Which of them this process has loaded."""
    return [name for name in HEAVY if name in sys.modules]
