"""One run of the framework as one run of MLflow."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from pathlib import Path

from mlflow.entities import Metric

from n2d_framework.plugin import (
    EpochFinished,
    Event,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
)
from n2d_mlflow.artifact_store import Store, metric
from n2d_mlflow.flavour import save_model
from n2d_mlflow.logged_values import options_of_run, score_names, trio_name

__all__ = ["MODEL", "RunTracker"]

#: Where the model is among the artifacts of a run.
MODEL = "model"
#: Values of epochs are written together, not oftener than so many seconds.
_EVERY = 2.0


class RunTracker:
    """Tracks one run, and what becomes of its model afterwards.

    Parameters
    ----------
    event : RunStarted
    """

    def __init__(self, event: RunStarted) -> None:
        tags = {"n2d.run_id": event.run_id}
        self._store = Store(trio_name(event.composition), tags)
        self._waiting: list[Metric | None] = []
        self._written = time.monotonic()
        shape = " x ".join(map(str, event.row_shape))
        self._store.log(
            params=options_of_run(
                event.composition,
                random_state=event.random_state,
                n_rows=event.n_rows,
                row_shape=shape,
            )
        )

    def hear(self, event: Event) -> None:
        """Write down an event."""
        if isinstance(event, EpochFinished):
            self._epoch(event)
        elif isinstance(event, StageFinished):
            self._stage(event)
        elif isinstance(event, RunAssessed):
            named = score_names(event.scores, training=event.training)
            self._store.log(metric(name, value) for name, value in named.items())
        elif isinstance(event, FilesWritten):
            self._files(event)
        elif isinstance(event, RunFinished):
            self._end(event)

    def _epoch(self, event: EpochFinished) -> None:
        for name, value in event.metrics.items():
            self._waiting.append(metric(f"{event.role}.{name}", value, event.epoch))
        if time.monotonic() - self._written > _EVERY:
            self._flush()

    def _flush(self) -> None:
        self._store.log(self._waiting)
        self._waiting = []
        self._written = time.monotonic()

    def _stage(self, event: StageFinished) -> None:
        self._flush()
        if event.error is None:
            self._store.log([metric(f"seconds.{event.role}", event.seconds)])
            self._store.tag(**{f"{event.role}_from_store": str(event.cached).lower()})

    def _end(self, event: RunFinished) -> None:
        self._flush()
        numbers = [metric("seconds.total", event.seconds)]
        if event.n_clusters is not None:
            numbers.append(metric("n_clusters_found", event.n_clusters))
        self._store.log(numbers)
        self._store.end(event.error)

    def _files(self, event: FilesWritten) -> None:
        for kind, paths in event.files.items():
            for path in paths:
                if kind == "bundle":
                    self._model(Path(path))
                else:
                    self._store.add_file(path, "figures" if kind == "figures" else None)
                if kind == "run":
                    self._name_data(Path(path))

    def _model(self, bundle: Path) -> None:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow asks for an example of rows, each time
            place = Path(folder) / MODEL
            save_model(bundle, place)
            self._store.add_folder(place, MODEL)

    def _name_data(self, record: Path) -> None:
        data = json.loads(record.read_text(encoding="utf-8"))["data"]
        self._store.tag(data=str(data["name"]), fingerprint=str(data["fingerprint"]))
