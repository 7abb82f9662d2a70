"""scikit-learn's parameters of the three components: ``embedder__latent_dim`` and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.config import resolve_choice
from n2d_framework.core.options import current_names, options_dict
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.registry import Catalogue
from n2d_framework.types import ROLES, Role

__all__ = ["as_mapping", "nested_params", "with_options"]


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
