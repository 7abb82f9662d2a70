"""Graphs of nearest rows: modularity of a clustering, and groups of rows that are connected."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.types import AnyArray, IntArray

__all__ = ["NeighborGraph", "connected"]

_NEIGHBORS, _MOST_ROWS = 10, 5_000
#: Nearest points by which a group is connected, each being among those of the other.
_CONNECTED = 5


@attrs.frozen(eq=False)
class NeighborGraph:
    """Graph that joins rows with their nearest ones: the same for every clustering of them.

    Attributes
    ----------
    n_rows : int
        Of the data.
    chosen : int array of shape (l,)
        Rows of which the graph is made.
    first, second : int arrays of shape (e,)
        Ends of its edges among these, each edge in both directions.
    """

    n_rows: int
    chosen: AnyArray = attrs.field(repr=False)
    first: AnyArray = attrs.field(repr=False)
    second: AnyArray = attrs.field(repr=False)

    @classmethod
    def of(cls, rows: Any, *, random_state: int = 0) -> Self:
        """Join rows with their ten nearest.

        Parameters
        ----------
        rows : array-like or sparse matrix of shape (n, ...)
            Distances are euclidean.
        random_state : int, default 0
            Of more than 5,000 rows, so many are drawn: time grows with their square.

        Raises
        ------
        DataError
            If a value is not a finite number.
        """
        from scipy.sparse import issparse
        from sklearn.neighbors import NearestNeighbors

        if not issparse(rows):
            rows = np.asarray(rows).reshape(len(rows), -1)
        n_rows = rows.shape[0]
        chosen = np.arange(n_rows)
        if n_rows > _MOST_ROWS:
            drawn = np.random.default_rng(random_state).choice(n_rows, _MOST_ROWS, replace=False)
            chosen = np.sort(drawn)
        k = min(_NEIGHBORS, len(chosen) - 1)
        if k < 1:
            nothing = np.empty(0, dtype=np.int64)
            return cls(n_rows, chosen, nothing, nothing)
        try:
            search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows[chosen])
        except ValueError as error:
            raise DataError(f"rows have no neighbours: {error}") from error
        joined = search.kneighbors_graph()
        first, second = joined.maximum(joined.T).nonzero()
        return cls(n_rows, chosen, first, second)

    def modularity(self, labels: Any) -> float:
        """Share of edges within clusters, less what chance gives clusters of these sizes.

        Parameters
        ----------
        labels : array-like of shape (n,)
            Of all rows. Each one labelled -1 is a cluster of its own: noise lowers the score.

        Returns
        -------
        float
            At most 1, greater is better (Newman 2006, Modularity and community structure in
            networks, PNAS 103); ``nan`` with fewer than two clusters.

        Raises
        ------
        DataError
        """
        found = code(labels, "labels")
        require_same_length("rows", np.empty(self.n_rows), "labels", found.codes)
        alone = found.codes.max() + 1 + np.arange(self.n_rows)
        codes = np.where(found.is_noise, alone, found.codes)
        if found.n_clusters < 2 or not len(self.first):
            return float("nan")
        codes = np.unique(codes[self.chosen], return_inverse=True)[1]
        within = float((codes[self.first] == codes[self.second]).mean())
        shares = np.bincount(codes[self.first]) / len(self.first)
        return within - float(np.square(shares).sum())


def connected(points: AnyArray, least: int) -> list[IntArray]:
    """Groups of points that are equal, or connected by being among each other's five nearest.

    Parameters
    ----------
    points : array of shape (n, d)
    least : int
        Points of a group to which loose neighbours are added. Of fewer points in all, there are no
        groups.

    Returns
    -------
    list of int64 arrays
        Indices of the points of each group, ascending; every point is in one.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if len(points) < least:
        return []
    points, place, weights = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    if len(points) == 1:
        return [np.arange(len(place))]
    n, number = len(points), min(_CONNECTED, len(points) - 1)
    near = cKDTree(points).query(points, np.arange(2, number + 2))[1]
    pairs = (np.repeat(np.arange(n), number), near.ravel())
    links = csr_array((np.ones(n * number, dtype=np.int8), pairs), shape=(n, n))
    codes = connected_components(links.multiply(links.T), directed=False)[1]
    # What hangs loosely on a group belongs to it.
    large = np.bincount(codes, weights)[codes] >= least
    beside = large[near] & ~large[:, None]
    loose = np.flatnonzero(beside.any(axis=1))
    codes[loose] = codes[near[loose, beside[loose].argmax(axis=1)]]
    codes = codes[place.ravel()]
    return [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
