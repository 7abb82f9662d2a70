"""Components that other components hold: found, checked, built and restored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from n2d_framework.config.choice import Choice, library_problems, resolve_choice
from n2d_framework.core.options import options_dict, options_of
from n2d_framework.core.origin.code import code_of
from n2d_framework.core.state import State, need
from n2d_framework.errors import ConfigError, Problem, StateError
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import Role

__all__ = ["held_code", "held_problems", "held_state", "resolve"]

_DEEPEST = 16


def resolve(role: Role, spec: Any, *, state: State | None = None) -> Any:
    """Interface of :func:`n2d_framework.plugin.resolve`."""
    catalogue = default_catalogue()
    choice = resolve_choice(role, spec, catalogue, role)
    problems = _problems_of(choice, catalogue, role, (), fitting=state is None)
    if problems:
        raise ConfigError(problems)
    made = choice.component
    if state is not None:
        _restore(choice, made, state)
    return made


def _restore(choice: Choice, made: Any, state: State) -> None:
    version, kept = need(state, "state_version", int), need(state, "state", Mapping)
    newest = choice.spec.state_version
    if version > newest:
        raise StateError(
            f"{choice.role} {choice.spec.name!r}: its state has version {version}, the installed "
            f"component reads up to {newest}; upgrade its distribution"
        )
    made.set_state(kept if version == newest else made.upgrade_state(kept, version))


def held_state(role: Role, component: Any) -> State:
    """Interface of :func:`n2d_framework.plugin.held_state`."""
    entry = default_catalogue().entry_of(role, type(component))
    if entry is None:
        raise StateError(f"{type(component).__qualname__} is not an installed {role}")
    return {"state_version": entry.spec.state_version, "state": component.get_state()}


def held_problems(choice: Choice, catalogue: Catalogue, path: str) -> list[Problem]:
    """Problems of the components that a component holds, at any depth.

    Parameters
    ----------
    choice : Choice
    catalogue : Catalogue
    path : str
        Where it stands.

    Returns
    -------
    list of Problem
        Unknown components, wrong options, missing libraries, and components that hold themselves.
    """
    return _problems_of(choice, catalogue, path, (), fitting=True)


def held_code(component: Any) -> dict[str, str]:
    """Identify the code of the components that a component holds, at any depth.

    Parameters
    ----------
    component : object
        Without problems, as :func:`held_problems` says.

    Returns
    -------
    dict of str to str
        By role and qualified name, versions of the distribution and of the state; and of code
        beyond that version what :func:`n2d_framework.core.origin.code.code_of` says.
    """
    found: dict[str, str] = {}
    for place, role, value in _held(component):
        inner = resolve_choice(role, value, default_catalogue(), place)
        versions = f"{inner.entry.version}, state {inner.spec.state_version}"
        found[f"{role} {inner.entry.qualified_name}"] = versions
        found |= code_of(inner.spec, inner.component) | held_code(inner.component)
    return found


def _problems_of(
    choice: Choice, catalogue: Catalogue, path: str, above: tuple[str, ...], *, fitting: bool
) -> list[Problem]:
    made = choice.component
    own = f"{choice.role} {choice.entry.qualified_name} {json.dumps(options_dict(made))}"
    held = list(_held(made))
    if not held:
        return []
    if own in above or len(above) >= _DEEPEST:
        names = " in ".join(f"{choice.role} {choice.spec.name!r}" for _ in range(2))
        return [Problem(path, f"holds itself: {names}, without end; name other components")]
    problems: list[Problem] = []
    for place, role, value in held:
        where = f"{path}.{place}"
        try:
            inner = resolve_choice(role, value, catalogue, where)
        except ConfigError as error:
            problems += error.problems
            continue
        if inner.spec.imports_code:
            text = f"{inner.spec.name!r} imports code, and cannot be held by another component"
            problems.append(Problem(where, text))
        else:
            problems += library_problems(inner, where) if fitting else []
            problems += _problems_of(inner, catalogue, where, (*above, own), fitting=fitting)
    return problems


def _held(component: Any) -> Iterator[tuple[str, Role, Any]]:
    """Each component that an option holds: where, its role, and how it was written."""
    for opt in options_of(type(component)):
        if not opt.holds:
            continue
        value = getattr(component, opt.name)
        if isinstance(value, (tuple, list)):
            for index, item in enumerate(value):
                yield f"{opt.name}[{index}]", opt.holds, item
        elif value is not None:
            yield opt.name, opt.holds, value
