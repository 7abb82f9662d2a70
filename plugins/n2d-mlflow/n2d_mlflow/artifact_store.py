"""Where MLflow keeps runs: the experiment, new runs, and what is written to them."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from mlflow import MlflowClient, active_run
from mlflow.entities import Metric, Param, RunTag

__all__ = ["Store", "metric"]

#: What a store takes at once.
_MOST_METRICS = 1000
_MOST_PARAMS = 100
_MOST_LETTERS = 500


def metric(name: str, value: float, step: int = 0, when: float | None = None) -> Metric | None:
    """A metric for a store, or nothing for a value that is not a number.

    Parameters
    ----------
    name : str
    value : float
    step : int, default 0
    when : float, optional
        Seconds since 1970; now by default.
    """
    if not math.isfinite(value):
        return None
    return Metric(name, float(value), int(1000 * (time.time() if when is None else when)), step)


class Store:
    """One place of MLflow, and one run in it.

    Parameters
    ----------
    name : str
        Of the run.
    tags : mapping of str to str
    parent : Store, optional
        The run above it; by default the one that is active in MLflow, if any.

    Notes
    -----
    Runs are written by their number, never made MLflow's active run: what a user logs meanwhile
    goes where it would go without us.
    """

    def __init__(self, name: str, tags: Mapping[str, str], parent: Store | None = None) -> None:
        if parent is None:
            with _quietly():
                self.client = MlflowClient()
                _require_answer(self.client.tracking_uri)
                above = active_run()
                self.experiment = above.info.experiment_id if above else _experiment(self.client)
            above_id = above.info.run_id if above else None
        else:
            self.client, self.experiment = parent.client, parent.experiment
            above_id = parent.run_id
        given = dict(tags) | {"mlflow.source.type": "LOCAL", "mlflow.source.name": "n2d_framework"}
        if above_id is not None:
            given["mlflow.parentRunId"] = above_id
        run = self.client.create_run(self.experiment, tags=given, run_name=name)
        self.run_id: str = run.info.run_id

    def log(
        self, metrics: Iterable[Metric | None] = (), params: Mapping[str, Any] | None = None
    ) -> None:
        """Write metrics (nothing among them is left out) and options."""
        numbers = [item for item in metrics if item is not None]
        options = [Param(key, _text(value)) for key, value in (params or {}).items()]
        for start in range(0, len(numbers), _MOST_METRICS):
            self.client.log_batch(self.run_id, metrics=numbers[start : start + _MOST_METRICS])
        for start in range(0, len(options), _MOST_PARAMS):
            self.client.log_batch(self.run_id, params=options[start : start + _MOST_PARAMS])

    def tag(self, **tags: str) -> None:
        """Write tags, ``n2d.`` put in front of their names."""
        values = [RunTag(f"n2d.{name}", value) for name, value in tags.items()]
        self.client.log_batch(self.run_id, tags=values)

    def add_file(self, path: str, folder: str | None = None) -> None:
        """Keep a file with the run."""
        self.client.log_artifact(self.run_id, path, folder)

    def add_folder(self, path: Path, folder: str) -> None:
        """Keep a folder with the run."""
        self.client.log_artifacts(self.run_id, str(path), folder)

    def end(self, error: str | None = None) -> None:
        """Mark the run as finished, as failed, or as stopped by its user."""
        status = "FINISHED" if error is None else "FAILED"
        if error is not None:
            self.tag(error=error[:5000])
            if error.startswith(("KeyboardInterrupt", "SystemExit")):
                status = "KILLED"
        self.client.set_terminated(self.run_id, status)


@contextmanager
def _quietly() -> Iterator[None]:
    """Within it, MLflow does not report each step of making a new database."""
    logger = logging.getLogger("mlflow.store.db.utils")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…"


def _experiment(client: MlflowClient) -> str:
    """The experiment that MLflow's own settings name (set_experiment sets the first of them)."""
    number = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if number:
        return number
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "Default"
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name))


def _require_answer(uri: str) -> None:
    """Ask a server once: MLflow itself would try again and again, for minutes.

    Raises
    ------
    requests.RequestException
        If no one answers; any answer will do.
    """
    if uri.startswith(("http://", "https://")):
        requests.get(uri, timeout=5)
