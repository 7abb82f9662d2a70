"""Exact spanning tree by mutual reachability, in parallel, of many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.threads import in_threads
from n2d_builtin.neighbors.leaves import Leaves
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["spanning_tree"]

#: Leaves that go to a thread at once.
_AT_ONCE = 32


def spanning_tree(
    points: AnyArray, indices: IntArray, distances: NDArray[np.float64], *, alpha: float,
    n_jobs: int, check: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:  # fmt: skip
    """Find the edges of a minimum spanning tree.

    Parameters
    ----------
    points : float array of shape (n, d)
        Distinct rows, compared by their euclidean distance.
    indices : int64 array of shape (n, k)
        Neighbours of each point, which need not be exact.
    distances : float64 array of shape (n, k)
        Their distances; the last is the core distance of a point.
    alpha : float
        Distances, but not core distances, are divided by it.
    n_jobs : int
        Threads; the result is the same for any number of them.
    check : callable, optional
        Called between rounds; an error that it raises ends the work.

    Returns
    -------
    float64 array of shape (n - 1, 3)
        Two points and their mutual reachability distance.

    Notes
    -----
    Boruvka's method: in each round every part of the points is joined to the nearest other part.
    Most of the shortest edges go to known neighbours. An edge that is shorter than those can only
    begin at a point whose core distance is less, and only these are searched for one, among leaves
    of points of which those too far away, and those of the same part, are passed over.

    References
    ----------
    McInnes and Healy 2017, Accelerated Hierarchical Density Based Clustering, ICDMW.
    """
    from n2d_builtin.hdbscan.spanning_tree_kernel import (
        join_parts,
        known_edges,
        shortest_edges,
        unknown_edges,
    )

    n, shrink, leaves = len(points), 1.0 / alpha**2, Leaves(points)
    core, squares = np.square(distances[:, -1]), np.square(distances) * shrink
    nearest, reach = np.empty(n, dtype=np.int64), np.empty(n)
    part, count, found = np.arange(n), n, []
    while count > 1:
        check()
        known_edges(part, core, indices, squares, nearest, reach)
        least, best = np.full(count, np.inf), np.full(count, -1)
        shortest_edges(part, nearest, reach, least, best)
        whole = leaves.shared_values(part)
        of_round: list[Any] = [points, *leaves.arrays, part, whole, core, shrink, least]
        of_round += [least.copy(), nearest, reach]

        def look(start: int, stop: int, of_round: list[Any] = of_round) -> None:
            unknown_edges(start, stop, *of_round)

        in_threads(look, len(leaves), n_jobs=n_jobs, chunk=_AT_ONCE)
        shortest, best = np.full(count, np.inf), np.full(count, -1)
        shortest_edges(part, nearest, reach, shortest, best)
        rows = best[np.argsort(shortest, kind="stable")]
        above, joins = np.arange(count), np.empty(count, dtype=bool)
        join_parts(part[rows], part[nearest[rows]], above, joins)
        rows = rows[joins]
        apart = np.sqrt(shortest[part[rows]])
        found.append(np.column_stack([rows, nearest[rows], apart]))
        distinct, numbers = np.unique(above, return_inverse=True)
        part, count = numbers[part], len(distinct)
    return np.concatenate(found) if found else np.empty((0, 3))
