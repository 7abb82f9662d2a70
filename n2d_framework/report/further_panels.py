"""Panels that plugins announce: tables of plain values, whose strings the page escapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.core.announcements.extensions import PanelSpec
from n2d_framework.errors import PluginError
from n2d_framework.registry import Entry, default_catalogue

if TYPE_CHECKING:
    from n2d_framework.analysis.comparison_view import ComparisonView

__all__ = ["Panel", "panels_of_plugins"]

_MOST_ROWS = 500


@attrs.frozen
class Panel:
    """One panel.

    Attributes
    ----------
    name, title, source : str
        What the plugin calls it, its summary, and the distribution that it came from.
    columns : tuple of str
    rows : tuple of tuples
        One value for each column; empty where it has none.
    left_out : int
        How many further rows there are.
    error : str
        Why there is no table; empty if there is one.
    """

    name: str
    title: str
    source: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    left_out: int = 0
    error: str = ""


def panels_of_plugins(comparison: ComparisonView) -> list[Panel]:
    """All panels of installed plugins that have something to show.

    Parameters
    ----------
    comparison : ComparisonView

    Returns
    -------
    list of Panel
        By name. A panel that fails says so in its place: it costs nothing else.
    """
    panels = [_panel(entry, comparison) for entry in default_catalogue().panels()]
    return [panel for panel in panels if panel.rows or panel.error]


def _panel(entry: Entry[PanelSpec], comparison: ComparisonView) -> Panel:
    about = (entry.spec.name, entry.spec.summary, f"{entry.distribution} {entry.version}")
    try:
        listed = list(entry.spec.load()(comparison))
        wrong = next((row for row in listed if not isinstance(row, Mapping)), None)
        if wrong is not None:
            raise PluginError(f"a row must be a mapping, got {type(wrong).__name__}")
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        return Panel(*about, error=f"{type(error).__name__}: {error}")
    columns = tuple(dict.fromkeys(str(name) for row in listed for name in row))
    rows = [{str(name): value for name, value in row.items()} for row in listed[:_MOST_ROWS]]
    cells = tuple(tuple(row.get(name, "") for name in columns) for row in rows)
    return Panel(*about, columns, cells, len(listed) - len(cells))
