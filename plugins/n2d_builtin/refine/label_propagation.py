"""Clusters that a random walk over near rows, started at noise, is most likely to meet first."""

from __future__ import annotations

import numpy as np

from n2d_builtin.refine.density_paths import connected_labels, nearest_points
from n2d_framework.plugin import NOISE, AnyArray, IntArray

__all__ = ["propagated_labels"]

#: Steps of a walk; chances below which a cluster is forgotten; decimals of chances.
_STEPS, _FORGOTTEN, _DECIMALS = 100, 0.01, 9


def propagated_labels(points: AnyArray, labels: IntArray, least: float = 0.0) -> IntArray:
    """Labels of points, where noise has that of the cluster which a walk meets first.

    The walk goes from a point to any of those that are among its 15 nearest or have it among
    theirs, each as likely as the others, and ends at a clustered point: label propagation by
    harmonic functions (Zhu, Ghahramani and Lafferty 2003, Semi-supervised learning using Gaussian
    fields and harmonic functions, ICML). After 100 steps it ends at the cluster to which the point
    that it has reached is connected by density.

    Parameters
    ----------
    points : float32 array of shape (n, m)
        All different.
    labels : int64 array of shape (n,)
    least : float, default 0
        Probability that the likeliest cluster must have; noise for which none has it stays noise.

    Returns
    -------
    int64 array of shape (n,)
    """
    from scipy.sparse import csr_array, diags_array

    noise, clustered = np.flatnonzero(labels == NOISE), np.flatnonzero(labels != NOISE)
    if not len(noise) or not len(clustered):
        return labels
    nearest = nearest_points(points)
    found = connected_labels(points, labels, nearest)
    ids, codes = np.unique(found, return_inverse=True)
    near = nearest[0][:, 1:]
    n, number = near.shape
    starts = np.repeat(np.arange(n), number)
    joined = csr_array((np.ones(n * number), (starts, near.ravel())), shape=(n, n))
    from_noise = joined.maximum(joined.T).tocsr()[noise]
    steps = (diags_array(1.0 / from_noise.sum(axis=1)) @ from_noise).tocsr()

    def certain(rows: IntArray) -> csr_array:
        shape = (len(rows), len(ids))
        return csr_array((np.ones(len(rows)), (np.arange(len(rows)), codes[rows])), shape=shape)

    ended = steps[:, clustered] @ certain(clustered)
    onward, chances = steps[:, noise], certain(noise)
    for _ in range(_STEPS):
        chances = onward @ chances + ended
        # Sums in another order, of other rows or another machine, forget the same.
        chances.data = chances.data.round(_DECIMALS)
        chances.data[chances.data < _FORGOTTEN] = 0.0
        chances.eliminate_zeros()
    chances.sort_indices()  # of equal chances, the first counts
    met = np.flatnonzero(np.diff(chances.indptr))
    found[noise[met]] = ids[np.asarray(chances.argmax(axis=1)).ravel()[met]]
    found[noise[chances.max(axis=1).toarray().ravel() < least]] = NOISE
    return found
