"""Checks of what :meth:`Rows.of` is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.core.kinds import Kind
from n2d_framework.errors import DataError, did_you_mean
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["checked_weights", "refuse_equal_rows", "refuse_kinds", "texts_of"]

_CHUNK = 4096


def checked_weights(weights: Any, n: int) -> FloatArray | None:
    """Weights as float64; ``None`` where each row counts 1."""
    try:
        found = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"weights cannot be read as numbers: {error}") from error
    if found.shape != (n,):
        raise DataError(f"weights must be one per row: {n}, got an array of shape {found.shape}")
    wrong = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if wrong.size:
        raise DataError(
            f"the weight of row {wrong[0]} is {found[wrong[0]]}; weights must be finite and not "
            "negative"
        )
    if not found.any():
        raise DataError("all weights are zero; at least one row must count")
    return None if (found == 1).all() else found


def texts_of(x: Any) -> AnyArray | None:
    """A list or column of strings as an array; ``None`` for anything else.

    Raises
    ------
    DataError
        If only some items of a list are strings, with the row of one that is none.
    """
    if isinstance(x, (list, tuple)):
        if not any(isinstance(item, str) for item in x):
            return None
        for row, item in enumerate(x):
            if not (item is None or isinstance(item, str)):
                raise DataError(
                    f"X: row {row} is {item!r:.40}, not a text as other rows are; write it as one, "
                    "or give None where there is none"
                )
        items = np.array([*x, None], dtype=object)[:-1]
    else:
        # Of a library's column NumPy says what it holds; a matrix or numbers it need not read.
        dtype = getattr(x, "dtype", getattr(x, "type", None))
        if dtype is None or getattr(dtype, "kind", "O") in "buifcmMSV" or np.ndim(x) != 1:
            return None
        items = np.asarray(x)
    known = [item for item in items.tolist() if not (item is None or item != item)]
    return items if known and all(isinstance(item, str) for item in known) else None


def refuse_kinds(kinds: Mapping[str, Kind], names: tuple[str, ...]) -> None:
    """Refuse kinds of columns that are not there."""
    for name in kinds:
        if name not in names:
            hint = did_you_mean(name, names[:1000], noun="column")
            raise DataError(f"kinds: there is not a column {name!r}; {hint}")


def refuse_equal_rows(rows: Any) -> None:
    """Refuse rows that are all the same.

    Parameters
    ----------
    rows : Rows

    Raises
    ------
    DataError
        If every row equals the first: there is nothing to cluster.
    """
    first, second = (rows.take(slice(n)).identity()[-1] for n in (1, 2))
    if (first == second).all():
        known = rows.identity()
        blocks = range(0, len(known), _CHUNK)
        if all((known[i : i + _CHUNK] == known[:1]).all() for i in blocks):
            raise DataError(f"all {len(rows)} rows are equal: there is nothing to cluster")
