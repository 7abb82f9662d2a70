"""Lloyd's iteration over rows in a file, by sums in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["lloyd", "mean_square"]

_BLOCK = 1 << 14


def lloyd(
    x: AnyArray,
    centres: AnyArray,
    nearest: Callable[[AnyArray, AnyArray], IntArray],
    *,
    tol: float,
    max_iter: int,
    check: Callable[[], None],
) -> tuple[AnyArray, int]:
    """Move centres to the means of their rows until they stay.

    Parameters
    ----------
    x : array of shape (n, d)
    centres : float64 array of shape (k, d)
        One without rows stays where it is.
    nearest : callable
        Number of the nearest centre of each row of a block, given the block and centres.
    tol : float
        Of the mean variance of a feature: what centres may still move, squared.
    max_iter : int
    check : callable
        Called before each iteration.

    Returns
    -------
    float64 array of shape (k, d)
    int
        Iterations.
    """
    least = tol * _mean_variance(x)
    for iteration in range(1, max_iter + 1):
        check()
        sums, counts = np.zeros(centres.shape), np.zeros(len(centres))
        own = np.arange(len(centres))
        for start in range(0, len(x), _BLOCK):
            rows = x[start : start + _BLOCK]
            # What was summed so far comes first: one sum, in the order of the rows.
            codes = np.concatenate([own, nearest(rows, centres)])
            values = np.concatenate([sums, rows])
            for j in range(x.shape[1]):
                sums[:, j] = np.bincount(codes, values[:, j], minlength=len(centres))
            counts += np.bincount(codes, minlength=len(centres)) - 1
        moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
        change = float(np.square(moved - centres).sum())
        centres = moved
        if change <= least:
            return centres, iteration
    return centres, max_iter


def mean_square(x: AnyArray) -> float:
    """Mean squared distance of rows to their mean."""
    return _mean_variance(x) * int(x.shape[1])


def _mean_variance(x: AnyArray) -> float:
    """Mean over features of the variance, about a mean that is found first."""
    total = np.zeros(x.shape[1])
    for start in range(0, len(x), _BLOCK):
        total += x[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
    centre, squares = total / len(x), np.zeros(x.shape[1])
    for start in range(0, len(x), _BLOCK):
        squares += np.square(x[start : start + _BLOCK] - centre).sum(axis=0)
    return float((squares / len(x)).mean())
