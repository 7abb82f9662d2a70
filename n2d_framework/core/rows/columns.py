"""One column of a table, brought to the values that its kind has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from numbers import Real
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from n2d_framework.core.arrays.missing import unmasked
from n2d_framework.core.kinds import Kind
from n2d_framework.core.rows.fields import Field
from n2d_framework.core.rows.packing import packed, unpacked_strings
from n2d_framework.core.rows.written_names import id_texts, refuse_nul
from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.types import AnyArray

__all__ = [
    "COLUMN_KINDS",
    "check_column",
    "column_codes",
    "missing_in",
    "opened_column",
    "packed_column",
    "unpacked_column",
]


def opened_column(name: str, given: Any, kind: Kind = "") -> tuple[Field, AnyArray]:
    """Read a column.

    Parameters
    ----------
    name : str
    given : array-like of shape (n,)
        An array, a list, or a column of pandas, polars or Arrow.
    kind : str, default ""
        What its values are to be taken for. By default numbers, also where they are written as
        strings or are the values of a categorical column; dates; truth values, which are numbers,
        or categories where some are missing; and categories.

    Returns
    -------
    field : Field
    values : array of shape (n,)
        As :class:`Rows` has columns of that kind.

    Raises
    ------
    DataError
        If a value is infinite or not of the kind, with its row and column; or if the column has
        values of several types and no kind is given.
    """
    try:
        values, mask = unmasked(given)
        values = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"X: column {name!r} cannot be read as an array: {error}") from error
    if values.ndim != 1:
        raise DataError(
            f"X: column {name!r} has values of shape {values.shape[1:]}, not one value per row; "
            "leave it out or split it"
        )
    if values.dtype.kind in "cmSV":
        raise DataError(
            f"X: column {name!r} holds {_REFUSED[values.dtype.kind]}; convert it or leave it out"
        )
    absent = _absent(values) if mask is None else _absent(values) | mask
    found = kind or _natural_kind(name, values, absent)
    brought = _BRINGS.get(found)
    read = values if brought is None else brought(name, values, absent)
    dtype = getattr(given, "dtype", getattr(given, "type", values.dtype))
    listed = _listed_categories(dtype, read) if found == "category" else ()
    return Field(name, found, str(dtype), listed), read


_REFUSED: Final = {
    "c": "complex numbers", "m": "time spans", "S": "bytes", "V": "structured values",
}  # fmt: skip


def _absent(values: AnyArray) -> AnyArray:
    """Where values say of themselves that they are missing."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "M":
        return np.isnat(values)
    if values.dtype.kind != "O":
        return np.zeros(len(values), dtype=bool)
    return np.fromiter(map(_is_absent, values), dtype=bool, count=len(values))


def _is_absent(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, str):
        return False
    if type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    try:
        return bool(value != value)  # NaN of any type
    except (TypeError, ValueError):
        return False


def _natural_kind(name: str, values: AnyArray, absent: AnyArray) -> Kind:
    """Kind of a column by the types of its values."""
    if values.dtype.kind in "bO" and _all_are((bool, np.bool_), values[~absent]):
        return "category" if absent.any() else "number"
    if values.dtype.kind != "O":
        return {"M": "date", "U": "category"}.get(values.dtype.kind, "number")
    present = values[~absent]
    if _all_are(date, present) and len(present):
        return "date"
    try:
        for value in present:
            if isinstance(value, (bytes, date, np.datetime64, np.timedelta64)):
                raise TypeError(f"{value!r} is not a number")
            float(value)
    except (TypeError, ValueError, OverflowError):
        if _all_are(str, present):
            return "category"
        raise _mixed(name, values, absent) from None
    return "number"


def _all_are(kind: Any, values: AnyArray) -> bool:
    return (
        all(isinstance(value, kind) for value in values)
        if values.dtype.kind == "O"
        else (values.dtype.kind == "b")
    )


def _mixed(name: str, values: AnyArray, absent: AnyArray) -> DataError:
    """The first value of another type than the first of the column."""
    rows = np.flatnonzero(~absent)
    first = _family(values[rows[0]])
    row = next((row for row in rows if _family(values[row]) != first), rows[0])
    value = values[row]
    return DataError(
        f"X: row {row}, column {name!r} is {value!r} of type {type(value).__name__}, "
        + (
            f"row {rows[0]} is {values[rows[0]]!r}; give all values one type, or say what kind the "
            f"column is (kinds={{{name!r}: 'category'}})"
            if row != rows[0]
            else "which cannot be a number, a category, a text or a date; leave the column out"
        )
    )


def _family(value: Any) -> str:
    for name, kind in (("bool", (bool, np.bool_)), ("number", Real), ("date", date)):
        if isinstance(value, kind):
            return name
    return "str" if isinstance(value, str) else type(value).__name__


def _numbers(name: str, values: AnyArray, absent: AnyArray) -> AnyArray:
    if values.dtype.kind in "biuf" and not absent.any():
        found = values.astype(np.float32) if values.dtype == np.float16 else values
        found = found.astype(np.float64) if found.dtype.itemsize > 8 else found
    elif values.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # what float64 cannot hold is infinite, and refused below
            found = np.where(absent, np.nan, values.astype(np.float64))
    else:
        found = np.full(len(values), np.nan)
        for row in np.flatnonzero(~absent):
            value = values[row]
            try:
                if isinstance(value, (bytes, date, np.datetime64)):
                    raise TypeError("it must be a number")
                found[row] = float(value)
            except (TypeError, ValueError, OverflowError) as error:
                raise _refused(
                    name, row, value, "not numeric; fix it, or choose another kind"
                ) from (error)
    if found.dtype.kind == "f" and np.isinf(found).any():
        at = int(np.isinf(found).argmax())
        raise _refused(name, at, values[at], "not finite; remove the row or fix it")
    return found


def _strings(name: str, values: AnyArray, absent: AnyArray) -> AnyArray:
    found = np.full(len(values), None, dtype=object)
    present = np.flatnonzero(~absent)
    given = values[present].tolist() if values.dtype.kind != "M" else list(values[present])
    texts = [value if type(value) is str else _written(value) for value in given]
    found[present] = np.array([*texts, None], dtype=object)[:-1]
    for row, text in zip(present, texts, strict=True):
        if "\0" in text:
            refuse_nul([text], f"X: column {name!r}", int(row))
        if not text.isascii():
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise _refused(name, row, text, "not valid Unicode; fix it") from error
    return found


def _written(value: Any) -> str:
    """A category as a string: an integer the same with a decimal point and without."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(id_texts([value])[0])


def _dates(name: str, values: AnyArray, absent: AnyArray) -> AnyArray:
    if values.dtype.kind == "M":
        found = values.astype("datetime64[us]")
        wrong = ~absent & (found.astype(values.dtype) != values)
        if values.dtype == np.dtype("datetime64[ns]") or not wrong.any():
            return np.where(absent, np.datetime64("NaT"), found)
        at = int(wrong.argmax())
        raise _refused(name, at, values[at], "a date out of range; fix it")
    found = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    for row in np.flatnonzero(~absent):
        value = values[row]
        try:
            found[row] = _instant(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise _refused(
                name, row, value, "not a date; write dates as in ISO 8601, or choose another kind"
            ) from error
    return found


def _instant(value: Any) -> np.datetime64:
    """A point in time; one with a time zone in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        aware = value.tzinfo is not None
        value = value.astimezone(UTC).replace(tzinfo=None) if aware else value
    elif not isinstance(value, (date, np.datetime64)):
        raise TypeError("not a date")
    return np.datetime64(value, "us")


def _refused(name: str, row: Any, value: Any, what: str) -> DataError:
    value = value.item() if isinstance(value, np.generic) else value
    return DataError(f"X: row {row}, column {name!r} is {value!r}, {what}")


_BRINGS: Final[Mapping[Kind, Callable[[str, AnyArray, AnyArray], AnyArray]]] = MappingProxyType(
    {"number": _numbers, "category": _strings, "text": _strings, "date": _dates}
)
#: Kinds of columns that the framework reads itself.
COLUMN_KINDS: Final = tuple(_BRINGS)
_DTYPES: Final = {"number": "biuf", "category": "O", "text": "O", "date": "M"}


def _listed_categories(dtype: Any, values: AnyArray) -> tuple[str, ...]:
    """All categories: those that the type of a column lists first, in their order."""
    listed = getattr(dtype, "categories", None)
    known = [] if listed is None else [_written(value) for value in listed]
    found = sorted({value for value in values if value is not None} - set(known))
    return tuple(dict.fromkeys([*known, *found]))


def check_column(field: Field, values: Any, n: int) -> None:
    """Refuse a column that is not an array of `n` values of its kind.

    Raises
    ------
    DataError
    """
    if not isinstance(values, np.ndarray) or values.ndim != 1 or len(values) != n:
        raise DataError(f"column {field.name!r} must be an array of {n} values")
    if values.dtype.kind not in _DTYPES.get(field.kind, values.dtype.kind):
        raise DataError(
            f"column {field.name!r} of kind {field.kind!r} cannot hold {values.dtype} values; "
            "make rows of columns by Rows.of"
        )


def missing_in(values: AnyArray) -> AnyArray:
    """Where a column has no value: a boolean array of shape (n,)."""
    if values.dtype.kind == "O":
        return np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    return _absent(values)


def column_codes(values: AnyArray) -> AnyArray:
    """Numbers of the distinct values of a column, by first occurrence; missing ones are equal."""
    if values.dtype.kind == "O":
        seen: dict[Any, int] = {}
        return np.fromiter((seen.setdefault(value, len(seen)) for value in values), dtype=np.int64,
                           count=len(values))  # fmt: skip
    plain = values.astype(np.int64) if values.dtype.kind == "M" else values
    return np.asarray(np.unique(plain, return_inverse=True)[1], dtype=np.int64)


def packed_column(values: AnyArray) -> dict[str, AnyArray]:
    """A column as arrays of numbers: ``values``; of strings also ``ends`` and ``missing``."""
    if values.dtype.kind == "O":
        gaps = missing_in(values)
        return {**packed("" if value is None else value for value in values), "missing": gaps}
    if values.dtype.kind == "M":
        return {"values": values.astype(np.int64)}
    if values.dtype.kind == "f":
        # One not-a-number is as good as another.
        return {"values": np.where(np.isnan(values), values.dtype.type(np.nan), values)}
    return {"values": values}


def unpacked_column(state: State, kind: Kind) -> AnyArray:
    """A column from what :func:`packed_column` gave, perhaps from a file.

    Raises
    ------
    StateError
        If the arrays do not fit together.
    """
    values = need(state, "values", np.ndarray)
    if "ends" not in state:
        if kind != "date":
            return np.asarray(values)
        if values.dtype != np.int64:
            raise StateError(f"dates must be int64, not {values.dtype}")
        return np.asarray(values).view("datetime64[us]")
    texts, gaps = unpacked_strings(state), need(state, "missing", np.ndarray)
    if gaps.shape != (len(texts),):
        raise StateError("a column of strings does not say which are missing")
    found = np.empty(len(texts), dtype=object)
    found[:] = [None if gap else text for text, gap in zip(texts, gaps.tolist(), strict=True)]
    return found
