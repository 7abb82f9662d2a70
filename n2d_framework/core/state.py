"""State: what fitting learned, as plain values that any version can read.

A state is a mapping of names to values, where a value is an array, an integer, a float, a
string, a truth value, ``None``, a list of values, or again a mapping. Nothing else: no object,
no class name, no function. That closed set is what the bundle format stores. A tuple comes back
as a list, and a scalar of NumPy as the number, string or truth value that it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias

import numpy as np

from n2d_framework.errors import StateError
from n2d_framework.types import AnyArray

__all__ = ["ARRAY_DTYPES", "KEY_PATTERN", "MAX_DEPTH", "State", "StateValue", "check_state", "need"]

StateValue: TypeAlias = (
    "AnyArray | int | float | str | bool | Sequence[StateValue] | Mapping[str, StateValue] | None"
)
State: TypeAlias = Mapping[str, StateValue]

#: Element types of arrays that a state may hold (little-endian when stored).
ARRAY_DTYPES = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)
#: What a name in a state looks like.
KEY_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,127}")
#: Deepest nesting of mappings and lists.
MAX_DEPTH = 16


def check_state(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what a state must not hold.

    Parameters
    ----------
    value : object
        A state, or a value inside one.
    path : str
        Where `value` stands, for the message.
    depth : int
        How deep it stands.

    Raises
    ------
    StateError
        If something is not of the closed set, a name is malformed, or the nesting is
        deeper than :data:`MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise StateError(f"state {path or '/'}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Enum):
        raise StateError(_cannot(value, path))
    if isinstance(value, int) and not _LEAST_INT <= value <= _GREATEST_INT:
        raise StateError(f"state {path or '/'}: the integer {value:#x} does not fit into 64 bit")
    if value is None or isinstance(value, (bool, int, float, str, *_SCALARS)):
        return
    if isinstance(value, np.ndarray):
        if value.dtype.name not in ARRAY_DTYPES or isinstance(value, np.ma.MaskedArray):
            what = "masked arrays" if isinstance(value, np.ma.MaskedArray) else "arrays"
            raise StateError(
                f"state {path or '/'}: {what} of {value.dtype} cannot be stored; "
                f"use one of {', '.join(sorted(ARRAY_DTYPES))}"
            )
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or not KEY_PATTERN.fullmatch(key):
                raise StateError(
                    f"state {path or '/'}: {key!r} is not a valid name "
                    "(letters, digits, '_' and '-', at most 128)"
                )
            check_state(item, f"{path}/{key}", depth + 1)
        return
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check_state(item, f"{path}/{index}", depth + 1)
        return
    raise StateError(_cannot(value, path))


#: Scalars of NumPy of which Python's own loses nothing.
_SCALARS = (np.bool_, np.integer, np.float16, np.float32)
_LEAST_INT, _GREATEST_INT = -(1 << 63), (1 << 64) - 1
#: What to store instead.
_INSTEAD: tuple[tuple[type, str], ...] = (
    (Enum, "its name or value"),
    (PurePath, "str(path)"),
    (bytes, "np.frombuffer(value, dtype=np.uint8)"),
    (bytearray, "np.frombuffer(value, dtype=np.uint8)"),
    (AbstractSet, "a sorted list, or an array"),
    (complex, "its real and imaginary parts"),
    (np.longdouble, "a float"),
    (np.complexfloating, "its real and imaginary parts"),
    (np.datetime64, "an integer of its unit"),
    (np.timedelta64, "an integer of its unit"),
    (date, "its isoformat()"),
)


def _cannot(value: Any, path: str) -> str:
    instead = next((text for kind, text in _INSTEAD if isinstance(value, kind)), "")
    hint = f"store {instead}; " if instead else ""
    return (
        f"state {path or '/'}: a {type(value).__name__} cannot be stored; {hint}a state holds "
        "arrays, numbers, strings, truth values, None, lists and mappings of these"
    )


def need(state: State, key: str, kind: type | tuple[type, ...]) -> Any:
    """Take a value out of a state that was read from a file, checked by type.

    Parameters
    ----------
    state : State
        The state.
    key : str
        Name of the value.
    kind : type or tuple of types
        What it must be an instance of. A ``float`` is also satisfied by an ``int``.

    Returns
    -------
    object
        The value.

    Raises
    ------
    StateError
        If the name is missing or the value is of another type.
    """
    if key not in state:
        raise StateError(f"state has no {key!r}; found: {', '.join(map(str, state)) or 'nothing'}")
    value: Any = state[key]
    if isinstance(value, np.generic):  # as it comes back from a file
        value = value.item()
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool) and bool not in kinds:
        kinds = ()
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kinds):
        raise StateError(f"state {key!r} has the type {type(value).__name__}")
    return value
