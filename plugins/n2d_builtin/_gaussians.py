"""Densities of Gaussian components from Cholesky factors of their precisions."""

from __future__ import annotations

import math

import numpy as np

from n2d_framework.plugin import AnyArray, StateError

__all__ = ["check_mixture", "log_joint"]


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


def check_mixture(
    weights: AnyArray, means: AnyArray, factors: AnyArray, covariance_type: str
) -> None:
    """Refuse arrays that do not make a mixture of that covariance type.

    Raises
    ------
    StateError
    """
    if means.ndim != 2 or 0 in means.shape:
        raise StateError(f"state 'means' has the shape {means.shape}, not (n_clusters, d)")
    k, d = means.shape
    shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}
    wanted = {"weights": (k,), "means": (k, d), "precisions_cholesky": shapes[covariance_type]}
    found = {"weights": weights, "means": means, "precisions_cholesky": factors}
    for name, array in found.items():
        if array.shape != wanted[name] or array.dtype != np.float64:
            raise StateError(
                f"state {name!r} is {array.dtype} of shape {array.shape}, not float64 of shape "
                f"{wanted[name]} as covariance_type={covariance_type!r} needs"
            )
        if not np.isfinite(array).all():
            raise StateError(f"state {name!r} has values that are not finite")
    diagonal = factors
    if covariance_type in ("full", "tied"):
        diagonal = np.diagonal(factors, axis1=-2, axis2=-1)
    if (diagonal <= 0).any():
        raise StateError("state 'precisions_cholesky' has a diagonal that is not positive")
    if (weights < 0).any() or not weights.any():
        raise StateError("state 'weights' must be non-negative and not all zero")
