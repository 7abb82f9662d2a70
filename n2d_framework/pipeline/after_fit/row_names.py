"""Rows as users name them: by their ids, or by their positions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["positions_of"]


def positions_of(ids: AnyArray | None, n_rows: int, chosen: Any) -> list[int]:
    """Positions of rows that are named by their ids, or without ids by their positions.

    Parameters
    ----------
    ids : array of str, shape (n,), or None
    n_rows : int
    chosen : str, int or iterable of them
        An integer is a position, a string an id; where rows have no ids, a string of digits is a
        position as well.

    Raises
    ------
    DataError
        If there is no such row, or several have the id.
    """
    known: dict[str, list[int]] = {}
    for place, name in enumerate([] if ids is None else ids.tolist()):
        known.setdefault(str(name), []).append(place)
    found = []
    several = isinstance(chosen, Iterable) and not isinstance(chosen, str)
    for one in chosen if several else [chosen]:
        if isinstance(one, bool) or not isinstance(one, (str, int, np.integer)):
            raise DataError(f"row {one!r}: rows are named by ids, which are strings, or positions")
        places = known.get(str(one), []) if isinstance(one, str) else []
        by_position = not isinstance(one, str) or (ids is None and one.strip().isdigit())
        if not places and by_position and 0 <= int(one) < n_rows:
            places = [int(one)]
        if len(places) != 1:
            reason = "there is no such row" if not places else f"{len(places)} rows have this id"
            what = "ids" if ids is not None else f"positions from 0 to {n_rows - 1}"
            raise DataError(f"row {one}: {reason}; rows are named by their {what}")
        found += places
    return found
