"""Compiled exhaustive search of nearest neighbours, for rows too wide for a tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled

__all__ = ["METRIC_CODES", "all_distances", "least_of", "search", "search_possible"]

#: How the kernel knows the metrics.
METRIC_CODES = {
    "euclidean": 0, "manhattan": 1, "chebyshev": 2,
    "hamming": 3, "canberra": 4, "braycurtis": 5, "jaccard": 6, "dice": 7,
}  # fmt: skip

_STRIDE = 128
_TILE = 256
#: Bounds of which only the least is looked at, if it is too large.
_BLOCK = 64


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _squares(x: Any, y: Any) -> Any:
    total = x[0] - x[0]
    for f in range(x.shape[0]):
        difference = x[f] - y[f]
        total += difference * difference
    return total


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _absolutes(x: Any, y: Any) -> Any:
    total = x[0] - x[0]
    for f in range(x.shape[0]):
        total += abs(x[f] - y[f])
    return total


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _largest(x: Any, y: Any) -> Any:
    total = x[0] - x[0]
    for f in range(x.shape[0]):
        total = max(total, abs(x[f] - y[f]))
    return total


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _unequal(x: Any, y: Any) -> Any:
    total = 0.0
    for f in range(x.shape[0]):
        total += 1.0 if x[f] != y[f] else 0.0
    return total / x.shape[0]


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _canberra(x: Any, y: Any) -> float:
    total = 0.0
    for f in range(x.shape[0]):
        here, there = float(x[f]), float(y[f])
        size = abs(here) + abs(there)
        total += abs(here - there) / (size if size > 0.0 else 1.0)
    return total


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _bray_curtis(x: Any, y: Any) -> float:
    apart, together = 0.0, 0.0
    for f in range(x.shape[0]):
        here, there = float(x[f]), float(y[f])
        apart += abs(here - there)
        together += here + there
    return apart / together if together > 0.0 else 0.0


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _unshared(x: Any, y: Any, jaccard: bool) -> float:
    """Jaccard's or Dice's distance of rows of 0 and 1, of which all sums are exact."""
    shared, both = 0.0, 0.0
    for f in range(x.shape[0]):
        shared += x[f] * y[f]
        both += x[f] + y[f]
    of = both - shared if jaccard else both
    return (both - 2.0 * shared) / of if of > 0.0 else 0.0


@compiled()
def _whole(x: Any, y: Any, metric: int) -> Any:
    """Distance by a metric that has to see all of a row."""
    if metric == 3:
        return _unequal(x, y)
    if metric == 4:
        return _canberra(x, y)
    if metric == 5:
        return _bray_curtis(x, y)
    return _unshared(x, y, metric == 6)


@compiled()
def _within(x: Any, y: Any, i: int, p: int, limit: float, metric: int) -> float:
    """Distance of row `i` of `x` and row `p` of `y`, given up once it exceeds `limit`."""
    if metric > 2:
        return float(_whole(x[i], y[p], metric))
    total = 0.0
    for start in range(0, x.shape[1], _STRIDE):
        stop = min(start + _STRIDE, x.shape[1])
        here, there = x[i, start:stop], y[p, start:stop]
        if metric == 0:
            total += _squares(here, there)
        elif metric == 1:
            total += _absolutes(here, there)
        else:
            total = max(total, float(_largest(here, there)))
        if total > limit:
            return total
    return total


@compiled()
def _visit(points: Any, queries: Any, i: int, p: int, nearest: Any, metric: int) -> None:
    """Put point `p` among the nearest of query `i`, if it belongs there."""
    indices, distances = nearest
    last = indices.shape[1] - 1
    distance = _within(queries, points, i, p, distances[i, last], metric)
    if distance < distances[i, last]:
        j = last
        while j > 0 and distances[i, j - 1] > distance:
            distances[i, j] = distances[i, j - 1]
            indices[i, j] = indices[i, j - 1]
            j -= 1
        distances[i, j] = distance
        indices[i, j] = p


@compiled()
def search(points: Any, queries: Any, indices: Any, distances: Any, metric: int) -> None:
    """Fill in the nearest points of each query, ties by lower index.

    Parameters
    ----------
    points : array of shape (n, d)
    queries : array of shape (m, d)
    indices : int64 array of shape (m, k), written
        -1 everywhere before.
    distances : float64 array of shape (m, k), written
        In ascending order, squared for the euclidean metric; infinite everywhere before.
    metric : int
        One of :data:`METRIC_CODES`.
    """
    nearest = (indices, distances)
    for first in range(0, points.shape[0], _TILE):
        last = min(first + _TILE, points.shape[0])
        for i in range(queries.shape[0]):
            for p in range(first, last):
                _visit(points, queries, i, p, nearest, metric)


@compiled()
def all_distances(points: Any, queries: Any, distances: Any, metric: int) -> None:
    """Fill in the distance of each query to each point; squared for the euclidean metric."""
    for i in range(queries.shape[0]):
        for p in range(points.shape[0]):
            distances[i, p] = _within(queries, points, i, p, np.inf, metric)


@compiled(fastmath={"nnan", "nsz"})
def least_of(values: Any) -> Any:
    """The least of some values, none of which is NaN."""
    least = values[0]
    for j in range(1, values.shape[0]):
        least = min(least, values[j])
    return least


@compiled()
def search_possible(
    points: Any, queries: Any, indices: Any, distances: Any, first: int, bounds: Any, room: Any
) -> None:
    """Continue with a euclidean search among points that may be near enough.

    Parameters
    ----------
    points, queries, indices, distances
        As for :func:`search`; the points before `first` have been visited.
    first : int
        The point of the first column of `bounds`.
    bounds : float32 array of shape (m, t)
        Squared distances, but for a constant of each query, are not less than this. Not NaN.
    room : float64 array of shape (m,)
        That constant with its sign changed.
    """
    last = indices.shape[1] - 1
    for i in range(queries.shape[0]):
        for start in range(0, bounds.shape[1], _BLOCK):
            part = bounds[i, start : start + _BLOCK]
            if least_of(part) <= distances[i, last] + room[i]:
                for j in range(part.shape[0]):
                    if part[j] <= distances[i, last] + room[i]:
                        _visit(points, queries, i, first + start + j, (indices, distances), 0)
