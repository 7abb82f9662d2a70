"""The hooks a plugin may implement: signatures, and when each is called."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.events import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.core.extensions import KindSpec, PanelSpec, PlotSpec
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
    """Announce datasets. Called once, when the catalogue is first used."""


@hookspec
def n2d_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Announce metrics. Called once, when the catalogue is first used."""


@hookspec
def n2d_kinds() -> Iterable[KindSpec]:  # type: ignore[empty-body]
    """Announce kinds of rows, each with its adapter.

    Called once, when the catalogue is first used. A kind that two plugins announce is not used.
    """


@hookspec
def n2d_plots() -> Iterable[PlotSpec]:  # type: ignore[empty-body]
    """Announce pictures of fitted models. Called once, when the catalogue is first used."""


@hookspec
def n2d_panels() -> Iterable[PanelSpec]:  # type: ignore[empty-body]
    """Announce panels of the report of a comparison. Called once, as the others are."""


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


@hookspec
def n2d_run_assessed(event: RunAssessed) -> None:
    """Called when the labels of a fitted model have been assessed."""


@hookspec
def n2d_files_written(event: FilesWritten) -> None:
    """Called when a model has been saved, and when a run or a comparison has written its files."""


@hookspec
def n2d_comparison_started(event: ComparisonStarted) -> None:
    """Called when a comparison begins or resumes, unless all its cells are done already.

    All hooks of a comparison are called in the process that was asked for it, never in a worker;
    those of a stage and its epochs are called together, when the stage has ended.
    """


@hookspec
def n2d_cell_finished(event: CellFinished) -> None:
    """Called when a cell of a comparison has been scored, has failed, or was lost."""


@hookspec
def n2d_comparison_finished(event: ComparisonFinished) -> None:
    """Called when a comparison has ended, also when it failed or was interrupted."""
