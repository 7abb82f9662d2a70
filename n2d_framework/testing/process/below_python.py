"""State of a process below Python's tables: C's environment, attributes, context variables."""

from __future__ import annotations

import contextvars  # noqa: F401  # is looked at only once it is loaded
import ctypes
from collections.abc import Mapping
from typing import Any

from n2d_framework.testing.process.setting import Setting

__all__ = ["BELOW_PYTHON"]

#: Variables that other settings stand for.
_OF_OTHERS = ("decimal_context", "numpy.ufunc.extobj")
#: Of Linux: what gives an attribute of the process, and what takes it; 0 if it is final.
_GIVEN = {"dumpable": (3, 4), "keepcaps": (7, 8), "timerslack": (30, 29), "no_new_privs": (39, 0)}
_POINTED = {"pdeathsig": (2, 1), "child_subreaper": (37, 36)}
_GET_NAME, _SET_NAME, _NAME_LENGTH = 16, 15, 16


def _unknown_to_python(m: Any) -> dict[bytes, bytes | None]:
    """Variables of C's environment that have another value, or none, in `os.environ`."""
    entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found: dict[bytes, bytes | None] = {}
    at = 0
    while entries[at] is not None:
        name, _, value = entries[at].partition(b"=")
        found[name] = value
        at += 1
    names = found.keys() | m.environb.keys()
    return {name: found.get(name) for name in names if found.get(name) != m.environb.get(name)}


def _put_back_environment(m: Any, before: Mapping[bytes, bytes | None]) -> None:
    for name in _unknown_to_python(m).keys() | before.keys():
        value = before[name] if name in before else m.environb.get(name)
        if value is None:
            m.unsetenv(name)
        else:
            m.putenv(name, value)


def _attributes(_: Any) -> dict[str, int | bytes]:
    control = ctypes.CDLL(None).prctl
    found: dict[str, int | bytes] = {
        name: control(get, 0, 0, 0, 0) for name, (get, _) in _GIVEN.items()
    }
    for name, (get, _) in _POINTED.items():
        number = ctypes.c_int()
        control(get, ctypes.byref(number), 0, 0, 0)
        found[name] = number.value
    title = ctypes.create_string_buffer(_NAME_LENGTH)
    control(_GET_NAME, title, 0, 0, 0)
    return {**found, "name": title.value}


def _put_back_attributes(m: Any, before: Mapping[str, int | bytes]) -> None:
    control, now = ctypes.CDLL(None).prctl, _attributes(m)
    for name, (_, put) in {**_GIVEN, **_POINTED}.items():
        if put and now[name] != before[name]:
            control(put, before[name], 0, 0, 0)
    if now["name"] != before["name"]:
        control(_SET_NAME, ctypes.create_string_buffer(bytes(before["name"])), 0, 0, 0)


class _Same(dict[Any, Any]):
    """Values by variable; two are equal if they hold the very same."""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Same)
            and self.keys() == other.keys()
            and all(value is other[name] for name, value in self.items())
        )

    def __ne__(self, other: object) -> bool:  # a dict has one of its own
        return not self == other

    __hash__ = None


def _variables(m: Any) -> _Same:
    return _Same(
        (variable, value)
        for variable, value in m.copy_context().items()
        if variable.name not in _OF_OTHERS
    )


def _put_back_variables(m: Any, before: _Same) -> None:
    """Put values back; a variable that had none keeps what it got."""
    now = _variables(m)
    for variable, value in before.items():
        if now.get(variable) is not value:
            variable.set(value)


#: Settings, by the name under which they are reported. What a platform lacks is not looked at.
BELOW_PYTHON: dict[str, Setting] = {
    "os.putenv": Setting("os", _unknown_to_python, _put_back_environment),
    "prctl": Setting("sys", _attributes, _put_back_attributes),
    "variables of contextvars": Setting("contextvars", _variables, _put_back_variables),
}
