"""Compiled exact search among points that lie in leaves, a leaf at a time as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled
from n2d_builtin.neighbors.leaf_shape import FEATURES, LEAF

__all__ = ["limit_of", "rough_distances", "rough_vectors", "search_leaves"]

#: Points of which only the nearest is looked at, if it is too far away.
_BLOCK = 16
#: Leaves that are visited in the order of their distance.
_FIRST = 8
_EPSILON, _SMALLEST = 2.0**-24, 2.0**-126


@compiled()
def rough_vectors() -> Any:
    """Room for the rough distances to the points of a leaf, and for the least of each block."""
    return np.empty(LEAF, np.float32), np.empty(LEAF // _BLOCK, np.float32)


@compiled(fastmath={"contract", "nsz", "nnan", "reassoc"})
def rough_distances(columns: Any, row: Any, found: Any, least: Any) -> None:
    """Squared distances, in single precision, of a row to the points of a leaf."""
    for p in range(LEAF):
        found[p] = np.float32(0.0)
    for f in range(0, row.shape[0], FEATURES):
        one, two, three, four = row[f], row[f + 1], row[f + 2], row[f + 3]
        for p in range(LEAF):
            a, b = columns[f, p] - one, columns[f + 1, p] - two
            c, d = columns[f + 2, p] - three, columns[f + 3, p] - four
            found[p] += (a * a + b * b) + (c * c + d * d)
    for block in range(least.shape[0]):
        smallest = found[block * _BLOCK]
        for p in range(block * _BLOCK + 1, (block + 1) * _BLOCK):
            smallest = min(smallest, found[p])
        least[block] = smallest


@compiled(fastmath={"contract", "nsz"})
def _outside(low: Any, high: Any, row: Any, found: Any) -> None:
    """Squared distances, in single precision, of a row to the boxes around the leaves."""
    zero = np.float32(0.0)
    for leaf in range(found.shape[0]):
        found[leaf] = zero
    for f in range(row.shape[0]):
        value = row[f]
        for leaf in range(found.shape[0]):
            beyond = max(max(low[f, leaf] - value, value - high[f, leaf]), zero)
            found[leaf] += beyond * beyond


@compiled()
def limit_of(worst: float, rounded: float, width: int) -> Any:
    """Rough squared distance up to which a point may be as near as the square `worst`."""
    if worst == np.inf:
        return np.float32(np.inf)
    length = np.sqrt(worst) + rounded
    square = length * length * (1.0 + (2 * width + 16) * _EPSILON) + 4 * width * _SMALLEST
    return np.float32(square * (1.0 + 2 * _EPSILON))


@compiled()
def _visit(point: Any, index: int, query: Any, indices: Any, distances: Any) -> bool:
    """Put a point among the nearest, where it belongs there."""
    last = indices.shape[0] - 1
    square = 0.0
    for f in range(query.shape[0]):
        difference = np.float64(query[f]) - np.float64(point[f])
        square += difference * difference
    if square > distances[last] or (square == distances[last] and index > indices[last]):
        return False
    j = last
    while j > 0 and (
        distances[j - 1] > square or (distances[j - 1] == square and indices[j - 1] > index)
    ):
        distances[j] = distances[j - 1]
        indices[j] = indices[j - 1]
        j -= 1
    distances[j] = square
    indices[j] = index
    return True


@compiled()
def _visit_leaf(
    points: Any, order: Any, columns: Any, first: int, query: Any, row: Any,
    rough: Any, least: Any, limit: Any, rounded: float, indices: Any, distances: Any,
) -> Any:  # fmt: skip
    """Put the points of a leaf among the nearest, where they belong there; the new limit."""
    rough_distances(columns, row, rough, least)
    for block in range(least.shape[0]):
        if least[block] > limit:
            continue
        start = block * _BLOCK
        for p in range(start, min(start + _BLOCK, order.shape[0] - first)):
            if rough[p] <= limit and _visit(
                points[order[first + p]], order[first + p], query, indices, distances
            ):
                limit = limit_of(distances[-1], rounded, query.shape[0])
    return limit


@compiled()
def _nearest(boxes: Any) -> Any:
    """The nearest leaf of those that were not visited, whose distances are NaN."""
    nearest, least = 0, np.float32(np.inf)
    for leaf in range(boxes.shape[0]):
        if boxes[leaf] < least:
            nearest, least = leaf, boxes[leaf]
    return nearest


@compiled()
def search_leaves(
    points: Any, order: Any, columns: Any, low: Any, high: Any, queries: Any, rows: Any,
    rounded: Any, indices: Any, distances: Any,
) -> None:  # fmt: skip
    """Fill in the nearest points of each query, ties by lower index.

    Parameters
    ----------
    points : array of shape (n, d)
    order : int64 array of shape (n,)
        Points of the leaves, one leaf after the other.
    columns : float32 array of shape (leaves, d, LEAF)
        The points of each leaf, rounded; where the last has fewer, anything.
    low, high : float32 arrays of shape (d, leaves)
        Ends of the boxes around the rounded points.
    queries : array of shape (m, d)
    rows : float32 array of shape (m, d)
        The queries, rounded.
    rounded : float64 array of shape (m,)
        What rounding, of points and query together, changes of a distance at most.
    indices : int64 array of shape (m, k), written
    distances : float64 array of shape (m, k), written
        Squared, in ascending order.
    """
    leaves = columns.shape[0]
    boxes = np.empty(leaves, np.float32)
    rough, least = rough_vectors()
    for i in range(queries.shape[0]):
        indices[i] = points.shape[0]
        distances[i] = np.inf
        limit = np.float32(np.inf)
        _outside(low, high, rows[i], boxes)
        for turn in range(leaves + _FIRST):
            # The nearest leaves come first: most others are then too far away.
            leaf = turn - _FIRST if turn >= _FIRST else _nearest(boxes)
            if boxes[leaf] <= limit:
                boxes[leaf] = np.nan
                limit = _visit_leaf(
                    points, order, columns[leaf], leaf * LEAF, queries[i], rows[i],
                    rough, least, limit, rounded[i], indices[i], distances[i],
                )  # fmt: skip
