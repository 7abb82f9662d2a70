"""The values of each axis of the grid: components with all their options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from n2d_framework.config import default_choice
from n2d_framework.config.adapted_classes import as_written
from n2d_framework.config.alternatives import Alternative, joined_options
from n2d_framework.config.comparison_config import Grid
from n2d_framework.core.roles import ROLE_TABLE, role_info
from n2d_framework.core.rows import PLAIN_STORAGES, Rows
from n2d_framework.plan.steps import Plan, Step
from n2d_framework.types import Role

__all__ = ["Variant", "make_variants", "prepare_variants"]


@attrs.frozen(eq=False)
class Variant:
    """One component, or chain of components, with one set of options.

    Attributes
    ----------
    choice : Alternative
        With the options that were given.
    label : str
        Its name, with the given options in which it differs from others of that name in the
        grid: ``umap(n_neighbors=10)``.
    steps : tuple of Step
        The components with all their options.
    """

    choice: Alternative
    label: str
    steps: tuple[Step, ...]

    @property
    def options(self) -> Mapping[str, Any]:
        """All options with their values."""
        return joined_options(step.options for step in self.steps)

    @property
    def written(self) -> tuple[str, Mapping[str, Any]]:
        """Name and all options as users write them."""
        return as_written(self.choice.name, self.options)

    @property
    def n_clusters(self) -> int | None:
        """Number of clusters that a clusterer is asked for, if it is."""
        value = self.written[1].get("n_clusters")
        return value if isinstance(value, int) else None


def make_variants(grid: Grid) -> tuple[dict[Role, list[Variant]], list[str]]:
    """Components of each role, equal ones once.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    variants : dict of role to list of Variant
    notes : list of str
        Which entries came to the same component.
    """
    notes: list[str] = []
    return {
        info.name: _distinct(info.name, grid, notes) for info in ROLE_TABLE if info.listed
    }, notes


def prepare_variants(grid: Grid, variants: list[Variant], rows: Rows) -> list[Variant]:
    """Alternatives that prepare the rows of one dataset.

    Parameters
    ----------
    grid : Grid
    variants : list of Variant
        Those of the grid.
    rows : Rows

    Returns
    -------
    list of Variant
        Where the configuration chooses none, the default for such rows; of sparse rows and texts
        without a default one without steps.

    Raises
    ------
    ConfigError
        If several components announce to be the default.
    """
    word = rows.default_word
    if not word or grid.config.scaler is not None or grid.config.prepare is not None:
        return variants
    found = default_choice("prepare", word)
    if found is not None:
        return [_variant(Alternative((found,)), None)]
    return [Variant(Alternative(()), "unprepared", ())] if word in PLAIN_STORAGES else variants


def _distinct(role: Role, grid: Grid, notes: list[str]) -> list[Variant]:
    found: dict[str, Variant] = {}
    for choice in grid.choices[role]:
        for n_clusters in _numbers(role, choice, grid):
            variant = _variant(choice, n_clusters)
            same = json.dumps([choice.names[1], variant.options], sort_keys=True)
            if same in found:
                notes.append(
                    f"{role} {variant.label} has the same options as {found[same].label}: "
                    "it is run once"
                )
            found.setdefault(same, variant)
    if role_info(role).short:
        return [attrs.evolve(variant, label=variant.choice.label) for variant in found.values()]
    return _distinguished(list(found.values()))


def _distinguished(variants: list[Variant]) -> list[Variant]:
    """Label them by what differs: options that all of a name share say nothing in a table."""
    groups: dict[str, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.written[0], []).append(variant)
    differing = {
        name: [key for key in _given_to_any(group) if _differ(key, group)]
        for name, group in groups.items()
    }
    return [attrs.evolve(v, label=_label(*_shown(v, differing[v.written[0]]))) for v in variants]


def _shown(variant: Variant, differing: list[str]) -> tuple[str, dict[str, Any]]:
    """Name and options of a label; a number of clusters that is the grid's is shown elsewhere."""
    name, options = variant.written
    given = _given(variant)
    gives_labels = role_info(variant.choice.specs[-1].role).gives_labels
    number = variant.choice.following if gives_labels else set()
    kept = [
        key
        for key in differing
        if key in options and (key not in number or given.get(key) is not None)
    ]
    return name, {key: options[key] for key in kept}


def _given(variant: Variant) -> Mapping[str, Any]:
    return as_written(variant.choice.name, variant.choice.given)[1]


def _given_to_any(group: list[Variant]) -> list[str]:
    return list(dict.fromkeys(key for variant in group for key in _given(variant)))


def _differ(key: str, group: list[Variant]) -> bool:
    """Return whether an option has several values; a class may also be called without it."""
    written = (variant.written[1] for variant in group)
    values = {
        json.dumps(options[key], sort_keys=True, default=str) if key in options else None
        for options in written
    }
    return len(values) > 1


def _numbers(role: Role, choice: Alternative, grid: Grid) -> Iterable[int | None]:
    """Numbers of clusters with which a component is to be built."""
    if not grid.varies:
        return grid.n_clusters or [None]
    if not role_info(role).gives_labels:
        return [None]
    follows = any(choice.given.get(name) is None for name in choice.following)
    return grid.n_clusters if follows else [None]


def _variant(choice: Alternative, n_clusters: int | None) -> Variant:
    filled = choice.filled(n_clusters).choices
    steps = Plan.made((each.entry, each.component) for each in filled).steps
    label = _label(*as_written(choice.name, choice.given))
    return Variant(choice, label, steps)


def _label(name: str, given: Mapping[str, Any]) -> str:
    if not given:
        return name
    return f"{name}({', '.join(f'{key}={_short(value)}' for key, value in given.items())})"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)
