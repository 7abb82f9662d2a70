"""The reference of a fit: what of its rows is kept, so that others can be compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import StateError
from n2d_framework.metrics.cluster_axes import along_axes, cluster_axes
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = ["Reference", "centre_distances", "counted", "margins"]

#: Bins of a test.
_BINS = 20
#: Latent dimensions that are tested: those of the largest variance.
_MOST_DIMENSIONS = 32
#: Features of the input that are tested.
_MOST_FEATURES = 64
#: Clusters whose centres are known, the largest.
_MOST_CENTRES = 1000
#: Share of the fit's rows that are far.
_FAR = 0.01
#: Rows that are counted, at most and at least, and numbers held at once.
_MOST_COUNTED, _LEAST_COUNTED, _NUMBERS = 20_000, 2000, 16_000_000
#: Rows whose distances are computed at once.
_BLOCK = 4096
#: Rows of the fit that are kept, at most.
_MOST_KEPT = 2000


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
    margin_edges, margin_counts : arrays as `edges` and `counts`, with one row, or None
        Of the margins between the nearest centre and the second; ``None`` of a single cluster, and
        in a bundle of an earlier framework.
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
    margin_edges: FloatArray | None = None
    margin_counts: IntArray | None = None

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
        apart = centre_distances(rows, centres)
        distances = apart[:, 0]
        columns = [*(rows[:, j].astype(np.float64) for j in dimensions), distances]
        edges, counts = _binned(columns)
        far = float(np.quantile(distances, 1 - _FAR))
        axes = cluster_axes(rows, labels)
        kept = np.sort(np.random.default_rng(0).permutation(len(rows))[:_MOST_KEPT])
        points = along_axes(rows[kept], axes)
        made = cls(dimensions, edges, counts, centres, far, axes, points)
        if len(centres) > 1:
            margin_edges, margin_counts = _binned([margins(apart)])
            made = attrs.evolve(made, margin_edges=margin_edges, margin_counts=margin_counts)
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
        distances = centre_distances(latent.reshape(len(latent), -1), self.centres)[:, 0]
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
        if "margin_edges" in state:
            edges, counts = _bins_of(state, "margin", 1)
            found = attrs.evolve(found, margin_edges=edges, margin_counts=counts)
        names = state.get("features", [])
        if not names:
            return found
        if not (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)):
            raise StateError("features of the reference do not fit together")
        edges, counts = _bins_of(state, "feature", len(names))
        return attrs.evolve(
            found, features=tuple(names), feature_edges=edges, feature_counts=counts
        )


def _bins_of(state: State, name: str, number: int) -> tuple[AnyArray, AnyArray]:
    """Ends and counts of the bins of so many columns, as a state has them."""
    edges, counts = (need(state, f"{name}_{part}", np.ndarray) for part in ("edges", "counts"))
    if not (
        (edges.dtype, counts.dtype) == (np.float64, np.int64)
        and edges.shape == (number, _BINS - 1)
        and counts.shape == (number, _BINS)
        and np.isfinite(edges).all()
        and (np.diff(edges, axis=1) >= 0).all()
        and (counts >= 0).all()
    ):
        raise StateError(f"{name}s of the reference do not fit together")
    return edges, counts


def centre_distances(rows: AnyArray, centres: FloatArray) -> FloatArray:
    """Distances of rows to the nearest centre and to the second: (n, 2); infinite without one."""
    from scipy.spatial.distance import cdist

    def two(block: AnyArray) -> AnyArray:
        apart = cdist(block.astype(np.float64), centres)
        if apart.shape[1] == 1:
            return np.column_stack([apart, np.full(len(apart), np.inf)])
        return np.partition(apart, 1, axis=1)[:, :2]

    step = max(1, min(_BLOCK, _NUMBERS // max(rows.shape[1], len(centres))))
    return np.concatenate([two(rows[i : i + step]) for i in range(0, len(rows), step)])


def margins(apart: FloatArray) -> FloatArray:
    """By how much the second centre is farther than the nearest, as a share: 0 where undecided."""
    nearest, second = apart.T
    share = np.divide(nearest, second, out=np.ones(len(apart)), where=second > 0)
    return np.asarray(1.0 - share)


def _spreads(features: AnyArray) -> AnyArray:
    """Standard deviation of each column, also where its square is beyond float64."""
    exponents = np.frexp(np.abs(features).max(axis=0, initial=0.0))[1]
    near_one = np.ldexp(features.astype(np.float64), -exponents)
    return np.asarray(np.ldexp(near_one.std(axis=0), exponents))


def _binned(columns: list[AnyArray]) -> tuple[FloatArray, IntArray]:
    """Ends of the bins of each column, and how many of its values they hold."""
    edges: FloatArray = np.stack([_edges(column) for column in columns]).astype(np.float64)
    return edges, np.stack([counted(*pair) for pair in zip(columns, edges, strict=True)])


def _edges(column: AnyArray) -> FloatArray:
    """Ends of bins of as many values each; of few different values each has its own bin."""
    values = np.unique(column)
    if len(values) > _BINS:
        return np.asarray(np.quantile(column, np.arange(1, _BINS) / _BINS))
    middles = (values[1:] + values[:-1]) / 2 if len(values) > 1 else values
    return np.concatenate([middles, np.repeat(middles[-1:], _BINS - 1 - len(middles))])


def counted(values: AnyArray, edges: FloatArray) -> IntArray:
    """Return how many values each of the bins between these ends holds."""
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
