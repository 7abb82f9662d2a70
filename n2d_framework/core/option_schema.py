"""JSON Schema of options, derived from the same fields that check them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from n2d_framework.core.annotations import family_of, plain_value
from n2d_framework.core.options import Option, options_dict, options_of

__all__ = ["option_schema", "options_schema"]

_SCALARS: dict[Any, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null",
}  # fmt: skip


def options_schema(cls: type[Any]) -> dict[str, Any]:
    """JSON Schema of all options of an attrs class.

    Parameters
    ----------
    cls : type
        A component class, or any attrs class made of options.

    Returns
    -------
    dict
        An ``object`` schema without additional properties.
    """
    options = options_of(cls)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {opt.name: option_schema(opt) for opt in options} | _former(options),
        "additionalProperties": False,
    }
    required = [opt.name for opt in options if opt.default is attrs.NOTHING]
    return schema | ({"required": required} if required else {})


def _former(options: Iterable[Option]) -> dict[str, Any]:
    """Former names of options, marked as deprecated."""
    return {
        alias: _type_schema(opt.type, opt)
        | {"deprecated": True, "description": f"Former name of {opt.name}."}
        for opt in options
        for alias in opt.aliases
    }


def option_schema(opt: Option) -> dict[str, Any]:
    """JSON Schema of one option, with its description, bounds and default."""
    schema = _type_schema(opt.type, opt)
    if opt.help:
        schema["description"] = opt.help
    if opt.default is not attrs.NOTHING:
        default = opt.default.factory() if isinstance(opt.default, attrs.Factory) else opt.default  # type: ignore[arg-type]
        schema["default"] = _json_value(default)
    return schema


def _json_value(value: Any) -> Any:
    if attrs.has(type(value)):
        return options_dict(value)
    if isinstance(value, (tuple, list)):
        return [_json_value(item) for item in value]
    return plain_value(value)


def _type_schema(kind: Any, opt: Option) -> dict[str, Any]:
    family, kind, arguments = family_of(kind)
    if family == "union":
        return {"anyOf": [_type_schema(arm, opt) for arm in arguments]}
    if family == "choice":
        return {"enum": list(arguments)}
    if family == "enum":
        return {"enum": [member.value for member in kind]}
    if family in ("list", "set"):
        schema: dict[str, Any] = {"type": "array", "items": _type_schema(arguments[0], opt)}
        if family == "set":
            schema["uniqueItems"] = True
        return schema | ({"minItems": opt.min_len} if opt.min_len else {})
    if family == "fixed":
        items = [_type_schema(item, opt) for item in arguments]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if family == "mapping":
        return {"type": "object", "additionalProperties": _type_schema(arguments[0], opt)}
    if family == "attrs":
        return options_schema(kind)
    if family == "path":
        return {"type": "string", "minLength": 1}
    if kind in (int, float):
        bounds = {
            "minimum": opt.ge, "exclusiveMinimum": opt.gt,
            "maximum": opt.le, "exclusiveMaximum": opt.lt,
        }  # fmt: skip
        found = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": _SCALARS[kind], **found}
    return {"type": _SCALARS[kind]} if kind in _SCALARS else {}
