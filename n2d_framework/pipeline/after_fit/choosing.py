"""The number of clusters of one model: what can be known of each without classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias, get_args

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_of
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE
from n2d_framework.core.rows import Rows, refuse_equal_rows
from n2d_framework.errors import ConfigError, Problem, UnsupportedError
from n2d_framework.metrics import silhouette
from n2d_framework.pipeline.after_fit.arguments import integer, one_of
from n2d_framework.plan.compatibility import check_plan
from n2d_framework.plan.run_plan import run_plan
from n2d_framework.plan.run_step import Edge, RunContext, StepResult, fit_component, run_step
from n2d_framework.plan.steps import Plan
from n2d_framework.plan.store import OptionalStore, StageStore
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = [
    "AUTOMATIC", "CHOOSING", "Criterion", "NumbersOfClusters", "counting_option",
    "numbers_of_clusters", "with_number",
]  # fmt: skip

Criterion: TypeAlias = Literal["rank", "silhouette", "stability", "bic"]

#: Share of the rows that a resample holds, and the most rows.
_SHARE, _MOST_RESAMPLED = 0.8, 4000
#: Most numbers of clusters that are tried.
_MOST = 200
#: Those that are tried where none are named.
AUTOMATIC = range(2, 21)
#: Name of the step, as tables of times show it.
CHOOSING = "choose the number"


@attrs.frozen(eq=False)
class NumbersOfClusters:
    """Criteria for the number of clusters, which need no classes.

    Attributes
    ----------
    n_clusters : int
        The number that was chosen.
    by : str
        By what.
    candidates : tuple of int
        The numbers that were tried, ascending.
    found : tuple of int
        How many clusters have rows, for each of them.
    scores : dict of str to float64 array of shape (c,)
        ``silhouette`` of the coordinates that were clustered (greater is better); ``stability``,
        the mean adjusted Rand index with fits on 80 % of the rows (greater is better); ``bic``
        where the clusterer has it (less is better). ``nan`` where a score is not defined.
    """

    n_clusters: int
    by: str
    candidates: tuple[int, ...]
    found: tuple[int, ...]
    scores: Mapping[str, FloatArray]

    @property
    def best(self) -> dict[str, int]:
        """The number that each criterion would choose alone; of equals, the greatest."""
        return {
            name: self.candidates[_chosen({name: values}, [name])]
            for name, values in self.scores.items()
            if not np.isnan(values).all()
        }

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "n_clusters": self.n_clusters,
            "by": self.by,
            "best": self.best,
            "candidates": [
                {"n_clusters": k, "found": self.found[i]}
                | {
                    name: None if np.isnan(values[i]) else float(values[i])
                    for name, values in self.scores.items()
                }
                for i, k in enumerate(self.candidates)
            ],
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_dict` gave, perhaps from a file.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it cannot be that.
        """
        rows = [dict(row) for row in found["candidates"]]
        asked = tuple(int(row.pop("n_clusters")) for row in rows)
        kept = tuple(int(row.pop("found")) for row in rows)
        if not rows or any(set(row) != set(rows[0]) for row in rows):
            raise ValueError("its numbers of clusters do not have the same criteria")
        scores = {
            str(name): np.array([np.nan if row[name] is None else float(row[name]) for row in rows])
            for name in rows[0]
        }
        return cls(int(found["n_clusters"]), str(found["by"]), asked, kept, scores)


def counting_option(choice: Choice) -> str:
    """The option of a clusterer that holds the number of clusters.

    Raises
    ------
    UnsupportedError
        If it finds the number itself.
    """
    for option in options_of(type(choice.component)):
        if option.follows == "n_clusters":
            return option.name
    raise UnsupportedError(
        f"clusterer {choice.name!r} finds the number of clusters itself; there is nothing to choose"
    )


def numbers_of_clusters(
    composition: Composition,
    rows: Rows,
    candidates: Iterable[int],
    *,
    by: Criterion,
    resamples: int,
    random_state: int,
    resources: Resources,
    store: StageStore | None,
    recent: Mapping[str, StepResult],
    tried: Callable[[int, int, str], None] | None = None,
) -> tuple[NumbersOfClusters, dict[str, StepResult]]:
    """Cluster the same coordinates into several numbers of clusters.

    Parameters
    ----------
    composition : Composition
    rows : Rows
        To fit; what comes before the clusterer is fitted once.
    candidates : iterable of int
    by : {"rank", "silhouette", "stability", "bic"}
    resamples : int
    random_state : int
    resources : Resources
    store : StageStore, optional
    recent : mapping
        Results of steps in memory, by key.
    tried : callable, optional
        Called as ``tried(done, of, note)`` after each number.

    Returns
    -------
    NumbersOfClusters
    dict of str to StepResult
        Results of the steps that are not fitted again by a fit with the chosen number, by key.

    Raises
    ------
    ConfigError, CompositionError, DataError
        Before anything is fitted.
    UnsupportedError
        If the clusterer finds the number of clusters itself, or has no BIC and that is to choose.
    """
    numbers = _checked(candidates, resamples)
    one_of(by, "by", get_args(Criterion))
    composition = composition.for_rows(rows)
    plans = {k: Plan.of(with_number(composition, k)) for k in numbers}
    check_plan(plans[numbers[-1]], rows, [])
    refuse_equal_rows(rows)
    spare = None if store is None else OptionalStore(store)
    context = RunContext("", _silent, resources, spare, recent)
    before = Plan(plans[numbers[0]].until(COORDINATE_ROLES[-1]))
    upstream = run_plan(before, rows, rows.fingerprint(), random_state, context)
    last = upstream[-1]
    edge = Edge(rows, "").after(last.output, last.key, last.published)
    coordinates = np.asarray(last.output)
    fits, scores = [], []
    for done, (k, plan) in enumerate(plans.items()):
        step = plan.last(LABEL_ROLE)
        result = run_step(step, edge, step.seed(random_state), context)
        if by == "bic" and not hasattr(result.component, "bic_"):
            raise UnsupportedError("by='bic': the clusterer has no bic")
        fits.append(result)
        scores.append(
            {
                "silhouette": silhouette(coordinates, result.output, random_state=random_state),
                "stability": _stability(result, coordinates, resamples, random_state, resources),
                "bic": getattr(result.component, "bic_", None),
            }
        )
        if tried is not None:
            tried(done + 1, len(plans), f"{k} clusters")
    known = {
        name: np.array([one[name] for one in scores], dtype=np.float64)
        for name in scores[0]
        if all(one[name] is not None for one in scores)
    }
    place = _chosen(known, ["silhouette", "stability"] if by == "rank" else [by])
    found = NumbersOfClusters(
        numbers[place],
        by,
        numbers,
        tuple(len(np.unique(fit.output[fit.output >= 0])) for fit in fits),
        known,
    )
    kept = (*(result for result in upstream if not result.step.prepares), fits[place])
    return found, {result.key: result for result in kept}


def _checked(candidates: Iterable[int], resamples: int) -> tuple[int, ...]:
    given = list(candidates)
    wrong = [k for k in given if isinstance(k, bool) or not isinstance(k, (int, np.integer))]
    numbers = tuple(sorted({int(k) for k in given} if not wrong else ()))
    problem = ""
    if wrong or (numbers and numbers[0] < 2):
        problem = f"must be integers of at least 2, got {(wrong or numbers)[0]!r}"
    elif not 2 <= len(numbers) <= _MOST:
        problem = f"must be 2 to {_MOST} different numbers, got {len(numbers)}"
    if problem:
        raise ConfigError([Problem("candidates", problem)])
    integer(resamples, "resamples", 1)
    return numbers


def with_number(composition: Composition, k: int) -> Composition:
    """A composition whose clusterer finds a number of clusters.

    Parameters
    ----------
    composition : Composition
    k : int

    Raises
    ------
    UnsupportedError
        If the clusterer finds the number itself.
    """
    choice = composition.choice(LABEL_ROLE)
    number = {counting_option(choice): k}
    counted = attrs.evolve(
        choice,
        component=attrs.evolve(choice.component, **number),
        given={**choice.given, **number},
    )
    return attrs.evolve(
        composition,
        chains={**composition.chains, LABEL_ROLE: (counted,)},
        left_open=composition.left_open - {LABEL_ROLE},
        chooses_n_clusters=False,
    )


def _silent(event: object) -> None:
    """No-op."""


def _stability(
    result: StepResult,
    coordinates: AnyArray,
    resamples: int,
    random_state: int,
    resources: Resources,
) -> float:
    """Mean adjusted Rand index with fits on parts of the rows, on those parts."""
    from sklearn.metrics import adjusted_rand_score

    labels: IntArray = result.output
    size = min(max(2, round(_SHARE * len(labels))), _MOST_RESAMPLED)
    found = []
    for number in range(resamples):
        seed = derive_seed(random_state, "number of clusters", str(number))
        part = np.sort(np.random.default_rng(seed).permutation(len(labels))[:size])
        context = FitContext(seed=seed, resources=resources)
        points = np.ascontiguousarray(coordinates[part])
        again = fit_component(result.step.fresh(), result.step.role, points, context=context)
        found.append(adjusted_rand_score(labels[part], np.asarray(again)))
    return float(np.mean(found))


def _chosen(scores: Mapping[str, FloatArray], names: Sequence[str]) -> int:
    """Place of the best sum of ranks; of equals, that of the best first score, or the last."""
    ranks = []
    for name in names:
        values = -scores[name] if name == "bic" else scores[name]
        values = np.where(np.isnan(values), -np.inf, values)
        ranks.append((values[None, :] > values[:, None]).sum(axis=1))
    return int(np.lexsort((-np.arange(len(ranks[0])), ranks[0], np.sum(ranks, axis=0)))[0])
