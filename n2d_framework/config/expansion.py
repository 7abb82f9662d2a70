"""Options written as lists or ranges: one mapping becomes every combination of its values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from n2d_framework.core.annotations import family_of
from n2d_framework.core.options import Option
from n2d_framework.errors import ConfigError, Problem

__all__ = ["expand_options", "expand_range", "is_range", "takes_list"]

_RANGE_KEYS = frozenset(("from", "to", "step"))
_MOST = 10_000


def takes_list(kind: Any) -> bool:
    """Return whether one value of an option of that type is itself a list."""
    family, _, arguments = family_of(kind)
    if family == "union":
        return any(takes_list(arm) for arm in arguments)
    return family in ("list", "fixed", "set", "any")


def _takes_mapping(kind: Any) -> bool:
    family, _, arguments = family_of(kind)
    if family == "union":
        return any(_takes_mapping(arm) for arm in arguments)
    return family in ("mapping", "any")


def is_range(value: Any) -> bool:
    """Return whether `value` is ``{from: a, to: b}`` or ``{from: a, to: b, step: s}``."""
    return isinstance(value, Mapping) and {"from", "to"} <= set(value) <= _RANGE_KEYS


def expand_range(value: Mapping[str, Any], path: str) -> list[int | float]:
    """Numbers of a range, both ends included.

    Parameters
    ----------
    value : mapping
        ``from``, ``to`` and, by default 1, ``step``.
    path : str
        Where it stands, for the problems.

    Returns
    -------
    list of numbers
        ``from``, ``from + step``, ... up to ``to``.

    Raises
    ------
    ConfigError
        If an end is not a number, the step is not positive, or the range is empty or too long.
    """
    first, last, step = value["from"], value["to"], value.get("step", 1)
    for name, number in (("from", first), ("to", last), ("step", step)):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ConfigError([Problem(f"{path}.{name}", f"must be a number, got {number!r}")])
    if step <= 0:
        raise ConfigError([Problem(f"{path}.step", f"must be positive, got {step}")])
    if not first <= last:
        raise ConfigError([Problem(path, f"is empty: from {first} to {last}")])
    count = (last - first) / step
    if not count < _MOST:
        raise ConfigError([Problem(path, f"has more than {_MOST} values; use a greater step")])
    return [first + index * step for index in range(int(count + 1e-9) + 1)]


def _values(opt: Option | None, value: Any, path: str) -> list[Any]:
    """The values an option is to take in turn."""
    if opt is None:  # unknown: reported later, by the component's own check
        return [value]
    if is_range(value) and not _takes_mapping(opt.type):
        return list(expand_range(value, path))
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [value]
    items = list(value)
    if takes_list(opt.type) and not _lists_only(items):
        return [value]
    if not items:
        raise ConfigError([Problem(path, "is an empty list: give at least one value")])
    return items


def _lists_only(items: list[Any]) -> bool:
    """Return whether this is a list of lists (``null`` may stand among them)."""
    lists = [isinstance(item, Sequence) and not isinstance(item, str) for item in items]
    return any(lists) and all(a or item is None for a, item in zip(lists, items, strict=True))


def expand_options(
    options: Sequence[Option], given: Mapping[str, Any], path: str
) -> list[dict[str, Any]]:
    """Every combination of the values that options were given.

    Parameters
    ----------
    options : sequence of Option
        What the component has.
    given : mapping
        Option names to a value, a list of values or a range. For an option whose value is
        itself a list (such as ``hidden``), only a list of lists is several values:
        ``hidden: [500, 500]`` is one network, ``hidden: [[500, 500], [2000]]`` are two.
    path : str
        Where they stand, for the problems.

    Returns
    -------
    list of dict
        In the order in which they are written, the last option varying fastest.

    Raises
    ------
    ConfigError
        With all problems of lists and ranges.
    """
    known = {opt.name: opt for opt in options}
    problems: list[Problem] = []
    axes: list[list[Any]] = []
    for name, value in given.items():
        try:
            axes.append(_values(known.get(name), value, f"{path}.{name}"))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return [dict(zip(given, chosen, strict=True)) for chosen in itertools.product(*axes)]
