"""Means of named features by cluster, as a heat map in units that all features share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.plots.canvas import clean
from n2d_framework.plots.palette import is_noise
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_heat_map", "heat_map_size", "most_different"]

#: Most features that are drawn, and most cells that have room for their number.
_FEATURES, _WRITTEN = 40, 480
#: The colours end at this many standard deviations, or at the largest mean, if that is less.
_END = 3.0
#: Most clusters whose names have room side by side.
_UPRIGHT = 12


def most_different(means: AnyArray, spread: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return positions of the features to be drawn, and the standardised means of all.

    Parameters
    ----------
    means : array of shape (k, d), float64
        Mean of each feature in each cluster, less that of all rows.
    spread : array of shape (d,), float64
        Standard deviations over all rows.

    Returns
    -------
    chosen : array of shape (at most 40,), int64
        In their order: those whose standardised means differ most between clusters.
    standardised : array of shape (k, d), float64
        Zero where a feature is constant.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        standardised = np.where(spread > 0, means / spread, 0.0)
    order = np.argsort(-standardised.std(axis=0), kind="stable")
    return np.sort(order[:_FEATURES]), standardised


def heat_map_size(n_clusters: int, n_features: int) -> tuple[float, float]:
    """Inches for a heat map of so many clusters and features."""
    return max(5.0, 2.5 + 0.5 * n_clusters), 1.8 + 0.24 * min(n_features, _FEATURES)


def draw_heat_map(
    axes: Axes, values: AnyArray, groups: Sequence[tuple[Any, int]], features: Sequence[str]
) -> None:
    """Draw standardised means: a row per feature, a column per cluster.

    Parameters
    ----------
    axes : matplotlib Axes
    values : array of shape (k, d), float64
    groups : sequence of tuple
        Of each cluster its value and its number of rows.
    features : sequence of str
    """
    end = min(_END, float(np.abs(values).max(initial=0.0))) or 1.0
    image = axes.imshow(values.T, cmap="RdBu_r", vmin=-end, vmax=end, aspect="auto")
    axes.set_yticks(range(len(features)), [clean(name) for name in features], fontsize=8)
    names = [
        f"{'noise' if is_noise(value) else clean(value)}\n{count:,} rows" for value, count in groups
    ]
    axes.set_xticks(range(len(groups)), names, fontsize=8)
    axes.xaxis.tick_top()
    if len(groups) > _UPRIGHT:
        axes.tick_params(axis="x", labelrotation=90)
    if values.size <= _WRITTEN:
        for (column, row), value in np.ndenumerate(values):
            color = "white" if abs(value) > 0.6 * end else "black"
            axes.text(
                column,
                row,
                f"{round(value, 1) + 0.0:.1f}",
                ha="center",
                va="center",
                fontsize=7,
                color=color,
            )
    figure: Any = axes.figure
    bar = figure.colorbar(
        image,
        ax=axes,
        location="bottom",
        aspect=40,
        extend="both" if end == _END else "neither",
    )
    bar.set_label("mean less that of all rows, in standard deviations", fontsize=8)
    bar.ax.tick_params(labelsize=8)
