"""Drift: whether rows are still like those of the fit, and where new clusters may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.metrics.cluster_axes import along_axes, cluster_axes
from n2d_framework.metrics.neighbor_graph import connected
from n2d_framework.seeding import derive_seed
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = ["Drift", "DriftTest", "Reference", "drift_of"]

#: Bins of a test; each has at least so many of the new rows, were they as those of the fit.
_BINS, _LEAST_EXPECTED = 20, 8
#: Latent dimensions that are tested: those of the largest variance.
_MOST_DIMENSIONS = 32
#: Features of the input that are tested.
_MOST_FEATURES = 64
#: Clusters whose centres are known, the largest.
_MOST_CENTRES = 1000
#: Fewer rows cannot show anything, or are too few to be a new cluster.
_LEAST_ROWS, _LEAST_CANDIDATES = 50, 10
#: Chance of an alarm without drift, for all tests together; share of the fit's rows that are far.
_LEVEL, _FAR = 0.01, 0.01
#: Rows that are counted, at most and at least, and numbers held at once.
_MOST_COUNTED, _LEAST_COUNTED, _NUMBERS = 20_000, 2000, 16_000_000
#: Rows whose distances are computed at once.
_BLOCK = 4096
#: Rows of the fit that are kept, and new rows that are compared with them, at most.
_MOST_KEPT = 2000
#: Neighbours of a new row, and the chance of so many new ones among them without new clusters.
_NEIGHBORS, _CROWDED = 15, 1e-3
#: By how much, in proportion, equal distances may differ.
_ROUNDING = 1e-9


@attrs.frozen(eq=False)
class Reference:
    """Counts of latent rows of the fit, with which those of others are compared.

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
    axes : float64 array of shape (d, r), or None
        Directions in which clusters are about equally wide; ``None`` in a bundle of an earlier
        framework.
    points : float32 array of shape (p, r), or None
        Latent rows of the fit along these, at most 2,000.
    features : tuple of str
        Features of the input that are tested: all, or the 64 of the largest variance.
    feature_edges, feature_counts : arrays as `edges` and `counts`, or None
        Of these.
    """

    dimensions: IntArray
    edges: FloatArray
    counts: IntArray
    centres: FloatArray
    far: float
    axes: FloatArray | None = None
    points: AnyArray | None = None
    features: tuple[str, ...] = ()
    feature_edges: FloatArray | None = None
    feature_counts: IntArray | None = None

    @classmethod
    def of(
        cls,
        latent: AnyArray,
        labels: IntArray,
        features: AnyArray | None = None,
        names: Sequence[str] = (),
    ) -> Self:
        """Counts of rows; of very many, of a random sample.

        Parameters
        ----------
        latent : array of shape (n, d)
        labels : int64 array of shape (n,)
        features : array of shape (m, f), optional
            Of these rows, or a sample of them.
        names : sequence of str
            One for each feature.
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
        edges, counts = _binned(columns)
        far = float(np.quantile(distances, 1 - _FAR))
        axes = cluster_axes(rows, labels)
        kept = np.sort(np.random.default_rng(0).permutation(len(rows))[:_MOST_KEPT])
        points = along_axes(rows[kept], axes)
        made = cls(dimensions, edges, counts, centres, far, axes, points)
        if features is None or not len(names):
            return made
        tested = np.sort(np.argsort(-_spreads(features), kind="stable")[:_MOST_FEATURES])
        feature_edges, feature_counts = _binned([features[:, j].astype(np.float64) for j in tested])
        return attrs.evolve(
            made,
            features=tuple(names[j] for j in tested.tolist()),
            feature_edges=feature_edges,
            feature_counts=feature_counts,
        )

    def is_far(self, latent: AnyArray) -> AnyArray:
        """Which rows are farther from every cluster than 99 % of those of the fit."""
        distances = _to_nearest(latent.reshape(len(latent), -1), self.centres)
        return np.asarray(distances > self.far)

    def as_state(self) -> State:
        """Content of the part ``reference`` of a bundle."""
        state = {name: value for name, value in attrs.asdict(self).items() if value is not None}
        return state | {"features": list(self.features)}

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
        if "axes" not in state:
            return cls(**arrays, far=float(far))
        axes, points = (need(state, name, np.ndarray) for name in ("axes", "points"))
        if not (
            (axes.dtype, points.dtype) == (np.float64, np.float32)
            and (axes.ndim, points.ndim) == (2, 2)
            and len(axes) == arrays["centres"].shape[1]
            and points.shape[1] == axes.shape[1]
            and len(points) > 0
            and np.isfinite(axes).all()
            and np.isfinite(points).all()
        ):
            raise StateError("axes and points of the reference do not fit together")
        found = cls(**arrays, far=float(far), axes=axes, points=points)
        names = state.get("features", [])
        if not names:
            return found
        edges, counts = (
            need(state, name, np.ndarray) for name in ("feature_edges", "feature_counts")
        )
        if not (
            isinstance(names, (list, tuple))
            and all(isinstance(name, str) for name in names)
            and (edges.dtype, counts.dtype) == (np.float64, np.int64)
            and edges.shape == (len(names), _BINS - 1)
            and counts.shape == (len(names), _BINS)
            and np.isfinite(edges).all()
            and (np.diff(edges, axis=1) >= 0).all()
            and (counts >= 0).all()
        ):
            raise StateError("features of the reference do not fit together")
        return attrs.evolve(
            found, features=tuple(names), feature_edges=edges, feature_counts=counts
        )


@attrs.frozen
class DriftTest:
    """One comparison of new rows with those of the fit.

    Attributes
    ----------
    what : str
        ``"shares of clusters"``, ``"distance to the nearest cluster"``, ``"latent 3"`` or
        ``"feature age"``.
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
    if features and reference.feature_edges is not None and reference.feature_counts is not None:
        nothing = np.zeros(len(next(iter(features.values()))))
        for i, name in enumerate(reference.features):
            values = _counted(features.get(name, nothing), reference.feature_edges[i])
            found[f"feature {name}"] = _p_value(reference.feature_counts[i], values)
    found["shares of clusters"] = _p_value(
        np.array([sizes.get(label, 0) for label in known]), np.array(list(now.values()))
    )
    tests = _adjusted(found)
    candidates = _crowds(rows, reference, random_state)
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


def _spreads(features: AnyArray) -> AnyArray:
    """Standard deviation of each column, also where its square is beyond float64."""
    exponents = np.frexp(np.abs(features).max(axis=0, initial=0.0))[1]
    near_one = np.ldexp(features.astype(np.float64), -exponents)
    return np.asarray(np.ldexp(near_one.std(axis=0), exponents))


def _binned(columns: list[AnyArray]) -> tuple[FloatArray, IntArray]:
    """Ends of the bins of each column, and how many of its values they hold."""
    edges: FloatArray = np.stack([_edges(column) for column in columns]).astype(np.float64)
    return edges, np.stack([_counted(*pair) for pair in zip(columns, edges, strict=True)])


def _edges(column: AnyArray) -> FloatArray:
    """Ends of bins of as many values each; of few different values each has its own bin."""
    values = np.unique(column)
    if len(values) > _BINS:
        return np.asarray(np.quantile(column, np.arange(1, _BINS) / _BINS))
    middles = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values
    return np.concatenate([middles, np.repeat(middles[-1:], _BINS - 1 - len(middles))])


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
