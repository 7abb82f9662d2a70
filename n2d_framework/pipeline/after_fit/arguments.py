"""Checks of what callers give the methods of a fitted model: integers, and words of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.errors import ConfigError, Problem

__all__ = ["integer", "one_of"]


def integer(value: Any, name: str, least: int | None = None) -> int:
    """An integer as it was given.

    Parameters
    ----------
    value : object
    name : str
        Of the parameter, for the message.
    least : int, optional
        The smallest one that is taken.

    Raises
    ------
    ConfigError
        If it is something else, such as 2.5 or "3".
    """
    fits = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not fits or (least is not None and value < least):
        wanted = "an integer" if least is None else f"an integer of at least {least}"
        raise ConfigError([Problem(name, f"must be {wanted}; got {value!r}")])
    return int(value)


def one_of(value: Any, name: str, words: Sequence[str]) -> None:
    """Refuse what is none of some words.

    Parameters
    ----------
    value : object
    name : str
        Of the parameter, for the message.
    words : sequence of str

    Raises
    ------
    ConfigError
    """
    if value not in words:
        known = ", ".join(map(repr, words))
        raise ConfigError([Problem(name, f"must be one of {known}; got {value!r}")])
