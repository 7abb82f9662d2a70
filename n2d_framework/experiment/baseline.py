"""Which method a user means by a baseline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from n2d_framework.config.alternatives import joined_name
from n2d_framework.config.rules import choice_fits, names_fit, value_fits
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.types import ROLES

__all__ = ["find_method"]

_MOST = 10


def find_method(wanted: Any, cells: Sequence[Mapping[str, Any]], methods: Sequence[str]) -> str:
    """Name of the one method that is meant.

    Parameters
    ----------
    wanted : mapping, str or None
        A rule as in a configuration, or the name of a method.
    cells : sequence of mappings
        Cells as they are written down.
    methods : sequence of str
        The method of each cell.

    Returns
    -------
    str

    Raises
    ------
    ConfigError
        If nothing is named, or not exactly one method fits.
    """
    if isinstance(wanted, str) and wanted in methods:
        return wanted
    if wanted is None:
        reason = "is not named; say which trio the others are compared with"
    elif isinstance(wanted, Mapping):
        both = zip(methods, cells, strict=True)
        fits = list(dict.fromkeys(method for method, cell in both if _fits(wanted, cell)))
        if len(fits) == 1:
            return fits[0]
        reason = f"fits {len(fits)} methods, must fit one: {_listed(fits or methods)}"
    else:
        known = list(dict.fromkeys(methods))
        reason = f"{wanted!r} is unknown; {did_you_mean(str(wanted), known, noun='method')}"
    raise ConfigError([Problem("baseline", reason)])


def _listed(methods: Iterable[str]) -> str:
    names = list(dict.fromkeys(methods))
    more = f"; … and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return "; ".join(names[:_MOST]) + more


def _fits(wanted: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    return all(_one_fits(value, key, cell) for key, value in wanted.items())


def _one_fits(wanted: Any, key: str, cell: Mapping[str, Any]) -> bool:
    if key in ROLES:
        return _component_fits(wanted, key, cell)
    if key == "scaler":
        name = json.loads(cell["scaler_options"])["name"]
        return names_fit(wanted, (name, str(cell["scaler"])))
    return value_fits(wanted, cell.get(key))


def _component_fits(wanted: Any, role: str, cell: Mapping[str, Any]) -> bool:
    qualified = str(cell[f"{role}_component"])
    options = json.loads(cell[f"{role}_options"])
    plain = joined_name(name.rpartition(":")[2] for name in qualified.split("+"))
    return choice_fits(wanted, plain, qualified, options)
