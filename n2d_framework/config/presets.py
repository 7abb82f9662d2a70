"""Compositions with a name, which plugins announce."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from n2d_framework.errors import ConfigError, Problem, UnknownComponentError
from n2d_framework.registry import Catalogue, default_catalogue

__all__ = ["preset", "with_preset"]

_KEY = "preset"
_PATH = f"model.{_KEY}"


def preset(name: str, *, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The components of a preset, as arguments of :class:`~n2d_framework.N2D`.

    Parameters
    ----------
    name : str
        ``name``, or ``distribution:name``; ``n2d components`` lists them.
    catalogue : Catalogue, optional
        Where it is looked up; what is installed, by default.

    Returns
    -------
    dict
        Components by role, to be changed as you like.

    Raises
    ------
    UnknownComponentError
        If there is none, with a did-you-mean.

    Examples
    --------
    >>> import n2d_framework as n2d
    >>> model = n2d.N2D(**n2d.preset("fast"), n_clusters=10)
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    return copy.deepcopy(dict(catalogue.preset(name).spec.model))


def with_preset(
    tree: Mapping[str, Any], overrides: Iterable[str], catalogue: Catalogue | None
) -> tuple[dict[str, Any], list[str]]:
    """A configuration with the components of its preset, where it chooses none of its own.

    Parameters
    ----------
    tree : mapping
        Its ``model.preset`` names the preset.
    overrides : iterable of str
        Single values to change, of which the last ``model.preset=name`` counts.
    catalogue : Catalogue, optional

    Returns
    -------
    dict
        Without ``preset``. Options without a name change the preset's component.
    list of str
        The other overrides.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    model = tree.get("model", {})
    overrides = list(overrides)
    others = [text for text in overrides if text.partition("=")[0] != _PATH]
    named = [text.partition("=")[2] for text in overrides if text not in others]
    if not isinstance(model, Mapping) or not (named or model.get(_KEY) is not None):
        return dict(tree), overrides
    name = named[-1] if named else model[_KEY]
    if not isinstance(name, str):
        raise ConfigError([Problem(_PATH, f"must be the name of a preset, got {name!r}")])
    try:
        chosen = preset(name, catalogue=catalogue)
    except UnknownComponentError as error:
        raise ConfigError([Problem(_PATH, str(error))]) from None
    for key, given in model.items():
        mine = chosen.get(key)
        if isinstance(given, Mapping) and "name" not in given and isinstance(mine, (str, Mapping)):
            given = {**({"name": mine} if isinstance(mine, str) else mine), **given}
        if key != _KEY:
            chosen[key] = given
    return {**tree, "model": chosen}, others
