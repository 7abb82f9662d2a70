"""Which rows of the data an error is about, where it was found in a block of them."""

from __future__ import annotations

from n2d_framework.errors import DataError

__all__ = ["in_rows"]


def in_rows(error: DataError, start: int, stop: int, shown: str) -> DataError:
    """Name the rows of a block in what is wrong with it.

    Parameters
    ----------
    error : DataError
    start, stop : int
        First row of the block, and the row behind its last.
    shown : str
        What to call the data.
    """
    return DataError(f"{shown}, rows {start} to {stop - 1} (counted from 0 within these): {error}")
