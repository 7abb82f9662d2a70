"""Figures and axes without pyplot, and the legend beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.core.libraries import require_extra
from n2d_framework.plots.palette import Style
from n2d_framework.types import AnyArray
from n2d_framework.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["clean", "grid_shape", "legend_beside", "literal", "new_axes", "new_grid", "point_size"]

_LEGEND_ROWS = 20
_LEGEND_MOST = 119
_LONGEST = 28


def _figure_class() -> type[Figure]:
    require_extra("plots", "drawing")
    from matplotlib.figure import Figure

    found: type[Figure] = Figure
    return found


def new_axes(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Axes:
    """The given axes, or those of a new figure of that size in inches."""
    if ax is not None:
        return ax
    return _figure_class()(figsize=(width, height), layout="constrained").add_subplot()


def new_grid(
    figure: Figure | SubFigure | None, n_rows: int, n_columns: int, width: float, height: float
) -> AnyArray:
    """Axes in rows and columns, of a new figure or of the given one.

    Parameters
    ----------
    figure : Figure, SubFigure or None
        Where to draw; ``None`` for a new figure.
    n_rows, n_columns : int
    width, height : float
        Inches per axes, for a new figure.

    Returns
    -------
    array of Axes, of shape (n_rows, n_columns)
    """
    if figure is None:
        size = (width * n_columns, height * n_rows)
        figure = _figure_class()(figsize=size, layout="constrained")
    return np.asarray(figure.subplots(n_rows, n_columns, squeeze=False))


def grid_shape(count: int, most: int) -> tuple[int, int]:
    """Rows and columns for `count` panels: few rows, filled evenly."""
    n_rows = -(-count // most)
    return n_rows, -(-count // n_rows)


def clean(text: Any) -> str:
    """A name as it stands: no mathematics in dollars, no endless line."""
    # Names of files may hold what is not a character; it is drawn as an escape.
    known = str(text).encode("utf-8", "backslashreplace").decode()
    plain = " ".join(known.split())
    if len(plain) > _LONGEST:
        plain = plain[: _LONGEST - 1] + "…"
    return literal(plain)


def literal(text: str) -> str:
    """A text without mathematics in dollars, and with what is not seen as escapes."""
    return visible(text).replace("$", r"\$")


def point_size(n_points: int) -> float:
    """Area of a marker in square points: large for few, small for many."""
    return float(np.clip(16000.0 / max(n_points, 1), 5.0, 40.0))


def legend_beside(ax: Axes, names: Sequence[str], styles: Sequence[Style], title: str = "") -> None:
    """Write a legend on the right of the axes, in as many columns as it needs.

    Of more than 120 names it has the first, and says how many more there are.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
    styles : sequence of Style
        Of the same length.
    title : str, optional
    """
    from matplotlib.lines import Line2D

    more = len(names) - _LEGEND_MOST
    if more > 0:
        names = [*names[:_LEGEND_MOST], f"and {more:,} more"]
        styles = [*styles[:_LEGEND_MOST], Style("none", ".")]
    handles = [
        Line2D([], [], color=style.color, marker=style.marker, linestyle="none", markersize=6)
        for style in styles
    ]
    legend = ax.legend(
        handles,
        [str(index) for index in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        ncols=-(-len(names) // _LEGEND_ROWS) or 1,
        fontsize=9,
        title=title or None,
        title_fontsize=9,
        frameon=False,
        handletextpad=0.2,
        columnspacing=0.8,
    )
    # Set afterwards: matplotlib leaves out entries whose label starts with an underscore.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(clean(name))
