"""Modularity of partitions on the graph of neighbours."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.neighbors.landmarks import Landmarks
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import AnyArray

__all__ = ["NeighborGraph"]

#: Fewest and most neighbours of a row, and most rows of which the graph is made.
_FEWEST, _NEIGHBORS, _MOST_ROWS = 3, 20, 10_000


@attrs.frozen(eq=False)
class NeighborGraph:
    """Graph that joins each distinct row with its nearest ones, of a part of many rows.

    Attributes
    ----------
    rows : float32 array of shape (l, d)
    edges : sparse array of shape (l, l), in coordinate format
        Symmetric, of ones.
    """

    rows: AnyArray
    edges: Any

    @classmethod
    def of(cls, rows: AnyArray, n_clusters: int, *, seed: int, n_jobs: int) -> NeighborGraph:
        """Join rows with their 20 nearest, or as many as half the rows of a cluster, at least 3.

        Parameters
        ----------
        rows : float32 array of shape (n, d)
        n_clusters : int
        seed : int
            Of the choice of 10,000 rows, if there are more.
        n_jobs : int
            Threads.
        """
        from scipy.sparse import csr_array

        chosen = Landmarks.draw(rows, _MOST_ROWS, seed).rows
        n = len(chosen)
        fitting = max(_FEWEST, n // (2 * n_clusters))
        k = min(_NEIGHBORS, fitting, n - 1) + 1
        nearest = ExactNeighbors(chosen).query_self(k, n_jobs=n_jobs)[0][:, 1:]
        starts = np.repeat(np.arange(n), k - 1)
        joined = csr_array((np.ones(n * (k - 1)), (starts, nearest.ravel())), shape=(n, n))
        return cls(chosen, joined.maximum(joined.T).tocoo())

    def modularity(self, labels: AnyArray) -> float:
        """Share of edges within clusters, less what is expected of chance: at most 1.

        Parameters
        ----------
        labels : int array of shape (l,)

        Returns
        -------
        float
            Newman 2006, Modularity and community structure in networks, PNAS 103.
        """
        row, column = self.edges.coords
        if not len(row):
            return 0.0
        within = float((labels[row] == labels[column]).mean())
        shares = np.bincount(labels, weights=np.bincount(row, minlength=len(labels)))
        return within - float(np.square(shares / len(row)).sum())

    def shares(self, labels: AnyArray, count: int) -> NDArray[np.float64]:
        """Share of the edges from each cluster to each other one.

        Parameters
        ----------
        labels : int array of shape (l,)
            From 0 to `count` - 1.
        count : int

        Returns
        -------
        float64 array of shape (count, count)
            Symmetric; adds up to one, or is zero without edges.
        """
        row, column = self.edges.coords
        pairs = np.bincount(labels[row] * count + labels[column], minlength=count * count)
        return pairs.reshape(count, count) / max(len(row), 1)
