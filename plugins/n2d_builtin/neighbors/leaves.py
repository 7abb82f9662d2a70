"""Points in leaves of a k-d tree, for an exact search that looks at a leaf at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.compiled import compiling_pays
from n2d_builtin.neighbors.leaf_shape import FEATURES, LEAF
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["Leaves"]

_EPSILON = 2.0**-24


class Leaves:
    """Find the nearest points by euclidean distance, whatever other rows are asked about.

    Points are dealt into leaves of equal size by medians. The leaves that may hold a nearer point
    than those found are read as vectors, in single precision; what is wrong with that is bounded,
    and the few points that may be near enough are measured in double precision, feature
    by feature. The nearest come first, equally near ones by lower index.

    Parameters
    ----------
    points : float array of shape (n, d)
        Near 1, so that squares neither overflow nor vanish in single precision: what does is
        found all the same, but slowly.

    Notes
    -----
    With float32 differences of float32 numbers, a rough square of a distance is wrong by less than
    ``(d + 8) eps`` of itself, eps = 2^-24, in any order of the sum, since all terms are positive.
    Points in float64 are rounded first, which moves them by less than eps of their length.
    """

    def __init__(self, points: AnyArray) -> None:
        self._points = points
        rows = self._rounded(points, -points.shape[1] % FEATURES)
        self._order = _by_leaves(rows, LEAF)
        # The last leaf is filled up with its last point, which is not looked at again.
        filled = np.append(self._order, np.repeat(self._order[-1:], -len(points) % LEAF))
        leaves = rows[filled].reshape(-1, LEAF, rows.shape[1])
        self._columns = np.ascontiguousarray(leaves.transpose(0, 2, 1))
        self._low = np.ascontiguousarray(leaves.min(axis=1).T)
        self._high = np.ascontiguousarray(leaves.max(axis=1).T)
        self._longest = 0.0 if points.dtype == np.float32 else _lengths(points).max()

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Order of the points, columns, low and high ends of the boxes, as for the kernel; what
        rounding changes of the distance of two points at most.
        """
        return self._order, self._columns, self._low, self._high, 4 * _EPSILON * self._longest

    def shared_values(self, values: IntArray) -> IntArray:
        """For each leaf the value that all its points have; -1 where they differ."""
        starts = np.arange(len(self)) * self._columns.shape[2]
        dealt = values[self._order]
        least, most = np.minimum.reduceat(dealt, starts), np.maximum.reduceat(dealt, starts)
        return np.where(least == most, least, -1)

    def search(self, rows: AnyArray, indices: IntArray, distances: NDArray[np.float64]) -> None:
        """Write the nearest points of each row, and the squares of their distances.

        Parameters
        ----------
        rows : float array of shape (m, d)
        indices : int64 array of shape (m, k)
        distances : float64 array of shape (m, k)
        """
        if not compiling_pays(len(rows)):
            _search_all(self._points, rows, indices, distances)
            return
        from n2d_builtin.neighbors.leaf_kernel import search_leaves

        inexact = self._points.dtype != np.float32 or rows.dtype != np.float32
        moved = 2 * _EPSILON * (self._longest + _lengths(rows)) if inexact else np.zeros(len(rows))
        search_leaves(
            self._points, self._order, self._columns, self._low, self._high, rows,
            self._rounded(rows, self._low.shape[0] - rows.shape[1]), moved, indices, distances,
        )  # fmt: skip

    @staticmethod
    def _rounded(rows: AnyArray, missing: int) -> NDArray[np.float32]:
        with np.errstate(over="ignore", under="ignore"):
            return np.pad(rows.astype(np.float32), ((0, 0), (0, missing)))


def _search_all(
    points: AnyArray, rows: AnyArray, indices: IntArray, distances: NDArray[np.float64]
) -> None:
    """The same by NumPy, from all points."""
    k = indices.shape[1]
    columns = points.T.astype(np.float64, order="C")
    for row, found, near in zip(rows.astype(np.float64), indices, distances, strict=True):
        squares = np.zeros(len(points))
        for column, value in zip(columns, row, strict=True):
            squares += np.square(value - column)
        possible = np.flatnonzero(squares <= np.partition(squares, k - 1)[k - 1])
        found[:] = possible[np.lexsort((possible, squares[possible]))[:k]]
        near[:] = squares[found]


def _lengths(rows: AnyArray) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1))
    return lengths


def _by_leaves(rows: NDArray[np.float32], size: int) -> IntArray:
    """Numbers of the rows, leaf after leaf; leaves are parted where rows are widest."""
    order = np.arange(len(rows))
    pieces = [(0, -(-len(rows) // size))]
    while pieces:
        first, stop = pieces.pop()
        if stop - first > 1:
            middle = (first + stop) // 2
            part = order[first * size : stop * size]
            axis = int(np.ptp(rows[part], axis=0).argmax())
            part[:] = part[np.argpartition(rows[part, axis], (middle - first) * size)]
            pieces += [(first, middle), (middle, stop)]
    return order
