"""Array-likes that users hand in, checked and brought to rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.core.arrays.missing import unmasked
from n2d_framework.core.arrays.single_precision import lost_digits
from n2d_framework.core.rows.fields import positions
from n2d_framework.core.rows.frames import Frame, NotDenseError, as_frame
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["as_rows", "dense_rows"]

_CHUNK = 4096


def as_rows(x: Any, *, fitting: bool = False) -> AnyArray:
    """Check input and return it as an array of rows.

    Parameters
    ----------
    x : array-like of shape (n, features) or (n, ...)
        Arrays, nested lists, frames of pandas, polars or Arrow, objects with ``__array__``; any
        real number type.
    fitting : bool, default False
        Whether a model is fitted on the rows: at least two are needed, and a column of which
        float64 leaves far fewer different values is refused.

    Returns
    -------
    array of shape (n, ...)
        Integers, booleans and floats keep their type (float16 becomes float32, longdouble
        float64); objects that are numbers become float64, as do columns of several types. The
        input itself is never written to.

    Raises
    ------
    DataError
        If the input is empty, has too few rows, the wrong number of dimensions, or values
        that are missing (masked, null, NaN), infinite, not numbers, or (of a fit) equal in
        float64 only: with the row and column.
        It is a ``TypeError`` as well if the input is sparse or of a type without rows.
    """
    at_least = 2 if fitting else 1
    if not _plain(x, at_least):
        frame = as_frame(x)
        if frame is not None:
            return dense_rows(frame, range(len(frame.names)), fitting=fitting)
    return _numeric(x, (), at_least, fitting)


def dense_rows(frame: Frame, order: Sequence[int], *, fitting: bool = False) -> AnyArray:
    """Check some columns of a frame and return them as an array of rows; see :func:`as_rows`.

    Parameters
    ----------
    frame : Frame
    order : sequence of int
        Positions of the columns.
    fitting : bool, default False

    Raises
    ------
    DataError
        As for :func:`as_rows`.
    """
    # Positions that stand for names are written as numbers.
    bare = frame.names == positions(len(frame.names))
    names = tuple(position if bare else frame.names[position] for position in order)
    block = frame.block(order)
    if block is None:
        columns = [frame.column(position) for position in order]
        block = _stacked(columns, names, fitting)
    return _numeric(block, () if bare else names, 2 if fitting else 1, fitting)


def _numeric(x: Any, names: Sequence[Any], at_least: int, fitting: bool) -> AnyArray:
    """An array, or what turns into one, checked."""
    rows = x
    if not _plain(x, at_least):
        x = _opened(x)
        try:
            x, mask = unmasked(x)
        except (TypeError, ValueError, RuntimeError) as error:
            raise _WrongTypeError(f"X cannot be read as an array: {error}") from error
        if mask is not None and mask.ndim:
            raise _missing("a missing value", _place(np.argwhere(mask)[0], names))
        rows = _checked(x, at_least, fitting)
    if rows.dtype.kind not in "buif":
        raise DataError(f"x holds values of type {rows.dtype}, not real numbers")
    if rows.dtype == np.float16 or rows.dtype.kind == "b":
        rows = rows.astype(np.float32)
    if 0 in rows.shape[1:]:
        raise DataError(f"rows of shape {rows.shape[1:]} hold no values")
    _refuse_missing(rows, names)
    return np.asarray(_in_float64(rows, names, fitting))


class _WrongTypeError(DataError, TypeError):
    """Of another type than scikit-learn's estimators take, who expect TypeError."""


class _NotNumberError(NotDenseError, TypeError):
    """A value that is not a number, for which scikit-learn expects TypeError."""


def _plain(x: Any, at_least: int) -> bool:
    """Return whether it is an array of numbers, in which scikit-learn finds nothing to change."""
    return (
        type(x) is np.ndarray
        and x.dtype.kind in "buif"
        and x.ndim >= 2
        and len(x) >= at_least
        and 0 not in x.shape
    )


def _opened(x: Any) -> Any:
    """Input that NumPy can read whole; anything else is refused."""
    if hasattr(x, "compute") and hasattr(x, "npartitions"):
        return x.compute()  # of Dask, whose __array__ drops masks
    if not _is_array_like(x):
        raise _WrongTypeError(
            f"X is of type {type(x).__name__}, which has no rows of numbers. Expected 2D array; "
            "give an array, a list of rows or a frame"
        )
    return x


def _is_array_like(x: Any) -> bool:
    """Return whether NumPy reads it whole; other sequences it reads item by item, for hours."""
    if isinstance(x, (list, tuple)):
        return not x or _is_array_like(x[0]) or not hasattr(x[0], "__getitem__")
    known = ("__array__", "__array_interface__", "__array_struct__", "toarray")
    return any(hasattr(x, name) for name in known) or isinstance(
        x, (memoryview, range, str, bytes, int, float, complex)
    )


def _stacked(given: Sequence[Any], names: Sequence[Any], fitting: bool) -> AnyArray:
    """Columns of numbers, each checked and brought to their common type."""
    columns = []
    for name, taken in zip(names, given, strict=True):
        if str(getattr(taken, "dtype", "")).startswith("Sparse"):
            raise _WrongTypeError(f"X: column {name!r} is sparse; N2D needs dense columns")
        values, mask = unmasked(taken)
        if mask is not None:
            raise _missing("a missing value", _place(np.argwhere(mask)[0], (name,), alone=True))
        values = np.asarray(values)
        if values.ndim != 1:
            shape = values.shape[1:]
            raise DataError(f"X: column {name!r} holds arrays of shape {shape}, not numbers")
        columns.append(_numbers(values, name, fitting=fitting))
    if not columns:
        raise DataError("X has no columns. 0 feature(s) while a minimum of 1 is required")
    common = np.result_type(*columns)
    for name, values in zip(names, columns, strict=True):
        if fitting and values.dtype.kind in "iu" and common.kind == "f":
            _refuse_lost_digits(values, values.astype(common), (name,))
    return np.stack(columns, axis=1, dtype=common, casting="unsafe")


_KINDS = {
    "U": "texts", "S": "bytes", "M": "dates", "m": "time spans", "V": "structured values",
    "c": "complex numbers",
}  # fmt: skip


def _numbers(values: AnyArray, name: Any = None, *, fitting: bool = False) -> AnyArray:
    """Refuse what is not a number, by its place; objects that are numbers become float64."""
    kind = values.dtype.kind
    if kind in _KINDS and (kind != "c" or name is not None):
        of = "" if name is None else f"column {name!r} "
        raise NotDenseError(f"x {of}holds {_KINDS[kind]}, not numbers; encode it as numbers first")
    if kind != "O":
        return values
    found = np.empty(values.shape)
    for index, value in np.ndenumerate(values):
        try:
            if isinstance(value, (bytes, np.datetime64, np.timedelta64)):
                raise TypeError("it must be a string or a number")
            found[index] = float(value)
        except (TypeError, ValueError, OverflowError) as error:
            where = _place(index, () if name is None else (name,), alone=name is not None)
            if value is None or type(value).__name__ in ("NAType", "NaTType"):
                raise _missing("a missing value", where) from error
            raise _NotNumberError(
                f"X: {where} is {value!r}; encode it as a number or leave the column out ({error})"
            ) from error
    if fitting:
        _refuse_lost_digits(values, found, () if name is None else (name,))
    return found


def _refuse_lost_digits(exact: AnyArray, found: AnyArray, names: Sequence[Any]) -> None:
    """Refuse columns of which float64 leaves far fewer different values."""
    lost = lost_digits(exact, found, names)
    if lost:
        raise DataError(f"X: {lost}; subtract what its values have in common, or leave it out")


def _checked(x: Any, at_least: int, fitting: bool) -> AnyArray:
    from sklearn.utils.validation import check_array

    try:
        if isinstance(x, (list, tuple)):
            x = np.asarray(x)
        if isinstance(x, np.ndarray) and (x.ndim > 1 or x.dtype.kind in "USMmV"):
            x = _numbers(x, fitting=fitting)
        rows: AnyArray = check_array(
            x,
            dtype="numeric",
            allow_nd=True,
            ensure_all_finite=False,
            ensure_min_samples=at_least,
            estimator="N2D",
            input_name="X",
        )
    except DataError:
        raise
    except (TypeError, RuntimeError, RecursionError) as error:
        raise _WrongTypeError(f"{error}; N2D needs a dense array of numbers") from error
    except ValueError as error:
        raise DataError(_ragged(x) or str(error)) from error
    return rows


def _ragged(x: Any) -> str:
    """Which row of a list has another length than the first; empty if none has."""
    if not isinstance(x, (list, tuple)):
        return ""
    lengths = [np.size(row) if np.isscalar(row) else len(row) for row in x]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return f"X: row {row} has {length} values, row 0 has {lengths[0]}; make them equal"
    return ""


def _place(index: Sequence[int], names: Sequence[Any], *, alone: bool = False) -> str:
    """Row and column in words: of a matrix with names, or of one column that is alone."""
    row, *rest = map(int, index)
    if alone:
        return f"row {row}, column {names[0]!r}"
    if len(rest) == 1 and names:
        return f"row {row}, column {names[rest[0]]!r}"
    return f"row {row}, column {', '.join(map(str, rest))}"


def _missing(what: str, where: str) -> DataError:
    return NotDenseError(
        f"X contains {what}: {where}; remove such rows or fill the missing values (for example "
        "with sklearn.impute.SimpleImputer)"
    )


def _refuse_missing(rows: AnyArray, names: Sequence[Any]) -> None:
    if rows.dtype.kind != "f":
        return
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        wrong = ~np.isfinite(chunk)
        if not wrong.any():
            continue
        first = np.argwhere(wrong)[0]
        name = "NaN" if np.isnan(chunk[tuple(first)]) else "inf"
        raise _missing(name, _place((start + first[0], *first[1:]), names))


def _in_float64(rows: AnyArray, names: Sequence[Any], fitting: bool) -> AnyArray:
    """Longer floats shortened, unless they are beyond the range."""
    if rows.dtype.kind != "f" or rows.dtype.itemsize <= 8:
        return rows
    with np.errstate(over="ignore"):
        short = rows.astype(np.float64)
    if np.isinf(short).any():
        where = _place(np.argwhere(np.isinf(short))[0], names)
        raise DataError(f"X contains a value beyond float64: {where}; rescale it")
    if fitting:
        _refuse_lost_digits(rows, short, names)
    return short
