"""Narrow rows: those of so few numbers that no network is needed by default."""

from __future__ import annotations

import math
from typing import Final

from n2d_framework.core.rows.rows import Rows

__all__ = ["MOST_NUMBERS", "NARROW", "is_narrow"]

#: Most numbers in a row that is narrow. Up to here distances between rows say as much as those
#: between their codes: over 21 tables of 2 to 64 columns a network gained nothing on average.
MOST_NUMBERS: Final = 64
#: The word of ``default_for`` that components for such rows announce.
NARROW: Final = "narrow"
#: What narrow rows may be named; of others, such as series, neighbours of raw rows say less.
_NAMED: Final = ("", "vector", "image")


def is_narrow(rows: Rows) -> bool:
    """Return whether rows are vectors or images of at most :data:`MOST_NUMBERS` numbers.

    Parameters
    ----------
    rows : Rows
        Not those of columns, texts or sparse rows: these are never narrow.
    """
    plain = rows.storage == "dense" and rows.named_kind in _NAMED
    return plain and math.prod(rows.row_shape) <= MOST_NUMBERS
