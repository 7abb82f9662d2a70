"""Arrays of many columns as few arrays, since a file has room for some thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import StateError
from n2d_framework.types import AnyArray

__all__ = ["column_parts", "of_column_parts"]

#: Columns up to which each has a group of its own.
_FEW: Final = 1000
#: Names of the arrays of a column.
_ARRAYS: Final = ("values", "ends", "missing")
_JOINED: Final = "columns"


def column_parts(columns: Mapping[int, Mapping[str, AnyArray]]) -> dict[str, Any]:
    """A state of the arrays of columns, by their positions.

    Parameters
    ----------
    columns : mapping of int to mapping of str to array of shape (n,)
        The arrays are ``values``, ``ends`` and ``missing``, or some of them.
    """
    if len(columns) <= _FEW:
        return {f"column_{number}": dict(arrays) for number, arrays in columns.items()}
    found: dict[str, Any] = {_JOINED: np.array([*columns], dtype=np.int64)}
    for name in _ARRAYS:
        arrays = [column.get(name) for column in columns.values()]
        dtypes = sorted({array.dtype.str for array in arrays if array is not None})
        for number, dtype in enumerate(dtypes):
            own = [array if array is not None and array.dtype.str == dtype else None
                   for array in arrays]  # fmt: skip
            lengths = [-1 if array is None else len(array) for array in own]
            found[f"{name}_{number}"] = np.concatenate([a for a in own if a is not None])
            found[f"{name}_{number}_lengths"] = np.array(lengths, dtype=np.int64)
    return found


def of_column_parts(state: State) -> dict[int, dict[str, Any]]:
    """The arrays of columns that :func:`column_parts` gave, perhaps from a file.

    Raises
    ------
    StateError
        If the arrays do not fit together.
    """
    if _JOINED not in state:
        numbers = (name.removeprefix("column_") for name in state if name.startswith("column_"))
        return {
            int(number): need(state, f"column_{number}", dict)
            for number in numbers
            if number.isdecimal() and number.isascii()
        }
    positions = need(state, _JOINED, np.ndarray)
    found: dict[int, dict[str, Any]] = {int(position): {} for position in positions.ravel()}
    for name in _ARRAYS:
        number = 0
        while f"{name}_{number}" in state:
            joined = need(state, f"{name}_{number}", np.ndarray)
            lengths = need(state, f"{name}_{number}_lengths", np.ndarray)
            there = lengths >= 0
            ends = np.cumsum(np.where(there, lengths, 0))
            if not (
                (lengths.dtype, joined.ndim) == (np.int64, 1)
                and lengths.shape == (len(found),)
                and (lengths <= joined.size).all()
                and len(ends)
                and ends[-1] == joined.size
            ):
                raise StateError("the arrays of columns do not fit together")
            for position, own, end, length in zip(found, there, ends, lengths, strict=True):
                if own:
                    found[position][name] = joined[end - length : end]
            number += 1
    return found
