"""Rows shown as what they are: images, or profiles where they are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import clean, grid_shape, new_grid
from n2d_framework.plots.mean_heat_map import draw_heat_map, heat_map_size, most_different
from n2d_framework.plots.palette import NOISE_LINE, distinct, is_noise, styles
from n2d_framework.plots.row_sample import as_labels
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["cluster_means", "reconstructions", "unchanged"]

#: Most clusters of which a mean is drawn.
_PANELS = 100
#: Difference, as a share of a feature's largest number, that float32 rows have by rounding.
_SAME = 1e-5
#: Standard deviation, as a share of the largest number, below which a feature is constant.
_ROUNDING = 1e-12


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


def unchanged(x: AnyArray, x_reconstructed: AnyArray) -> bool:
    """Return whether rows came back as they were, so that a picture would show nothing.

    Parameters
    ----------
    x, x_reconstructed : array of shape (n, ...)

    Returns
    -------
    bool
        True after the identity, and where all principal components were kept.
    """
    original = np.asarray(x, dtype=np.float64)
    largest = np.abs(original).max(axis=0, initial=0.0)
    return bool((np.abs(x_reconstructed - original) <= _SAME * largest).all())


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
        As for :func:`reconstructions`. ``None`` draws a heat map of the features that have names,
        else profiles: the mean of each feature, with a band of one standard deviation to both
        sides.
    features : sequence of str, optional
        Names of the features. Their means are standardised: less the mean of all rows, in standard
        deviations of all rows. Of more than 40, those are drawn that differ most between clusters.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    array of Axes
        One per cluster that is drawn, in rows of at most ten images or five profiles; places
        without a cluster are switched off. A single one with the heat map.

    Raises
    ------
    DataError
        If lengths differ, or rows do not have as many values as the image shape.
    """
    rows = np.asarray(x)
    found = as_labels(labels, len(rows))
    sizes = Counter(found.tolist())
    groups = sorted(distinct(found), key=is_noise)
    if not groups:
        raise DataError("there are no rows to take means of")
    number = len(groups)
    if number > _PANELS:
        largest = set(sorted(groups, key=lambda value: -sizes[value])[:_PANELS])
        groups = [value for value in groups if value in largest]
    means = np.stack([rows[found == value].mean(axis=0, dtype=np.float64) for value in groups])
    notes = [f"the {len(groups)} largest of {number:,} clusters"] if number > len(groups) else []
    if image_shape is None and len(features):
        counted = [(value, sizes[value]) for value in groups]
        grid = new_grid(figure, 1, 1, *heat_map_size(len(groups), len(features)))
        notes += _draw_named(grid[0, 0], _flat(rows), _flat(means), counted, features)
    elif image_shape is None:
        grid = new_grid(figure, *grid_shape(len(groups), 5), 2.4, 1.8)
        _draw_profiles(grid, rows, found, groups)
    else:
        grid = new_grid(figure, *grid_shape(len(groups), 10), 1.1, 1.5)
        pictures = _as_images(means, image_shape)
        low, high = float(pictures.min()), float(pictures.max())
        for place, picture in zip(grid.flat, pictures, strict=False):
            _show_image(place, picture, low, high)
    if image_shape is not None or not len(features):
        for place, value in zip(grid.flat, groups, strict=False):
            name = "noise" if is_noise(value) else clean(value)
            place.set_title(f"{name}\n{sizes[value]:,} rows", fontsize=9)
        for place in grid.flat[len(groups) :]:
            place.set_axis_off()
    if notes:
        grid.flat[0].figure.suptitle(", ".join(notes), fontsize=9)
    return grid


def _draw_named(
    place: Axes,
    rows: AnyArray,
    means: AnyArray,
    groups: Sequence[tuple[Any, int]],
    features: Sequence[str],
) -> list[str]:
    """Draw the heat map, and say what was left out."""
    if len(features) != rows.shape[1]:
        raise DataError(f"there are {len(features)} names for rows of {rows.shape[1]} features")
    # In units of the largest number, so that no square is beyond float64.
    unit = np.abs(rows).max(axis=0).astype(np.float64)
    unit[~(unit > 0)] = 1.0
    scaled = rows / unit
    centre = scaled.mean(axis=0, dtype=np.float64)
    spread = scaled.std(axis=0, dtype=np.float64)
    # What is left of a constant feature is rounding.
    spread[spread <= _ROUNDING] = 0.0
    chosen, values = most_different(means / unit - centre, spread)
    draw_heat_map(place, values[:, chosen], groups, [features[i] for i in chosen])
    few, many = len(chosen), len(features)
    return [f"the {few} of {many:,} features that differ most"] if few < many else []


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
