"""Points to draw of many rows in many dimensions: a random sample in a plane."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.core.arrays.leading_axes import leading_axes
from n2d_framework.errors import ConfigError, DataError, Problem, did_you_mean
from n2d_framework.types import AnyArray

__all__ = ["Projection", "as_coordinates", "as_labels", "place_rows", "sample_rows", "to_plane"]

#: How more than two dimensions are brought to paper.
Projection: TypeAlias = Literal["principal", "tsne"]
_PERPLEXITY = 30.0
#: Fewer points than this need no map.
_FEW = 10
#: Rows from which principal axes are found at most, and rows that are looked at together.
_FOR_AXES, _BLOCK = 200_000, 1 << 16


def as_coordinates(values: ArrayLike) -> AnyArray:
    """Coordinates as a finite float array of shape (n, m), or a :class:`DataError`."""
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise DataError(
            f"coordinates to draw must have the shape (n, m) with at least one row, "
            f"not {np.shape(values)}"
        )
    finite = [
        np.isfinite(array[start : start + _BLOCK]).all(axis=1)
        for start in range(0, len(array), _BLOCK)
    ]
    bad = np.flatnonzero(~np.concatenate(finite))
    if bad.size:
        raise DataError(
            f"coordinates to draw: {bad.size} rows hold NaN or inf, the first is row {bad[0]}; "
            "remove them first"
        )
    return array


def as_labels(values: ArrayLike, n_rows: int, what: str = "labels") -> AnyArray:
    """Labels as an array of shape (n_rows,), or a :class:`DataError`."""
    array = np.asarray(values)
    if array.shape != (n_rows,):
        raise DataError(f"{what} must have the shape ({n_rows},) as the rows, not {array.shape}")
    return array


def sample_rows(n_rows: int, max_points: int | None, random_state: int) -> AnyArray:
    """Row numbers of a random sample without replacement, in random order.

    Parameters
    ----------
    n_rows : int
        How many rows there are.
    max_points : int or None
        How many to draw at most; ``None`` for all.
    random_state : int
        Seed of the draw and of the order. Points are drawn on paper in that order, so that
        no cluster covers the others because of its number.
    """
    order = np.random.default_rng(random_state).permutation(n_rows)
    return order if max_points is None else order[:max_points]


def place_rows(
    coordinates: AnyArray,
    rows: AnyArray,
    random_state: int = 0,
    projection: Projection = "principal",
) -> tuple[AnyArray, tuple[str, str]]:
    """Where on paper rows are drawn, and what the axes are.

    Parameters
    ----------
    coordinates : float array of shape (n, m)
    rows : array of shape (k,), int
        The rows that are drawn.
    random_state : int, default 0
    projection : {"principal", "tsne"}, default "principal"
        What is done with more than two dimensions: the first two principal axes, or t-SNE of
        the drawn rows.

    Returns
    -------
    tuple of array of shape (k, 2) and tuple of two str

    Raises
    ------
    ConfigError
        If the projection is unknown.
    """
    if projection not in get_args(Projection):
        hint = did_you_mean(projection, get_args(Projection), noun="projection")
        raise ConfigError([Problem("projection", f"unknown projection {projection!r}; {hint}")])
    if projection == "tsne" and coordinates.shape[1] > 2 and len(rows) >= _FEW:
        return _map(coordinates[rows].astype(np.float64), random_state)
    return to_plane(coordinates, random_state, rows)


def _map(points: AnyArray, random_state: int) -> tuple[AnyArray, tuple[str, str]]:
    """t-SNE of points: which are neighbours is kept, how far groups are apart is not."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    points = np.ldexp(points, -np.frexp(np.abs(points).max())[1])
    points = points - points.mean(axis=0)
    points = points / (np.sqrt(np.square(points).sum(axis=1).mean()) or 1.0)
    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    # Equal rows have no principal axes to start from.
    start = "pca" if np.ptp(points, axis=0).any() else "random"
    model = TSNE(perplexity=perplexity, init=start, random_state=random_state)
    # Sums of several threads would differ from run to run.
    with threadpool_limits(1):
        plane = model.fit_transform(points)
    return plane, (f"t-SNE axis 1 (of {points.shape[1]} dimensions)", "t-SNE axis 2")


def to_plane(
    coordinates: AnyArray, random_state: int = 0, rows: AnyArray | None = None
) -> tuple[AnyArray, tuple[str, str]]:
    """Two coordinates for paper, and what to call them.

    Parameters
    ----------
    coordinates : float array of shape (n, m)
        One column is spread over a random height, two are taken as they are, of more the
        first two principal axes are taken; those of 200,000 rows drawn at random, where there are
        more. Memory is taken for the result, not for all coordinates again.
    random_state : int, default 0
        Seed of the random height, and of the rows that are drawn.
    rows : array of shape (k,), int, optional
        The rows that are wanted; default all.

    Returns
    -------
    tuple of float64 array of shape (k, 2) and tuple of two str
    """
    n, m = coordinates.shape
    wanted = slice(None) if rows is None else rows
    if m == 2:
        return coordinates[wanted].astype(np.float64), ("coordinate 1", "coordinate 2")
    if m == 1:
        height: AnyArray = np.random.default_rng(random_state).uniform(-1.0, 1.0, size=(n, 1))
        spread = np.hstack([coordinates[wanted], height[wanted]])
        return spread.astype(np.float64), ("coordinate 1", "random height")
    some = slice(None) if n <= _FOR_AXES else np.sort(sample_rows(n, _FOR_AXES, random_state))
    centred = coordinates[some].astype(np.float64)
    # By a power of two, so that no square overflows or underflows.
    exponent = np.frexp(np.abs(centred).max())[1]
    centred = np.ldexp(centred, -exponent)
    mean = centred.mean(axis=0)
    variances, axes = leading_axes(centred - mean, 2)
    # The sign of an axis is arbitrary: its largest component points up.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), (0, 1)])
    shares = variances[:2] / max(float(variances.sum()), np.finfo(float).tiny)
    names = tuple(_axis_name(number, m, share) for number, share in enumerate(shares, start=1))
    plane = np.empty((n if rows is None else len(rows), 2))
    for start in range(0, len(plane), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = coordinates[part if rows is None else rows[part]].astype(np.float64)
        plane[part] = np.ldexp((np.ldexp(block, -exponent) - mean) @ axes, exponent)
    return plane, (names[0], names[1])


def _axis_name(number: int, m: int, share: Any) -> str:
    return f"principal axis {number} of {m} ({share:.0%} of variance)"
