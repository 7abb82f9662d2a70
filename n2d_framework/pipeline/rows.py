"""Array-likes that users hand in, checked and brought to rows of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["as_rows", "refuse_equal_rows"]

_CHUNK = 4096


def as_rows(x: Any, *, at_least: int = 1) -> AnyArray:
    """Check input and return it as an array of rows.

    Parameters
    ----------
    x : array-like of shape (n, features) or (n, ...)
        Arrays, lists, pandas or polars frames; any real number type.
    at_least : int, default 1
        How many rows are needed.

    Returns
    -------
    array of shape (n, ...)
        Integers, booleans and floats keep their type (float16 becomes float32); objects that
        are numbers become float64. The input itself is never written to.

    Raises
    ------
    DataError
        If the input is empty, has too few rows, the wrong number of dimensions, or values
        that are missing, infinite or no numbers: with the row and column.
    TypeError
        If the input is sparse.
    """
    if isinstance(x, np.ndarray) and x.dtype.kind in "USM" + "m":
        raise DataError(f"x holds {_KINDS[x.dtype.kind]}, not numbers; encode it as numbers first")
    rows = x if _plain(x, at_least) else _checked(x, at_least)
    if rows.dtype.kind not in "buif":
        raise DataError(f"x holds values of type {rows.dtype}, not real numbers")
    if rows.dtype == np.float16 or rows.dtype.kind == "b":
        rows = rows.astype(np.float32)
    if 0 in rows.shape[1:]:
        raise DataError(f"rows of shape {rows.shape[1:]} hold no values")
    _refuse_missing(rows)
    return np.asarray(rows)


def _plain(x: Any, at_least: int) -> bool:
    """Whether it is an array of numbers, in which scikit-learn finds nothing to change."""
    return (
        type(x) is np.ndarray
        and x.dtype.kind in "buif"
        and x.ndim >= 2
        and len(x) >= at_least
        and 0 not in x.shape
    )


def _checked(x: Any, at_least: int) -> AnyArray:
    from sklearn.utils.validation import check_array

    try:
        rows: AnyArray = check_array(
            x,
            dtype="numeric",
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=at_least,
            estimator="N2D",
            input_name="X",
        )
    except TypeError as error:
        raise TypeError(f"{error}; N2D needs a dense array of numbers") from error
    except ValueError as error:
        raise DataError(_explain(x, error)) from error
    return rows


_KINDS = {"U": "texts", "S": "bytes", "M": "dates", "m": "time spans"}


def _explain(x: Any, error: ValueError) -> str:
    place = _first_unusable(x)
    return f"{error}{f' ({place}; encode it as a number or leave the column out)' if place else ''}"


def _first_unusable(x: Any) -> str:
    """Place of the first value that is no number, if that is what is wrong."""
    table = np.asarray(x, dtype=object) if not hasattr(x, "columns") else x.to_numpy()
    if table.ndim != 2 or table.dtype.kind not in "OUS":
        return ""
    names = list(getattr(x, "columns", range(table.shape[1])))
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            try:
                float(value)
            except (TypeError, ValueError):
                return f"row {row}, column {names[column]!r} is {value!r}"
    return ""


def _refuse_missing(rows: AnyArray) -> None:
    if rows.dtype.kind != "f":
        return
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        wrong = ~np.isfinite(chunk)
        if not wrong.any():
            continue
        first = np.argwhere(wrong)[0]
        value = chunk[tuple(first)]
        name = "NaN" if np.isnan(value) else "inf"
        place = ", ".join(str(int(i)) for i in first[1:])
        raise DataError(
            f"X contains {name}: row {start + int(first[0])}, column {place}; "
            "remove such rows or fill the missing values (for example with "
            "sklearn.impute.SimpleImputer)"
        )


def refuse_equal_rows(rows: AnyArray) -> None:
    """Refuse rows that are all the same.

    Raises
    ------
    DataError
        If every row equals the first: there is nothing to cluster.
    """
    if (rows[1:2] == rows[:1]).all() and (rows == rows[:1]).all():
        raise DataError(f"all {len(rows)} rows are equal: there is nothing to cluster")
