"""Soft assignment and its target: the two distributions that deep embedded clustering compares."""

from __future__ import annotations

import numpy as np

from n2d_framework.plugin import AnyArray, FloatArray

__all__ = ["soft_assignment", "target_distribution"]

_TINY = np.finfo(np.float64).tiny


def soft_assignment(z: AnyArray, centers: AnyArray, alpha: float) -> FloatArray:
    """Membership of each row in each centre, by a Student-t kernel (Xie et al. 2016, eq. 1).

    Parameters
    ----------
    z : array of shape (n, d)
        Latent rows.
    centers : array of shape (k, d)
        Cluster centres.
    alpha : float
        Degrees of freedom of the kernel.

    Returns
    -------
    float64 array of shape (n, k)
        Rows sum to one. Each row's depend on that row alone.
    """
    from scipy.spatial.distance import cdist

    squared = cdist(np.asarray(z, np.float64), np.asarray(centers, np.float64), "sqeuclidean")
    # Relative to the nearest centre, so that rows far from all of them do not underflow.
    nearest = squared.min(axis=1, keepdims=True)
    kernel = ((alpha + nearest) / (alpha + squared)) ** ((alpha + 1) / 2)
    found: FloatArray = kernel / kernel.sum(axis=1, keepdims=True)
    return found


def target_distribution(q: AnyArray, counted: AnyArray | None = None) -> FloatArray:
    """The assignment sharpened, every cluster given the same weight (Xie et al. 2016, eq. 3).

    Parameters
    ----------
    q : float64 array of shape (n, k)
        Soft assignment.
    counted : bool array of shape (n,), optional
        Rows that make up the clusters' frequencies; all of them by default.

    Returns
    -------
    float64 array of shape (n, k)
        Squared and divided by the clusters' frequencies; rows sum to one.
    """
    frequency = (q if counted is None else q[counted]).sum(axis=0)
    sharp = q**2 / np.maximum(frequency, _TINY)
    found: FloatArray = sharp / sharp.sum(axis=1, keepdims=True)
    return found
