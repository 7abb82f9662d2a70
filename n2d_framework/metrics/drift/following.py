"""Drift: whether rows are still like those of the fit, and where new clusters may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs
import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.cluster_axes import along_axes
from n2d_framework.metrics.drift.drift_reference import (
    Reference,
    centre_distances,
    counted,
    margins,
)
from n2d_framework.metrics.neighbor_graph import connected
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, IntArray

__all__ = ["Drift", "DriftTest", "drift_of"]

#: Each bin of a test has at least so many of the new rows, were they as those of the fit.
_LEAST_EXPECTED = 8
#: Fewer rows cannot show anything, or are too few to be a new cluster.
_LEAST_ROWS, _LEAST_CANDIDATES = 50, 10
#: Chance of an alarm without drift, for all tests together.
_LEVEL = 0.01
#: Neighbours of a new row, and the chance of so many new ones among them without new clusters.
_NEIGHBORS, _CROWDED = 15, 1e-3
#: By how much, in proportion, equal distances may differ.
_ROUNDING = 1e-9


@attrs.frozen
class DriftTest:
    """One comparison of new rows with those of the fit.

    Attributes
    ----------
    what : str
        ``"shares of clusters"``, ``"distance to the nearest cluster"``, ``"latent 3"``,
        ``"feature age"`` or ``"confidence"``: the margin between the nearest cluster and the
        second, in the latent space.
    p : float
        Chance of a difference at least as large without drift (chi-squared test).
    p_adjusted : float
        The same for all tests together (Holm 1979).
    """

    what: str
    p: float
    p_adjusted: float


@attrs.frozen(eq=False)
class Drift:
    """Comparison of new rows with those of the fit.

    Attributes
    ----------
    verdict : {"quiet", "drift", "unknown"}
        ``"drift"`` if a test alarms: by chance in at most 1 % of samples without drift.
        ``"unknown"`` of fewer than 50 rows, of which nothing can be said.
    n_rows : int
    tests : tuple of DriftTest
        By ascending p; none of too few rows.
    shares : dict of int to (float, float)
        For each label its share at fit, and now.
    far : float
        Share of the rows that are farther from every cluster than 99 % of those of the fit.
    candidates : tuple of tuple of int
        Positions of rows that lie together where the fit had few, so that they may be a new
        cluster; the largest first.
    """

    verdict: Literal["quiet", "drift", "unknown"]
    n_rows: int
    tests: tuple[DriftTest, ...]
    shares: dict[int, tuple[float, float]]
    far: float
    candidates: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "verdict": self.verdict,
            "n_rows": self.n_rows,
            "tests": [attrs.asdict(test) for test in self.tests],
            "shares": [
                {"label": label, "fit": before, "now": now}
                for label, (before, now) in self.shares.items()
            ],
            "far": self.far,
            "candidates": [list(rows) for rows in self.candidates],
        }


def drift_of(
    latent: AnyArray,
    labels: IntArray,
    reference: Reference,
    sizes: Mapping[int, int],
    *,
    features: Mapping[str, AnyArray] | None = None,
    random_state: int = 0,
) -> Drift:
    """Compare rows with those of the fit.

    Parameters
    ----------
    latent : array of shape (n, d)
    labels : int64 array of shape (n,)
        Of these rows, by the model.
    reference : Reference
        Of the rows of the fit.
    sizes : mapping of int to int
        How many rows of the fit have each label.
    features : mapping of str to array of shape (n,), optional
        Features of these rows, or of a sample of them; one that is not there is 0 in all of them.
    random_state : int, default 0
        Seed of the rows among which new clusters are looked for, if there are very many.

    Raises
    ------
    DataError
        If there are no rows.
    """
    if not len(labels):
        raise DataError("drift: there are no rows")
    rows = latent.reshape(len(latent), -1)
    total = max(sum(sizes.values()), 1)
    known = sorted({*sizes, *np.unique(labels).tolist()})
    now = {label: int((labels == label).sum()) for label in known}
    shares = {k: (sizes.get(k, 0) / total, now[k] / len(labels)) for k in known}
    apart = centre_distances(rows, reference.centres)
    distances = apart[:, 0]
    far = distances > reference.far
    if len(labels) < _LEAST_ROWS:
        return Drift("unknown", len(labels), (), shares, float(far.mean()), ())
    columns = [*(rows[:, j].astype(np.float64) for j in reference.dimensions), distances]
    names = [f"latent {j}" for j in reference.dimensions] + ["distance to the nearest cluster"]
    found = {
        name: _p_value(reference.counts[i], counted(columns[i], reference.edges[i]))
        for i, name in enumerate(names)
    }
    if features and reference.feature_edges is not None and reference.feature_counts is not None:
        nothing = np.zeros(len(next(iter(features.values()))))
        for i, name in enumerate(reference.features):
            values = counted(features.get(name, nothing), reference.feature_edges[i])
            found[f"feature {name}"] = _p_value(reference.feature_counts[i], values)
    if reference.margin_edges is not None and reference.margin_counts is not None:
        sure = counted(margins(apart), reference.margin_edges[0])
        found["confidence"] = _p_value(reference.margin_counts[0], sure)
    found["shares of clusters"] = _p_value(
        np.array([sizes.get(label, 0) for label in known]), np.array(list(now.values()))
    )
    tests = _adjusted(found)
    candidates = _crowds(rows, reference, random_state)
    verdict: Literal["quiet", "drift"] = "drift" if tests[0].p_adjusted < _LEVEL else "quiet"
    return Drift(verdict, len(labels), tests, shares, float(far.mean()), candidates)


def _p_value(before: IntArray, now: IntArray) -> float:
    """Chi-squared test of two counts; neighbouring bins are joined until each expects enough."""
    from scipy.stats import chi2_contingency

    n_before, n_now = before.sum(), now.sum()
    least = _LEAST_EXPECTED / max(min(n_before, n_now), 1) * (n_before + n_now)
    joined: list[tuple[int, int]] = []
    first = second = 0
    for one, two in zip(before.tolist(), now.tolist(), strict=True):
        first, second = first + one, second + two
        if first + second >= least:
            joined.append((first, second))
            first = second = 0
    if first + second:
        last = joined.pop() if joined else (0, 0)
        joined.append((last[0] + first, last[1] + second))
    if len(joined) < 2:
        return 1.0
    return float(chi2_contingency(np.array(joined).T, correction=False).pvalue)


def _adjusted(found: Mapping[str, float]) -> tuple[DriftTest, ...]:
    """Holm's step-down procedure."""
    ordered = sorted(found.items(), key=lambda item: item[1])
    tests, before = [], 0.0
    for place, (what, p) in enumerate(ordered):
        before = max(before, min(1.0, p * (len(ordered) - place)))
        tests.append(DriftTest(what, p, before))
    return tuple(tests)


def _crowds(rows: AnyArray, reference: Reference, random_state: int) -> tuple[tuple[int, ...], ...]:
    """Groups of new rows that have more new rows around them than chance explains.

    Of the fifteen nearest among rows of the fit and new ones, the new are counted: their number is
    binomial where both are spread alike (a local form of the test by nearest neighbours of
    Schilling 1986, JASA 81). So a new cluster is found also between old ones, where no row is far.
    """
    from scipy.spatial import cKDTree
    from scipy.stats import binom

    if reference.axes is None or reference.points is None:
        return ()
    chosen, known = np.arange(len(rows)), reference.points
    if len(rows) > len(known):
        rng = np.random.default_rng(derive_seed(random_state, "drift"))
        chosen = np.sort(rng.choice(chosen, len(known), replace=False))
    new = along_axes(rows[chosen], reference.axes)
    both = np.concatenate([known, new])
    number = min(_NEIGHBORS, len(both) - 1)
    tree = cKDTree(both)
    # Of equal rows all are as near as the last one; a row itself does not count.
    radius = tree.query(new, number + 1)[0][:, -1] * (1 + _ROUNDING)
    around = tree.query_ball_point(new, radius, return_length=True) - 1
    fresh = cKDTree(new).query_ball_point(new, radius, return_length=True) - 1
    chance = binom.sf(fresh - 1, around, len(new) / len(both))
    crowded = np.flatnonzero(chance < _CROWDED)
    groups = [chosen[crowded[group]] for group in connected(new[crowded], _LEAST_CANDIDATES)]
    groups = [group for group in groups if len(group) >= _LEAST_CANDIDATES]
    groups.sort(key=lambda group: (-len(group), int(group[0])))
    return tuple(tuple(group.tolist()) for group in groups)
