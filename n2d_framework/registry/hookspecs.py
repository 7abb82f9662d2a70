"""The hooks a plugin may implement: signatures, and when each is called."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.events import (
    EpochFinished,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.core.markers import PROJECT
from n2d_framework.core.metric import MetricSpec
from n2d_framework.core.spec import ComponentSpec

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def n2d_components() -> Iterable[ComponentSpec]:  # type: ignore[empty-body]
    """Announce components.

    Called once, when the catalogue is first used. Must not import anything heavy.
    """


@hookspec
def n2d_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Announce data sets. Called once, when the catalogue is first used."""


@hookspec
def n2d_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Announce metrics. Called once, when the catalogue is first used."""


@hookspec
def n2d_run_started(event: RunStarted) -> None:
    """Called when a composition begins to be fitted, after all checks have passed."""


@hookspec
def n2d_run_finished(event: RunFinished) -> None:
    """Called when a run has ended, also when it failed or was interrupted."""


@hookspec
def n2d_stage_started(event: StageStarted) -> None:
    """Called before a stage is looked up in the store or fitted."""


@hookspec
def n2d_stage_finished(event: StageFinished) -> None:
    """Called when a stage has ended: fitted, taken from the store, or failed."""


@hookspec
def n2d_epoch_finished(event: EpochFinished) -> None:
    """Called after each epoch of a component that trains in epochs."""
