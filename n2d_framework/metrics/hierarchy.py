"""The tree over clusters: which join first, and what is left at any number of clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError, UnsupportedError
from n2d_framework.types import NOISE, AnyArray, FloatArray, IntArray

__all__ = ["ClusterMeans", "Hierarchy", "leaf_order", "relabelled"]

#: Most clusters that are joined by Ward's criterion.
MOST_CLUSTERS = 20_000
#: Rows that are summed at once.
_BLOCK = 1 << 16


@attrs.frozen(eq=False)
class ClusterMeans:
    """Where clusters are: what a tree over them is made of.

    Attributes
    ----------
    ids : int64 array of shape (k,)
        Ascending, without noise.
    sizes : int64 array of shape (k,)
        Training rows of each.
    means : float64 array of shape (k, m)
        Of their coordinates.
    """

    ids: IntArray
    sizes: IntArray
    means: FloatArray

    @classmethod
    def of(cls, coordinates: AnyArray, labels: IntArray) -> Self:
        """Means of the clusters of rows.

        Parameters
        ----------
        coordinates : array of shape (n, m)
        labels : int64 array of shape (n,)
        """
        ids, sizes = np.unique(labels, return_counts=True)
        ids, sizes = ids[ids != NOISE], sizes[ids != NOISE]
        places = np.asarray(coordinates)
        sums, own = np.zeros((len(ids), places.shape[1])), np.arange(len(ids))
        for start in range(0, len(labels), _BLOCK):
            part = labels[start : start + _BLOCK]
            inside = part != NOISE
            # What was summed so far comes first: a sum in the order of the rows.
            codes = np.concatenate([own, np.searchsorted(ids, part[inside])])
            points = np.concatenate([sums, places[start : start + _BLOCK][inside]])
            for j in range(places.shape[1]):
                sums[:, j] = np.bincount(codes, points[:, j], minlength=len(ids))
        return cls(ids.astype(np.int64), sizes.astype(np.int64), sums / sizes[:, None])

    def edited(self, before: IntArray, after: IntArray) -> ClusterMeans:
        """Means after clusters were merged or deleted.

        Parameters
        ----------
        before, after : int64 arrays of shape (n,)
            Labels of the training rows; those of one cluster have one label after it, too.
        """
        _, first = np.unique(before, return_index=True)
        becomes = dict(zip(before[first].tolist(), after[first].tolist(), strict=True))
        target = np.array([becomes.get(label, label) for label in self.ids.tolist()], dtype=int)
        ids = np.unique(target[target != NOISE])
        kept = target != NOISE
        codes, old = np.searchsorted(ids, target[kept]), self.sizes[kept]
        sizes = np.bincount(codes, old, minlength=len(ids)).astype(np.int64)
        means = np.empty((len(ids), self.means.shape[1]))
        for j in range(means.shape[1]):
            sums = np.bincount(codes, old * self.means[kept, j], minlength=len(ids))
            means[:, j] = sums / sizes
        return ClusterMeans(ids.astype(np.int64), sizes, means)

    def as_state(self) -> State:
        """Content of the part ``clusters`` of a bundle."""
        return {"ids": self.ids, "sizes": self.sizes, "means": self.means}

    @classmethod
    def of_state(cls, state: State) -> Self:
        """Read a state that :meth:`as_state` gave.

        Raises
        ------
        StateError
            If it cannot be that.
        """
        ids, sizes, means = (need(state, name, np.ndarray) for name in ("ids", "sizes", "means"))
        if not (
            ids.dtype == sizes.dtype == np.int64
            and means.dtype == np.float64
            and (ids.ndim, sizes.shape, means.ndim) == (1, ids.shape, 2)
            and len(means) == len(ids)
            and np.isfinite(means).all()
            and (np.diff(ids) > 0).all()
            and (ids >= 0).all()
            and (sizes > 0).all()
        ):
            raise StateError("ids, sizes and means of clusters do not fit together")
        return cls(ids, sizes, means)


@attrs.frozen(eq=False)
class Hierarchy:
    """A tree over clusters: that of the clusterer, or by Ward's criterion.

    By Ward's, the two clusters join first whose union has the least sum of squared distances to its
    mean more than they have (Ward 1963, JASA 58), in the coordinates that were clustered.

    Attributes
    ----------
    ids : tuple of int
        The clusters.
    sizes : tuple of int
        Training rows of each.
    linkage : float64 array of shape (k - 1, 4)
        As :func:`scipy.cluster.hierarchy.linkage` gives it: the two nodes that join, at which
        height, and of how many clusters the node is. Nodes are numbered: first the clusters in the
        order of `ids`, then what joined.
    """

    ids: tuple[int, ...]
    sizes: tuple[int, ...]
    linkage: FloatArray

    @classmethod
    def of(
        cls,
        clusters: ClusterMeans,
        joins: FloatArray | None = None,
        becomes: Mapping[int, int] | None = None,
    ) -> Self:
        """The tree over clusters.

        Parameters
        ----------
        clusters : ClusterMeans
        joins : float64 array of shape (c - 1, 3), optional
            The tree of a clusterer over the `c` clusters that it numbers from 0: of each join the
            height, and a cluster of each of the two groups that join.
        becomes : mapping of int to int, optional
            The id of each of them; of one that is in no cluster any more, -1. Those of one id are
            one from the start.

        Raises
        ------
        UnsupportedError
            If there are more than 20,000 clusters and no tree of the clusterer: the seconds grow
            with the square of their number.
        """
        ids, sizes = tuple(clusters.ids.tolist()), tuple(clusters.sizes.tolist())
        if joins is None or becomes is None or not set(ids) <= set(becomes.values()):
            if len(ids) > MOST_CLUSTERS:
                raise UnsupportedError(
                    f"hierarchy: {len(ids)} clusters are too many for a tree over them, at most "
                    f"{MOST_CLUSTERS}; fit fewer clusters"
                )
            return cls(ids, sizes, _ward(clusters.means, clusters.sizes))
        return cls(ids, sizes, _linkage(joins, [becomes.get(k, NOISE) for k in _all(joins)], ids))

    def cut(self, n_clusters: int) -> dict[int, int]:
        """Join clusters until so many are left.

        Parameters
        ----------
        n_clusters : int

        Returns
        -------
        dict of int to int
            For each cluster the id of the largest cluster of its group: the group has its id and
            its name.

        Raises
        ------
        DataError
            If there are fewer clusters.
        """
        groups = self.groups(n_clusters)
        size = dict(zip(self.ids, self.sizes, strict=True))
        found: dict[int, int] = {}
        for members in groups:
            head = max(members, key=lambda label: (size[label], -label))
            found |= dict.fromkeys(members, head)
        return dict(sorted(found.items()))

    def upper(self, n_clusters: int) -> Hierarchy:
        """The tree over the groups that :meth:`cut` makes: the part of this one above them."""
        groups = self.groups(n_clusters)
        if n_clusters == len(self.ids):
            return self
        becomes, k, done = self.cut(n_clusters), len(self.ids), len(self.ids) - n_clusters
        size = dict(zip(self.ids, self.sizes, strict=True))
        heads = [becomes[members[0]] for members in groups]
        ids = sorted(heads)
        # Nodes that are left after the joins below, in the order of groups().
        alive = [node for node in range(k + done) if node not in self.linkage[:done, :2]]
        number = {node: ids.index(head) for node, head in zip(alive, heads, strict=True)}
        number |= {k + done + step: n_clusters + step for step in range(n_clusters - 1)}
        linkage = self.linkage[done:].copy()
        linkage[:, :2] = np.sort(
            [[number[int(n)] for n in pair] for pair in linkage[:, :2]], axis=1
        )
        count = [1] * n_clusters
        for step, (left, right) in enumerate(linkage[:, :2].astype(int)):
            count.append(count[left] + count[right])
            linkage[step, 3] = count[-1]
        sizes = {head: sum(size[m] for m in g) for head, g in zip(heads, groups, strict=True)}
        return Hierarchy(tuple(ids), tuple(sizes[label] for label in ids), linkage)

    def groups(self, n_clusters: int) -> list[list[int]]:
        """Ids of the clusters of each group, with so many groups left."""
        k = len(self.ids)
        if isinstance(n_clusters, bool) or not 1 <= n_clusters <= k:
            raise DataError(
                f"n_clusters={n_clusters}: the model has {k} clusters; "
                + (f"give a number from 1 to {k}" if k else "there is nothing to join")
            )
        nodes: dict[int, list[int]] = {place: [label] for place, label in enumerate(self.ids)}
        for step, (left, right) in enumerate(self.linkage[: k - n_clusters, :2].astype(int)):
            nodes[k + step] = nodes.pop(int(left)) + nodes.pop(int(right))
        return list(nodes.values())


def relabelled(labels: IntArray, becomes: Mapping[int, int]) -> IntArray:
    """Labels after clusters have become others, as :meth:`Hierarchy.cut` says.

    Parameters
    ----------
    labels : int64 array of shape (n,)
        Noise, and what is not in `becomes`, stays.
    becomes : mapping of int to int
    """
    found, codes = np.unique(labels, return_inverse=True)
    after = np.array([becomes.get(label, label) for label in found.tolist()], dtype=np.int64)
    return np.asarray(after[codes]) if len(found) else labels


def _ward(means: FloatArray, sizes: IntArray) -> FloatArray:
    """Ward's linkage of groups of rows, by chains of nearest neighbours (Murtagh 1983)."""
    k = len(sizes)
    centre, weight = means.astype(np.float64).copy(), sizes.astype(np.float64)
    active, own = np.ones(k, dtype=bool), np.arange(k)
    joined: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(joined) < k - 1:
        if 2 * (k - len(joined)) < len(active):  # what has joined is left behind
            place = np.cumsum(active) - 1
            chain = place[chain].tolist() if chain else []
            centre, weight, own = centre[active], weight[active], own[active]
            active = active[active]
        if not chain:
            chain = [int(active.argmax())]
        tip = chain[-1]
        cost = weight * weight[tip] / (weight + weight[tip])
        cost = cost * ((centre - centre[tip]) ** 2).sum(axis=1)
        cost[~active] = np.inf
        cost[tip] = np.inf
        near = int(cost.argmin())
        if len(chain) > 1 and cost[chain[-2]] <= cost[near]:
            near = chain[-2]
            del chain[-2:]
            left, right = sorted((tip, near))
            joined.append((float(np.sqrt(2 * cost[near])), int(own[left]), int(own[right])))
            total = weight[left] + weight[right]
            centre[left] = (weight[left] * centre[left] + weight[right] * centre[right]) / total
            weight[left], active[right] = total, False
        else:
            chain.append(near)
    return _linkage(np.array(joined).reshape(-1, 3), range(k), range(k))


def _all(joins: FloatArray) -> range:
    """The clusters that joins are of."""
    return range(len(joins) + 1)


def _linkage(joins: FloatArray, becomes: Sequence[int], ids: Sequence[int]) -> FloatArray:
    """Joins with the numbers that nodes have in a linkage, the lowest first.

    Parameters
    ----------
    joins : float64 array of shape (c - 1, 3)
    becomes : sequence of int
        The id of each of the `c` clusters; one that is not in `ids` leaves no trace.
    ids : sequence of int
        Ascending.
    """
    group = list(range(len(becomes)))

    def head(cluster: int) -> int:
        while group[cluster] != cluster:
            group[cluster] = cluster = group[group[cluster]]
        return cluster

    place = {label: i for i, label in enumerate(ids)}
    node: list[int | None] = [place.get(label) for label in becomes]
    first: dict[int, int] = {}
    for cluster, own in enumerate(node):
        if own is not None:
            group[cluster] = first.setdefault(own, cluster)
    count, found = [1] * len(ids), []
    for height, one, other in sorted(joins.tolist(), key=lambda join: join[0]):
        left, right = head(int(one)), head(int(other))
        if left == right:
            continue
        group[right] = left
        first_node, second = node[left], node[right]
        if first_node is None or second is None:
            node[left] = second if first_node is None else first_node
            continue
        pair = sorted((first_node, second))
        node[left] = len(count)
        count.append(count[first_node] + count[second])
        found.append((*pair, height, count[-1]))
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def leaf_order(hierarchy: Hierarchy) -> list[int]:
    """Places of the clusters from top to bottom of a drawing in which no lines cross."""
    k = len(hierarchy.ids)
    below: dict[int, list[int]] = {place: [place] for place in range(k)}
    for step, (left, right) in enumerate(hierarchy.linkage[:, :2].astype(int)):
        below[k + step] = below.pop(int(left)) + below.pop(int(right))
    return [place for places in below.values() for place in places]
