"""Checks, stages, the stage store and the estimator.

What stands here is imported when it is first used: a fitted trio answers without the estimator,
whose base classes take most of a second to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_framework.pipeline.adapted_class import adapt
    from n2d_framework.pipeline.compose import compose
    from n2d_framework.pipeline.estimator import N2D
    from n2d_framework.pipeline.predictor import NotFittedError
    from n2d_framework.pipeline.snapshot import Snapshot

__all__ = ["N2D", "NotFittedError", "Snapshot", "adapt", "compose"]

_HOMES = {
    "N2D": "estimator",
    "NotFittedError": "predictor",
    "Snapshot": "snapshot",
    "adapt": "adapted_class",
    "compose": "compose",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    # The name of a submodule must not stay that of the module.
    globals()[name] = value
    return value
