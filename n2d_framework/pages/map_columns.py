"""Columns of mixed kinds by which the points of a map are coloured, a byte for each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import grouped
from n2d_framework.pages.data_map import packed_numbers
from n2d_framework.plots.colours.map_colours import map_colours
from n2d_framework.types import AnyArray

__all__ = ["MapColumn", "packed_columns"]

#: Categories that have a colour: the most frequent.
_COLOURED = 10
#: Bytes that all columns may take, and the most columns.
_BYTES, _MOST = 1_000_000, 100
#: Levels of a scale, and the byte of a gap.
_LEVELS, _GAP = 254, 255


@attrs.frozen(eq=False)
class MapColumn:
    """A column of rows of mixed kinds.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "category"}
    values : array of shape (n,)
        Numbers or years as float64, NaN where one is missing; of categories codes, -1 for a gap.
    categories : tuple of str
        By their codes.
    """

    name: str
    kind: Literal["number", "date", "category"]
    values: AnyArray
    categories: tuple[str, ...] = ()

    @property
    def varies(self) -> bool:
        """Truth of: it parts the rows, by two values, or one and gaps, and does not list ids."""
        gone = self.values < 0 if self.kind == "category" else np.isnan(self.values)
        known = self.values[~gone]
        if self.kind == "category" and np.bincount(known, minlength=1).max() < 2:
            return False
        return bool(len(known) and (gone.any() or (known != known[0]).any()))


def packed_columns(
    columns: Sequence[MapColumn], rows: AnyArray, plane: AnyArray, telling: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Columns as the script of a map reads them.

    Parameters
    ----------
    columns : sequence of MapColumn
    rows : int array of shape (p,)
        The rows that are drawn.
    plane : array of shape (n, 2)
        Where each row is on the map.
    telling : mapping of str to float
        How far features set a cluster apart; a category is the feature ``column = category``.

    Returns
    -------
    list of dict
        The most telling first; of many rows as many as there is room for. Numbers are levels of a
        scale from ``low`` to ``high``; categories the place of one of ``groups``, of which the last
        may be those that have no colour of their own, and gaps.
    """
    of_column: dict[str, float] = {}
    for feature, effect in telling.items():
        name = feature.partition(" = ")[0].removesuffix(" (year)").removesuffix(" is missing")
        of_column[name] = max(effect, of_column.get(name, 0.0))
    shown = [column for column in columns if column.varies]
    shown.sort(key=lambda column: -of_column.get(column.name, 0.0))
    room = min(_MOST, _BYTES // max(1, len(rows)))
    return [
        _groups(column, rows, plane) if column.kind == "category" else _levels(column, rows)
        for column in shown[:room]
    ]


def _levels(column: MapColumn, rows: AnyArray) -> dict[str, Any]:
    values = column.values[rows]
    gone = np.isnan(values)
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    part = (np.where(gone, low, values) - low) / ((high - low) or 1.0)
    levels = np.where(gone, _GAP, (part * _LEVELS).round()).astype("<u1")
    return {
        "name": column.name,
        "levels": packed_numbers(levels),
        "low": low,
        "high": high,
        "gaps": int(gone.sum()),
    }


def _groups(column: MapColumn, rows: AnyArray, plane: AnyArray) -> dict[str, Any]:
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.categories))
    order = np.argsort(-counts, kind="stable")
    coloured = [int(code) for code in order[:_COLOURED] if counts[code]]
    further = int((counts > 0).sum()) - len(coloured)
    names = [column.categories[code] for code in coloured]
    place = np.full(len(column.categories) + 1, len(coloured))
    place[coloured] = np.arange(len(coloured))
    place[-1] = len(coloured) + bool(further)  # where a gap, code -1, is looked up
    found = place[column.values[rows]]
    colours = map_colours(plane[rows], found, len(coloured))
    if further:
        names.append(f"{further:,} other categories" if further > 1 else "1 other category")
        colours.append("var(--muted)")
    if (column.values < 0).any():
        names.append("missing")
        colours.append("var(--noise)")
    sizes = {int(group): len(own) for group, own in grouped(found)}
    return {
        "name": column.name,
        "codes": packed_numbers(found.astype("<u1")),
        "groups": [
            {"name": name, "colour": colour, "size": sizes.get(i, 0)}
            for i, (name, colour) in enumerate(zip(names, colours, strict=True))
        ],
    }
