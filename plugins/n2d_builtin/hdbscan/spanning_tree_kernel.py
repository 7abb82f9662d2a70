"""Compiled steps of Boruvka's method: the shortest edges that leave each part of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_builtin.common.compiled import compiled
from n2d_builtin.neighbors.leaf_kernel import limit_of, rough_distances, rough_vectors
from n2d_builtin.neighbors.leaf_shape import LEAF

__all__ = ["join_parts", "known_edges", "shortest_edges", "single_linkage", "unknown_edges"]


@compiled()
def _before(reach: float, p: int, q: int, other_reach: float, p_other: int, q_other: int) -> bool:
    """Order of edges: by reach, then by their lower and their higher row."""
    if reach != other_reach:
        return reach < other_reach
    low, other_low = min(p, q), min(p_other, q_other)
    return low < other_low or (low == other_low and max(p, q) < max(p_other, q_other))


@compiled()
def known_edges(part: Any, core: Any, indices: Any, squares: Any, nearest: Any, reach: Any) -> None:
    """Of each row the shortest edge to a known neighbour in another part.

    Parameters
    ----------
    part : int64 array of shape (n,)
        The part of each row.
    core : float64 array of shape (n,)
        Squared core distances.
    indices : int64 array of shape (n, k)
        Neighbours.
    squares : float64 array of shape (n, k)
        Their squared distances.
    nearest : int64 array of shape (n,), written
        The other row; -1 if there is none.
    reach : float64 array of shape (n,), written
        Square of the mutual reachability distance; infinite if there is none.
    """
    for p in range(indices.shape[0]):
        nearest[p], reach[p] = -1, np.inf
        for j in range(indices.shape[1]):
            q = indices[p, j]
            if part[q] != part[p]:
                found = max(max(squares[p, j], core[p]), core[q])
                if _before(found, p, q, reach[p], p, nearest[p]):
                    nearest[p], reach[p] = q, found


@compiled()
def shortest_edges(part: Any, nearest: Any, reach: Any, least: Any, best: Any) -> None:
    """The shortest edge of each part.

    Parameters
    ----------
    part, nearest, reach
        As for :func:`known_edges`.
    least : float64 array of shape (c,), written
        Its reach; infinite if there is none.
    best : int64 array of shape (c,), written
        The row of the part from which it goes; -1 if there is none.
    """
    for p in range(part.shape[0]):
        at, q = part[p], nearest[p]
        if q >= 0:
            r = best[at]
            if r < 0 or _before(reach[p], p, q, least[at], r, nearest[r]):
                best[at], least[at] = p, reach[p]


@compiled(fastmath={"contract", "nsz"})
def _between(low: Any, high: Any, leaf: int, found: Any) -> None:
    """Squared distances, in single precision, of the box of a leaf to all boxes."""
    zero = np.float32(0.0)
    for other in range(found.shape[0]):
        found[other] = zero
    for f in range(low.shape[0]):
        bottom, top = low[f, leaf], high[f, leaf]
        for other in range(found.shape[0]):
            beyond = max(max(low[f, other] - top, bottom - high[f, other]), zero)
            found[other] += beyond * beyond


@compiled()
def _to_box(low: Any, high: Any, leaf: int, row: Any) -> Any:
    """Squared distance, in single precision, of a row to the box of a leaf."""
    total = np.float32(0.0)
    for f in range(row.shape[0]):
        beyond = max(max(low[f, leaf] - row[f], row[f] - high[f, leaf]), np.float32(0.0))
        total += beyond * beyond
    return total


@compiled()
def _visit(
    p: int, leaf: int, points: Any, order: Any, columns: Any, row: Any, rounded: float,
    part: Any, core: Any, shrink: float, bound: Any, nearest: Any, reach: Any,
    rough: Any, least: Any,
) -> None:  # fmt: skip
    """Look for a shorter edge of row `p` among the points of a leaf."""
    rough_distances(columns[leaf], row, rough, least)
    own = part[p]
    limit = limit_of(bound[own] / shrink, rounded, points.shape[1])
    first = leaf * LEAF
    for j in range(min(LEAF, order.shape[0] - first)):
        if rough[j] <= limit:
            q = order[first + j]
            if part[q] != own and core[q] <= bound[own]:
                square = 0.0
                for f in range(points.shape[1]):
                    difference = np.float64(points[p, f]) - np.float64(points[q, f])
                    square += difference * difference
                found = max(max(square * shrink, core[p]), core[q])
                if _before(found, p, q, reach[p], p, nearest[p]):
                    nearest[p], reach[p] = q, found
                if found < bound[own]:
                    bound[own] = found
                    limit = limit_of(found / shrink, rounded, points.shape[1])
                if found < bound[part[q]]:
                    bound[part[q]] = found


@compiled()
def _top(above: Any, at: int) -> int:
    """The part that a part was joined to; ways to it become shorter."""
    while above[at] != at:
        above[at] = above[above[at]]
        at = above[at]
    return at


@compiled()
def join_parts(ends: Any, others: Any, above: Any, joins: Any) -> None:
    """Join parts by edges, one after the other.

    Parameters
    ----------
    ends, others : int64 arrays of shape (e,)
        The two parts that each edge joins.
    above : int64 array of shape (c,), written
        Each part itself before; afterwards the part that stands for all that are joined.
    joins : bool array of shape (e,), written
        Whether the two were not joined before.
    """
    for e in range(ends.shape[0]):
        one, other = _top(above, ends[e]), _top(above, others[e])
        joins[e] = one != other
        above[max(one, other)] = min(one, other)
    for at in range(above.shape[0]):
        above[at] = _top(above, at)


@compiled()
def single_linkage(edges: Any, linkage: Any) -> None:
    """Join points by the edges of a spanning tree, one after the other.

    Parameters
    ----------
    edges : float64 array of shape (n - 1, 3)
        Two points and their distance, in ascending order of it.
    linkage : float64 array of shape (n - 1, 4), written
        The two clusters that each edge joins (cluster ``n + i`` is made by edge `i`), their
        distance, and how many points they have together.
    """
    n = edges.shape[0] + 1
    above, size = np.arange(2 * n - 1), np.ones(2 * n - 1)
    for e in range(edges.shape[0]):
        one, other = _top(above, int(edges[e, 0])), _top(above, int(edges[e, 1]))
        above[one] = above[other] = n + e
        size[n + e] = size[one] + size[other]
        linkage[e, 0], linkage[e, 1] = one, other
        linkage[e, 2], linkage[e, 3] = edges[e, 2], size[n + e]


@compiled()
def _ask(rows: Any, part: Any, core: Any, least: Any, bound: Any, asked: Any) -> tuple[int, float]:
    """Number of rows of a leaf that may have a shorter edge, and how far it reaches at most."""
    count, farthest = 0, 0.0
    for j in range(rows.shape[0]):
        p = rows[j]
        own = part[p]
        if core[p] < least[own] and core[p] <= bound[own]:
            asked[count] = j
            count += 1
            farthest = max(farthest, bound[own])
    return count, farthest


@compiled()
def unknown_edges(
    start: int, stop: int, points: Any, order: Any, columns: Any, low: Any, high: Any,
    rounded: float, part: Any, whole: Any, core: Any, shrink: float, least: Any, bound: Any,
    nearest: Any, reach: Any,
) -> None:  # fmt: skip
    """Shorter edges, to rows that are not known as neighbours, of the rows of some leaves.

    Parameters
    ----------
    start, stop : int
        The leaves whose rows are asked.
    points : array of shape (n, d)
    order, columns, low, high
        Of all leaves, as for :func:`n2d_builtin.neighbors.leaf_kernel.search_leaves`.
    rounded : float
        What rounding changes of a distance at most.
    part, core, nearest, reach
        As for :func:`known_edges`.
    whole : int64 array of shape (leaves,)
        The part of all rows of each leaf; -1 if they are of several.
    shrink : float
        Factor on squared distances.
    least : float64 array of shape (c,)
        Reach of the shortest known edge of each part: rows with a core distance that is no less
        are not asked.
    bound : float64 array of shape (c,), written
        Reach of the shortest edge of each part that has been found up to now. Threads share it:
        whenever it is read, edges that reach no farther than the shortest are found.
    """
    boxes = np.empty(low.shape[1], np.float32)
    rough, blocks = rough_vectors()
    row = np.empty(low.shape[0], np.float32)
    asked = np.empty(LEAF, np.int64)
    for leaf in range(start, stop):
        first = leaf * LEAF
        count, farthest = _ask(order[first : first + LEAF], part, core, least, bound, asked)
        if count == 0:
            continue
        _between(low, high, leaf, boxes)
        limit = limit_of(farthest / shrink, rounded, points.shape[1])
        begin = -1
        for other in range(boxes.shape[0]):
            if whole[leaf] >= 0 and whole[other] == whole[leaf]:
                boxes[other] = np.nan
            elif begin < 0 or boxes[other] < boxes[begin]:
                begin = other
        # The nearest leaf first: most others are then too far away.
        for turn in range(-1, boxes.shape[0]):
            other = begin if turn < 0 else turn
            if other < 0 or turn == begin or not boxes[other] <= limit:
                continue
            farthest = 0.0
            for a in range(count):
                p = order[first + asked[a]]
                own = part[p]
                farthest = max(farthest, bound[own])
                if core[p] > bound[own] or whole[other] == own:
                    continue
                for f in range(row.shape[0]):
                    row[f] = columns[leaf, f, asked[a]]
                near = limit_of(bound[own] / shrink, rounded, points.shape[1])
                if _to_box(low, high, other, row) <= near:
                    _visit(
                        p, other, points, order, columns, row, rounded, part, core, shrink,
                        bound, nearest, reach, rough, blocks,
                    )  # fmt: skip
            limit = min(limit, limit_of(farthest / shrink, rounded, points.shape[1]))
