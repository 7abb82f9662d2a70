"""A setting of the whole process: how it is read, and put back."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import attrs

__all__ = ["Setting", "attribute", "functions", "not_put_back"]


@attrs.frozen
class Setting:
    """A setting of the whole process, which can be read and put back.

    Attributes
    ----------
    module : str
        Looked at only once it is loaded.
    read : callable
        Called with the module; returns something that equals itself while nothing changes.
    write : callable
        Called with the module and what `read` returned.
    usual : object, or callable
        What it is when the library has just been loaded, if that may be during a fit; a function
        gets it from the module.
    """

    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]
    usual: Any = None


def not_put_back(_module: Any, _value: Any) -> None:
    """For a setting that stays as it is found."""


def attribute(library: str, path: str) -> Setting:
    """A setting that is an attribute of a module, or of something in it."""
    holder, _, name = path.rpartition(".")

    def write(m: Any, value: Any) -> None:
        setattr(attrgetter(holder)(m) if holder else m, name, value)

    return Setting(library, attrgetter(path), write)


def functions(library: str, read: str, write: str = "", usual: Any = None) -> Setting:
    """A setting that one function gives and another takes; without `write`, it is not put back."""

    def put(m: Any, value: Any) -> None:
        attrgetter(write)(m)(value)

    return Setting(library, lambda m: attrgetter(read)(m)(), put if write else not_put_back, usual)
