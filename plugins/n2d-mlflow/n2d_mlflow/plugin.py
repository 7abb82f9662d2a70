"""Listens to runs and comparisons; MLflow is imported when there is something to track."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING

from n2d_framework.plugin import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
    TrackingWarning,
    hookimpl,
)
from n2d_mlflow.switch import VARIABLE, is_muted, wanted

if TYPE_CHECKING:
    from n2d_mlflow.tracker import Tracker

_trackers: dict[str, Tracker] = {}
_reported: set[str] = set()
#: Runs that can be added to afterwards, the latest ones.
_MOST = 1000
_lock = threading.RLock()


def _begin(event: RunStarted | ComparisonStarted) -> None:
    with _lock:
        try:
            if not wanted():
                return
            from n2d_mlflow.logged_comparison import ComparisonTracker
            from n2d_mlflow.run import RunTracker

            tracker: Tracker
            if isinstance(event, RunStarted):
                tracker = RunTracker(event)
            else:
                tracker = ComparisonTracker(event)
            _trackers[event.run_id] = tracker
            if len(_trackers) > _MOST:
                _trackers.pop(next(iter(_trackers)))
        except Exception as error:  # noqa: BLE001  # whatever MLflow, its store or its server raise
            _give_up(event.run_id, error)


def _pass_on(event: Event) -> None:
    with _lock:
        tracker = _trackers.get(event.run_id)
        if tracker is None:
            return
        try:
            tracker.hear(event)
        except Exception as error:  # noqa: BLE001  # whatever MLflow, its store or its server raise
            _give_up(event.run_id, error)


def _give_up(run_id: str, error: Exception) -> None:
    """Track this run no further; say so, but the same trouble only once in a process."""
    _trackers.pop(run_id, None)
    first = str(error).strip().partition("\n")[0]
    text = f"{type(error).__name__}: {first}"
    if text in _reported:
        return
    _reported.add(text)
    warnings.warn(
        f"MLflow does not track this run any further ({text}); the run itself continues. Fix it, "
        f"or switch tracking off with {VARIABLE}=0",
        TrackingWarning,
        stacklevel=2,
    )


@hookimpl
def n2d_run_started(event: RunStarted) -> None:
    """Begin a run of MLflow, if one is wanted."""
    _begin(event)


@hookimpl
def n2d_comparison_started(event: ComparisonStarted) -> None:
    """Begin a run of MLflow that will have one below it for each cell."""
    _begin(event)


@hookimpl
def n2d_epoch_finished(event: EpochFinished) -> None:
    """Losses, by epoch."""
    _pass_on(event)


@hookimpl
def n2d_stage_finished(event: StageFinished) -> None:
    """Time that the stage took."""
    _pass_on(event)


@hookimpl
def n2d_run_finished(event: RunFinished) -> None:
    """End the run of MLflow as this one ended."""
    _pass_on(event)


@hookimpl
def n2d_run_assessed(event: RunAssessed) -> None:
    """Scores."""
    _pass_on(event)


@hookimpl
def n2d_files_written(event: FilesWritten) -> None:
    """Figures, labels, and the bundle as a model."""
    if not is_muted():
        _pass_on(event)


@hookimpl
def n2d_cell_finished(event: CellFinished) -> None:
    """One cell, as a run of its own."""
    _pass_on(event)


@hookimpl
def n2d_comparison_finished(event: ComparisonFinished) -> None:
    """End the run of MLflow that has the cells below it."""
    _pass_on(event)
