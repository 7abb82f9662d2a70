"""Rows shown as what they are: images, or profiles where they are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import clean, grid_shape, new_grid
from n2d_framework.plots.palette import NOISE_LINE, distinct, is_noise, styles
from n2d_framework.plots.row_sample import as_labels
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["cluster_means", "reconstructions"]

#: Most features whose names there is room for.
_NAMED = 30
#: Most clusters of which a mean is drawn.
_PANELS = 100


def reconstructions(
    x: ArrayLike,
    x_reconstructed: ArrayLike,
    image_shape: tuple[int, ...] | None = None,
    n: int = 10,
    *,
    figure: Figure | SubFigure | None = None,
    random_state: int = 0,
) -> AnyArray:
    """Draw rows above what the embedder makes of them again.

    Parameters
    ----------
    x, x_reconstructed : array of shape (n_rows, ...)
        Rows, and their reconstructions in the same units.
    image_shape : tuple of int, optional
        ``(height, width)`` or ``(height, width, channels)`` of one row. Three channels are
        red, green and blue; of any other number the mean is shown. ``None`` draws rows as
        line profiles, the reconstruction over the original.
    n : int, default 10
        How many rows, drawn at random.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.
    random_state : int, default 0
        Seed of the draw.

    Returns
    -------
    array of Axes
        Of shape (2, n) for images, of about five columns for profiles.

    Raises
    ------
    DataError
        If shapes differ, or rows do not have as many values as the image shape.
    """
    original, remade = np.asarray(x), np.asarray(x_reconstructed)
    if original.shape != remade.shape or not original.size:
        raise DataError(
            f"reconstructions must have the shape of the rows, {original.shape}, "
            f"not {remade.shape}, and there must be at least one"
        )
    order = np.random.default_rng(random_state).permutation(len(original))[:n]
    if image_shape is None:
        return _profile_pairs(_flat(original[order]), _flat(remade[order]), figure)
    pictures, copies = (_as_images(rows[order], image_shape) for rows in (original, remade))
    low, high = float(pictures.min()), float(pictures.max())
    grid = new_grid(figure, 2, len(order), 1.0, 1.2)
    for column, (picture, copy) in enumerate(zip(pictures, copies, strict=True)):
        _show_image(grid[0, column], picture, low, high)
        _show_image(grid[1, column], copy, low, high)
    for place, name in zip(grid[:, 0], ("original", "reconstruction"), strict=True):
        place.set_ylabel(name, fontsize=9)
    return grid


def cluster_means(
    x: ArrayLike,
    labels: ArrayLike,
    image_shape: tuple[int, ...] | None = None,
    *,
    features: Sequence[str] = (),
    figure: Figure | SubFigure | None = None,
) -> AnyArray:
    """Draw the mean row of each cluster, of many those of the 100 largest.

    Parameters
    ----------
    x : array of shape (n, ...)
        Rows in their own units.
    labels : array of shape (n,)
        Their labels; noise (-1) comes last.
    image_shape : tuple of int, optional
        As for :func:`reconstructions`. ``None`` draws profiles: the mean of each feature,
        with a band of one standard deviation to both sides.
    features : sequence of str, optional
        Names of the features; of few, they stand below the profiles.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    array of Axes
        One per cluster that is drawn, in rows of at most ten images or five profiles; places
        without a cluster are switched off.

    Raises
    ------
    DataError
        If lengths differ, or rows do not have as many values as the image shape.
    """
    rows = np.asarray(x)
    found = as_labels(labels, len(rows))
    groups = sorted(distinct(found), key=is_noise)
    if not groups:
        raise DataError("there are no rows to take means of")
    number = len(groups)
    if number > _PANELS:
        sizes = Counter(found.tolist())
        largest = sorted(groups, key=lambda value: -sizes[value])[:_PANELS]
        groups = [value for value in groups if value in set(largest)]
    means = np.stack([rows[found == value].mean(axis=0, dtype=np.float64) for value in groups])
    if image_shape is None:
        grid = new_grid(figure, *grid_shape(len(groups), 5), 2.4, 1.8)
        _draw_profiles(grid, rows, found, groups)
        if 0 < len(features) <= _NAMED:
            for place in grid.flat[: len(groups)]:
                place.set_xticks(range(len(features)), map(clean, features), rotation=90)
                place.tick_params(axis="x", labelsize=5)
    else:
        grid = new_grid(figure, *grid_shape(len(groups), 10), 1.1, 1.5)
        pictures = _as_images(means, image_shape)
        low, high = float(pictures.min()), float(pictures.max())
        for place, picture in zip(grid.flat, pictures, strict=False):
            _show_image(place, picture, low, high)
    for place, value in zip(grid.flat, groups, strict=False):
        name = "noise" if is_noise(value) else clean(value)
        place.set_title(f"{name}\n{int((found == value).sum()):,} rows", fontsize=9)
    for place in grid.flat[len(groups) :]:
        place.set_axis_off()
    if number > len(groups):
        title = f"the {len(groups)} largest of {number:,} clusters"
        grid.flat[0].get_figure(root=False).suptitle(title)
    return grid


def _as_images(rows: AnyArray, image_shape: tuple[int, ...]) -> AnyArray:
    if len(image_shape) not in (2, 3) or int(np.prod(image_shape)) != int(np.prod(rows.shape[1:])):
        raise DataError(
            f"rows of the shape {rows.shape[1:]} are not images of the shape {image_shape}; give "
            "(height, width) or (height, width, channels) with as many values"
        )
    pictures = rows.reshape(len(rows), *image_shape).astype(np.float64)
    if pictures.ndim == 4 and pictures.shape[3] != 3:
        pictures = pictures.mean(axis=3)
    return pictures


def _show_image(place: Axes, picture: AnyArray, low: float, high: float) -> None:
    span = max(high - low, np.finfo(float).tiny)
    scaled = np.clip((picture - low) / span, 0.0, 1.0)
    place.imshow(scaled, cmap="gray", vmin=0.0, vmax=1.0)
    place.set_xticks([])
    place.set_yticks([])


def _flat(rows: AnyArray) -> AnyArray:
    return rows.reshape(len(rows), -1)


def _profile_pairs(
    original: AnyArray, remade: AnyArray, figure: Figure | SubFigure | None
) -> AnyArray:
    grid = new_grid(figure, *grid_shape(len(original), 5), 2.4, 1.8)
    for place, row, copy in zip(grid.flat, original, remade, strict=False):
        place.plot(row, color="#332288", linewidth=1.2, label="original")
        place.plot(copy, color="#CC6677", linewidth=1.0, label="reconstruction")
        place.tick_params(labelsize=7)
    for place in grid.flat[len(original) :]:
        place.set_axis_off()
    grid[0, -1].legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=9, frameon=False)
    for place in grid[-1]:
        place.set_xlabel("feature", fontsize=8)
    return grid


def _draw_profiles(grid: AnyArray, rows: AnyArray, found: AnyArray, groups: list[Any]) -> None:
    look = styles(found)
    for place, value in zip(grid.flat, groups, strict=False):
        members = _flat(rows[found == value])
        mean = members.mean(axis=0, dtype=np.float64)
        spread = members.std(axis=0, dtype=np.float64)
        position = np.arange(len(mean))
        colour = NOISE_LINE if is_noise(value) else look[value].color
        place.fill_between(position, mean - spread, mean + spread, color=colour, alpha=0.2, lw=0)
        place.plot(position, mean, color=colour, linewidth=1.2)
        place.sharey(grid[0, 0])
        place.tick_params(labelsize=7)
    for place in grid[-1]:
        place.set_xlabel("feature", fontsize=8)
