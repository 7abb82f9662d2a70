"""Announcement of presets: compositions with a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.core.roles import ROLE_TABLE
from n2d_framework.core.spec import is_line, is_name

__all__ = ["PresetSpec"]


def _is_model(spec: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    del spec, attribute
    known = {key for info in ROLE_TABLE for key in (info.name, info.short) if key}
    if not isinstance(value, Mapping) or not value or not set(value) <= known:
        raise ValueError(f"PresetSpec: model must map roles to components, got {value!r}")
    for role, chosen in value.items():
        if not isinstance(chosen, (str, Mapping, list)):
            raise ValueError(
                f"PresetSpec: model[{role!r}] must be a name, a mapping or a list of them"
            )


@attrs.frozen(kw_only=True)
class PresetSpec:
    """A composition that people choose by its name, instead of writing it down.

    Attributes
    ----------
    name : str
        Lower-case letters, digits and ``_``.
    summary : str
        One line for lists: what it costs and gives, and for which rows.
    model : mapping
        Components by role, as a configuration has them under ``model``; roles that are left out
        have their defaults. Without ``n_clusters``.
    """

    name: str = attrs.field(validator=is_name)
    summary: str = attrs.field(validator=is_line)
    model: Mapping[str, Any] = attrs.field(validator=_is_model, hash=False)
