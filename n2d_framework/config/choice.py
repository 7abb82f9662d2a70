"""A choice of component: a name with options, checked against the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.core.libraries import lack_of
from n2d_framework.core.options import options_dict, options_of
from n2d_framework.core.roles import ROLE_TABLE, role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.structure import structure
from n2d_framework.errors import (
    ComponentImportError,
    ConfigError,
    DuplicateComponentError,
    Problem,
    UnknownComponentError,
)
from n2d_framework.registry import Catalogue, Entry
from n2d_framework.types import Role

__all__ = ["Choice", "library_problems", "resolve_chain", "resolve_choice"]


@attrs.frozen(eq=False)
class Choice:
    """One component with the options it was given.

    Attributes
    ----------
    role : str
    entry : Entry
        The component in the catalogue.
    given : dict
        Options as they were given; all others have their defaults.
    component : object
        The component with all its options: unfitted, and never fitted itself but copied.
    qualified : bool
        Whether the name was given with its distribution.
    """

    role: Role
    entry: Entry[ComponentSpec]
    given: dict[str, Any]
    component: Any = attrs.field(repr=False)
    qualified: bool = False

    @classmethod
    def of(
        cls, entry: Entry[ComponentSpec], given: Mapping[str, Any], *, qualified: bool = False
    ) -> Choice:
        """Check options, and make the component: the one place where options become one.

        Raises
        ------
        ConfigError
            With every wrong option.
        ComponentImportError
            If its class cannot be imported.
        """
        component = structure(entry.spec.load(), given)
        return cls(entry.spec.role, entry, dict(given), component, qualified)

    @property
    def name(self) -> str:
        """The name to be written down: as ``distribution:name`` where it was given so, or has to.

        By the name alone, another of the installed components might be found.
        """
        return self.entry.qualified_name if self.qualified else self.entry.written_name

    @property
    def spec(self) -> ComponentSpec:
        """Announcements of the plugin."""
        return self.entry.spec

    def filled(self, n_clusters: int | None) -> Choice:
        """The choice with a number of clusters in every option that follows it and has no value.

        Parameters
        ----------
        n_clusters : int or None
        """
        waiting = [
            opt
            for opt in options_of(type(self.component))
            if opt.follows == "n_clusters" and getattr(self.component, opt.name) is None
        ]
        if n_clusters is None or not waiting:
            return self
        values = {opt.name: opt.followed(n_clusters) for opt in waiting}
        return attrs.evolve(self, component=attrs.evolve(self.component, **values))

    def option_values(self) -> dict[str, Any]:
        """All options with their values, defaults filled in."""
        return options_dict(self.component)


def resolve_choice(role: Role, value: Any, catalogue: Catalogue, path: str) -> Choice:
    """Check a choice of component, whichever way it was written.

    Parameters
    ----------
    role : str
    value : str, mapping or component
        A name; a mapping with ``name`` and options; or an (unfitted) component instance.
    catalogue : Catalogue
        Where names are looked up.
    path : str
        Where `value` stands, put in front of every problem.

    Returns
    -------
    Choice

    Raises
    ------
    ConfigError
        With all problems: unknown component, unknown or wrong options.
    """
    entry, given = _entry_and_options(role, value, catalogue, path)
    named = value.get("name") if isinstance(value, Mapping) else value
    try:
        return Choice.of(entry, given, qualified=isinstance(named, str) and ":" in named)
    except ConfigError as error:
        raise ConfigError(problem.under(path) for problem in error.problems) from None
    except ComponentImportError as error:
        raise ConfigError([Problem(path, str(error))]) from error


def library_problems(choice: Choice, path: str) -> list[Problem]:
    """Libraries that a component is fitted with and that are not installed.

    Parameters
    ----------
    choice : Choice
    path : str
        Where it stands.

    Returns
    -------
    list of Problem
        One, with the command that installs them, or none.
    """
    lack = lack_of(choice.spec.fit_libraries, choice.spec.extra)
    return [Problem(path, f"to be fitted, {choice.spec.name!r} {lack}")] if lack else []


def resolve_chain(role: Role, value: Any, catalogue: Catalogue, path: str) -> tuple[Choice, ...]:
    """Check the components of a role: one, or a list of those that follow each other.

    Parameters
    ----------
    role : str
    value : str, mapping, component, list of these, or None
    catalogue : Catalogue
    path : str
        Where `value` stands, put in front of every problem.

    Returns
    -------
    tuple of Choice
        In the order in which data pass them.

    Raises
    ------
    ConfigError
        With all problems; also where there is no component and the role needs one, or several
        and it takes one.
    """
    info = role_info(role)
    listed = isinstance(value, (list, tuple))
    items = list(value) if listed else [] if value is None else [value]
    if info.needed and not items:
        raise ConfigError([Problem(path, f"needs {info.noun}, such as {info.default}")])
    if listed and not info.chains:
        chaining = ", ".join(info.name for info in ROLE_TABLE if info.chains)
        text = f"takes one component, not a list; lists are for {chaining}"
        raise ConfigError([Problem(path, text)])
    found: list[Choice] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            where = f"{path}[{index}]" if listed else path
            found.append(resolve_choice(role, item, catalogue, where))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _entry_and_options(
    role: Role, value: Any, catalogue: Catalogue, path: str
) -> tuple[Entry[ComponentSpec], dict[str, Any]]:
    if isinstance(value, str):
        return _find(role, value, catalogue, path), {}
    if isinstance(value, Mapping):
        name = value.get("name")
        if not isinstance(name, str):
            text = f"needs a name, such as {{name: …}}; got {value!r}"
            if "adapt" in value:
                text = "adapt is for configurations of a run; in Python, give n2d.adapt(role, cls)"
            raise ConfigError([Problem(path, text)])
        options = {key: item for key, item in value.items() if key != "name"}
        return _find(role, name, catalogue, f"{path}.name"), options
    if attrs.has(type(value)):
        found = catalogue.entry_of(role, type(value))
        if found is not None:
            return found, options_dict(value)
    raise ConfigError(
        [
            Problem(
                path,
                f"must be the name of a component, a mapping with name and options, or a "
                f"component of an installed plugin; got {value!r}",
            )
        ]
    )


def _find(role: Role, name: str, catalogue: Catalogue, path: str) -> Entry[ComponentSpec]:
    try:
        return catalogue.get(role, name)
    except (UnknownComponentError, DuplicateComponentError) as error:
        raise ConfigError([Problem(path, str(error))]) from error
