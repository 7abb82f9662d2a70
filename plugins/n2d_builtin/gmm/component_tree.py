"""The tree over the components of a mixture: those that overlap most join first."""

from __future__ import annotations

import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_framework.plugin import AnyArray, FloatArray

__all__ = ["MOST_JOINED", "joins_by_overlap"]

#: Components of which all pairs are compared, again after each join.
MOST_JOINED = 256


def joins_by_overlap(
    weights: AnyArray, means: AnyArray, factors: AnyArray, covariance_type: str
) -> FloatArray:
    """Join the two Gaussians of the least Bhattacharyya distance to one of the same moments.

    Distances bound from above how often the two are taken for each other (Hennig 2010, ADAC 4). A
    join is never lower than those that it is made of.

    Parameters
    ----------
    weights : array of shape (k,)
    means : array of shape (k, d)
    factors : array
        Upper triangular ``U`` with precision ``U @ U.T``, in the shape that `covariance_type` has
        in scikit-learn.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    float64 array of shape (k - 1, 3)
        The distance, and a component of each of the two groups.
    """
    k = len(weights)
    weight, centre = weights.astype(np.float64).copy(), means.astype(np.float64).copy()
    found = np.empty((max(k - 1, 0), 3))
    with one_blas_thread():
        spread = _covariances(factors, means.shape, covariance_type)
        logs = np.linalg.slogdet(spread)[1]
        apart = np.full((k, k), np.inf)
        for one in range(k):
            apart[one, :one] = _distances(centre, spread, logs, one)[:one]
        apart = np.minimum(apart, apart.T)
        floor, alive = np.zeros(k), np.ones(k, dtype=bool)
        for step in range(k - 1):
            one, other = sorted(int(i) for i in np.unravel_index(apart.argmin(), apart.shape))
            floor[one] = max(apart[one, other], floor[one], floor[other])
            found[step] = floor[one], one, other
            total = weight[one] + weight[other]
            share = weight[one] / total if total else 0.5
            between = centre[one] - centre[other]
            spread[one] = share * spread[one] + (1 - share) * spread[other]
            spread[one] += share * (1 - share) * np.outer(between, between)
            centre[one] = share * centre[one] + (1 - share) * centre[other]
            weight[one], logs[one] = total, np.linalg.slogdet(spread[one])[1]
            alive[other] = False
            left = alive.copy()
            left[one] = False
            apart[other] = apart[:, other] = np.inf
            apart[one, left] = apart[left, one] = _distances(centre, spread, logs, one)[left]
    return found


def _covariances(factors: AnyArray, shape: tuple[int, ...], covariance_type: str) -> FloatArray:
    k, d = shape
    unit = np.eye(d)
    if covariance_type in ("diag", "spherical"):
        widths = np.broadcast_to(factors.reshape(k, -1), (k, d)).astype(np.float64)
        return np.asarray(unit[None] / widths[:, None, :] ** 2)
    whole = np.broadcast_to(factors, (k, d, d)).astype(np.float64)
    inverse = np.linalg.inv(whole)
    return np.asarray(inverse.transpose(0, 2, 1) @ inverse)


def _distances(centre: AnyArray, spread: AnyArray, logs: AnyArray, one: int) -> AnyArray:
    """Bhattacharyya distance of one Gaussian to all."""
    mean = (spread + spread[one]) / 2
    between = centre - centre[one]
    solved = np.linalg.solve(mean, between[:, :, None])[:, :, 0]
    far = (between * solved).sum(axis=1) / 8
    shape = (np.linalg.slogdet(mean)[1] - (logs + logs[one]) / 2) / 2
    return np.asarray(np.maximum(far + shape, 0.0))
