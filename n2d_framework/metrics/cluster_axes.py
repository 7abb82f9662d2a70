"""Directions in which clusters are about equally wide, and rows along them."""

from __future__ import annotations

import numpy as np

from n2d_framework.core.arrays.leading_axes import leading_axes
from n2d_framework.types import AnyArray, FloatArray, IntArray

__all__ = ["along_axes", "cluster_axes"]

#: Directions in which rows are compared, at most.
_MOST_DIRECTIONS = 32
#: Share of the mean variance within clusters that is added in every direction.
_SHRINK = 1e-3


def cluster_axes(rows: AnyArray, labels: IntArray) -> FloatArray:
    """Principal directions of rows, scaled and turned so that clusters are about equally wide.

    Parameters
    ----------
    rows : array of shape (n, d)
    labels : int64 array of shape (n,)
        Noise counts as a cluster.

    Returns
    -------
    float64 array of shape (d, r)
        At most 32 directions.
    """
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0)
    spread, first = leading_axes(centred, _MOST_DIRECTIONS)
    along = centred @ first
    within = along.copy()
    for label in np.unique(labels):
        own = labels == label
        within[own] -= along[own].mean(axis=0)
    scatter = within.T @ within / len(rows)
    scale = float(np.trace(scatter)) / len(scatter) or float(spread[0]) / len(rows) or 1.0
    widths, axes = np.linalg.eigh(scatter + _SHRINK * scale * np.eye(len(scatter)))
    return np.ascontiguousarray(first @ (axes / np.sqrt(widths)))


def along_axes(rows: AnyArray, axes: FloatArray) -> AnyArray:
    """Rows along the axes: float32; a row's result depends on that row only.

    Parameters
    ----------
    rows : array of shape (n, d)
    axes : float64 array of shape (d, r)
    """
    found = np.zeros((len(rows), axes.shape[1]))
    for place, axis in enumerate(axes):  # value by value: sums have the same order in any batch
        found += rows[:, place : place + 1].astype(np.float64) * axis
    return found.astype(np.float32)
