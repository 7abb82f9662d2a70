"""run_plan: all steps of a plan in this process; and those behind the embedder again, on a part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.options import options_of
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE
from n2d_framework.core.rows import Rows
from n2d_framework.core.state import State
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.plan.compatibility import component_reasons
from n2d_framework.plan.run_step import Edge, RunContext, StepResult, published_about, run_step
from n2d_framework.plan.steps import Plan, Step
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, IntArray

__all__ = ["StepsAgain", "run_plan", "unused_id"]


def run_plan(
    plan: Plan, rows: Rows, fingerprint: str, random_state: int, context: RunContext
) -> tuple[StepResult, ...]:
    """Run all steps, one after the other, in this process.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    fingerprint : str
        Of the rows.
    random_state : int
        The composition's seed.
    context : RunContext

    Returns
    -------
    tuple of StepResult

    Raises
    ------
    DataError, StageError
        If a step fails.
    """
    edge, results = Edge(rows, fingerprint), []
    for step in plan:
        result = run_step(step, edge, step.seed(random_state), context)
        edge = edge.after(result.output, result.key, result.published)
        results.append(result.without_rows() if step.prepares else result)
        if step.role == LABEL_ROLE:
            context = attrs.evolve(context, part_fits=_again(plan, results, random_state, context))
    return tuple(results)


def _again(
    plan: Plan, results: Sequence[StepResult], random_state: int, context: RunContext
) -> StepsAgain:
    """Fits of some rows by the steps up to the clusterer, which was the last."""
    embedder = results[len(plan.until(COORDINATE_ROLES[0])) - 1]
    manifolder, clusterer = results[-2:]
    about = (clusterer.component, clusterer.step.spec.noise, manifolder.output.shape[1])
    unused = partial(unused_id, *about, clusterer.output)
    given = (embedder.component, embedder.output, random_state, context.resources)
    return StepsAgain.of(plan, *given, unused)


def unused_id(clusterer: Any, noise: bool, width: int, *labels: IntArray) -> int:
    """Return an id that a clusterer gives to no row, new or not; all greater are unused, too.

    Parameters
    ----------
    clusterer : object
        Fitted.
    noise : bool
        Whether the last column of its soft assignment is the share of noise.
    width : int
        Number of coordinates that it takes.
    *labels : int64 arrays
        Ids that are used.
    """
    least = max(int(given.max()) for given in labels) + 1
    if not hasattr(clusterer, "predict_proba"):
        return least
    nowhere = np.zeros((1, width), dtype=np.float32)
    return max(least, int(clusterer.predict_proba(nowhere).shape[1]) - noise)


@attrs.frozen(eq=False)
class StepsAgain:
    """Fits the steps from the latent rows to the labels again, on some of the rows.

    Each has its options and a seed derived from its own; only the number of clusters may be
    another. What was fitted on some rows is remembered.

    Attributes
    ----------
    steps : tuple of Step
        Those behind the embedder, up to the clusterer.
    rows : array of shape (n, d)
        Latent coordinates of the training rows.
    published : State
        What the embedder has published of them.
    random_state : int
        The composition's seed.
    resources : Resources
    unused_id : callable
        Gives an id that the clusterer gives to no row, new or not; all greater are unused, too.
    """

    steps: tuple[Step, ...]
    rows: AnyArray
    published: State
    random_state: int
    resources: Resources
    unused_id: Callable[[], int]
    _known: dict[str, StepResult] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls,
        plan: Plan,
        embedder: Any,
        rows: AnyArray,
        random_state: int,
        resources: Resources,
        unused_id: Callable[[], int],
    ) -> StepsAgain:
        """Of a plan whose embedder was fitted and gave the rows."""
        before, until = plan.until(COORDINATE_ROLES[0]), plan.until(LABEL_ROLE)
        published = published_about(embedder, before[-1].spec, {})
        return cls(until[len(before) :], rows, published, random_state, resources, unused_id)

    @property
    def finds_n_clusters(self) -> bool:
        """True if the clusterer finds the number of clusters itself."""
        return self._counting() is None

    def latent(self, rows: IntArray) -> AnyArray:
        """Latent coordinates of rows, by their positions."""
        return np.ascontiguousarray(self.rows[rows], dtype=np.float32)

    def coordinates(self, rows: IntArray) -> AnyArray:
        """Coordinates of rows on a manifold that is fitted on them alone."""
        return np.asarray(self._into_clusterer(rows).rows.values)

    def labels(self, rows: IntArray, n_clusters: int | None) -> IntArray:
        """Labels of rows by the clusterer, fitted on these coordinates.

        Parameters
        ----------
        rows : int64 array of shape (m,)
            Their positions.
        n_clusters : int, optional
            ``None`` where the clusterer finds the number itself.

        Returns
        -------
        int64 array of shape (m,)

        Raises
        ------
        DataError
            If they are too few.
        UnsupportedError
            If a number is given to a clusterer that finds it itself.
        """
        step, name = self.steps[-1], self._counting()
        if name is None and n_clusters is not None:
            raise UnsupportedError(
                f"{step.title} finds the number of clusters itself; leave n_clusters out"
            )
        if name is not None and n_clusters is not None:
            counted: Any = attrs.evolve(step.prototype, **{name: n_clusters})
            step = Step(step.entry, counted, step.index, step.label)
        return np.asarray(self._run(step, self._into_clusterer(rows)).output)

    def _into_clusterer(self, rows: IntArray) -> Edge:
        key = hashlib.sha256(np.asarray(rows, dtype=np.int64).tobytes()).hexdigest()
        edge = Edge(self.latent(rows), key, None, self.published)
        for step in self.steps[:-1]:
            result = self._run(step, edge)
            edge = edge.after(result.output, result.key, result.published)
        return edge

    def _run(self, step: Step, edge: Edge) -> StepResult:
        reasons = component_reasons(step.spec, step.prototype, len(edge.rows), edge.rows.row_shape)
        if reasons:
            raise DataError("; ".join(reasons))
        seed = derive_seed(step.seed(self.random_state), "on a part of the rows")
        context = RunContext("", _silent, self.resources, recent=self._known)
        result = run_step(step, edge, seed, context)
        self._known[result.key] = result
        return result

    def _counting(self) -> str | None:
        """The option of the clusterer that holds the number of clusters."""
        known = options_of(type(self.steps[-1].prototype))
        return next((option.name for option in known if option.follows == "n_clusters"), None)


def _silent(event: object) -> None:
    """Fits on some of the rows have no events."""
