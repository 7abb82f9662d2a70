"""Fitting of a composition: scaler, then the three stages, with events around them."""

from __future__ import annotations

import logging
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
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import COORDINATE_ROLES
from n2d_framework.core.rows import Rows, packed_rows, refuse_equal_rows
from n2d_framework.metrics.drift.drift_reference import Reference
from n2d_framework.metrics.hierarchy import ClusterMeans
from n2d_framework.pages.shown_rows import shown_features
from n2d_framework.plan.compatibility import check_plan
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.plan.run_plan import run_plan
from n2d_framework.plan.run_step import RunContext, StepResult
from n2d_framework.plan.steps import Plan
from n2d_framework.plan.store import OptionalStore, StageStore
from n2d_framework.plan.timing import StepTime, timed
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, AnyArray, Role

__all__ = ["Fit", "fit_composition", "usable_threads"]

logger = logging.getLogger(__name__)

_AGREEMENT_ROWS = 500
_GOLDEN_ROWS = 5
#: Name of the step that predicts some of the training rows.
_AGAIN = "predict again"


@attrs.frozen(eq=False)
class Fit:
    """Everything a fit gave.

    Attributes
    ----------
    composition : Composition
    fitted : FittedPlan
    results : tuple of StepResult
        Of each step, in order; those that prepare rows without the rows.
    random_state : int
        The seed that was used.
    created : str
        When the fit ended: ISO 8601, UTC.
    data : dict
        Fingerprint, number of rows, row shape and type of the training data.
    agreement : dict
        How often predicting training rows gives their labels back; see the bundle format.
    golden : State
        A few training rows with their outputs; empty if a component cannot place new rows.
    descriptions : dict of str to mapping
        What the describe components say, by name.
    clusters : ClusterMeans or None
        Where the clusters are before edits; ``None`` in a bundle of an earlier framework.
    reference : Reference or None
        Counts of the rows, with which others are compared; ``None`` likewise, and in a bundle
        without rows.
    run_id : str or None
        Identifies the run in its events; ``None`` for a model that was loaded.
    step_times : tuple of StepTime
        What each step took in this fit, but for what describes clusters.
    """

    composition: Composition
    fitted: FittedPlan
    results: tuple[StepResult, ...]
    random_state: int
    created: str
    data: dict[str, Any]
    agreement: dict[str, float] = attrs.field(factory=dict)
    golden: dict[str, Any] = attrs.field(factory=dict)
    descriptions: dict[str, Any] = attrs.field(factory=dict)
    clusters: ClusterMeans | None = None
    reference: Reference | None = None
    run_id: str | None = None
    step_times: tuple[StepTime, ...] = ()

    @property
    def labels(self) -> AnyArray:
        """Labels of the training rows."""
        return np.asarray(self.output(self.fitted.plan.labels))

    def output(self, role: Role) -> Any:
        """Output of the last step of a role for the training rows."""
        return [result for result in self.results if result.step.role == role][-1].output

    @property
    def labels_before_edits(self) -> AnyArray:
        """Labels of the training rows as they are without the edits that people made."""
        edits = [r.component for r in self.results if r.step.spec.edits]
        return np.asarray(edits[0].labels_before_) if edits else self.labels

    @property
    def edited_points(self) -> AnyArray | None:
        """Where the training rows are, as edits keep it; ``None`` if no edit does."""
        kept = [r.component.points_ for r in self.results if r.step.spec.edits]
        return kept[0] if kept else None

    def edited_clusters(self) -> ClusterMeans | None:
        """Where the clusters are after the edits."""
        points = self.edited_points
        if points is not None:
            return ClusterMeans.of(points, self.labels)
        if self.clusters is None or not any(r.step.spec.edits for r in self.results):
            return self.clusters
        return self.clusters.edited(self.labels_before_edits, self.labels)

    def with_clusters(self) -> Fit:
        """The fit whose plan knows where the clusters are, and what became of those found.

        It knows as well whether confidence that was measured is of these clusters.
        """
        before, after = self.labels_before_edits, self.labels
        becomes: dict[int, int] = {}
        for label in np.unique(before[before != NOISE]).tolist():
            found, counts = np.unique(after[before == label], return_counts=True)
            becomes[label] = int(found[counts.argmax()])
        # Of other steps that change labels it is not known what they do with clusters.
        known = all(s.spec.edits for s in self.fitted.plan if s.role == "refine")
        measured = self.fitted.measured
        fitted = attrs.evolve(
            self.fitted,
            clusters=self.edited_clusters(),
            becomes=becomes if known else None,
            measured_holds=measured is None or measured.is_of(after),
        )
        return attrs.evolve(self, fitted=fitted)

    @property
    def stages(self) -> dict[str, StepResult]:
        """The steps that the store keeps, by label: all but those that prepare rows."""
        return {r.step.label: r for r in self.results if not r.step.prepares}


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
    x: Rows,
    *,
    random_state: int,
    resources: Resources,
    store: StageStore | None = None,
    sink: EventSink,
    recent: Mapping[str, StepResult] | None = None,
) -> Fit:
    """Fit all components of a composition.

    Parameters
    ----------
    composition : Composition
    x : Rows
        Checked. Roles that the composition leaves open get the components that suit them.
    random_state : int
        The composition's seed.
    resources : Resources
        Threads a component may use, on which results do not depend; and when to end.
    store : StageStore, optional
    sink : callable
        Gets the events.
    recent : mapping, optional
        Results of steps in memory, by key.

    Returns
    -------
    Fit

    Raises
    ------
    CompositionError, DataError
        Before anything is trained.
    StageError
        If a component fails.
    StoppedError
        If the fit is asked to stop.
    """
    if said := composition.said_of_narrow(x):
        logger.info("%s", said)
    composition = composition.for_rows(x)
    plan, row_shape = Plan.of(composition), x.row_shape
    describing = [choice.spec for choice in composition.choices("describe")]
    check_plan(plan, x, describing)
    refuse_equal_rows(x)
    run_id = uuid.uuid4().hex
    start = time.perf_counter()
    sink(RunStarted(run_id, composition.describe(), len(x), row_shape, random_state))
    try:
        # What is out of core is too large to be kept.
        spare = None if store is None or resources.scratch else OptionalStore(store)
        context = RunContext(run_id, sink, resources, spare, recent or {})
        data = x.fingerprint()
        results = run_plan(plan, x, data, random_state, context)
        labels = results[-1].output
        fit = Fit(
            composition,
            FittedPlan(
                plan,
                [result.component for result in results],
                row_shape,
                n_clusters=len(np.unique(labels[labels != NOISE])),
                storage=x.storage,
                schema=x.schema,
            ),
            results,
            random_state,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            data={
                "fingerprint": data,
                "n_rows": len(x),
                "row_shape": list(row_shape),
                "dtype": "" if x.storage == "columns" else x.values.dtype.name,
                **({} if x.storage == "dense" else {"storage": x.storage}),
            },
            run_id=run_id,
        )
        means = ClusterMeans.of(fit.output("manifolder"), fit.labels_before_edits)
        reference = Reference.of(
            fit.output("embedder"), fit.labels_before_edits, *shown_features(x)
        )
        seconds = dict[str, float]()
        with timed(_AGAIN, seconds):
            looked_back = _look_back(fit, x)
        times = [
            *(StepTime(r.step.label, r.step.spec.name, r.took, r.cached) for r in results),
            StepTime(_AGAIN, "", seconds[_AGAIN]),
        ]
        fit = attrs.evolve(
            fit, clusters=means, reference=reference, step_times=tuple(times), **looked_back
        ).with_clusters()
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        sink(RunFinished(run_id, time.perf_counter() - start, error=text))
        raise
    sink(RunFinished(run_id, time.perf_counter() - start, n_clusters=fit.fitted.n_clusters))
    return fit


def _look_back(fit: Fit, x: Rows) -> dict[str, Any]:
    """Predict some training rows: how many keep their label, and a few rows to keep."""
    if not fit.fitted.plan.inductive:
        return {}
    rng = np.random.default_rng(derive_seed(fit.random_state, "look back"))
    rows = np.sort(rng.choice(len(x), min(_AGREEMENT_ROWS, len(x)), replace=False))
    sample, fitted = x.take(rows), fit.labels[rows]
    latent, manifold, predicted = fit.fitted.outputs(
        sample, *COORDINATE_ROLES, fit.fitted.plan.labels
    )
    both = (predicted != NOISE) & (fitted != NOISE)
    agreement = {
        "rows": float(len(rows)),
        "equal": float(np.mean(predicted == fitted)),
        "equal_where_clustered": float(np.mean((predicted == fitted)[both])) if both.any() else 1.0,
    }
    few = slice(0, _GOLDEN_ROWS)
    golden = {
        "x": packed_rows(sample.take(np.arange(len(sample))[few])),
        "latent": latent[few],
        "manifold": manifold[few],
        "labels": predicted[few],
    }
    return {"agreement": agreement, "golden": golden}
