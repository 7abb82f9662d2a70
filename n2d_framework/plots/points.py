"""Rows as points of the manifold: by label, by truth and prediction, by confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.plots.canvas import new_axes, new_grid, point_size
from n2d_framework.plots.palette import COLOURS, Style, cluster_styles, styles
from n2d_framework.plots.point_drawing import (
    class_names,
    cluster_names,
    draw_labels,
    finish,
    label_legend,
)
from n2d_framework.plots.row_sample import (
    Projection,
    as_coordinates,
    as_labels,
    place_rows,
    sample_rows,
)
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["confidence", "four_panels", "panels", "scatter", "truth_and_prediction"]

_TRUE = "true classes"


def scatter(
    coordinates: ArrayLike,
    labels: ArrayLike | None = None,
    names: Sequence[str] = (),
    *,
    look: Mapping[Any, Style] | None = None,
    ax: Axes | None = None,
    max_points: int | None = 5000,
    random_state: int = 0,
    projection: Projection = "principal",
    title: str = "",
) -> Axes:
    """Draw rows as points, coloured by label.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        Of more than two columns, a projection is drawn, and the axes say so.
    labels : array of shape (n,), optional
        Labels of any type; -1 is noise, drawn in light grey beneath the rest.
    names : sequence of str, optional
        Names of the labels, in the order of their sorted values (noise not counted).
    look : mapping of label to Style, optional
        How each label is drawn; by default as :func:`styles` says.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    max_points : int or None, default 5000
        A larger set is drawn as a random sample of that many rows; ``None`` draws all.
    random_state : int, default 0
        Seed of the sample, and of t-SNE.
    projection : {"principal", "tsne"}, default "principal"
        How more than two columns are drawn: on their first two principal axes, which is quick
        and keeps distances as far as two axes can, but lets clusters fall on each other; or as
        a map by t-SNE of the drawn rows (some seconds per thousand), which keeps clusters apart,
        but says nothing of the distances between them.
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ConfigError
        If the projection is unknown.
    DataError
        If lengths differ, or coordinates are empty, not finite or not two-dimensional.
    """
    points = as_coordinates(coordinates)
    ax = new_axes(ax, 7.2, 5.2)
    rows = sample_rows(len(points), max_points, random_state)
    plane, axis_names = place_rows(points, rows, random_state, projection)
    if labels is None:
        size = point_size(len(rows))
        ax.scatter(plane[:, 0], plane[:, 1], s=size, c=COLOURS[0], linewidths=0, alpha=0.8)
    else:
        found = as_labels(labels, len(points))
        look = styles(found) if look is None else look
        draw_labels(ax, plane, found[rows], look)
        label_legend(ax, look, names)
    finish(ax, axis_names, len(rows), len(points), title)
    return ax


def panels(
    coordinates: ArrayLike,
    labellings: Mapping[str, ArrayLike],
    names: Sequence[str] = (),
    *,
    figure: Figure | SubFigure | None = None,
    n_columns: int = 2,
    max_points: int | None = 5000,
    random_state: int = 0,
    projection: Projection = "principal",
) -> AnyArray:
    """Draw several labellings of the same points, each in its own panel.

    Equal labels have equal colours in all panels, and all show the same sample.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        As for :func:`scatter`.
    labellings : mapping of str to array of shape (n,)
        Title of each panel, and its labels.
    names : sequence of str, optional
        Names of the labels of the first panel, in the order of their sorted values.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure by default.
    n_columns : int, default 2
        Panels side by side.
    max_points, random_state, projection
        As for :func:`scatter`.

    Returns
    -------
    array of Axes, of shape (n_rows, n_columns)
        Places without a panel are switched off.
    """
    points = as_coordinates(coordinates)
    arrays = _labels_by_title(labellings, len(points))
    look = styles(*arrays.values())
    grid = _draw_panels(
        points, {title: (labels, look) for title, labels in arrays.items()},
        figure=figure, n_columns=n_columns, width=5.4, max_points=max_points,
        random_state=random_state, projection=projection,
    )  # fmt: skip
    label_legend(grid[0, -1], look, names)
    return grid


def truth_and_prediction(
    coordinates: ArrayLike,
    y: ArrayLike,
    labels: ArrayLike,
    names: Sequence[str] = (),
    *,
    stands_for: Mapping[Any, Any] | None = None,
    figure: Figure | SubFigure | None = None,
    max_points: int | None = 5000,
    random_state: int = 0,
    projection: Projection = "principal",
) -> AnyArray:
    """Draw true classes and predicted clusters side by side.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        As for :func:`scatter`.
    y : array of shape (n,)
        True classes.
    labels : array of shape (n,)
        Predicted clusters, by their own numbers: those of ``labels_``, of ``labels.csv`` and
        of all other pictures.
    names : sequence of str, optional
        Names of the classes, in the order of the sorted values of `y` (noise not counted).
    stands_for : mapping of cluster to class, optional
        The class of `y` that a cluster stands for
        (:func:`n2d_framework.metrics.match_clusters`): the cluster is drawn in the colour of
        that class, and the legend names both, as ``4 ≈ three``. The numbers stay. Other
        clusters have colours of their own. Without it, equal values have equal colours.
    figure, max_points, random_state, projection
        As for :func:`panels`.

    Returns
    -------
    array of Axes, of shape (1, 2)
    """
    both = {_TRUE: y, "predicted clusters": labels}
    if stands_for is None:
        return panels(
            coordinates, both, names, figure=figure, max_points=max_points,
            random_state=random_state, projection=projection,
        )  # fmt: skip
    return _against_classes(
        coordinates, both, {"predicted clusters": stands_for}, names, figure=figure,
        max_points=max_points, random_state=random_state, projection=projection,
    )  # fmt: skip


def four_panels(
    coordinates: ArrayLike,
    *,
    truth: ArrayLike,
    prior: ArrayLike,
    posterior_2d: ArrayLike,
    posterior: ArrayLike,
    names: Sequence[str] = (),
    stands_for: Mapping[str, Mapping[Any, Any]] | None = None,
    look: Mapping[Any, Style] | None = None,
    figure: Figure | SubFigure | None = None,
    max_points: int | None = 5000,
    random_state: int = 0,
    projection: Projection = "principal",
) -> AnyArray:
    """Draw the four-panel figure: what clustering before and after the manifold finds.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        The map on which all four are drawn, usually a manifold of two dimensions.
    truth : array of shape (n,)
        True classes.
    prior : array of shape (n,)
        Clusters found before the manifold step (in the rows or the latent space).
    posterior_2d, posterior : array of shape (n,)
        Clusters found on the manifold of two dimensions, and of its full dimension.
    names : sequence of str, optional
        Names of the classes, in the order of their sorted values (noise not counted).
    stands_for : mapping of str to mapping of cluster to class, optional
        For ``"prior"``, ``"posterior_2d"`` and ``"posterior"`` the class that each cluster
        stands for (:func:`n2d_framework.metrics.match_clusters`). Clusters keep their numbers,
        take the colours of these classes, and have a legend of their own in each panel, as in
        :func:`truth_and_prediction`. Without it, equal values have equal colours.
    look : mapping of class to Style, optional
        How the classes are drawn with `stands_for`; by default as :func:`styles` says.
    figure, max_points, random_state, projection
        As for :func:`panels`.

    Returns
    -------
    array of Axes, of shape (2, 2)
    """
    titles = {
        "prior": "clustered before the manifold",
        "posterior_2d": "clustered on the manifold, 2 dimensions",
        "posterior": "clustered on the manifold, all dimensions",
    }
    found = {"prior": prior, "posterior_2d": posterior_2d, "posterior": posterior}
    four = {_TRUE: truth} | {titles[name]: labels for name, labels in found.items()}
    if stands_for is None:
        return panels(
            coordinates, four, names, figure=figure, max_points=max_points,
            random_state=random_state, projection=projection,
        )  # fmt: skip
    matched = {title: stands_for.get(name, {}) for name, title in titles.items()}
    return _against_classes(
        coordinates, four, matched, names, look=look, figure=figure, max_points=max_points,
        random_state=random_state, projection=projection,
    )  # fmt: skip


def _labels_by_title(labellings: Mapping[str, ArrayLike], n: int) -> dict[str, AnyArray]:
    return {
        title: as_labels(labels, n, f"labels of {title!r}") for title, labels in labellings.items()
    }


def _against_classes(
    coordinates: ArrayLike,
    labellings: Mapping[str, ArrayLike],
    stands_for: Mapping[str, Mapping[Any, Any]],
    names: Sequence[str],
    *,
    look: Mapping[Any, Style] | None = None,
    **how: Any,
) -> AnyArray:
    """Draw classes, then clusterings in their colours, each with its own numbers and legend."""
    points = as_coordinates(coordinates)
    arrays = _labels_by_title(labellings, len(points))
    classes = styles(arrays[_TRUE]) if look is None else look
    drawn = {_TRUE: (arrays[_TRUE], classes)} | {
        title: (arrays[title], cluster_styles(classes, arrays[title], matched))
        for title, matched in stands_for.items()
    }
    grid = _draw_panels(points, drawn, n_columns=2, width=6.6, **how)
    label_legend(grid[0, 0], classes, names)
    for ax, (title, matched) in zip(grid.flat[1:], stands_for.items(), strict=True):
        clusters = drawn[title][1]
        label_legend(ax, clusters, cluster_names(clusters, matched, class_names(classes, names)))
    return grid


def _draw_panels(
    points: AnyArray,
    drawn: Mapping[str, tuple[AnyArray, Mapping[Any, Style]]],
    *,
    figure: Figure | SubFigure | None,
    n_columns: int,
    width: float,
    max_points: int | None,
    random_state: int,
    projection: Projection,
) -> AnyArray:
    """Draw the same sample of rows once for each title, with its labels and their styles."""
    rows = sample_rows(len(points), max_points, random_state)
    plane, axis_names = place_rows(points, rows, random_state, projection)
    n_columns = min(n_columns, len(drawn))
    grid = new_grid(figure, -(-len(drawn) // n_columns), n_columns, width, 4.8)
    for ax, (title, (labels, look)) in zip(grid.flat, drawn.items(), strict=False):
        draw_labels(ax, plane, labels[rows], look)
        finish(ax, axis_names, len(rows), len(points), title)
        ax.label_outer()
    for ax in grid.flat[len(drawn) :]:
        ax.set_axis_off()
    return grid


def confidence(
    coordinates: ArrayLike,
    strengths: ArrayLike,
    *,
    ax: Axes | None = None,
    max_points: int | None = 5000,
    random_state: int = 0,
    projection: Projection = "principal",
    title: str = "",
) -> Axes:
    """Draw rows as points, coloured by how surely they belong to their cluster.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        As for :func:`scatter`.
    strengths : array of shape (n,)
        Between 0 and 1: the largest probability of a row, or its membership strength. The
        least sure rows are drawn on top.
    ax, max_points, random_state, projection, title
        As for :func:`scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        Its figure has a colour bar.
    """
    points = as_coordinates(coordinates)
    values = as_labels(strengths, len(points), "strengths").astype(np.float64)
    ax = new_axes(ax, 6.8, 5.2)
    rows = sample_rows(len(points), max_points, random_state)
    plane, axis_names = place_rows(points, rows, random_state, projection)
    order = np.argsort(-values[rows], kind="stable")
    drawn = ax.scatter(
        plane[order, 0],
        plane[order, 1],
        c=values[rows][order],
        s=point_size(len(rows)),
        cmap="cividis",
        vmin=0.0,
        vmax=1.0,
        linewidths=0,
    )
    ax.figure.colorbar(drawn, ax=ax, label="confidence")
    finish(ax, axis_names, len(rows), len(points), title)
    return ax
