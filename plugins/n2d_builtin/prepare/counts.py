"""Counts brought to the same sum in each row, as for cells and documents."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import is_sparse, refuse_negative
from n2d_framework.plugin import (
    DataError,
    FitContext,
    component,
    learned,
    option,
    require_fitted,
)

__all__ = ["NormalizeCounts"]

_CHUNK = 4096


@component
class NormalizeCounts:
    """Divides the counts of each row by their sum, times a common sum, and takes ``log(1 + x)``.

    So that cells or documents are compared by their composition, not by how much of them was
    read (scanpy's ``normalize_total`` and ``log1p``). Rows without any count stay zero. Dense or
    sparse; zeros stay zeros.

    Attributes
    ----------
    target_sum_ : float
        The common sum.
    row_shape_ : tuple of int
        Shape of the rows.
    """

    target_sum: float | None = option(
        None, gt=0, help="The common sum. None takes the median sum of training rows with counts."
    )
    log: bool = option(True, help="Whether log(1 + x) is taken afterwards.")
    target_sum_: float | None = learned(dtype=float, gt=0)
    row_shape_: tuple[int, ...] | None = learned(dtype=int, shape=("axes",), ge=1)

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Learn the common sum from counts `x` of shape (n, ...).

        Raises
        ------
        DataError
            If a value is negative, with its row and column, or if no row has a count.
        """
        sums = np.concatenate([_sums(part) for part in _parts(x)])
        if not sums.any():
            raise DataError("normalize_counts: no row has any count; use another prepare component")
        median = float(np.median(sums[sums > 0]))
        self.target_sum_ = median if self.target_sum is None else self.target_sum
        self.row_shape_ = tuple(x.shape[1:])
        return self

    def treatments(self, x: Any) -> list[tuple[str, str]]:
        """Say what is done to rows, in plain words."""
        total = require_fitted(self.target_sum_, "normalize_counts")
        after = ", then log(1 + x)" if self.log else ""
        return [("each row", f"its counts brought to the sum {total:g}{after}")]

    def output_shape(self, row_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a row: it is not changed.

        Raises
        ------
        DataError
            If it is fitted on rows of another shape.
        """
        if self.row_shape_ not in (None, row_shape):
            raise DataError(
                f"normalize_counts was fitted on rows of shape {self.row_shape_} and got rows of "
                f"shape {row_shape}; pass rows of the same features"
            )
        return row_shape

    def transform(self, x: Any) -> Any:
        """Normalized rows: float64 in the storage and shape of `x`.

        Raises
        ------
        DataError
            If a value is negative, with its row and column, or rows have another shape.
        StateError
            If not fitted.
        """
        target = require_fitted(self.target_sum_, "normalize_counts")
        self.output_shape(x.shape[1:])
        found = x.astype(np.float64)
        values = found.data if is_sparse(found) else found
        start = 0
        for part in _parts(found):
            sums = _sums(part, start)
            factor = np.divide(target, sums, out=np.zeros_like(sums), where=sums > 0)
            if is_sparse(found):
                ends = found.indptr[start : start + part.shape[0] + 1]
                values[ends[0] : ends[-1]] *= np.repeat(factor, np.diff(ends))
            else:
                part *= factor.reshape(-1, *(1,) * (part.ndim - 1))
            start += part.shape[0]
        if self.log:
            np.log1p(values, out=values)
        return found


def _parts(x: Any) -> Any:
    return (x[start : start + _CHUNK] for start in range(0, x.shape[0], _CHUNK))


def _sums(part: Any, start: int = 0) -> NDArray[np.float64]:
    """The sum of each row, by that row alone; the first of the part has the number `start`."""
    refuse_negative(part, "normalize_counts", "use another prepare component", start=start)
    if is_sparse(part):
        return np.asarray(part.astype(np.float64) @ np.ones(part.shape[1]))
    rows = np.ascontiguousarray(part.reshape(len(part), -1), dtype=np.float64)
    return np.asarray(rows.sum(axis=1))
