"""scikit-learn's parameters of components: ``embedder__latent_dim``, ``manifolder__0__whiten``."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from n2d_framework.config import Composition, resolve_choice
from n2d_framework.core.options import current_names, options_dict
from n2d_framework.core.roles import ROLE_NAMES, role_info
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import Role

__all__ = [
    "Resolved", "as_mapping", "nested_params", "split_nested", "with_nested", "with_options",
]  # fmt: skip


@attrs.frozen(eq=False, slots=False)
class Resolved:
    """A composition with the parameters that it was made of: it is resolved once.

    Attributes
    ----------
    composition : Composition
    given : mapping of str to object
        A copy of the parameters, components as their classes and options.
    catalogue : Catalogue
        What was installed.
    """

    composition: Composition
    given: Mapping[str, Any] = attrs.field(repr=False)
    catalogue: Catalogue = attrs.field(repr=False)

    @classmethod
    def of(cls, given: Mapping[str, Any], composition: Composition) -> Resolved:
        """A composition and the parameters that it was made of."""
        return cls(composition, copy.deepcopy(_plain(given)), default_catalogue())

    def is_of(self, given: Mapping[str, Any]) -> bool:
        """Return whether parameters are still those, unchanged."""
        if self.catalogue is not default_catalogue():
            return False
        try:
            return bool(_plain(given) == self.given)
        except Exception:  # noqa: BLE001  # arrays, and whatever else cannot be compared
            return False

    def __getstate__(self) -> dict[str, Any]:
        return {"composition": self.composition, "given": self.given, "catalogue": None}


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [*_plain({str(i): item for i, item in enumerate(value)}).values()]
        if isinstance(value, (list, tuple))
        else (type(value), options_dict(value))
        if attrs.has(type(value))
        else value
        for name, value in given.items()
    }


def nested_params(values: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Every option of every component, as ``role__option`` or, in a list, ``role__0__option``.

    A component that cannot be resolved has no nested parameters: this is asked for while
    estimators are printed, too, and what is wrong is said when they are fitted.
    """
    found: dict[str, Any] = {}
    for role in ROLE_NAMES:
        value = values[role]
        if value is None and role_info(role).needed:
            value = role_info(role).default
        listed = isinstance(value, (list, tuple))
        items = value if listed else [] if value is None else [value]
        for index, item in enumerate(items):
            prefix = f"{role}__{index}" if listed else role
            try:
                options = resolve_choice(role, item, catalogue, role).option_values()
            except ConfigError:
                continue
            found.update({f"{prefix}__{name}": value for name, value in options.items()})
    return found


def split_nested(names: Iterable[str]) -> dict[Role, dict[str, str]]:
    """Names of nested parameters by their role: to each, what follows the role."""
    found: dict[Role, dict[str, str]] = {}
    for name in names:
        role, separator, rest = name.partition("__")
        if separator and role in ROLE_NAMES:
            found.setdefault(role_info(role).name, {})[name] = rest
    return found


def with_nested(role: Role, value: Any, options: Mapping[str, Any], catalogue: Catalogue) -> Any:
    """One component, or a list of them, with some options replaced.

    Parameters
    ----------
    role : str
    value : str, mapping, component, list of them, or None
        Of a role that is left open, its default is taken.
    options : mapping
        ``option``, or for a list ``0__option``, to its new value.
    catalogue : Catalogue

    Raises
    ------
    ConfigError
        If there is no such component or option.
    """
    if not isinstance(value, (list, tuple)):
        chosen = role_info(role).default if value is None else value
        return with_options(role, chosen, options, catalogue)
    items = list(value)
    by_place: dict[int, dict[str, Any]] = {}
    for name, item in options.items():
        place, _, option = name.partition("__")
        if not place.isdecimal() or int(place) >= len(items) or not option:
            text = f"there are {len(items)} components; write {role}__0__option"
            raise ConfigError([Problem(f"{role}__{name}", text)])
        by_place.setdefault(int(place), {})[option] = item
    for index, changed in by_place.items():
        items[index] = with_options(role, items[index], changed, catalogue)
    return items


def as_mapping(role: Role, value: Any, catalogue: Catalogue) -> dict[str, Any]:
    """A choice of component as a mapping with its name and the options it was given."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        return dict(value)
    if attrs.has(type(value)):
        entry = catalogue.entry_of(role, type(value))
        if entry is not None:
            return {"name": entry.written_name, **options_dict(value)}
    raise ConfigError([Problem(role, f"cannot set options of {value!r}")])


def with_options(
    role: Role, value: Any, options: Mapping[str, Any], catalogue: Catalogue
) -> dict[str, Any]:
    """A choice with some options replaced.

    Raises
    ------
    ConfigError
        If the component is unknown or has no such option.
    """
    choice = resolve_choice(role, value, catalogue, role)
    cls, changed = choice.spec.load(), as_mapping(role, value, catalogue)
    changed, options = current_names(cls, changed), current_names(cls, options)
    known = list(choice.option_values())
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigError(
            Problem(f"{role}.{name}", f"unknown option; {did_you_mean(name, known, noun='option')}")
            for name in unknown
        )
    return changed | dict(options)
