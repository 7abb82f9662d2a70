"""The smoothest vectors of a graph: its parts one by one, so that no eigenvalue is repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.principal_axes import signed
from n2d_framework.plugin import AnyArray

__all__ = ["smooth_vectors"]

#: Of the rows of one part and a number: so many roughnesses, ascending, and vectors as columns,
#: orthogonal to the one that is the same for all rows of the part.
Solver: TypeAlias = Callable[[AnyArray, int], tuple[AnyArray, AnyArray]]


def smooth_vectors(graph: Any, count: int, solve: Solver) -> tuple[NDArray[np.float64], int]:
    """Vectors that vary least along the edges of a graph, the constant one left out.

    A graph in parts has one vector for each part, which is 1 there and 0 elsewhere; these come
    first, by falling size of their parts.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric.
    count : int
        Number of vectors, below `n`.
    solve : callable
        Finds those of one part.

    Returns
    -------
    vectors : float64 array of shape (n, count)
        The largest entry of each is positive.
    parts : int
        Number of parts.
    """
    from scipy.sparse.csgraph import connected_components

    parts, part = connected_components(graph, directed=False)
    by_size = np.argsort(-np.bincount(part), kind="stable")
    members = [np.flatnonzero(part == label) for label in by_size]
    found: list[tuple[float, AnyArray, AnyArray]] = [
        (-1.0, rows, np.ones(len(rows))) for rows in members[: count if parts > 1 else 0]
    ]
    missing = count - len(found)
    for rows in members if missing else ():
        roughness, vectors = solve(rows, min(missing, len(rows) - 1))
        found += zip(roughness, [rows] * len(roughness), signed(vectors).T, strict=True)
    found.sort(key=lambda vector: vector[0])
    joined = np.zeros((graph.shape[0], count))
    for column, (_, rows, values) in enumerate(found[:count]):
        joined[rows, column] = values
    return joined, parts
