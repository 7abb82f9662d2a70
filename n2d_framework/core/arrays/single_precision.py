"""Rows in float32, in which components compute, and what would be lost by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["collapse", "column_of", "in_float32", "lost_digits"]

#: Values in which a collapse is looked for, and how many different ones of a column are enough
#: in any case: of very many values some are always neighbours in float32.
_LOOKED_AT, _ENOUGH_VALUES = 2**23, 4096
#: Share of a column's largest value by which rounding in float64 may part two numbers, halved.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


def collapse(
    rows: AnyArray, cast: Callable[[AnyArray], AnyArray], *, computed: bool = False
) -> str:
    """Describe the first column of which float32 leaves far fewer different values.

    Parameters
    ----------
    rows : array of shape (n, ...)
        Numbers of any type; of very many a sample is looked at.
    cast : callable
        Brings rows to float32.
    computed : bool, default False
        Whether the numbers were computed in float64 from rows in float32: what the rounding of
        the one may have made different is then not counted as different, and as that of the other
        parts values too (sums of the same terms in other groups), more of them may be lost.

    Returns
    -------
    str
        Empty if there is none. A column collapses if more than one in eight of its different
        values is lost (of computed ones at least half) and fewer than 4,096 are left.
    """
    if rows.dtype.itemsize <= 2 or not rows.size:
        return ""
    step = -(-rows.size // _LOOKED_AT)
    sample = rows[:: min(step, max(1, len(rows) // 64))]
    before, after = _different(sample, computed=computed), _different(cast(sample))
    least = before // 2 + 1 if computed else before - before // 8
    lost = np.flatnonzero((after < np.minimum(least, _ENOUGH_VALUES)) & (after < before))
    if not lost.size:
        return ""
    first = int(lost[0])
    place = [int(i) for i in np.unravel_index(first, rows.shape[1:])]
    others = f" ({lost.size} of {len(before)} columns are like that)" if lost.size > 1 else ""
    return (
        f"{column_of(place)}: {before[first]} different values become {after[first]} in float32, "
        f"in which components compute{others}"
    )


def lost_digits(exact: AnyArray, found: AnyArray, names: Sequence[object] = ()) -> str:
    """Describe the first column of numbers that are longer than float64 and collapse in it.

    Parameters
    ----------
    exact : array of shape (n, ...)
        Integers, floats of more than 64 bits, or objects that are numbers or strings of numbers.
    found : array of the same shape
        The same in float64.
    names : sequence, optional
        Names of the columns, if they have some.

    Returns
    -------
    str
        Empty if there is none; see :func:`collapse` for how many values may be lost.
    """
    exact, found = exact.reshape(len(exact), -1), found.reshape(len(found), -1)
    for position in range(exact.shape[1]):
        column = exact[:, position]
        if column.dtype.kind in "iu" and np.abs(found[:, position]).max(initial=0) < 2**53:
            continue
        if not np.isfinite(found[:, position]).all():
            continue  # which is refused as missing
        after = len(np.unique(found[:, position]))
        if after >= _ENOUGH_VALUES:
            continue
        before = len(
            {_exact(value) for value in column.tolist()}
            if column.dtype == object
            else np.unique(column)
        )
        if after < before - before // 8:
            return (
                f"column {repr(names[position]) if names else position}: {before} different values "
                f"become {after} in float64, which keeps 16 digits"
            )
    return ""


def _exact(value: Any) -> Any:
    """A value that is equal where numbers are, also if it is a string."""
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        return float(value)


def column_of(place: Sequence[int]) -> str:
    """Name where in a row a value is; columns count from 0."""
    return f"column {', '.join(map(str, place))}"


def in_float32(rows: AnyArray, *, fitting: bool, computed: bool = False) -> AnyArray:
    """Cast rows that no scaler has brought near 1.

    Parameters
    ----------
    rows : array of shape (n, ...)
        Finite numbers.
    fitting : bool
        Whether a collapse of a column is refused; of new rows only what is too large is.
    computed : bool, default False
        As for :func:`collapse`.

    Raises
    ------
    DataError
    """
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(rows, dtype=np.float32)
    wrong = np.argwhere(~np.isfinite(found))
    if wrong.size:
        row, *place = (int(i) for i in wrong[0])
        raise DataError(
            f"row {row}, {column_of(place)}: the value is too large for float32; scale the data"
        )
    lost = (
        collapse(rows, lambda part: part.astype(np.float32), computed=computed) if fitting else ""
    )
    if lost:
        raise DataError(f"{lost}; subtract the mean of each column, or scale it to [0, 1]")
    return found


def _different(rows: AnyArray, *, computed: bool = False) -> AnyArray:
    """Number of different values of each column."""
    # A copy in any case: rows in Fortran order are contiguous when transposed.
    table = np.sort(rows.reshape(len(rows), -1).T, axis=1)
    changes = table[:, 1:] != table[:, :-1]
    if computed:
        size = np.maximum(np.abs(table[:, :1]), np.abs(table[:, -1:]))
        changes = table[:, 1:] / 2 - table[:, :-1] / 2 > _ROUNDING * size
    return np.asarray(1 + np.count_nonzero(changes, axis=1))
