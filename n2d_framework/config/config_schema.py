"""JSON Schema of the configuration, with the options of every installed component."""

from __future__ import annotations

from typing import Any

from n2d_framework.config.models import RunConfig
from n2d_framework.core.option_schema import options_schema
from n2d_framework.core.roles import ROLE_TABLE
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import ComponentImportError
from n2d_framework.registry import Catalogue, Entry, default_catalogue
from n2d_framework.types import Role

__all__ = ["ADAPT", "component_schema", "role_schema", "run_schema"]


def run_schema(catalogue: Catalogue | None = None) -> dict[str, Any]:
    """JSON Schema (2020-12) of a run's configuration.

    Parameters
    ----------
    catalogue : Catalogue, optional
        Components to describe; what is installed, by default.

    Returns
    -------
    dict
        Editors that know JSON Schema complete and check configuration files with it.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    schema = options_schema(RunConfig)
    model = schema["properties"]["model"]
    for info in ROLE_TABLE:
        schemas: dict[str, dict[str, Any]] = {info.name: role_schema(info.name, catalogue)}
        if info.short:
            schemas[info.short] = schemas[info.name]
        if info.chains:
            chain = {"type": "array", "items": schemas[info.name]}
            one_or_more = [*schemas[info.name]["anyOf"], chain]
            schemas[info.name] = {"anyOf": one_or_more if info.needed else [*one_or_more, _NONE]}
        for key, described in schemas.items():
            about = {"description": model["properties"][key]["description"]}
            model["properties"][key] = about | described
        if info.default:
            model["properties"][info.short or info.name]["default"] = info.default
    model["properties"]["preset"] = {
        "description": "Components of a preset, where none are chosen here.",
        "enum": sorted(
            {name for e in catalogue.presets() for name in (e.spec.name, e.qualified_name)}
        ),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of an n2d run",
        **schema,
    }


def role_schema(role: Role, catalogue: Catalogue) -> dict[str, Any]:
    """JSON Schema of one component of a role, by its name or as a mapping."""
    entries = catalogue.components(role)
    names = sorted(
        {name for e in entries for name in (e.spec.name, e.qualified_name, *e.former_names)}
    )
    described = [component_schema(entry) for entry in entries]
    return {"anyOf": [{"enum": names}, *described, ADAPT]}


_NONE: dict[str, Any] = {"type": "null"}
#: How a class is written in place of a component.
ADAPT: dict[str, Any] = {
    "title": "any class with scikit-learn's verbs",
    "description": "The class by its import path, and its arguments. Its code is imported: only "
    "permitted with allow_code (--allow-code).",
    "type": "object",
    "properties": {"adapt": {"type": "string", "pattern": "^[^:]+:[^:]+$"}},
    "required": ["adapt"],
    "not": {"required": ["name"]},
}


def component_schema(entry: Entry[ComponentSpec]) -> dict[str, Any]:
    """Schema of one component written as a mapping.

    Parameters
    ----------
    entry : Entry

    Returns
    -------
    dict
        A component whose class cannot be imported here accepts any options, and says why in
        its description.
    """
    name = {"enum": [entry.spec.name, entry.qualified_name, *sorted(entry.former_names)]}
    try:
        schema = options_schema(entry.spec.load())
    except ComponentImportError as error:
        schema = {"type": "object", "properties": {}, "additionalProperties": True}
        summary = f"{entry.spec.summary} (options unknown here: {error})"
    else:
        summary = entry.spec.summary
    schema["properties"] = {"name": name, **schema["properties"]}
    schema["required"] = ["name", *schema.get("required", [])]
    return {"title": f"{entry.spec.role} {entry.spec.name}", "description": summary, **schema}
