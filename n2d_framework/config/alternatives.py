"""Alternatives of a comparison: one component, or a chain of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import attrs

from n2d_framework.config.adapted_classes import as_written
from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_of
from n2d_framework.core.spec import ComponentSpec

__all__ = ["Alternative", "joined_name", "joined_options", "split_alternative"]

_BETWEEN = "+"


def joined_name(names: Iterable[str]) -> str:
    """One name for a chain: ``pca+umap``."""
    return _BETWEEN.join(names)


def joined_options(options: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Options of a chain in one mapping: ``0__n_components``; those of one component as they are.

    Parameters
    ----------
    options : iterable of mapping
    """
    listed = [dict(each) for each in options]
    if len(listed) == 1:
        return listed[0]
    return {f"{i}__{name}": value for i, each in enumerate(listed) for name, value in each.items()}


def split_alternative(name: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The components of :func:`joined_name` and :func:`joined_options`, as mappings with names."""
    names = name.split(_BETWEEN)
    if not name:
        return []
    if len(names) == 1:
        return [{"name": name, **options}]
    return [
        {
            "name": each,
            **{
                key.partition("__")[2]: value
                for key, value in options.items()
                if key.startswith(f"{index}__")
            },
        }
        for index, each in enumerate(names)
    ]


@attrs.frozen(eq=False)
class Alternative:
    """One component of a role, or several that follow each other.

    Attributes
    ----------
    choices : tuple of Choice
        At least one.
    """

    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        """The name to be written down."""
        return joined_name(choice.name for choice in self.choices)

    @property
    def names(self) -> tuple[str, str]:
        """The name, plain and with distributions."""
        entries = [choice.entry for choice in self.choices]
        plain = joined_name(entry.spec.name for entry in entries)
        return plain, joined_name(entry.qualified_name for entry in entries)

    @property
    def specs(self) -> tuple[ComponentSpec, ...]:
        """Specs of the components, as plugins announced them."""
        return tuple(choice.spec for choice in self.choices)

    @property
    def imports_code(self) -> bool:
        """Return whether a component imports code that its options name."""
        return any(spec.imports_code for spec in self.specs)

    @property
    def given(self) -> dict[str, Any]:
        """Options as they were given."""
        return joined_options(choice.given for choice in self.choices)

    @property
    def following(self) -> set[str]:
        """Options that follow the number of clusters."""
        marks = (
            {opt.name: opt.follows == "n_clusters" for opt in options_of(type(choice.component))}
            for choice in self.choices
        )
        return {name for name, follows in joined_options(marks).items() if follows}

    def option_values(self) -> dict[str, Any]:
        """All options with their values."""
        return joined_options(choice.option_values() for choice in self.choices)

    def filled(self, n_clusters: int | None) -> Self:
        """The same with a number of clusters, as :meth:`Choice.filled`."""
        return attrs.evolve(self, choices=tuple(c.filled(n_clusters) for c in self.choices))

    @property
    def label(self) -> str:
        """Name in tables, with the options that have other values than their defaults."""
        defaults = joined_options(
            {opt.name: opt.default for opt in options_of(type(choice.component))}
            for choice in self.choices
        )
        name, values = as_written(self.name, self.option_values())
        changed = {k: v for k, v in values.items() if k not in defaults or defaults[k] != v}
        if not changed:
            return name
        return f"{name}({', '.join(f'{key}={value}' for key, value in changed.items())})"
