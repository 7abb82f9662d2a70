"""Functions of libraries that a component may have replaced in their modules."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.core.origin.markers import PROJECT

__all__ = ["Known", "library_functions", "put_back_functions"]

#: Packages of which no function may be replaced, and modules of Python's own.
_PACKAGES = ("numpy", "scipy", "sklearn", PROJECT)
_MODULES = ("builtins", "json", "math", "os", "random", "time")


class Known(dict[str, Any]):
    """Values by name; two are equal if what both have is the same: names may be added."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and not self.changed(other)

    __hash__ = None

    def changed(self, other: Known) -> list[str]:
        """Names whose value is another object there."""
        return [name for name in self.keys() & other.keys() if self[name] is not other[name]]


@cache
def _of_our_own_plugins() -> set[str]:
    """Packages of the components that come with the framework."""
    points = entry_points(group=PROJECT)
    return {p.module.partition(".")[0] for p in points if distribution_of(p)[0] == PROJECT}


def _holders(m: Any) -> dict[str, Any]:
    """Modules, and classes defined in them, of which functions can be replaced."""
    packages, found = {*_PACKAGES, *_of_our_own_plugins()}, dict[str, Any]()
    for name, module in list(m.modules.items()):
        if module is None or not (name in _MODULES or name.partition(".")[0] in packages):
            continue
        found[name] = module
        for key, value in list(vars(module).items()):
            if isinstance(value, type) and value.__module__ == name:
                found[f"{name}:{key}"] = value
    return found


def library_functions(m: Any) -> Known:
    """All that can be called in those modules now; `m` is the module ``sys``."""
    return Known(
        (f"{place}.{name}", value)
        for place, holder in _holders(m).items()
        for name, value in list(vars(holder).items())
        if callable(value)
    )


def put_back_functions(m: Any, functions: Known) -> None:
    """Undo replacements."""
    holders = _holders(m)
    for path in functions.changed(library_functions(m)):
        place, _, name = path.rpartition(".")
        setattr(holders[place], name, functions[path])
