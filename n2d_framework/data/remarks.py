"""Columns of a table that may not be what they look like, pointed out in one line each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import listed, positions
from n2d_framework.data.heading import is_marker

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
        Which features count the rows (1, 2, 3, ...), and which classes are called as missing
        values are (``NA``, ``null``).
    """
    counters = _counters(data)
    if counters:
        yield (
            f"column {listed(counters)} counts the rows and is used as a feature; if it is their "
            f"id, say so: {{path: ..., id: {counters[0]}}}"
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
    """Names of the features that increase by one from row to row, from 0 or 1 on."""
    if len(data.x) < _FEWEST:
        return []
    first = data.x[:2].astype(np.float64)
    found = np.flatnonzero(np.isin(first[0], (0, 1)) & (first[1] - first[0] == 1))
    names = data.schema.names if data.schema is not None else ()
    names = names or positions(data.x.shape[1])
    numbers = np.arange(len(data.x))
    return [
        names[position]
        for position in found.tolist()
        if np.array_equal(data.x[:, position], numbers + data.x[0, position])
    ]
