"""Meaning of strings in a table: numbers, missing values, and points in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

__all__ = ["date_order", "has_comma", "is_dated", "is_marker", "is_number", "moment"]

#: What is written where a value is missing. As a class it is one like any other.
_MARKERS: Final = frozenset(
    ["?", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none", "nil", "nat",
     "missing", "1.#qnan", "-1.#ind"]
)  # fmt: skip


def is_number(text: str) -> bool:
    """Return whether a field of a table is a number, as Arrow reads one."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def has_comma(text: str) -> bool:
    """Return whether a field is a number with a decimal comma, or with marks between thousands."""
    return _WITH_COMMA.fullmatch(text.strip()) is not None


_WITH_COMMA: Final = re.compile(
    r"[+-]?(\d+|\d{1,3}([.' \u00a0\u202f]\d{3})+|\d{1,3}(,\d{3})+)?[,.]\d+([eE][+-]?\d+)?"
)


def is_marker(text: str) -> bool:
    """Return whether a field says that a value is missing."""
    return text.strip().lower() in _MARKERS


_DATE: Final = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"((?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}(?::?\d{2})?))?)?)"
)


def is_dated(text: str) -> bool:
    """Return whether it has the form of a date, its year written with four digits."""
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    first, mark, _, last, _ = found.groups()
    if len(first) == 4:
        return len(last) <= 2
    return len(first) <= 2 and len(last) == 4 and mark != "-"


def date_order(texts: Sequence[str]) -> str:
    """Return the pattern of strptime in which dates are written, or "" if it is unclear."""
    found = [match.groups() for match in map(_DATE.fullmatch, texts) if match]
    if not found:
        return ""
    mark = found[0][1]
    if len(found[0][0]) == 4:
        return f"%Y{mark}%m{mark}%d"
    first = max(int(parts[0]) for parts in found)
    second = max(int(parts[2]) for parts in found)
    if mark == "." or first > 12 >= second:
        return f"%d{mark}%m{mark}%Y"
    return f"%m{mark}%d{mark}%Y" if second > 12 >= first else ""


def moment(text: str, order: str) -> datetime | None:
    """The point in time, in UTC where an offset is written; ``None`` for what is not one."""
    found = _DATE.fullmatch(text)
    names = re.findall("[dmY]", order)
    if found is None or not names or not is_dated(text):
        return None
    if (len(found[1]) == 4) != (names[0] == "Y"):
        return None
    given = dict(zip(names, (int(found[place]) for place in (1, 3, 4)), strict=True))
    hour, colon, rest = found[5].strip(" T").replace(",", ".").replace(" ", "").partition(":")
    clock = f"{hour:0>2}{colon}{rest}" if hour else "00:00"
    clock = re.sub(r"(\.\d{6})\d+", r"\1", clock)
    try:
        instant = datetime.fromisoformat(f"{given['Y']:04}-{given['m']:02}-{given['d']:02}T{clock}")
        aware = instant.tzinfo is not None
        return instant.astimezone(UTC).replace(tzinfo=None) if aware else instant
    except (ValueError, OverflowError):
        return None
