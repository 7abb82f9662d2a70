"""Scores without truth, from the coordinates that were clustered; noise rows are left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.types import AnyArray, IntArray

__all__ = [
    "calinski_harabasz",
    "check_coordinates",
    "davies_bouldin",
    "in_own_units",
    "pick",
    "silhouette",
]

NAN = float("nan")
#: Of more rows so many are scored, drawn at random: scores take several copies of them.
_MOST_SCORED = 1_000_000
#: Clusters whose distances to all others are held at once.
_MOST_PAIRED = 1_000


def silhouette(
    coordinates: Any, labels: Any, *, max_rows: int = 5_000, random_state: int = 0
) -> float:
    """Mean silhouette of the clustered rows (Rousseeuw 1987).

    Parameters
    ----------
    coordinates : array-like of shape (n, d)
        The space that was clustered; distances are euclidean.
    labels : array-like of shape (n,)
        Rows labelled -1 are left out.
    max_rows : int, default 5000
        Of more rows, a sample of that size is taken: time grows with its square.
    random_state : int, default 0
        Seed of the sample.

    Returns
    -------
    float
        In [-1, 1]; ``nan`` with fewer than two clusters, or if every row is its own cluster.

    Raises
    ------
    DataError
    """
    from sklearn.metrics import silhouette_score

    points, codes = _clustered(coordinates, labels)
    points, codes = pick(points, codes, max_rows, random_state)
    return float(silhouette_score(points, codes)) if _scorable(codes) else NAN


def calinski_harabasz(coordinates: Any, labels: Any) -> float:
    """Variance between clusters relative to that within (Calinski and Harabasz 1974).

    Parameters
    ----------
    coordinates : array-like of shape (n, d)
    labels : array-like of shape (n,)
        Rows labelled -1 are left out.

    Returns
    -------
    float
        Not negative, greater is better; ``nan`` with fewer than two clusters, or if every
        row is its own cluster.

    Raises
    ------
    DataError
    """
    from sklearn.metrics import calinski_harabasz_score

    points, codes = _clustered(coordinates, labels)
    return float(calinski_harabasz_score(points, codes)) if _scorable(codes) else NAN


def davies_bouldin(coordinates: Any, labels: Any) -> float:
    """Mean likeness of each cluster to the one most like it (Davies and Bouldin 1979).

    Parameters
    ----------
    coordinates : array-like of shape (n, d)
    labels : array-like of shape (n,)
        Rows labelled -1 are left out.

    Returns
    -------
    float
        Not negative, *less* is better; ``nan`` with fewer than two clusters, or if every row
        is its own cluster.

    Raises
    ------
    DataError
    """
    from sklearn.metrics import davies_bouldin_score

    points, codes = _clustered(coordinates, labels)
    if not _scorable(codes):
        return NAN
    values, codes = np.unique(codes, return_inverse=True)
    if len(values) > _MOST_PAIRED:
        return _davies_bouldin_in_blocks(points, codes, len(values))
    return float(davies_bouldin_score(points, codes))


def _davies_bouldin_in_blocks(points: AnyArray, codes: IntArray, k: int) -> float:
    """The same of many clusters, whose distances to each other are not held at once."""
    from sklearn.metrics import pairwise_distances

    sizes = np.bincount(codes, minlength=k)
    sums = [np.bincount(codes, column, minlength=k) for column in points.T]
    centres = np.stack(sums, axis=1) / sizes[:, None]
    apart = np.sqrt(np.square(points - centres[codes]).sum(axis=1))
    widths = np.bincount(codes, apart, minlength=k) / sizes
    if np.allclose(widths, 0):
        return 0.0
    found = []
    for start in range(0, k, _MOST_PAIRED):
        block = slice(start, start + _MOST_PAIRED)
        between = pairwise_distances(centres[block], centres)
        between[np.arange(len(between)), np.arange(k)[block]] = np.inf
        between[between == 0] = np.inf
        found.append(((widths[block, None] + widths) / between).max(axis=1))
    return float(np.concatenate(found).mean())


def check_coordinates(coordinates: Any, n_rows: int) -> AnyArray:
    """Coordinates as float64 of shape (n, d), or a clear refusal."""
    try:
        points = np.asarray(coordinates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"coordinates must be real numbers: {error}") from error
    if points.ndim != 2:
        raise DataError(f"coordinates must have the shape (n, d), not {points.shape}")
    require_same_length("coordinates", points, "labels", np.empty(n_rows))
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise DataError(f"coordinates are not finite, first in row {int(finite.argmin())}")
    return points


def in_own_units(points: AnyArray) -> AnyArray:
    """Coordinates less their mean, with mean squared length 1, for scores that have no unit.

    Without it products lose the digits in which rows differ, squares overflow or underflow, and
    comparisons with absolute numbers take small units for equal rows.
    """
    if not points.size:
        return points
    scaled = np.ldexp(points, -np.frexp(np.abs(points).max())[1])
    scaled -= scaled.mean(axis=0)
    length = float(np.sqrt(np.square(scaled).sum(axis=1).mean()))
    return np.asarray(scaled / (length or 1.0))


def pick(
    points: AnyArray, codes: IntArray, max_rows: int, random_state: int
) -> tuple[AnyArray, IntArray]:
    """A seeded sample of at most `max_rows` rows, in their order."""
    if len(points) <= max_rows:
        return points, codes
    chosen = np.random.default_rng(random_state).choice(len(points), max_rows, replace=False)
    chosen.sort()
    return points[chosen], codes[chosen]


def _clustered(coordinates: Any, labels: Any) -> tuple[AnyArray, IntArray]:
    found = code(labels, "labels")
    codes, inside = found.codes, ~found.is_noise
    if len(codes) > _MOST_SCORED:
        require_same_length("coordinates", coordinates, "labels", codes)
        chosen = np.random.default_rng(0).choice(len(codes), _MOST_SCORED, replace=False)
        chosen.sort()
        coordinates, codes, inside = np.asarray(coordinates)[chosen], codes[chosen], inside[chosen]
    points = check_coordinates(coordinates, len(codes))
    return in_own_units(points[inside]), codes[inside]


def _scorable(codes: IntArray) -> bool:
    n_clusters = len(np.unique(codes))
    return 2 <= n_clusters < len(codes)
