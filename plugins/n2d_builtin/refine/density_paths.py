"""Clusters to which noise is connected through the densest rows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import NOISE, AnyArray, IntArray

__all__ = ["Nearest", "connected_labels", "nearest_points"]

#: Neighbours between which paths go, and by which density is measured.
_NEIGHBORS = 15

#: Positions and distances of the nearest points, each (n, k + 1), of which the first is itself.
Nearest: TypeAlias = tuple[IntArray, AnyArray]


def nearest_points(points: AnyArray) -> Nearest:
    """The 15 points that are nearest to each, or all others."""
    return ExactNeighbors(points).query_self(min(_NEIGHBORS, len(points) - 1) + 1)


def connected_labels(points: AnyArray, labels: IntArray, known: Nearest | None = None) -> IntArray:
    """Labels of points, where noise has that of the cluster to which it is connected.

    Of all paths from near point to near point, that counts whose longest step is the shortest, in
    the mutual reachability distance by which HDBSCAN grows clusters: the minimum spanning forest
    with one tree for each clustered point. What no path reaches gets the label of the nearest
    clustered point.

    Parameters
    ----------
    points : float32 array of shape (n, m)
        All different.
    labels : int64 array of shape (n,)
    known : pair of arrays, optional
        What :func:`nearest_points` gives, if it is known.

    Returns
    -------
    int64 array of shape (n,)
        Without noise, unless there is nothing else.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    clustered = np.flatnonzero(labels != NOISE)
    if len(clustered) in (0, len(labels)):
        return labels
    near, apart = nearest_points(points) if known is None else known
    near, core = near[:, 1:], apart[:, -1]
    n, number = near.shape
    steps = np.maximum(np.maximum(core[:, None], core[near]), apart[:, 1:]).ravel()
    # Places in ascending order in their stead, so that no two are equal: the tree is the only one.
    # Steps to denser points are as long as each other: the nearest goes first.
    weights = np.empty(len(steps))
    weights[np.lexsort((apart[:, 1:].ravel(), steps))] = np.arange(2, len(steps) + 2)
    rows = np.concatenate([np.repeat(np.arange(n), number), np.full(len(clustered), n)])
    columns = np.concatenate([near.ravel(), clustered])
    weights = np.concatenate([weights, np.ones(len(clustered))])
    graph = csr_array((weights, (rows, columns)), shape=(n + 1, n + 1))
    tree = minimum_spanning_tree(graph)[:n, :n]
    count, codes = connected_components(tree, directed=False)
    of_tree = np.full(count, NOISE, dtype=np.int64)
    of_tree[codes[clustered]] = labels[clustered]
    found: IntArray = of_tree[codes]
    apart_from_all = np.flatnonzero(found == NOISE)
    if len(apart_from_all):
        nearest = ExactNeighbors(points[clustered]).query(points[apart_from_all], 1)[0][:, 0]
        found[apart_from_all] = labels[clustered[nearest]]
    return found
