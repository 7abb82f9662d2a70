"""Fitting of a composition: scaler, then the three stages, with events around them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.core.events import EventSink, RunFinished, RunStarted
from n2d_framework.core.state import State
from n2d_framework.plan.compatibility import check_trio, component_shape, is_inductive
from n2d_framework.pipeline.input_rows import refuse_equal_rows
from n2d_framework.plan.keys import fingerprint
from n2d_framework.plan.scaling import Scaler
from n2d_framework.plan.run_step import StageResult, StageRunner
from n2d_framework.plan.store.stage_store import OptionalStore, StageStore
from n2d_framework.plan.fitted_plan import FittedTrio
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, ROLES, AnyArray

__all__ = ["Fit", "fit_composition", "usable_threads"]

_AGREEMENT_ROWS = 500
_GOLDEN_ROWS = 5


@attrs.frozen(eq=False)
class Fit:
    """Everything a fit gave.

    Attributes
    ----------
    trio : FittedTrio
    stages : dict of role to StageResult
    random_state : int
        The seed that was used.
    created : str
        When the fit ended: ISO 8601, UTC.
    data : dict
        Fingerprint, number of rows, row shape and type of the training data.
    agreement : dict
        How often predicting training rows gives their labels back; see the bundle format.
    golden : dict of arrays
        A few training rows with their outputs; empty if the trio cannot place new rows.
    run_id : str or None
        Identifies the run in its events; ``None`` for a model that was loaded.
    """

    trio: FittedTrio
    stages: dict[str, StageResult]
    random_state: int
    created: str
    data: dict[str, Any]
    agreement: dict[str, float]
    golden: dict[str, AnyArray]
    run_id: str | None = None

    @property
    def labels(self) -> AnyArray:
        """Labels of the training rows."""
        return self.stages["clusterer"].output


def usable_threads(n_jobs: int | None) -> int:
    """Number of threads for `n_jobs`: ``None`` and -1 mean all that this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    available = available or 1
    if n_jobs is None or n_jobs == -1:
        return available
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs < 1:
        raise ValueError(f"n_jobs must be a positive integer, -1 or None, got {n_jobs!r}")
    return int(n_jobs)


def fit_composition(
    composition: Composition,
    x: AnyArray,
    *,
    random_state: int,
    n_jobs: int = 1,
    store: StageStore | None = None,
    sink: EventSink,
    recent: Mapping[str, StageResult] | None = None,
) -> Fit:
    """Fit scaler, embedder, manifolder and clusterer.

    Parameters
    ----------
    composition : Composition
    x : array of shape (n, *row_shape)
        Checked rows.
    random_state : int
        The composition's seed.
    n_jobs : int, default 1
        Threads a component may use; results do not depend on it.
    store : StageStore, optional
    sink : callable
        Gets the events.
    recent : mapping, optional
        Stage results at hand, by key.

    Returns
    -------
    Fit

    Raises
    ------
    CompositionError, DataError
        Before anything is trained.
    StageError
        If a component fails.
    """
    row_shape = tuple(int(extent) for extent in x.shape[1:])
    components = {role: composition.choice(role).build(composition.n_clusters) for role in ROLES}
    check_trio(composition, components, len(x), row_shape)
    refuse_equal_rows(x)
    run_id = uuid.uuid4().hex
    start = time.perf_counter()
    sink(RunStarted(run_id, composition.describe(), len(x), row_shape, random_state))
    spare = None if store is None else OptionalStore(store)
    try:
        runner = StageRunner(run_id, sink, n_jobs, spare, recent or {})
        fit = _run(composition, components, x, random_state, runner)
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        sink(RunFinished(run_id, time.perf_counter() - start, error=text))
        raise
    sink(RunFinished(run_id, time.perf_counter() - start, n_clusters=fit.trio.n_clusters))
    return attrs.evolve(fit, run_id=run_id)


def _run(
    composition: Composition,
    components: Mapping[Any, Any],
    x: AnyArray,
    random_state: int,
    runner: StageRunner,
) -> Fit:
    scaler = Scaler(composition.scaler).fit(x)
    kind = composition.embedder.spec.input
    current = scaler.transform(x).reshape(len(x), *component_shape(kind, x.shape[1:]))
    upstream = fingerprint(current)
    data = {
        "fingerprint": fingerprint(x),
        "n_rows": len(x),
        "row_shape": [int(extent) for extent in x.shape[1:]],
        "dtype": x.dtype.name,
    }
    stages: dict[str, StageResult] = {}
    published: State = {}
    for role in ROLES:
        stage = runner.run_stage(
            composition.choice(role).entry,
            components[role],
            current,
            upstream,
            derive_seed(random_state, role),
            published,
        )
        stages[role], current, upstream = stage, stage.output, stage.key
        published = stage.published
    labels = stages["clusterer"].output
    trio = FittedTrio(
        composition=composition,
        scaler=scaler,
        **{role: stages[role].component for role in ROLES},
        row_shape=tuple(int(extent) for extent in x.shape[1:]),
        n_clusters=len(np.unique(labels[labels != NOISE])),
    )
    agreement, golden = _look_back(trio, x, labels, random_state)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Fit(trio, stages, random_state, created, data, agreement, golden)


def _look_back(
    trio: FittedTrio, x: AnyArray, labels: AnyArray, random_state: int
) -> tuple[dict[str, float], dict[str, AnyArray]]:
    """Predict some training rows: how many keep their label, and a few rows to keep."""
    if not is_inductive(trio.composition):
        return {}, {}
    rng = np.random.default_rng(derive_seed(random_state, "look back"))
    rows = np.sort(rng.choice(len(x), min(_AGREEMENT_ROWS, len(x)), replace=False))
    sample = x[rows]
    latent = trio.embed(sample)
    manifold = trio.transform(sample)
    predicted, fitted = trio.predict(sample), labels[rows]
    both = (predicted != NOISE) & (fitted != NOISE)
    agreement = {
        "rows": float(len(rows)),
        "equal": float(np.mean(predicted == fitted)),
        "equal_where_clustered": float(np.mean((predicted == fitted)[both])) if both.any() else 1.0,
    }
    few = slice(0, _GOLDEN_ROWS)
    golden = {
        "x": np.array(sample[few]),
        "latent": latent[few],
        "manifold": manifold[few],
        "labels": predicted[few],
    }
    return agreement, golden
