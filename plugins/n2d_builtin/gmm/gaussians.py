"""Densities of Gaussian components from Cholesky factors of their precisions."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread, one_openmp_thread
from n2d_framework.plugin import AnyArray, StageError

__all__ = [
    "LARGEST_FACTOR",
    "MOST_COMPONENTS",
    "check_size",
    "in_cluster_units",
    "log_joint",
]

#: Components are visited one after the other: as many as take some tenths of a second.
MOST_COMPONENTS = 10_000
#: Most numbers in the covariances of a fit, 400 MB of each array of them.
_MOST_COVARIANCES = 50_000_000
#: With it, the density of no float32 row is beyond float64.
LARGEST_FACTOR = 1e100


#: Shares of a variance below which another is rounding, or what a feature without spread has.
_ROUNDING, _FLAT = 1e-24, 1e-14


def check_size(name: str, covariance_type: str, n_components: int, d: int) -> None:
    """Refuse full covariances that would fill the memory.

    Raises
    ------
    StageError
    """
    size = n_components * d * d
    if covariance_type == "full" and size > _MOST_COVARIANCES:
        raise StageError(
            f"{name}: {n_components} covariances of {d} x {d} are {size:,} numbers, at most "
            f"{_MOST_COVARIANCES:,} can be fitted; use covariance_type: diag, clusterer: kmeans, "
            "fewer clusters or fewer dimensions"
        )


def in_cluster_units(
    rows: AnyArray, n_clusters: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Centred rows in a unit near the width of clusters, so that a regularization has no unit.

    The unit is a power of two near the standard deviation within the clusters that one k-means
    finds, along the narrowest feature that varies: neither the unit of the rows, nor their
    offset, nor how far clusters or groups of them are apart makes it larger.

    Parameters
    ----------
    rows : float array of shape (n, d)
    n_clusters : int
        At most `n`.
    seed : int

    Returns
    -------
    scaled : float64 array of shape (n, d)
        ``(rows - centre) / unit``.
    centre : float64 array of shape (d,)
    unit : float
    """
    import sklearn.cluster
    from sklearn.exceptions import ConvergenceWarning

    centre = rows.mean(axis=0, dtype=np.float64)
    centred = rows - centre
    exponent = int(np.frexp(np.abs(centred).max(initial=0.0))[1])
    centred = np.ascontiguousarray(np.ldexp(centred, -exponent))
    whole = float(np.square(centred).mean(axis=0).max())
    with one_blas_thread(look_again=True), one_openmp_thread(), warnings.catch_warnings():
        # Fewer different rows than clusters: what remains within is zero.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = sklearn.cluster.KMeans(n_clusters, n_init=1, tol=0.0, random_state=seed).fit(
            centred
        )
    within = np.square(centred - found.cluster_centers_[found.labels_]).mean(axis=0)
    if within.max() <= _ROUNDING * whole:
        within = np.full(1, whole or 1.0)
    least = float(within[within > _FLAT * within.max()].min())
    power = int(np.frexp(np.sqrt(least))[1])
    return np.ldexp(centred, -power), centre, float(np.ldexp(1.0, exponent + power))


def log_joint(
    rows: AnyArray, weights: AnyArray, means: AnyArray, factors: AnyArray, covariance_type: str
) -> AnyArray:
    """Logarithm of weight times density, for every row and component.

    Parameters
    ----------
    rows : array of shape (n, d), float64
    weights : array of shape (k,), float64
    means : array of shape (k, d), float64
    factors : array, float64
        Upper triangular ``U`` with precision ``U @ U.T``, in the shape that
        `covariance_type` has in scikit-learn.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    array of shape (n, k), float64
    """
    k, d = means.shape
    joint = np.empty((len(rows), k))
    with np.errstate(divide="ignore"):
        constants = np.log(weights) - 0.5 * d * math.log(2 * math.pi)
        for index in range(k):
            factor = factors if covariance_type == "tied" else factors[index]
            centred = rows - means[index]
            if factor.ndim == 2:
                centred, log_det = centred @ factor, np.log(np.diagonal(factor)).sum()
            else:
                centred, log_det = centred * factor, np.log(np.broadcast_to(factor, d)).sum()
            squared = np.einsum("nd,nd->n", centred, centred)
            joint[:, index] = constants[index] + log_det - 0.5 * squared
    return joint
