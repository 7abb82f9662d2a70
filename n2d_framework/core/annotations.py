"""Types of options: which there may be, and what each is, however it is written."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NewType, TypeAlias, Union, get_args, get_origin

import attrs
import numpy as np

__all__ = ["Family", "check_annotation", "family_of", "plain_value"]

Family: TypeAlias = Literal[
    "any", "scalar", "union", "choice", "list", "fixed", "set", "mapping", "attrs", "enum", "path",
    "other",
]  # fmt: skip

_SCALARS = (bool, int, float, str, type(None))
_PLAIN = (str, int, bool, float)
_LISTS = (tuple, list, Sequence, Collection)


def family_of(kind: Any) -> tuple[Family, Any, tuple[Any, ...]]:
    """Meaning of a type as that of an option.

    Parameters
    ----------
    kind : object
        An annotation, resolved.

    Returns
    -------
    family : str
        ``"other"`` for what no configuration can hold.
    kind : object
        The type without ``Annotated`` and ``NewType``.
    arguments : tuple
        Types of the arms of a union, of the items of a list, set or mapping, and of each place of
        a list of fixed length; the values of a choice.
    """
    kind = _bare(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return "any", kind, ()
    if origin in (Union, types.UnionType):
        return "union", kind, arguments
    if origin is Literal:
        return "choice", kind, arguments
    if kind in _SCALARS or kind is None:
        return "scalar", type(None) if kind is None else kind, ()
    return _family_of_class(kind, origin or kind, arguments)


def _family_of_class(
    kind: Any, container: Any, arguments: tuple[Any, ...]
) -> tuple[Family, Any, tuple[Any, ...]]:
    if container is tuple and arguments and arguments[-1] is not ...:
        return "fixed", kind, arguments
    if container in _LISTS:
        return "list", kind, (arguments or (Any,))[:1]
    if container in (set, frozenset, AbstractSet):
        return "set", kind, arguments or (Any,)
    if container in (Path, PurePath):
        return "path", kind, ()
    if isinstance(container, type):
        if issubclass(container, Mapping) and _keyed_by_strings(arguments):
            return "mapping", kind, arguments[1:] or (Any,)
        if attrs.has(container):
            return "attrs", kind, ()
        if issubclass(container, Enum):
            return "enum", kind, ()
    return "other", kind, ()


def _bare(kind: Any) -> Any:
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif isinstance(kind, NewType):
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":  # `type X = ...` of Python 3.12
            kind = kind.__value__
        else:
            return kind


def _keyed_by_strings(arguments: tuple[Any, ...]) -> bool:
    return not arguments or family_of(arguments[0])[1] is str


def check_annotation(kind: Any) -> str:
    """Say why an option cannot have a type, with what to write instead; empty if it can."""
    family, kind, arguments = family_of(kind)
    if family == "other":
        return f"no configuration can hold a {_name(kind)}; {_instead(kind)}"
    if family == "choice":
        wrong = [item for item in arguments if not isinstance(item, (*_PLAIN, type(None)))]
        wrong += [item for item in arguments if isinstance(item, Enum)]
        return f"a Literal holds strings, numbers and None, not {wrong[0]!r}" if wrong else ""
    if family == "enum":
        values = [member.value for member in kind]
        if not values or not all(type(value) in _PLAIN for value in values):
            return f"the values of {_name(kind)} must be strings or numbers, to be written in files"
        return ""
    if family == "set" and family_of(arguments[0])[0] not in ("scalar", "choice", "enum", "any"):
        return "the items of a set must be strings, numbers or members of an enumeration"
    return next((text for item in arguments if (text := check_annotation(item))), "")


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)


def _instead(kind: Any) -> str:
    container = get_origin(kind) or kind
    if not isinstance(container, type):
        return _ALLOWED
    if container.__name__ == "Callable" or container in (type, types.FunctionType):
        return (
            "name the functions that may be chosen in a Literal, or take their import path as str "
            "and say imports_code=True in the spec"
        )
    if issubclass(container, np.generic):
        scalar = {"b": "bool", "i": "int", "u": "int", "f": "float"}
        return f"write {scalar.get(np.dtype(container).kind, 'str')}"
    if issubclass(container, np.ndarray):
        return "write tuple[float, ...]"
    if issubclass(container, Mapping):
        return "keys of a mapping must be str"
    return _INSTEAD.get(container.__name__, _ALLOWED)


_ALLOWED = (
    "write bool, int, float, str, Path, an Enum, a Literal, tuple[X, ...], frozenset[X], "
    "Mapping[str, X], a class made of options, or a union of these"
)
_TIME = "write str, in ISO 8601"
_INSTEAD = {
    "datetime": _TIME, "date": _TIME, "time": _TIME, "timedelta": "write float, in seconds",
    "bytes": "write str", "complex": "write two floats", "Decimal": "write float",
    "dtype": "write a Literal of their names",
}  # fmt: skip


def plain_value(value: Any) -> Any:
    """The value of an option as a configuration file would have it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [plain_value(item) for item in value]
    if isinstance(value, AbstractSet):
        return sorted((plain_value(item) for item in value), key=lambda v: (str(type(v)), v))
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value
