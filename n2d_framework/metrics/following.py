"""Drift: whether rows are still like those of the fit, and where new clusters may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = ["Drift", "DriftTest", "Reference", "drift_of"]

#: Bins of a test; each has at least so many of the new rows, were they as those of the fit.
_BINS, _LEAST_EXPECTED = 20, 8
#: Latent dimensions that are tested: those of the largest variance.
_MOST_DIMENSIONS = 32
#: Clusters whose centres are known, the largest.
_MOST_CENTRES = 1000
#: Fewer rows cannot show anything, or are too few to be a new cluster.
_LEAST_ROWS, _LEAST_CANDIDATES = 50, 10
#: Chance of an alarm without drift, for all tests together; share of the fit's rows that are far.
_LEVEL, _FAR = 0.01, 0.01
#: Rows that are counted, at most and at least, and numbers held at once.
_MOST_COUNTED, _LEAST_COUNTED, _NUMBERS = 20_000, 2000, 16_000_000
#: Rows whose distances are computed at once, and far rows that are grouped.
_BLOCK, _MOST_GROUPED = 4096, 2000
#: Mean distance of the rows of a group, in units of the distance that 1 % of the fit's rows exceed.
_WIDEST = 1.5


@attrs.frozen(eq=False)
class Reference:
    """Counts of latent rows of the fit, with which those of others are compared; no row of them.

    Attributes
    ----------
    dimensions : int64 array of shape (t,)
        The latent dimensions that are tested.
    edges : float64 array of shape (t + 1, 19)
        Ends of the bins of each, and of the distances to the nearest centre; ascending.
    counts : int64 array of shape (t + 1, 20)
        Rows of the fit in each bin.
    centres : float64 array of shape (k, d)
        Latent means of the clusters.
    far : float
        Distance to the nearest centre that 1 % of the rows exceed.
    """

    dimensions: IntArray
    edges: FloatArray
    counts: IntArray
    centres: FloatArray
    far: float

    @classmethod
    def of(cls, latent: AnyArray, labels: IntArray) -> Self:
        """Counts of rows; of very many, of a random sample.

        Parameters
        ----------
        latent : array of shape (n, d)
        labels : int64 array of shape (n,)
        """
        rows = latent.reshape(len(latent), -1)
        most = min(_MOST_COUNTED, max(_LEAST_COUNTED, _NUMBERS // max(rows.shape[1], 1)))
        if len(rows) > most:
            chosen = np.sort(np.random.default_rng(0).choice(len(rows), most, replace=False))
            rows, labels = rows[chosen], labels[chosen]
        spread = np.array([column.var(dtype=np.float64) for column in rows.T])
        dimensions = np.sort(np.argsort(-spread, kind="stable")[:_MOST_DIMENSIONS])
        found, sizes = np.unique(labels[labels >= 0], return_counts=True)
        found = found[np.sort(np.argsort(-sizes, kind="stable")[:_MOST_CENTRES])]
        means = [rows[labels == label].mean(axis=0, dtype=np.float64) for label in found]
        centres = np.stack(means) if means else rows.mean(axis=0, dtype=np.float64)[None]
        distances = _to_nearest(rows, centres)
        columns = [*(rows[:, j].astype(np.float64) for j in dimensions), distances]
        levels = np.arange(1, _BINS) / _BINS
        edges = np.stack([np.quantile(column, levels) for column in columns])
        counts = np.stack([_counted(*pair) for pair in zip(columns, edges, strict=True)])
        return cls(dimensions, edges, counts, centres, float(np.quantile(distances, 1 - _FAR)))

    def as_state(self) -> State:
        """Content of the part ``reference`` of a bundle."""
        return attrs.asdict(self)

    @classmethod
    def of_state(cls, state: State) -> Self:
        """Read a state that :meth:`as_state` gave.

        Raises
        ------
        StateError
            If it cannot be that.
        """
        arrays = {
            name: need(state, name, np.ndarray)
            for name in ("dimensions", "edges", "counts", "centres")
        }
        far = state.get("far")
        tests = len(arrays["dimensions"]) + 1
        kinds = {name: array.dtype.name for name, array in arrays.items()}
        if not (
            kinds
            == {"dimensions": "int64", "edges": "float64", "counts": "int64", "centres": "float64"}
            and arrays["dimensions"].ndim == 1
            and arrays["edges"].shape == (tests, _BINS - 1)
            and arrays["counts"].shape == (tests, _BINS)
            and arrays["centres"].ndim == 2
            and len(arrays["centres"]) > 0
            and np.isfinite(arrays["edges"]).all()
            and np.isfinite(arrays["centres"]).all()
            and (np.diff(arrays["edges"], axis=1) >= 0).all()
            and (arrays["counts"] >= 0).all()
            and (
                (arrays["dimensions"] >= 0) & (arrays["dimensions"] < arrays["centres"].shape[1])
            ).all()
            and isinstance(far, (float, np.floating))
            and np.isfinite(far)
        ):
            raise StateError("the counts of the reference do not fit together")
        return cls(**arrays, far=float(far))


@attrs.frozen
class DriftTest:
    """One comparison of new rows with those of the fit.

    Attributes
    ----------
    what : str
        ``"shares of clusters"``, ``"distance to the nearest cluster"`` or ``"latent 3"``.
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
        Positions of far rows that lie together, so that they may be a new cluster; the largest
        first. Only where more rows are far than chance explains.
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
    distances = _to_nearest(rows, reference.centres)
    far = distances > reference.far
    if len(labels) < _LEAST_ROWS:
        return Drift("unknown", len(labels), (), shares, float(far.mean()), ())
    columns = [*(rows[:, j].astype(np.float64) for j in reference.dimensions), distances]
    names = [f"latent {j}" for j in reference.dimensions] + ["distance to the nearest cluster"]
    found = {
        name: _p_value(reference.counts[i], _counted(columns[i], reference.edges[i]))
        for i, name in enumerate(names)
    }
    found["shares of clusters"] = _p_value(
        np.array([sizes.get(label, 0) for label in known]), np.array(list(now.values()))
    )
    tests = _adjusted(found)
    candidates: tuple[tuple[int, ...], ...] = ()
    if _more_than_chance(int(far.sum()), len(far)):
        candidates = _together(rows, np.flatnonzero(far), reference.far, random_state)
    verdict: Literal["quiet", "drift"] = "drift" if tests[0].p_adjusted < _LEVEL else "quiet"
    return Drift(verdict, len(labels), tests, shares, float(far.mean()), candidates)


def _to_nearest(rows: AnyArray, centres: FloatArray) -> FloatArray:
    """Distance of each row to the nearest centre."""
    from scipy.spatial.distance import cdist

    step = max(1, min(_BLOCK, _NUMBERS // max(rows.shape[1], len(centres))))
    parts = [
        cdist(rows[start : start + step].astype(np.float64), centres).min(axis=1)
        for start in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _counted(values: AnyArray, edges: FloatArray) -> IntArray:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


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


def _more_than_chance(number: int, of: int) -> bool:
    from scipy.stats import binom

    return number >= _LEAST_CANDIDATES and bool(binom.sf(number - 1, of, _FAR) < _LEVEL)


def _together(
    rows: AnyArray, far: IntArray, radius: float, random_state: int
) -> tuple[tuple[int, ...], ...]:
    """Groups among the far rows, no wider than a cluster of the fit: by average linkage."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(far) > _MOST_GROUPED:
        rng = np.random.default_rng(derive_seed(random_state, "drift"))
        far = np.sort(rng.choice(far, _MOST_GROUPED, replace=False))
    tree = linkage(rows[far].astype(np.float64), "average")
    labels = fcluster(tree, _WIDEST * radius, "distance")
    groups = [far[labels == label] for label in np.unique(labels)]
    groups = [group for group in groups if len(group) >= _LEAST_CANDIDATES]
    groups.sort(key=lambda group: (-len(group), int(group[0])))
    return tuple(tuple(group.tolist()) for group in groups)
