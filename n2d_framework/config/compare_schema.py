"""JSON Schema of a comparison's configuration, with the options of every installed component."""

from __future__ import annotations

from typing import Any

from n2d_framework.config.comparison_config import CompareConfig
from n2d_framework.config.config_schema import ADAPT, component_schema
from n2d_framework.core.option_schema import options_schema
from n2d_framework.core.roles import ROLE_TABLE
from n2d_framework.registry import Catalogue, default_catalogue

__all__ = ["compare_schema"]

_RANGE: dict[str, Any] = {
    "type": "object",
    "description": "A range of numbers, both ends included.",
    "properties": {
        "from": {"type": "number"},
        "to": {"type": "number"},
        "step": {"type": "number", "exclusiveMinimum": 0, "default": 1},
    },
    "required": ["from", "to"],
    "additionalProperties": False,
}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}


def compare_schema(catalogue: Catalogue | None = None) -> dict[str, Any]:
    """JSON Schema (2020-12) of a comparison's configuration.

    Parameters
    ----------
    catalogue : Catalogue, optional
        Components to describe; what is installed, by default.

    Returns
    -------
    dict
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    schema = options_schema(CompareConfig)
    for info in ROLE_TABLE:
        if not info.listed:
            continue
        role = info.name
        entries = catalogue.components(role)
        names = sorted(
            {name for e in entries for name in (e.spec.name, e.qualified_name, *e.former_names)}
        )
        several = [_several(component_schema(entry)) for entry in entries]
        one: dict[str, Any] = {"anyOf": [{"enum": names}, *several, ADAPT]}
        about = schema["properties"][info.listed]
        plain = {key: about[key] for key in ("description", "default") if key in about}
        items = {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}
        listed = {"type": "array", "items": items if info.chains else one, "minItems": 1}
        schema["properties"][info.listed] = {**plain, **listed}
        if info.short:
            listed = {"type": "array", "items": one, "minItems": 1}
            about = schema["properties"][info.short]
            schema["properties"][info.short] = {
                "description": about["description"],
                "default": info.default,
                "anyOf": [*one["anyOf"], listed],
            }
    number = schema["properties"]["n_clusters"]
    plain = {key: value for key, value in number.items() if key in ("description", "default")}
    schema["properties"]["n_clusters"] = plain | {
        "anyOf": [
            {"type": ["integer", "null"], "minimum": 1},
            {"type": "array", "items": _COUNT, "minItems": 1},
            {**_RANGE, "properties": dict.fromkeys(_RANGE["properties"], _COUNT)},
        ]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of an n2d comparison",
        **schema,
    }


def _several(component: dict[str, Any]) -> dict[str, Any]:
    """The schema of a component whose options may each be a list or a range of values."""
    properties = {
        name: option if name == "name" else _one_or_more(option)
        for name, option in component["properties"].items()
    }
    return {**component, "properties": properties}


def _one_or_more(option: dict[str, Any]) -> dict[str, Any]:
    about = {key: option[key] for key in ("description", "default") if key in option}
    one = {key: value for key, value in option.items() if key not in about}
    return about | {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}, _RANGE]}
