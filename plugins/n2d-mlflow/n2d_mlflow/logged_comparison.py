"""One comparison as a run of MLflow, with a run below it for each cell."""

from __future__ import annotations

import time
from pathlib import Path

from mlflow.entities import Metric

from n2d_framework.plugin import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    FilesWritten,
)
from n2d_mlflow.artifact_store import Store, metric
from n2d_mlflow.logged_values import options_of_run

__all__ = ["ComparisonTracker"]


class ComparisonTracker:
    """Tracks one session of a comparison.

    Parameters
    ----------
    event : ComparisonStarted
    """

    def __init__(self, event: ComparisonStarted) -> None:
        tags = {"n2d.run_id": event.run_id, "n2d.comparison": event.folder}
        self._store = Store(f"comparison {Path(event.folder).name}", tags)
        self._store.log(params={"n_cells": event.n_cells, "n_waiting": event.n_waiting})
        #: Values of epochs by stage: a stage is trained once, and shown by all of its cells.
        self._epochs: dict[str, list[Metric | None]] = {}
        self._ended: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Write down an event."""
        if isinstance(event, EpochFinished):
            now = time.time()
            self._epochs.setdefault(event.key, []).extend(
                metric(f"{event.role}.{name}", value, event.epoch, now)
                for name, value in event.metrics.items()
            )
        elif isinstance(event, CellFinished):
            self._cell(event)
        elif isinstance(event, FilesWritten):
            for paths in event.files.values():
                for path in paths:
                    self._store.add_file(path)
        elif isinstance(event, ComparisonFinished):
            self._end(event)

    def _cell(self, event: CellFinished) -> None:
        tags = {"n2d.cell": event.cell, "n2d.data": event.data, "n2d.status": event.status}
        name = f"{event.method}, {event.data}, seed {event.random_state}"
        cell = Store(name, tags, parent=self._store)
        options = options_of_run(
            event.composition, data=event.data, random_state=event.random_state
        )
        numbers = [value for key in event.stages.values() for value in self._epochs.get(key, ())]
        numbers += [metric(f"seconds.{role}", value) for role, value in event.seconds.items()]
        numbers += [metric(score, value) for score, value in event.scores.items()]
        cell.log(numbers, options)
        cell.end(event.error if event.status != "done" else None)
        self._ended[event.status] = self._ended.get(event.status, 0) + 1

    def _end(self, event: ComparisonFinished) -> None:
        counts = [metric(f"cells.{status}", count) for status, count in self._ended.items()]
        self._store.log([metric("seconds.total", event.seconds), *counts])
        self._store.end(event.error)
