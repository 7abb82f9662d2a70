"""Time series by cluster: a panel for each, with its series and their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import clean, grid_shape, new_grid
from n2d_framework.plots.palette import NOISE_LINE, distinct, is_noise, styles
from n2d_framework.plots.row_sample import as_labels, sample_rows
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["cluster_series"]

_MOST_COLUMNS = 4
_MEAN_LINE = "#1A1A1A"


def cluster_series(
    x: ArrayLike,
    labels: ArrayLike,
    times: ArrayLike | None = None,
    *,
    feature: int = 0,
    max_series: int | None = 100,
    figure: Figure | SubFigure | None = None,
    random_state: int = 0,
) -> AnyArray:
    """Draw the series of each cluster in a panel of their own, with their mean.

    Parameters
    ----------
    x : array of shape (n, steps) or (n, steps, features)
        Series in the units in which they are to be compared; standardised ones show their
        form alone. All panels have the same axes.
    labels : array of shape (n,)
        Their labels; noise (-1) comes last, in grey and without a mean.
    times : array of shape (steps,), optional
        Numbers or dates (``datetime64``) of the steps; by default they are counted from 0.
    feature : int, default 0
        Which feature is drawn, where there are several.
    max_series : int or None, default 100
        Of a larger cluster so many series are drawn, chosen at random, and its title says so;
        ``None`` draws all. The mean is that of the whole cluster.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.
    random_state : int, default 0
        Seed of the choice.

    Returns
    -------
    array of Axes
        One per cluster, in rows of at most four; places without a cluster are switched off.

    Raises
    ------
    DataError
        If `x` has another shape, fewer than two steps, no such feature or no rows, or if
        lengths differ.
    """
    series = _one_feature(np.asarray(x), feature)
    found = as_labels(labels, len(series))
    steps = _steps(times, series.shape[1])
    groups = sorted(distinct(found), key=is_noise)
    look = styles(found)
    grid = new_grid(figure, *grid_shape(len(groups), _MOST_COLUMNS), 3.0, 2.1)
    _share_axes(grid, len(groups))
    for place, value in zip(grid.flat, groups, strict=False):
        members = series[found == value]
        shown = members[np.sort(sample_rows(len(members), max_series, random_state))]
        colour = NOISE_LINE if is_noise(value) else look[value].color
        place.plot(steps, shown.T, color=colour, linewidth=0.7, alpha=_opacity(len(shown)))
        if len(members) > 1 and not is_noise(value):
            _draw_mean(place, steps, members.mean(axis=0, dtype=np.float64))
        place.set_title(_title(value, len(shown), len(members)), fontsize=9)
    _mark_times(grid[0, 0], steps)
    return grid


def _one_feature(x: AnyArray, feature: int) -> AnyArray:
    if x.ndim not in (2, 3) or not len(x) or x.shape[1] < 2:
        raise DataError(
            "series must have the shape (n, steps) or (n, steps, features), with at least one row "
            f"and two steps, not {x.shape}"
        )
    if x.ndim == 2:
        x = x[:, :, None]
    if not 0 <= feature < x.shape[2]:
        raise DataError(f"feature={feature}: the series have {x.shape[2]}; they are counted from 0")
    return x[:, :, feature]


def _steps(times: ArrayLike | None, n_steps: int) -> AnyArray:
    if times is None:
        return np.arange(n_steps)
    found = np.asarray(times)
    if found.shape != (n_steps,):
        raise DataError(f"times must have the shape ({n_steps},) as the steps, not {found.shape}")
    return found


def _opacity(n_series: int) -> float:
    """Few lines are clear, many make a cloud."""
    return float(np.clip(10.0 / max(n_series, 1), 0.2, 0.8))


def _draw_mean(place: Axes, steps: AnyArray, mean: AnyArray) -> None:
    from matplotlib import patheffects

    outline = [patheffects.withStroke(linewidth=3.0, foreground="white")]
    place.plot(steps, mean, color=_MEAN_LINE, linewidth=1.4, path_effects=outline)


def _title(value: Any, n_shown: int, n_members: int) -> str:
    name = "noise" if is_noise(value) else clean(value)
    if n_shown == n_members:
        return f"{name}\n{n_members:,} series"
    return f"{name}\n{n_shown:,} of {n_members:,} series, drawn at random"


def _share_axes(grid: AnyArray, n_panels: int) -> None:
    """Give all panels the same axes, and switch off those that are empty.

    Done before anything is drawn: later, the limits of the first would hold for all.
    """
    for place in grid.flat[:n_panels]:
        place.sharex(grid[0, 0])
        place.sharey(grid[0, 0])
        place.tick_params(labelsize=7)
    for place in grid.flat[n_panels:]:
        place.set_axis_off()


def _mark_times(first: Axes, steps: AnyArray) -> None:
    """Few marks, short: panels are small. The others share them."""
    if steps.dtype.kind != "M":
        from matplotlib.ticker import MaxNLocator

        first.xaxis.set_major_locator(MaxNLocator(5, integer=steps.dtype.kind in "iu"))
        return
    from matplotlib import dates

    has_no_types: Any = dates
    locator = has_no_types.AutoDateLocator(minticks=3, maxticks=5)
    first.xaxis.set_major_locator(locator)
    first.xaxis.set_major_formatter(has_no_types.ConciseDateFormatter(locator, show_offset=False))
