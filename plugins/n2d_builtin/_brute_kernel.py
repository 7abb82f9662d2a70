"""Compiled exhaustive search of nearest neighbours, for rows too wide for a tree."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin._compiled import compiled

__all__ = ["METRIC_CODES", "search"]

#: How the kernel knows the metrics.
METRIC_CODES = {"euclidean": 0, "manhattan": 1, "chebyshev": 2}

_STRIDE = 128
_TILE = 256


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


@compiled()
def _within(x: Any, y: Any, i: int, p: int, limit: float, metric: int) -> float:
    """Distance of row `i` of `x` and row `p` of `y`, given up once it exceeds `limit`."""
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
def search(points: Any, queries: Any, indices: Any, distances: Any, metric: int) -> None:
    """Fill in the nearest points of each query, ties by lower index.

    Parameters
    ----------
    points : array of shape (n, d)
    queries : array of shape (m, d)
    indices : int64 array of shape (m, k), written
    distances : float64 array of shape (m, k), written
        In ascending order.
    metric : int
        One of :data:`METRIC_CODES`.
    """
    k = indices.shape[1]
    indices[:] = -1
    distances[:] = np.inf
    for first in range(0, points.shape[0], _TILE):
        last = min(first + _TILE, points.shape[0])
        for i in range(queries.shape[0]):
            for p in range(first, last):
                distance = _within(queries, points, i, p, distances[i, k - 1], metric)
                if distance < distances[i, k - 1]:
                    j = k - 1
                    while j > 0 and distances[i, j - 1] > distance:
                        distances[i, j] = distances[i, j - 1]
                        indices[i, j] = indices[i, j - 1]
                        j -= 1
                    distances[i, j] = distance
                    indices[i, j] = p
    if metric == 0:
        for i in range(queries.shape[0]):
            for j in range(k):
                distances[i, j] = np.sqrt(distances[i, j])
