"""scikit-learn's parameters of the three components: ``embedder__latent_dim`` and the like."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.config import Composition, resolve_choice
from n2d_framework.core.options import current_names, options_dict
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.registry import Catalogue, default_catalogue
from n2d_framework.types import ROLES, Role

__all__ = ["Resolved", "as_mapping", "nested_params", "with_options"]


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
        name: (type(value), options_dict(value)) if attrs.has(type(value)) else value
        for name, value in given.items()
    }


def nested_params(values: Mapping[Role, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Every option of every component, as ``role__option``.

    A component that cannot be resolved has no nested parameters: this is asked for while
    estimators are printed, too, and what is wrong is said when they are fitted.
    """
    found: dict[str, Any] = {}
    for role in ROLES:
        try:
            options = resolve_choice(role, values[role], catalogue, role).option_values()
        except ConfigError:
            continue
        found.update({f"{role}__{name}": value for name, value in options.items()})
    return found


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
