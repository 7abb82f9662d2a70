"""Compiled search among the points of a cell that may be near enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled
from n2d_builtin.neighbors.brute_kernel import least_of

__all__ = ["visit_possible"]

#: Bounds of which only the least is looked at, if it is too large.
_BLOCK = 64


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _square(x: Any, y: Any) -> float:
    """Squared distance of two rows in double precision."""
    total = 0.0
    for f in range(x.shape[0]):
        difference = np.float64(x[f]) - np.float64(y[f])
        total += difference * difference
    return total


@compiled()
def _put(square: float, index: int, indices: Any, distances: Any) -> None:
    """Put a point among the nearest, if it belongs there; ties by lower index."""
    j = indices.shape[0] - 1
    if square > distances[j] or (square == distances[j] and index > indices[j]):
        return
    while j > 0 and (
        distances[j - 1] > square or (distances[j - 1] == square and indices[j - 1] > index)
    ):
        distances[j] = distances[j - 1]
        indices[j] = indices[j - 1]
        j -= 1
    distances[j] = square
    indices[j] = index


@compiled()
def visit_possible(
    points: Any, members: Any, queries: Any, asked: Any, bounds: Any, room: Any,
    indices: Any, distances: Any,
) -> None:  # fmt: skip
    """Continue a search of some queries among the points of a cell.

    Parameters
    ----------
    points : array of shape (n, d)
    members : int64 array of shape (t,)
        The points of the cell.
    queries : array of shape (m, d)
    asked : int64 array of shape (a,)
        The queries for which the cell is searched.
    bounds : float32 array of shape (a, t)
        Squared distances, but for a constant of each query, are not less than this. Not NaN.
    room : float64 array of shape (m,)
        That constant with its sign changed.
    indices : int64 array of shape (m, k), written
    distances : float64 array of shape (m, k), written
        Squared, in ascending order; infinite where nothing was found yet.
    """
    last = indices.shape[1] - 1
    for a in range(asked.shape[0]):
        i = asked[a]
        for start in range(0, members.shape[0], _BLOCK):
            part = bounds[a, start : start + _BLOCK]
            if least_of(part) <= distances[i, last] + room[i]:
                for j in range(part.shape[0]):
                    if part[j] <= distances[i, last] + room[i]:
                        p = members[start + j]
                        _put(_square(queries[i], points[p]), p, indices[i], distances[i])
