"""Floor 4: checks, stages, the stage store and the estimator."""

from __future__ import annotations

from n2d_framework.pipeline.adapting import adapt
from n2d_framework.pipeline.compose import compose
from n2d_framework.pipeline.estimator import N2D
from n2d_framework.pipeline.predictor import NotFittedError
from n2d_framework.pipeline.snapshot import Snapshot
from n2d_framework.pipeline.store import StageStore

__all__ = ["N2D", "NotFittedError", "Snapshot", "StageStore", "adapt", "compose"]
