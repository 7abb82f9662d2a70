"""Announcements of plugins besides components, datasets and metrics."""

from __future__ import annotations

from typing import Any

import attrs

from n2d_framework.core.kinds import KINDS, Kind
from n2d_framework.core.spec import are_words, is_factory, is_line, is_name, load_object

__all__ = ["ExtensionSpec", "KindSpec", "PanelSpec", "PlotSpec"]


@attrs.frozen(kw_only=True)
class ExtensionSpec:
    """Common parts of these announcements.

    Attributes
    ----------
    name : str
        Lower-case letters, digits and ``_``.
    factory : str
        ``"package.module:function"``, imported when it is used.
    summary : str
        One line for lists.
    """

    name: str = attrs.field(validator=is_name)
    factory: str = attrs.field(validator=is_factory)
    summary: str = attrs.field(validator=is_line)

    def load(self) -> Any:
        """Import the function.

        Raises
        ------
        ComponentImportError
            If it cannot be imported, with the reason.
        """
        return load_object(self.factory, what=f"{type(self).__name__} {self.name!r}")


def _is_new(spec: Any, attribute: attrs.Attribute[Any], value: Kind) -> None:
    is_name(spec, attribute, value)
    if value in KINDS:
        raise ValueError(f"KindSpec: the framework has a kind {value!r}; choose another name")


@attrs.frozen(kw_only=True)
class KindSpec(ExtensionSpec):
    """A kind of rows that the framework does not know of itself.

    Attributes
    ----------
    name : str
        What components say in ``input``, such as ``"graph"``.
    factory : str
        The adapter: a function that is called with a path or an object and returns a
        :class:`~n2d_framework.plugin.Dataset`. The rows of its ``x`` are numbers in the shape that
        components of the kind take. It raises :class:`~n2d_framework.plugin.DataError` for what it
        cannot read.
    libraries : tuple of str
        Top-level packages whose objects it reads: it is called with an object of one of them, or
        with a list whose first item is one.
    suffixes : tuple of str
        Ends of the names of files that it reads, such as ``".graphs.json"``.
    taken_for : tuple of str
        Other kinds that its rows may be taken for, such as ``"vector"``.
    """

    name: str = attrs.field(validator=_is_new)
    libraries: tuple[str, ...] = attrs.field(default=(), validator=are_words)
    suffixes: tuple[str, ...] = attrs.field(default=(), validator=are_words)
    taken_for: tuple[Kind, ...] = attrs.field(default=(), validator=are_words)


@attrs.frozen(kw_only=True)
class PlotSpec(ExtensionSpec):
    """A picture of a fitted model that ``n2d run`` draws beside its own.

    ``factory`` names a function that is called with a
    :class:`~n2d_framework.plugin.ClusteredRows` and a Matplotlib ``Axes`` and draws into it.
    """


@attrs.frozen(kw_only=True)
class PanelSpec(ExtensionSpec):
    """A panel of the report of a comparison.

    ``factory`` names a function that is called with the
    :class:`~n2d_framework.Comparison` and returns a list of rows, each a mapping of column names
    to plain values, which the report shows as a table; an empty list leaves the panel out.
    """
