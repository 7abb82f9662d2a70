"""Remarks for the user of a table on columns that may be meant otherwise than they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from n2d_framework.data.kinds.written_values import is_number
from n2d_framework.types import AnyArray

__all__ = ["far_dates", "of_categories", "of_numbers", "rounded", "stand_in"]

#: Columns of categories have fewer different values than that, or repeat them.
_MANY: Final = 20
#: Ids have at most so many characters; what is longer is a text.
_LONG_ID: Final = 200
_NUMBER: Final = re.compile(
    r"(?P<before>[^\w\s.,+\-\u2212]{0,2}|[A-Z]{3} )\s*"
    r"[-+\u2212]?(\d{1,3}([.,' _\u00a0\u202f]\d{3})+|\d+)([.,]\d+)?([eE][+-]?\d+)?"
    r"(?P<after>\s*[^\d.,:/\-]{0,5})"
)
_MONTH: Final = r"(?:[A-Za-z\u00c0-\u024f]{3,10}\.?)"
_LIKE_DATE: Final = re.compile(
    rf"\d{{1,2}}\.?[ -]{_MONTH}[ ,-]+\d{{2,4}}.*|{_MONTH} \d{{1,2}},? \d{{4}}.*"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T]+\d{1,2}:\d{2}(:\d{2})? ?[AaPp]\.?[Mm]\.?"
    r"|\d{1,2}/\d{1,2}/\d{2}|\d{1,2}\.\d{1,2}\.\d{2}|\d{1,2}-\d{1,2}-\d{4}|(1[89]|2[01])\d{2}[-/](0[1-9]|1[0-2])"
)
_COMPACT: Final = re.compile(r"(1[89]|2[01])\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
#: How many times as far from the median as usual a date is far from the others.
_FAR: Final = 100.0
#: Numbers that are written where none was measured, with either sign.
_STAND_INS: Final = frozenset(
    float(written) for digits in range(2, 8) for written in ("9" * digits, "9" * digits + ".9")
)


def of_categories(words: Sequence[str], rows: int) -> Iterator[str]:
    """Remarks on strings that are neither numbers nor dates.

    Parameters
    ----------
    words : sequence of str
        The different values, gaps apart.
    rows : int
        Number of rows that have one.
    """
    if not words:
        return
    if all(_LIKE_DATE.fullmatch(word) for word in words):
        yield (
            f"{words[0]!r} looks like a date, and is not read as one; write dates as 2024-12-31, "
            "with or without a time"
        )
        return
    numbers = [_NUMBER.fullmatch(word) for word in words]
    units = {(found["before"], found["after"]) for found in numbers if found}
    if all(numbers) and len(units) == 1:
        marked = next((word for word in words if not is_number(word)), words[0])
        yield (
            f"{marked!r} looks like a number with a unit or marks, and is not read as one; write "
            "numbers alone, with a decimal point"
        )
    elif rows > len(words) > max(_MANY, rows / 2) and max(map(len, words)) <= _LONG_ID:
        yield f"{len(words)} different values in {rows} rows; if they are ids, say so (--id)"


def of_numbers(values: AnyArray) -> Iterator[str]:
    """Remarks on numbers; `values` are those that are there."""
    if len(values) < 2 or values.dtype.kind == "b":
        return
    low, high = float(values.min()), float(values.max())
    if max(-low, high) >= 2**53 and rounded(values[:, None]):
        yield (
            "numbers of more than 16 digits become equal as float64 where they differ in the last; "
            "subtract what they have in common, or say that it is the id"
        )
    yield from stand_in(values, low, high)
    if low >= 18_000_101 and high <= 21_991_231 and (values == np.round(values)).all():
        distinct = np.unique(values).astype(np.int64).tolist()
        if len(distinct) > 1 and all(_COMPACT.fullmatch(str(value)) for value in distinct):
            first = distinct[0]
            yield f"{first} looks like a date, and is read as a number; write dates as 2024-12-31"


def stand_in(values: AnyArray, low: float, high: float) -> Iterator[str]:
    """Remarks on numbers such as -999, the least or greatest, that are far from all others."""
    for extreme in (low, high):
        if abs(extreme) not in _STAND_INS:
            continue
        others = values[values != extreme]
        times = len(values) - len(others)
        if times < 2 or len(others) < 2:
            continue
        first, last = float(others.min()), float(others.max())
        if first < last and max(first - extreme, extreme - last) > 2 * (last - first):
            yield (
                f"{times} values are {extreme:.15g}, far from all others; if that stands for a "
                "missing value, leave the field empty"
            )


def far_dates(dates: AnyArray) -> AnyArray:
    """Dates a hundred times as far from the median as half of them are: some stand for none."""
    seconds = dates.astype("datetime64[s]").astype(np.float64)
    away = np.abs(seconds - np.median(seconds))
    usual = float(np.median(away))
    return dates[away > _FAR * usual] if usual > 0 else dates[:0]


def rounded(x: AnyArray) -> list[int]:
    """Positions of float64 features whose rows cannot all differ at that size of the numbers."""
    if x.dtype != np.float64 or len(x) < 2:
        return []
    low, high = x.min(axis=0), x.max(axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(over="ignore", invalid="ignore"):
        found = (largest >= 2**53) & ((high - low) / np.spacing(largest) < len(x) - 1)
    positions: list[int] = np.flatnonzero(found).tolist()
    return positions
