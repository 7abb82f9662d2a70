"""Density-based validity: for clusters of any shape, with noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.metrics.coding import code
from n2d_framework.metrics.geometry import check_coordinates, in_own_units, pick
from n2d_framework.types import NOISE, IntArray

__all__ = ["dbcv"]


def dbcv(coordinates: Any, labels: Any, *, max_rows: int = 2_000, random_state: int = 0) -> float:
    """Density-based clustering validation of Moulavi et al. (2014).

    Parameters
    ----------
    coordinates : array-like of shape (n, d)
        The space that was clustered; distances are euclidean.
    labels : array-like of shape (n,)
        Rows labelled -1 are noise: they are in no cluster, but count in the total, so that
        noise lowers the score.
    max_rows : int, default 2000
        Of more rows, a sample of that size is taken: memory and time grow with its square.
        The score depends on how dense the sample is: compare it only between clusterings
        of equally many rows.
    random_state : int, default 0
        Seed of the sample.

    Returns
    -------
    float
        In [-1, 1], greater is better; ``nan`` with fewer than two clusters. A cluster of
        which the sample has one row only, or nothing but copies of one row, counts as noise:
        it has no density.

    Raises
    ------
    DataError

    References
    ----------
    Moulavi, Jaskowiak, Campello, Zimek and Sander 2014, Density-Based Clustering Validation,
    SDM.
    """
    found = code(labels, "labels")
    points = check_coordinates(coordinates, len(found.codes))
    codes = np.where(found.is_noise, NOISE, found.codes)
    points, codes = pick(points, codes, max_rows, random_state)
    dense = [
        c
        for c in np.unique(codes[codes != NOISE])
        if len(np.unique(points[codes == c], axis=0)) > 1
    ]
    if len(dense) < 2:
        return float("nan")
    # The densities are powers of 1 / distance with the dimension as exponent; the score does
    # not depend on the scale, which keeps them in range.
    return _validity(in_own_units(points), _renumbered(codes, dense))


def _renumbered(codes: IntArray, dense: list[Any]) -> IntArray:
    numbered = np.full(len(codes), NOISE, dtype=np.int64)
    for number, cluster in enumerate(dense):
        numbered[codes == cluster] = number
    return numbered


def _validity(points: Any, labels: IntArray) -> float:
    from hdbscan.validity import validity_index

    with np.errstate(all="ignore"):
        return float(validity_index(np.ascontiguousarray(points), labels))
