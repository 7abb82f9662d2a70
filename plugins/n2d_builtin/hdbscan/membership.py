"""Soft membership of rows in the clusters of an HDBSCAN tree."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np

from n2d_builtin.hdbscan.condensed_tree import LabelledTree
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric
from n2d_framework.plugin import NOISE, AnyArray

__all__ = ["Membership"]

_CDIST = {"euclidean": "euclidean", "manhattan": "cityblock", "chebyshev": "chebyshev"}
#: Share of the greatest density that keeps a division from being one by zero. (In the hdbscan
#: package it is a number, so that membership depends on the unit of the rows.)
_TINY = 1e-8
_HUGE = 1e300


@attrs.frozen(eq=False)
class Membership:
    """Values from which memberships of rows in each cluster are computed.

    Attributes
    ----------
    tree : LabelledTree
    tops, peak : arrays
        Selected segment of each cluster; greatest density of each segment.
    exemplars : array of shape (e, d), float64
        The densest rows of all clusters, one cluster after the other.
    starts : array of shape (n_clusters,), int64
        Where the exemplars of each cluster begin.
    metric : Metric
    gap : array of shape (s,), float64
        Least difference of densities that counts, for each segment.
    """

    tree: LabelledTree
    tops: AnyArray
    peak: AnyArray
    exemplars: AnyArray
    starts: AnyArray
    metric: Metric
    gap: AnyArray

    @classmethod
    def of(
        cls, tree: LabelledTree, data: AnyArray, metric: Metric, *, relative: bool = True
    ) -> Self:
        """Find the exemplars: rows that stay longest in the leaves below each cluster.

        Parameters
        ----------
        tree : LabelledTree
        data : array of shape (n, d)
            The training rows.
        metric : Metric
        relative : bool, default True
            Whether the least difference of densities is a share; else a number, as in states
            before version 3.
        """
        tops, peak = tree.tops(), tree.peak()
        gap = _TINY * peak if relative else np.full_like(peak, _TINY)
        cluster = np.full(len(tree.parent), NOISE, dtype=np.int64)
        cluster[tops] = np.arange(len(tops))
        for segment in range(1, len(cluster)):
            if cluster[segment] == NOISE:
                cluster[segment] = cluster[tree.parent[segment]]
        is_leaf = np.ones(len(cluster), dtype=bool)
        is_leaf[tree.parent[1:]] = False
        own = cluster[tree.row_segment]
        longest = np.zeros(len(cluster))
        np.maximum.at(longest, tree.row_segment, tree.row_lambda)
        stays = tree.row_lambda == longest[tree.row_segment]
        rows = np.flatnonzero(stays & is_leaf[tree.row_segment] & (own != NOISE))
        rows = rows[np.argsort(own[rows], kind="stable")]
        starts = np.searchsorted(own[rows], np.arange(len(tops)))
        return cls(tree, tops, peak, data[rows].astype(np.float64), starts, metric, gap)

    def vectors(self, rows: AnyArray, segment: AnyArray, density: AnyArray) -> AnyArray:
        """Membership of rows that leave `segment` at `density`.

        Parameters
        ----------
        rows : array of shape (m, d)
        segment, density : arrays of shape (m,)
            From :meth:`LabelledTree.enter`.

        Returns
        -------
        array of shape (m, n_clusters + 1), float64
            Rows sum to one; the last column is the share of noise.
        """
        if len(self.tops) == 0:
            return np.ones((len(rows), 1))
        density = np.minimum(density, np.finfo(np.float64).max)
        heights = self._merge_heights(segment, density)
        weights = 0.5 * self._log_nearness(rows) + 2.0 * self._log_kinship(segment, heights)
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        inside = self._inside(density, heights)
        shares = weights * (inside / weights.sum(axis=1))[:, None]
        return np.concatenate([shares, 1.0 - inside[:, None]], axis=1)

    def _log_nearness(self, rows: AnyArray) -> AnyArray:
        """Logarithm of 1 / distance to the nearest exemplar, up to a constant of the row."""
        if self.metric in _CDIST:
            from scipy.spatial.distance import cdist

            distances = cdist(rows.astype(np.float64), self.exemplars, _CDIST[self.metric])
        else:
            distances = ExactNeighbors(self.exemplars, self.metric).distances(rows)
        nearest = np.minimum.reduceat(distances, self.starts, axis=1)
        least = nearest.min(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(least) - np.log(nearest)
        return np.where(nearest == least, 0.0, np.where(least == 0, -np.inf, log))

    def _log_kinship(self, segment: AnyArray, heights: AnyArray) -> AnyArray:
        """Logarithm of how closely each cluster is joined to the row, up to a constant."""
        peak, gap = self.peak[segment][:, None], self.gap[segment][:, None]
        with np.errstate(over="ignore"):
            scores = np.minimum(peak / np.maximum(peak - heights, gap), _HUGE)
        return np.asarray(scores - scores.max(axis=1, keepdims=True))

    def _inside(self, density: AnyArray, heights: AnyArray) -> AnyArray:
        """Probability of being in some cluster at all."""
        best = heights.argmax(axis=1)
        height = heights[np.arange(len(heights)), best]
        return np.asarray(height / np.maximum(density, self.peak[self.tops[best]]))

    def _merge_heights(self, segment: AnyArray, density: AnyArray) -> AnyArray:
        """Density at which each row and each cluster part: shape (m, n_clusters)."""
        distinct, inverse = np.unique(segment, return_inverse=True)
        below = self.tree.ancestors.parting(distinct[:, None], self.tops[None, :])
        parted = np.where(below >= 0, self.tree.birth[below], np.inf)[inverse]
        return np.asarray(np.minimum(parted, density[:, None]))
