"""Points, their legend and their axes: what the pictures of rows have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.plots.canvas import clean, legend_beside, literal, point_size
from n2d_framework.plots.palette import NOISE_STYLE, Style, distinct, is_noise
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["class_names", "cluster_names", "draw_labels", "finish", "label_legend"]

_LONGEST_ON_PLOT = 3
_CROWDED = 25
#: Most clusters that have a label: of more, the largest.
_LABELLED = 100
#: Clusters smaller than this share of the picture have their label above, not on them.
_TINY = 0.04


def draw_labels(ax: Axes, plane: AnyArray, labels: AnyArray, look: Mapping[Any, Style]) -> None:
    """Draw rows in the style of their label, noise beneath, short labels at their middles."""
    values = labels.tolist()
    noise = np.fromiter(map(is_noise, values), dtype=bool, count=len(values))
    size = point_size(len(values))
    ax.scatter(plane[noise, 0], plane[noise, 1], s=size * 0.7, c=NOISE_STYLE.color, linewidths=0)
    for marker in dict.fromkeys(style.marker for style in look.values()):
        chosen = ~noise & np.array([look[value].marker == marker for value in values], dtype=bool)
        colours = [look[value].color for value in labels[chosen].tolist()]
        place = plane[chosen]
        ax.scatter(
            place[:, 0], place[:, 1], s=size, c=colours, marker=marker, linewidths=0, alpha=0.85
        )
    _write_labels(ax, plane[~noise], labels[~noise])


def _write_labels(ax: Axes, plane: AnyArray, labels: AnyArray) -> None:
    from matplotlib import patheffects

    outline = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    sizes = Counter(labels.tolist())
    largest = {value for value, _ in sizes.most_common(_LABELLED)}
    short = [value for value in distinct(labels) if len(str(value)) <= _LONGEST_ON_PLOT]
    short = [value for value in short if value in largest]
    for value in short:
        mine = plane[labels == value]
        # The point nearest to the median: the median itself may lie between two islands.
        apart = (mine - np.median(mine, axis=0)) / (np.ptp(plane) or 1.0)
        middle = mine[(apart**2).sum(axis=1).argmin()]
        tiny = (np.ptp(mine, axis=0) < _TINY * np.ptp(plane, axis=0)).all()
        ax.annotate(
            clean(value),
            middle,
            (0, 9 if tiny else 0),
            textcoords="offset points",
            ha="center",
            va="center",
            weight="bold",
            size=10 if len(short) <= _CROWDED else 7.5,
            path_effects=outline,
        )


def class_names(look: Mapping[Any, Style], names: Sequence[str]) -> dict[Any, str]:
    """Name of each class: its own, or by its value where it has none."""
    classes = [value for value in look if not is_noise(value)]
    called = {value: "noise" if is_noise(value) else str(value) for value in look}
    return called | dict(zip(classes, names, strict=False))


def cluster_names(
    clusters: Mapping[Any, Style], stands_for: Mapping[Any, Any], called: Mapping[Any, str]
) -> list[str]:
    """Text next to each cluster but noise: the class it stands for, if any."""
    return [
        f"≈ {called.get(stands_for[value], stands_for[value])}" if value in stands_for else ""
        for value in clusters
        if not is_noise(value)
    ]


def label_legend(ax: Axes, look: Mapping[Any, Style], names: Sequence[str]) -> None:
    """Write the legend of labels: noise last, names beside the values they belong to."""
    shown = sorted(look.items(), key=lambda item: is_noise(item[0]))
    labels = [value for value, _ in shown if not is_noise(value)]
    called = dict(zip(labels, names, strict=False))
    texts = ["noise" if is_noise(value) else _called(value, called) for value, _ in shown]
    legend_beside(ax, texts, [style for _, style in shown])


def _called(value: Any, called: Mapping[Any, str]) -> str:
    name = called.get(value)
    return str(value) if not name or name == str(value) else f"{value} {name}"


def finish(ax: Axes, axis_names: tuple[str, str], shown: int, total: int, title: str) -> None:
    """Name the axes and the picture; say so where a sample is shown."""
    ax.set_xlabel(axis_names[0])
    ax.set_ylabel(axis_names[1])
    ax.tick_params(labelsize=8)
    sample = f"{shown:,} of {total:,} rows, drawn at random" if shown < total else ""
    ax.set_title("\n".join(filter(None, [literal(title), sample])), fontsize=11)
