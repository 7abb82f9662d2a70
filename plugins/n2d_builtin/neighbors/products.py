"""Lower bounds of euclidean distances, from products of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from n2d_framework.plugin import AnyArray

__all__ = ["Products"]

#: Points at once: their products with some hundred queries stay in the cache.
_TILE = 2048
#: Square lengths up to which nothing overflows in float32.
_LONGEST = 1e37
_EPSILON, _SMALLEST = 2.0**-24, 2.0**-126


class Products:
    """Find the points that are surely too far from a query, at the speed of a matrix product.

    The square of a distance is ``|x|^2 + |y|^2 - 2 x.y``. In float32 that is too inexact to
    order neighbours by, but how wrong it may be is known, so that most points can be ruled out
    without looking at them; the rest is left to an exact search. Points are moved to
    have their mean in the origin, where lengths, and with them the errors, are smallest.

    Parameters
    ----------
    points : float array of shape (n, d)

    Notes
    -----
    A sum of d + 1 products in float32, in any order, is wrong by at most ``(d + 1) eps`` times
    the sum of their sizes, eps = 2^-24 (Higham 2002, Accuracy and Stability of Numerical
    Algorithms, section 3.1), here ``2 |x| |y| + |y|^2 <= |x|^2 + 2 |y|^2``. Moving the points,
    rounding ``|y|^2``, and the distances of the exact search, in float32 over pieces of 128
    terms at worst, are wrong by less than ``300 eps (|x|^2 + |y|^2)``. Of ``|x|^2 + |y|^2``
    the share ``(2 d + 600) eps`` is therefore taken off. Products below 2^-126 may count
    as zero.
    """

    def __init__(self, points: AnyArray) -> None:
        self._centre = points.mean(axis=0, dtype=np.float64)
        width = points.shape[1]
        self._kept = 1.0 - (2 * width + 600) * _EPSILON
        self._lost = (4 * width + 64) * _SMALLEST
        self._points, lengths = self._moved(points)
        self._usable = bool(lengths.max(initial=0.0) < _LONGEST)
        if self._usable:
            self._points[:, -1] = lengths * self._kept

    def bounds(self, queries: AnyArray) -> tuple[Iterator[tuple[int, AnyArray]], AnyArray] | None:
        """Lower bounds of the squared distances to all points.

        Parameters
        ----------
        queries : float array of shape (m, d)

        Returns
        -------
        iterator and float64 array of shape (m,), or None
            For a tile of points at a time the number of its first and a float32 array of
            shape (m, t): less the second value, a row's squared distances are not less. ``None``
            if rows are too long for float32.
        """
        factors = self.factors(queries)
        return None if factors is None else (self._tiles(factors[0]), factors[1])

    def factors(self, queries: AnyArray) -> tuple[AnyArray, AnyArray] | None:
        """Queries as :meth:`tile` takes them, and the second value of :meth:`bounds`."""
        rows, lengths = self._moved(queries)
        if not (self._usable and lengths.max(initial=0.0) < _LONGEST):
            return None
        rows *= -2
        rows[:, -1] = 1
        return rows, self._lost - lengths * self._kept

    def tile(self, factors: AnyArray, first: int, stop: int) -> AnyArray:
        """Bounds of the distances to consecutive points: float32 of shape (m, stop - first)."""
        return np.asarray(factors @ self._points[first:stop].T)

    def _tiles(self, factors: AnyArray) -> Iterator[tuple[int, AnyArray]]:
        for first in range(0, len(self._points), _TILE):
            yield first, self.tile(factors, first, first + _TILE)

    def _moved(self, rows: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Rows less the centre, with room for one more column, and their square lengths."""
        moved = np.zeros((rows.shape[0], rows.shape[1] + 1), dtype=np.float32)
        with np.errstate(over="ignore"):
            np.subtract(rows, self._centre, out=moved[:, :-1], casting="same_kind")
            return moved, np.einsum("nd,nd->n", moved, moved, dtype=np.float64)
