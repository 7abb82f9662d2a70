"""Functions of libraries that a component may have replaced in their modules."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any

import attrs

from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.core.origin.markers import PROJECT

__all__ = ["Functions", "library_functions", "put_back_functions"]

#: Packages of which no function may be replaced, Python's own among them, and single modules.
_PACKAGES = (
    "numpy", "scipy", "sklearn", PROJECT,
    "builtins", "codecs", "copy", "copyreg", "io", "joblib", "json", "logging", "math", "pathlib",
    "pickle", "random", "shutil", "socket", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib", "warnings",
)  # fmt: skip
_MODULES = ("os", "pandas", "pandas.core.frame", "pandas.core.series")


@attrs.frozen(eq=False)
class Functions:
    """Contents of modules and classes at one moment; two are equal if no function is another.

    Attributes
    ----------
    places : mapping of str to mapping of str to object
        By the name of a module, or ``"module:Class"``; names may be added between two moments.
    """

    places: Mapping[str, Mapping[str, Any]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Functions) and next(self.changed(other), None) is None

    def changed(self, other: Functions) -> Iterator[tuple[str, str]]:
        """Places and names whose function is another object there."""
        for place, before in self.places.items():
            after = other.places.get(place, before)
            same = len(before) == len(after) and all(
                map(operator.is_, before.values(), after.values())
            )
            if not same:
                yield from (
                    (place, name)
                    for name in before.keys() & after.keys()
                    if before[name] is not after[name] and callable(before[name])
                )


@cache
def _of_our_own_plugins() -> set[str]:
    """Packages of the components that come with the framework."""
    points = entry_points(group=PROJECT)
    return {p.module.partition(".")[0] for p in points if distribution_of(p)[0] == PROJECT}


@lru_cache(maxsize=1)
def _holders(n_modules: int) -> dict[str, Any]:
    """Modules, and classes defined in them, of which functions can be replaced.

    To find them takes most of the time: they are the same until modules are imported.
    """
    del n_modules
    packages, found = {*_PACKAGES, *_of_our_own_plugins()}, dict[str, Any]()
    for name, module in list(sys.modules.items()):
        if module is None or not (name in _MODULES or name.partition(".")[0] in packages):
            continue
        found[name] = module
        for key, value in list(vars(module).items()):
            if isinstance(value, type) and value.__module__ == name:
                found[f"{name}:{key}"] = value
    return found


def library_functions(m: Any) -> Functions:
    """Contents of those modules now; `m` is the module ``sys``."""
    return Functions(
        {place: vars(holder).copy() for place, holder in _holders(len(m.modules)).items()}
    )


def put_back_functions(m: Any, functions: Functions) -> None:
    """Undo replacements."""
    holders = _holders(len(m.modules))
    for place, name in list(functions.changed(library_functions(m))):
        setattr(holders[place], name, functions.places[place][name])
