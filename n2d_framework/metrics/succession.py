"""Succession of clusters when rows are clustered again: which stay, merge, split, are new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import attrs
import numpy as np

from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Succession", "Transition", "TransitionKind", "succession"]

TransitionKind: TypeAlias = Literal["kept", "split", "merged", "rearranged", "gone", "new"]

#: Share of a cluster's rows by which another continues it, and that all of these have together.
_PART, _WHOLE = 0.25, 0.5


@attrs.frozen
class Transition:
    """Change of some clusters.

    Attributes
    ----------
    kind : {"kept", "split", "merged", "rearranged", "gone", "new"}
    before, after : tuple of int
        The clusters, by their ids: those after it have the ids that `Succession.ids` gives them.
        Of a cluster that is new, none before; of one that is gone, none after.
    rows : int
        How many rows are in the clusters after it, or were in those before, if there are none.
    shared : float
        Share of the rows that the clusters before had that is in those after.
    """

    kind: TransitionKind
    before: tuple[int, ...]
    after: tuple[int, ...]
    rows: int
    shared: float


@attrs.frozen
class Succession:
    """Clusters matched with those before.

    Attributes
    ----------
    ids : dict of int to int
        For each cluster found now the id that it gets: that of the cluster that it continues, or
        one that no cluster had.
    transitions : tuple of Transition
        All of them, those that changed something first.
    """

    ids: dict[int, int]
    transitions: tuple[Transition, ...]

    @property
    def changed(self) -> bool:
        """Return whether a cluster is new or gone, was split or merged."""
        return any(one.kind != "kept" for one in self.transitions)


def succession(
    before: IntArray,
    after: IntArray,
    first_new: int | None = None,
    *,
    judged: int | None = None,
    known: Iterable[int] = (),
) -> Succession:
    """Match clusters of the same rows, by the rows that they share.

    A cluster is continued by those that have a quarter of its rows or more, if together they have
    half of them (the overlaps of MONIC: Spiliopoulou et al. 2006, KDD). What is connected so is one
    transition. Ids go where most rows stay.

    Parameters
    ----------
    before, after : int64 arrays of shape (n,)
        Labels of the rows; noise is -1.
    first_new : int, optional
        The least id that no cluster had; without it clusters keep the ids that they have.
    judged : int, optional
        How many rows, the first, say which clusters continue which; by default all.
    known : iterable of int
        Clusters before, of which there may be no row.

    Returns
    -------
    Succession
    """
    from scipy.optimize import linear_sum_assignment

    old, new = sorted({*_clusters(before), *known}), _clusters(after)
    matching = slice(judged)
    table = _counts(before[matching], after[matching], old, new)
    sizes = np.array([(before[matching] == label).sum() for label in old], dtype=np.int64)
    edges = (table > 0) & (table >= _PART * sizes[:, None])
    edges &= ((table * edges).sum(axis=1) >= _WHOLE * sizes)[:, None]
    ids = dict.fromkeys(new, NOISE) if first_new is not None else {k: k for k in new}
    for row, column in zip(*linear_sum_assignment(table * edges, maximize=True), strict=True):
        if edges[row, column] and first_new is not None:
            ids[new[column]] = old[row]
    waiting = [label for label in new if ids[label] == NOISE]
    waiting.sort(key=lambda label: (-int((after == label).sum()), label))
    for place, label in enumerate(waiting):
        ids[label] = (first_new or 0) + place
    found = [_transition(part, old, new, table, sizes, after, ids) for part in _parts(edges)]
    order = ("new", "gone", "split", "merged", "rearranged", "kept")
    found.sort(key=lambda one: (order.index(one.kind), -one.rows, one.before, one.after))
    return Succession(ids, tuple(found))


def _clusters(labels: IntArray) -> list[int]:
    return [label for label in np.unique(labels).tolist() if label != NOISE]


def _counts(before: IntArray, after: IntArray, old: list[int], new: list[int]) -> IntArray:
    """Rows that each pair of clusters has in common."""
    inside = (before != NOISE) & (after != NOISE)
    pairs = np.searchsorted(old, before[inside]) * len(new) + np.searchsorted(new, after[inside])
    return np.bincount(pairs, minlength=len(old) * len(new)).reshape(len(old), len(new))


def _parts(edges: AnyArray) -> list[tuple[list[int], list[int]]]:
    """Connected parts, as places of clusters before and after."""
    from scipy.sparse import bmat, csr_array
    from scipy.sparse.csgraph import connected_components

    n_old, n_new = edges.shape
    links = csr_array(edges.astype(np.int8))
    graph = bmat([[None, links], [links.T, None]], format="csr") if n_old and n_new else None
    if graph is None:
        codes = np.arange(n_old + n_new)
    else:
        codes = connected_components(graph, directed=False)[1]
    return [
        (
            np.flatnonzero(codes[:n_old] == code).tolist(),
            np.flatnonzero(codes[n_old:] == code).tolist(),
        )
        for code in np.unique(codes).tolist()
    ]


def _transition(
    part: tuple[list[int], list[int]],
    old: list[int],
    new: list[int],
    table: IntArray,
    sizes: IntArray,
    after: IntArray,
    ids: dict[int, int],
) -> Transition:
    rows, columns = part
    kind: TransitionKind
    if not rows or not columns:
        kind = "new" if columns else "gone"
    elif len(rows) > 1:
        kind = "rearranged" if len(columns) > 1 else "merged"
    else:
        kind = "split" if len(columns) > 1 else "kept"
    total = int(sizes[rows].sum())
    return Transition(
        kind,
        tuple(old[i] for i in rows),
        tuple(sorted(ids[new[i]] for i in columns)),
        int(np.isin(after, [new[i] for i in columns]).sum()) if columns else total,
        float(table[np.ix_(rows, columns)].sum() / total) if total else 0.0,
    )
