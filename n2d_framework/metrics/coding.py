"""Labels of any type as codes: 0, 1, ... in the order of their sorted values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.arrays.missing import unmasked
from n2d_framework.core.rows.written_names import refuse_nul
from n2d_framework.errors import DataError
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Coded", "code", "code_pair", "require_same_length", "with_value"]


@attrs.frozen(eq=False)
class Coded:
    """One label per row, as codes.

    Attributes
    ----------
    codes : array of shape (n,), int64
        Position of each row's value in `values`.
    values : list
        The distinct values, sorted where they can be compared.
    """

    codes: IntArray
    values: list[Any]

    @property
    def is_noise(self) -> AnyArray:
        """Which rows are noise: those labelled by the number -1."""
        noise = [_is_number(value) and value == NOISE for value in self.values]
        return np.asarray(noise, dtype=bool)[self.codes]

    @property
    def n_clusters(self) -> int:
        """Number of distinct values other than noise."""
        return sum(1 for v in self.values if not (_is_number(v) and v == NOISE))


def code(values: Any, what: str) -> Coded:
    """Code one label per row.

    Parameters
    ----------
    values : array-like of shape (n,)
        Numbers, texts, truth values, dates or objects; also a pandas or polars series.
    what : str
        What they are, for messages: ``"y"`` or ``"labels"``.

    Returns
    -------
    Coded

    Raises
    ------
    DataError
        If there is no row, more than one column, or a missing value.
    """
    values, array, missing = _read(values, what)
    if missing.any():
        raise DataError(
            f"{what}: missing value, first in row {int(missing.argmax())}; "
            "leave those rows out, or give them a class of their own"
        )
    if array.dtype.kind in "OU":
        # NumPy's strings have lost NUL characters at the end of those of a list.
        refuse_nul(array.tolist() if hasattr(values, "dtype") else values, what)
    if array.dtype.kind == "O":
        return _code_objects(array.tolist(), what)
    distinct, codes = np.unique(array, return_inverse=True)
    return Coded(codes.astype(np.int64), distinct.tolist())


def with_value(values: Any, what: str) -> AnyArray:
    """Mask of the rows whose value is not missing.

    Parameters
    ----------
    values : array-like of shape (n,)
        As :func:`code` takes them.
    what : str
        What they are, for messages.

    Raises
    ------
    DataError
        If there is no row, or more than one column.
    """
    return ~_read(values, what)[2]


def _read(values: Any, what: str) -> tuple[Any, AnyArray, AnyArray]:
    """Values as they can be read, as an array, and which of them are missing."""
    try:
        values, masked = unmasked(values)
        # Objects keep masked constants, for which NumPy would put NaN with a warning.
        array = np.asarray(values, dtype=None if masked is None else object)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{what}: must be one value per row: {error}") from error
    if array.ndim != 1:
        raise DataError(
            f"{what}: must be one-dimensional, one value per row, and has the shape {array.shape}"
        )
    if not len(array):
        raise DataError(f"{what}: no rows")
    missing = _missing(array)
    return values, array, missing if masked is None else missing | masked


def code_pair(y: Any, labels: Any) -> tuple[Coded, Coded]:
    """Code classes and labels of the same rows.

    Raises
    ------
    DataError
        If either cannot be used, or their lengths differ.
    """
    coded = code(y, "y"), code(labels, "labels")
    require_same_length("y", coded[0].codes, "labels", coded[1].codes)
    return coded


def require_same_length(
    one: str, a: Sequence[Any] | AnyArray, other: str, b: Sequence[Any] | AnyArray
) -> None:
    """Refuse two arrays that do not describe the same rows."""
    if len(a) != len(b):
        verb = "have" if one.endswith("s") else "has"
        raise DataError(f"{one} {verb} {len(a)} rows, {other} have {len(b)}; give one per row")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _missing(array: AnyArray) -> AnyArray:
    if array.dtype.kind in "fc":
        return np.isnan(array)
    if array.dtype.kind in "mM":
        return np.isnat(array)
    if array.dtype.kind == "O":
        return np.fromiter((_is_missing(value) for value in array), dtype=bool, count=len(array))
    return np.zeros(len(array), dtype=bool)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _code_objects(values: list[Any], what: str) -> Coded:
    try:
        distinct = _sorted(set(values))
    except TypeError as error:
        raise DataError(f"{what} has values that cannot be labels: {error}") from error
    position = {value: index for index, value in enumerate(distinct)}
    codes = np.fromiter((position[value] for value in values), dtype=np.int64, count=len(values))
    return Coded(codes, distinct)


def _sorted(distinct: Iterable[Any]) -> list[Any]:
    items = list(distinct)
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=lambda value: (type(value).__name__, str(value)))
