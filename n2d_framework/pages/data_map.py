"""The map of a run: its rows as points, packed as small as the script reads them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.plots.row_sample import sample_rows
from n2d_framework.types import AnyArray

__all__ = ["MOST_POINTS", "chosen_rows", "packed_numbers", "points"]

#: Points that a page draws smoothly; of more rows a random sample is drawn, over counts of all.
MOST_POINTS = 100_000
_GRID = 65_535
#: Cells along an axis in which rows are counted.
_CELLS = 400
#: Bytes that values of columns may take, and the most columns.
_COLUMN_BYTES, _MOST_COLUMNS = 6_000_000, 16


def chosen_rows(n_rows: int, random_state: int) -> AnyArray:
    """Numbers of the rows that are drawn, in random order, so that no cluster covers another."""
    return sample_rows(n_rows, MOST_POINTS, random_state)


def points(
    plane: AnyArray,
    rows: AnyArray,
    codes: AnyArray,
    *,
    classes: AnyArray | None = None,
    strengths: AnyArray | None = None,
    confidence: AnyArray | None = None,
    columns: AnyArray | None = None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Values of the points, for the script.

    Parameters
    ----------
    plane : array of shape (n, 2)
        Where each row is on the map.
    rows : int array of shape (p,)
        The rows that are drawn.
    codes : int array of shape (n,)
        Position of the row's cluster in the list of clusters.
    classes : int array of shape (n,), optional
        Position of the row's class in the list of classes.
    strengths, confidence : array of shape (n,), optional
        In [0, 1].
    columns : array of shape (p, d), optional
        Values of the drawn rows that are shown, the most telling first.
    names : sequence of str
        One for each column.

    Returns
    -------
    dict
        Numbers are little-endian and in base64.
    """
    low, high = plane.min(axis=0), plane.max(axis=0)
    # One scale for both axes: distances on the map can be compared.
    span = float((high - low).max()) or 1.0
    place = ((plane - (low + high) / 2) / span + 0.5) * _GRID
    place[:, 1] = _GRID - place[:, 1]
    place = place.round().clip(0, _GRID)
    x, y = place[rows].astype("<u2").T
    shown = min(len(names), _MOST_COLUMNS, _COLUMN_BYTES // (4 * max(1, len(rows))))
    return {
        "n": len(rows),
        "total": len(plane),
        "extent": [float(v) for v in (high - low) / span],
        "cells": _cells(place, codes) if len(rows) < len(plane) else None,
        "x": packed_numbers(x),
        "y": packed_numbers(y),
        "row": packed_numbers(rows.astype("<u4")),
        "cluster": packed_numbers(codes[rows].astype("<u2")),
        "class": None if classes is None else packed_numbers(classes[rows].astype("<u2")),
        "strength": _share(strengths, rows),
        "confidence": _share(confidence, rows),
        "columns": []
        if columns is None
        else [
            {"name": names[i], **_column(np.asarray(columns[:, i], dtype=np.float64))}
            for i in range(shown)
        ],
    }


def _cells(place: AnyArray, codes: AnyArray) -> dict[str, Any]:
    """Logarithms of the numbers of rows in cells of the map, and the cluster of most of them."""
    column, line = (place.T * (_CELLS / (_GRID + 1))).astype(np.int64)
    number = int(codes.max()) + 1
    both, counts = np.unique((line * _CELLS + column) * number + codes, return_counts=True)
    cell, cluster = np.divmod(both, number)
    order = np.lexsort((-cluster, counts, cell))  # of equal counts, the first cluster
    last = order[np.append(np.diff(cell[order]) > 0, True)]
    rows = np.bincount(cell, counts, minlength=_CELLS * _CELLS)[cell[last]]
    depth = np.log1p(rows) / np.log1p(rows.max())
    return {
        "side": _CELLS,
        "at": packed_numbers(cell[last].astype("<u4")),
        "cluster": packed_numbers(cluster[last].astype("<u2")),
        "depth": packed_numbers((255 * depth).round().astype("<u1")),
    }


def _share(values: AnyArray | None, rows: AnyArray) -> str | None:
    """Shares of rows as bytes."""
    if values is None:
        return None
    return packed_numbers((np.clip(values[rows], 0, 1) * 255).round().astype("<u1"))


def _column(values: AnyArray) -> dict[str, Any]:
    """Values in float32 where that keeps what people read, seven digits."""
    short = values.astype("<f4")
    digits = np.abs(short - values) <= 1e-6 * max(float(np.ptp(values)), np.finfo(float).tiny)
    return {
        "values": packed_numbers(short if digits.all() else values.astype("<f8")),
        "double": not digits.all(),
        "low": float(values.min()),
        "high": float(values.max()),
    }


def packed_numbers(values: AnyArray) -> str:
    """An array of one dimension in base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
