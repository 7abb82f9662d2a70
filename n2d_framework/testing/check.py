"""A check: a name, when it applies, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from n2d_framework.core.spec import ComponentSpec

__all__ = ["FLAGS", "Check", "CheckFailedError", "Checks", "OptionNeededError", "demand"]


class CheckFailedError(AssertionError):
    """The object under examination does not keep a contract."""


class OptionNeededError(Exception):
    """Nothing can be said: an option has no default and none among the small options."""


def demand(kept: object, otherwise: str) -> None:
    """Raise :class:`CheckFailedError` with the text `otherwise` unless `kept`."""
    if not kept:
        raise CheckFailedError(otherwise)


def _components_only(of: Callable[[ComponentSpec], bool]) -> Callable[[Any], bool]:
    return lambda spec: isinstance(spec, ComponentSpec) and of(spec)


#: The declared abilities that a check may need. Else, one is skipped only where an
#: option must be given; see :class:`OptionNeededError`.
FLAGS: Mapping[str, Callable[[Any], bool]] = {
    "inductive": _components_only(lambda spec: spec.inductive),
    "deterministic": _components_only(lambda spec: spec.deterministic),
    "soft": _components_only(lambda spec: spec.soft),
    "sparse": _components_only(lambda spec: spec.sparse),
    "weighted": _components_only(lambda spec: spec.weighted),
    "embedded": lambda spec: bool(spec.embedded),
    "directed": lambda spec: spec.greater_is_better is not None,
}


@attrs.frozen
class Check:
    """One named promise.

    Attributes
    ----------
    name : str
        Name in tables and test ids.
    promise : str
        What is promised, in one line.
    needs : tuple of str
        Declared abilities without which it does not apply; keys of :data:`FLAGS`.
    roles : tuple of str
        Roles it is for; empty for all of its family.
    run : callable
        Called with the examination; raises if the promise is not kept.
    """

    name: str
    promise: str
    needs: tuple[str, ...]
    roles: tuple[str, ...]
    run: Callable[[Any], None] = attrs.field(repr=False, eq=False)

    def skipped(self, spec: Any) -> str:
        """Which declared ability is missing; empty if the check applies."""
        return ", ".join(f"not {flag}" for flag in self.needs if not FLAGS[flag](spec))


@attrs.define
class Checks:
    """Collects the checks of one family, in the order of their definition."""

    found: list[Check] = attrs.field(factory=list)

    def add(
        self, promise: str, *needs: str, roles: tuple[str, ...] = ()
    ) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Make a function a check of that name."""

        def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
            self.found.append(Check(function.__name__, promise, needs, roles, function))
            return function

        return register
