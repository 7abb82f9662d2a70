"""Runs and comparisons of n2d_framework tracked with MLflow; its models as an MLflow flavour.

>>> import n2d_mlflow
>>> n2d_mlflow.autolog()  # from here on, every fit is an MLflow run  # doctest: +SKIP

Nothing is tracked unless it was asked for; see :func:`autolog`.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_mlflow.flavour import load_model, log_model, save_model
    from n2d_mlflow.switch import autolog

# MLflow, where it is not imported yet, would report to its maker what is tracked.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

__all__ = ["autolog", "load_model", "log_model", "save_model"]

_HOMES = {
    "autolog": "n2d_mlflow.switch",
    "load_model": "n2d_mlflow.flavour",
    "log_model": "n2d_mlflow.flavour",
    "save_model": "n2d_mlflow.flavour",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
