"""Columns of a table that may not be what they look like, pointed out in one line each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import listed, positions
from n2d_framework.data.heading import is_marker
from n2d_framework.types import AnyArray

__all__ = ["table_remarks"]

#: Fewer rows count up by chance.
_FEWEST = 10


def table_remarks(data: Dataset) -> Iterator[str]:
    """Remarks on the columns of a table that was read.

    Parameters
    ----------
    data : Dataset

    Yields
    ------
    str
        Which features number the rows (1, 2, 3, ..., downwards, by other steps or shuffled),
        which hold larger numbers than float64 tells apart, and which classes are called as
        missing values are (``NA``, ``null``).
    """
    counters = _counters(data)
    if counters:
        yield (
            f"column {listed(counters)} counts the rows and is used as a feature; if it is their "
            f"id, say so: {{path: ..., id: {counters[0]}}}"
        )
    rounded = _rounded(data)
    if rounded:
        yield (
            f"column {listed(rounded)} has numbers of more than 16 digits, which become equal as "
            "float64 where they differ in the last; subtract what they have in common, leave it "
            f"out, or if it is the id, say so: {{path: ..., id: {rounded[0]}}}"
        )
    if data.y is not None and data.y.dtype.kind == "U":
        marks = [text for text in np.unique(data.y).tolist() if is_marker(text)]
        if marks:
            rows = int(np.isin(data.y, marks).sum())
            yield (
                f"{rows} rows are of the class {listed(marks)}; if that says that the class is "
                "missing, leave those rows out"
            )


def _counters(data: Dataset) -> list[str]:
    """Names of the features that number the rows, in order or shuffled."""
    if len(data.x) < _FEWEST:
        return []
    names = data.schema.names if data.schema is not None else ()
    names = names or positions(data.x.shape[1])
    return [name for name, column in zip(names, data.x.T, strict=True) if _counts(column)]


def _counts(column: AnyArray) -> bool:
    """Return whether values rise or fall by one integer, or are n numbers in a row, shuffled."""
    first, step = float(column[0]), float(column[1]) - float(column[0])
    if step == 0 or first != round(first) or step != round(step):
        return False
    steps = np.arange(len(column), dtype=np.float64) * step + first
    if abs(steps[-1]) < 2**53 and np.array_equal(column, steps):
        return True
    low, high = float(column.min()), float(column.max())
    if high - low != len(column) - 1 or abs(high) >= 2**53 or low not in (0, 1):
        return False
    return bool(np.array_equal(np.sort(column), np.arange(low, high + 1)))


def _rounded(data: Dataset) -> list[str]:
    """Names of the float64 features whose rows cannot all differ at that size of the numbers."""
    if data.x.dtype != np.float64 or len(data.x) < 2:
        return []
    low, high = data.x.min(axis=0), data.x.max(axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(over="ignore", invalid="ignore"):
        found = (largest >= 2**53) & ((high - low) / np.spacing(largest) < len(data.x) - 1)
    names = data.schema.names if data.schema is not None else ()
    names = names or positions(data.x.shape[1])
    return [names[position] for position in np.flatnonzero(found).tolist()]
