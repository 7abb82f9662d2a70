"""From plain values to options, with everything that is wrong said at once.

Strict on purpose: no string becomes a number and no number a boolean, unknown names are errors
with a did-you-mean, and each problem carries its path. Of strings, only ``yes no on off`` are
booleans, and only where an option is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin

import attrs
import numpy as np

from n2d_framework.core.annotations import Family, family_of, plain_value
from n2d_framework.core.options import current_names, options_of
from n2d_framework.errors import ConfigError, Problem, did_you_mean

__all__ = ["describe_type", "structure"]

T = TypeVar("T")

#: A file may hold millions of names and values; each would be looked at, and complained of.
_MOST_UNKNOWN = 100
_MOST_ITEMS = 10_000


def structure(cls: type[T], values: Mapping[str, Any], path: str = "") -> T:
    """Make an instance from plain values, or say everything that is wrong with them.

    Parameters
    ----------
    cls : type
        A component class, or any attrs class made of options.
    values : mapping
        Option names to values, as read from a file or given in Python.
    path : str, default ""
        Where the values stand, put in front of every problem.

    Returns
    -------
    object
        Instance of `cls`.

    Raises
    ------
    ConfigError
        With *all* problems: unknown names (with a did-you-mean), wrong types, values out of
        bounds, required options that are missing.
    """
    options = {opt.name: opt for opt in options_of(cls)}
    problems: list[Problem] = []
    try:
        values = current_names(cls, values)
    except ConfigError as error:
        problems.extend(error.problems)
        now = {alias: opt.name for opt in options.values() for alias in opt.aliases}
        values = {now.get(name, name): value for name, value in values.items()}
    arguments: dict[str, Any] = {}
    unknown = [name for name in values if name not in options]
    if len(unknown) > _MOST_UNKNOWN:
        some = f"{len(unknown)} unknown options, among them {str(unknown[0])[:100]!r}"
        raise ConfigError([Problem(path, some)])
    for name, value in values.items():
        opt = options.get(name)
        if opt is None:
            hint = did_you_mean(str(name), list(options), noun="option")
            problems.append(Problem(str(name), f"unknown option; {hint}"))
            continue
        try:
            arguments[name] = _convert(opt.type, value)
        except ConfigError as error:
            problems.extend(problem.under(name) for problem in error.problems)
            continue
        text = opt.problem(arguments[name])
        if text:
            problems.append(Problem(name, text))
    problems.extend(
        Problem(opt.name, "is required and missing")
        for opt in options.values()
        if opt.default is attrs.NOTHING and opt.name not in values
    )
    if not problems:
        try:
            return cls(**arguments)
        except ConfigError as error:
            problems.extend(error.problems)
    raise ConfigError(problem.under(path) for problem in problems)


def _convert(kind: Any, value: Any) -> Any:
    """Check `value` against an annotation and bring it to its type; never guesses."""
    family, kind, _ = family_of(kind)
    return _CONVERTERS[family](kind, value)


def _convert_all(items: Iterable[tuple[str, Any, Any]]) -> dict[str, Any]:
    """Convert values, each by its own type, or report everything that is wrong with any of them."""
    converted: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, kind, value in items:
        try:
            converted[name] = _convert(kind, value)
        except ConfigError as error:
            problems.extend(problem.under(name) for problem in error.problems)
    if problems:
        raise ConfigError(problems)
    return converted


_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool, np.bool_)),
    int: ("an integer", (int, np.integer)),
    float: ("a number", (int, float, np.integer, np.floating)),
    str: ("a text", (str,)),
    type(None): ("null", (type(None),)),
}


def describe_type(kind: Any) -> str:
    """The annotation in words, for messages and tables."""
    family, kind, arguments = family_of(kind)
    if family == "union":
        return " or ".join(describe_type(arm) for arm in arguments)
    if family == "choice":
        return "one of " + ", ".join(repr(choice) for choice in arguments)
    if family == "enum":
        return "one of " + ", ".join(repr(member.value) for member in kind)
    if family == "list":
        return f"a list of {describe_type(arguments[0])}"
    if family == "set":
        return f"a list of different values, each {describe_type(arguments[0])}"
    if family == "fixed":
        items = ", ".join(describe_type(item) for item in arguments)
        return f"a list of {len(arguments)} values: {items}"
    if family == "scalar":
        return _SCALARS[kind][0]
    if family == "attrs":
        return "a mapping with " + ", ".join(opt.name for opt in options_of(kind))
    if family == "path":
        return "a path"
    return getattr(kind, "__name__", str(kind))


def _refuse(kind: Any, value: Any) -> ConfigError:
    return ConfigError([Problem("", f"must be {describe_type(kind)}, got {value!r}")])


#: YAML 1.1 called them booleans; in YAML 1.2 they are strings, which only a boolean option takes.
_BOOLEAN_WORDS = {"yes": True, "on": True, "no": False, "off": False}


def _to_scalar(kind: Any, value: Any) -> Any:
    accepted = _SCALARS[kind][1]
    if kind is bool and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return _BOOLEAN_WORDS[value.lower()]
    boolean = isinstance(value, (bool, np.bool_))
    if not isinstance(value, accepted) or (boolean and kind is not bool):
        raise _refuse(kind, value)
    return None if kind is type(None) else kind(value)


def _to_literal(kind: Any, value: Any) -> Any:
    return _chosen(kind, value, [(choice, choice) for choice in get_args(kind)])


def _chosen(kind: Any, value: Any, choices: Sequence[tuple[Any, Any]]) -> Any:
    """The choice that is written as `value`."""
    for written, choice in choices:
        if type(written) is type(value) and written == value:
            return choice
    shown = _refuse(kind, value).problems[0].message
    hint = (
        did_you_mean(value, [str(written) for written, _ in choices])
        if isinstance(value, str)
        else ""
    )
    raise ConfigError([Problem("", f"{shown}; {hint}" if "mean" in hint else shown)])


def _to_union(kind: Any, value: Any) -> Any:
    arms = get_args(kind)
    if value is None and type(None) in arms:
        return None
    # An exact type first, so that an int stays an int in `float | int`.
    exact = [arm for arm in arms if family_of(arm)[1] is type(value)]
    failures: list[ConfigError] = []
    for arm in exact + [arm for arm in arms if arm not in exact and arm is not type(None)]:
        try:
            return _convert(arm, value)
        except ConfigError as error:
            failures.append(error)
    deep = [f for f in failures if any(problem.path for problem in f.problems)]
    if len(deep) == 1:
        raise deep[0]
    raise failures[0] if len(failures) == 1 and type(None) not in arms else _refuse(kind, value)


def _to_tuple(kind: Any, value: Any) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, (Sequence, np.ndarray)):
        raise _refuse(kind, value)
    family, _, kinds = family_of(kind)
    if family == "fixed" and len(value) != len(kinds):
        text = f"must have {len(kinds)} values, got {len(value)}"
        raise ConfigError([Problem("", text)])
    if len(value) > _MOST_ITEMS:
        text = f"must have at most {_MOST_ITEMS} values, got {len(value)}"
        raise ConfigError([Problem("", text)])
    each = kinds if family == "fixed" else kinds[:1] * len(value)
    named = ((f"[{index}]", *pair) for index, pair in enumerate(zip(each, value, strict=True)))
    return tuple(_convert_all(named).values())


def _to_list(kind: Any, value: Any) -> Sequence[Any]:
    items = _to_tuple(kind, value)
    return list(items) if (get_origin(kind) or kind) is list else items


def _to_set(kind: Any, value: Any) -> Any:
    listed = tuple(value) if isinstance(value, AbstractSet) else value
    items = _to_tuple(kind, listed)
    found = frozenset(items)
    if len(found) != len(items):
        twice = next(item for index, item in enumerate(items) if item in items[:index])
        raise ConfigError([Problem("", f"has {plain_value(twice)!r} more than once")])
    return set(found) if (get_origin(kind) or kind) is set else found


def _to_enum(kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    return _chosen(kind, value, [(member.value, member) for member in kind])


def _to_path(kind: Any, value: Any) -> Any:
    if not isinstance(value, (str, PurePath)) or not str(value) or "\0" in str(value):
        raise _refuse(kind, value)
    return kind(value)


def _to_mapping(kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ConfigError([Problem("", f"must be a mapping with texts as keys, got {value!r}")])
    item_kind = family_of(kind)[2][0]
    return _convert_all((key, item_kind, item) for key, item in value.items())


def _to_attrs(kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise _refuse(kind, value)
    return structure(kind, value)


def _to_instance(kind: Any, value: Any) -> Any:
    if kind is Any:
        return value
    expected = get_origin(kind) or kind
    if isinstance(expected, type) and isinstance(value, expected):
        return value
    raise _refuse(kind, value)


_CONVERTERS: dict[Family, Callable[[Any, Any], Any]] = {
    "any": _to_instance,
    "scalar": _to_scalar,
    "union": _to_union,
    "choice": _to_literal,
    "list": _to_list,
    "fixed": _to_tuple,
    "set": _to_set,
    "mapping": _to_mapping,
    "attrs": _to_attrs,
    "enum": _to_enum,
    "path": _to_path,
    "other": _to_instance,
}
