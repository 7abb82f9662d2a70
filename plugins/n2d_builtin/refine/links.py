"""Rows that belong together, and rows that do not: labels in which all such links hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from n2d_framework.plugin import NOISE, AnyArray, DataError, IntArray, distinct_rows

__all__ = ["with_links"]


def with_links(
    points: AnyArray,
    labels: IntArray,
    together: Iterable[tuple[int, ...]],
    apart: Iterable[tuple[int, ...]],
    name: Callable[[int], str],
) -> IntArray:
    """Move as few rows as needed, and to clusters as near as possible, so that all links hold.

    Rows that belong together are one group. Groups are placed one after the other, the one with the
    fewest clusters left to it first (as in DSATUR: Brelaz 1979, Communications of the ACM 22): in
    the cluster where its rows are, or to whose rows they are nearest, of those that no group has
    from which it is to be apart.

    Parameters
    ----------
    points : float32 array of shape (n, m)
        Coordinates of the training rows. Equal rows have one label.
    labels : int64 array of shape (n,)
    together, apart : iterable of tuple of int
        Rows that get one label; rows of which no two get the same.
    name : callable
        Gives the name of a row, for messages.

    Returns
    -------
    int64 array of shape (n,)

    Raises
    ------
    DataError
        If links contradict each other, or there are too few clusters for them.
    """
    group_of = _groups(distinct_rows(points).inverse, together)
    enemies: dict[int, dict[int, tuple[int, int]]] = {}
    for rows in apart:
        for place, first in enumerate(rows):
            for second in rows[:place]:
                one, other = int(group_of[first]), int(group_of[second])
                if one == other:
                    raise DataError(
                        f"rows {name(second)} and {name(first)} cannot be apart: they are equal, "
                        "or other links hold them together"
                    )
                enemies.setdefault(one, {})[other] = (first, second)
                enemies.setdefault(other, {})[one] = (first, second)
    linked = {int(group_of[rows[0]]) for rows in together} | set(enemies)
    members = {group: np.flatnonzero(group_of == group) for group in sorted(linked)}
    # Noise is in no cluster: rows of noise alone are neither together nor not apart.
    members = {group: rows for group, rows in members.items() if (labels[rows] != NOISE).any()}
    clusters = [label for label in np.unique(labels).tolist() if label != NOISE]
    costs = {g: _costs(points, labels, rows, clusters) for g, rows in members.items()}
    placed: dict[int, int] = {}
    waiting = set(members)
    found = labels.copy()
    while waiting:
        taken = {g: {placed[e] for e in enemies.get(g, {}) if e in placed} for g in waiting}
        group = min(waiting, key=lambda g: (-len(taken[g]), costs[g].min(initial=0.0), g))
        free = [i for i, label in enumerate(clusters) if label not in taken[group]]
        if not free:
            others = ", ".join(
                name(int(members[e][0])) for e in sorted(enemies.get(group, {})) if e in placed
            )
            raise DataError(
                f"row {name(int(members[group][0]))} cannot be apart from {others or 'others'}: "
                f"there are {len(clusters)} clusters, and each of them has one of these"
            )
        best = clusters[min(free, key=lambda i: (costs[group][i], i))]
        placed[group] = best
        found[members[group]] = best
        waiting.remove(group)
    return found


def _groups(equal: IntArray, together: Iterable[tuple[int, ...]]) -> IntArray:
    """Number of the group of each row: equal rows, and rows that belong together, share it."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [(int(equal[rows[0]]), int(equal[row])) for rows in together for row in rows[1:]]
    size = int(equal.max()) + 1
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1][equal], dtype=np.int64)


def _costs(points: AnyArray, labels: IntArray, rows: IntArray, clusters: list[Any]) -> AnyArray:
    """For each cluster how far the rows of a group are from it, added up."""
    from scipy.spatial import cKDTree

    found = np.zeros(len(clusters))
    for place, label in enumerate(clusters):
        moved = rows[labels[rows] != label]
        if len(moved):
            found[place] = float(cKDTree(points[labels == label]).query(points[moved])[0].sum())
    return found
