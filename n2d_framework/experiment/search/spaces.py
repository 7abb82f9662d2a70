"""The grid where nothing is chosen: every installed component with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.core.libraries import lack_of
from n2d_framework.core.options import options_of
from n2d_framework.core.roles import role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES

__all__ = ["with_all_installed"]


def with_all_installed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A grid in which each list of components that was left out is of all that are installed.

    Left out are components that import code, that have no default for an option, and those
    whose libraries are not installed. Trios that cannot work are found out by the plan.

    Parameters
    ----------
    config : mapping
        As of :func:`compare`; ``embedders``, ``manifolders`` and ``clusterers`` may be missing.

    Returns
    -------
    dict
    """
    found = dict(config)
    for role in ROLES:
        names = [
            entry.written_name
            for entry in default_catalogue().components(role)
            if _works_alone(entry.spec)
        ]
        found.setdefault(role_info(role).listed, names)
    return found


def _works_alone(spec: ComponentSpec) -> bool:
    if spec.imports_code or lack_of(spec.fit_libraries, spec.extra):
        return False
    return all(option.default is not attrs.NOTHING for option in options_of(spec.load()))
