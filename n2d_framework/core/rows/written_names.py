"""Names of rows, columns and classes as strings, and one rule for which strings those may be."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["id_texts", "name_text", "refuse_nul"]


def refuse_nul(
    texts: Iterable[Any], where: str, start: int = 0, *, counted: str = "row of data"
) -> None:
    """Refuse ids, classes, categories or names with a NUL character.

    NumPy loses NUL characters at the end of strings, so that two of them would become one, and
    other programs end a string at its first.

    Parameters
    ----------
    texts : iterable
        One of a row or column; those that are not strings are passed over.
    where : str
        What has them, for the message.
    start : int, default 0
        How many come before the first.
    counted : str, default "row of data"
        What they are counted by, for the message.

    Raises
    ------
    DataError
        With the first of them.
    """
    for number, text in enumerate(texts, start + 1):
        if isinstance(text, str) and "\0" in text:
            raise DataError(
                f"{where} has {text[:50]!r} in {counted.partition(' ')[0]} {number} (the first "
                f"{counted} is 1), which has a NUL character; correct it, the data may be damaged"
            )


def name_text(name: Any) -> str:
    """A column's name as a string; levels are joined by ``/``."""
    if isinstance(name, tuple):
        return "/".join(map(name_text, name))
    if isinstance(name, bytes):
        return name.decode("utf-8", "backslashreplace")
    return str(name)


def id_texts(values: Iterable[Any], where: str = "X: ids", start: int = 0) -> AnyArray:
    """Ids as strings, without loss.

    Parameters
    ----------
    values : iterable
        Integers keep all their digits, dates and times are written as in ISO 8601, levels are
        joined by ``/``; of paths, bytes that are not UTF-8 are escaped.
    where : str, default "X: ids"
        What has them, for messages.
    start : int, default 0
        How many come before the first.

    Returns
    -------
    array of str (dtype object)
        Empty strings where values are missing.

    Raises
    ------
    DataError
        As :func:`refuse_nul` does.
    """
    texts = [_id_text(value) for value in values]
    refuse_nul(texts, where, start)
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def _id_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "/".join(map(_id_text, value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, os.PathLike):
        # Slashes on every system, so that ids do not depend on it.
        return _id_text(os.fsencode(value).replace(os.sep.encode(), b"/"))
    if hasattr(value, "item"):
        value = value.item()
    if (
        value is None
        or str(value) in ("<NA>", "NaT")
        or (isinstance(value, float) and math.isnan(value))
    ):
        return ""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
