"""The axes along which rows vary most."""

from __future__ import annotations

import numpy as np

from n2d_framework.types import AnyArray, FloatArray

__all__ = ["leading_axes"]

#: Columns whose products with each other are cheap, however few rows there are.
_NARROW = 512


def leading_axes(centred: AnyArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Sums of squares along all axes, in falling order, and the first axes.

    Of rows that have more columns than there are rows, products of rows are taken instead of those
    of columns: time and memory are those of the smaller side.

    Parameters
    ----------
    centred : float64 array of shape (n, d)
        Rows less their mean.
    count : int
        Axes that are wanted.

    Returns
    -------
    float64 array
        Sums of squares.
    float64 array of shape (d, r)
        ``r`` is `count`, or the smaller of `n` and `d` if that is less. Axes along which nothing
        varies may be zero.
    """
    n, d = centred.shape
    if d <= max(n, _NARROW):
        squares, axes = np.linalg.eigh(centred.T @ centred)
        return squares[::-1], axes[:, ::-1][:, :count]
    squares, turned = np.linalg.eigh(centred @ centred.T)
    squares, turned = squares[::-1], turned[:, ::-1][:, :count]
    length = np.sqrt(squares[: turned.shape[1]].clip(min=0.0))
    real = length > np.sqrt(n * np.finfo(np.float64).eps) * length[0]
    return squares, centred.T @ (turned * np.where(real, 1 / np.where(real, length, 1.0), 0.0))
