"""Colours and markers that stay distinguishable for up to sixty clusters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any

import attrs
import numpy as np

from n2d_framework.plots.colours.colour_difference import (
    ciede2000,
    cielab,
    hexadecimal,
    linear_rgb,
    of_hexadecimal,
)
from n2d_framework.plots.colours.distant_colours import LIGHTER, distant_colours
from n2d_framework.types import NOISE, AnyArray

__all__ = [
    "NOISE_LINE",
    "NOISE_STYLE",
    "Style",
    "cluster_styles",
    "distinct",
    "fifty_further_colours",
    "fills",
    "is_noise",
    "sixty_colours",
    "styles",
]

#: Paul Tol's "muted" scheme, made for colour-blind readers, and a near black.
COLOURS = (
    "#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677",
    "#AA4499", "#44AA99", "#882255", "#999933", "#1A1A1A",
)  # fmt: skip
#: Colours of areas, where the ten are not enough.
_MANY = 60
#: One marker for each round through the colours.
MARKERS = ("o", "^", "s", "v", "D", "P")


@attrs.frozen
class Style:
    """Style of one label.

    Attributes
    ----------
    color : str
        Hexadecimal colour.
    marker : str
        matplotlib's name of the marker.
    """

    color: str
    marker: str


NOISE_STYLE = Style("#D5D5D5", "o")
#: A line needs more contrast than a point.
NOISE_LINE = "#8A8A8A"


def is_noise(value: Any) -> bool:
    """Return whether a label stands for noise: the number -1."""
    return isinstance(value, (int, float, np.number)) and value == NOISE


def distinct(labels: AnyArray) -> list[Any]:
    """Distinct values in sorted order; texts and numbers side by side in that of their types."""
    values = set(labels.tolist())
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, str(value)))


def styles(*labels: AnyArray) -> dict[Any, Style]:
    """A style for each distinct label, the same for equal labels of several labellings.

    Parameters
    ----------
    *labels : array of shape (n,)
        Labels of any type. The sorted values of the first array come first, those that only
        later arrays have follow, so that further labellings never change earlier colours.

    Returns
    -------
    dict
        Label to :class:`Style`. Noise (-1) is light grey. Sixty labels differ by colour, and
        ten neighbours in order by marker from the ten before; then styles repeat.
    """
    order: dict[Any, None] = {}
    for array in labels:
        order.update(dict.fromkeys(distinct(array)))
    found = {value: NOISE_STYLE for value in order if is_noise(value)}
    for index, value in enumerate(value for value in order if not is_noise(value)):
        found[value] = _style(index)
    return found


def fills(labels: AnyArray) -> dict[Any, str]:
    """A colour for each distinct label, for areas that no marker parts.

    Parameters
    ----------
    labels : array of shape (n,)
        Of any type.

    Returns
    -------
    dict
        Label to hexadecimal colour. Noise (-1) is light grey. Up to ten labels have the colours of
        :func:`styles`; of more, up to sixty, no two are alike, and all stand out from white paper.
    """
    found = {label: style.color for label, style in styles(labels).items()}
    named = [label for label in found if not is_noise(label)]
    if len(named) > len(COLOURS):
        chosen = itertools.cycle(sixty_colours())
        found |= dict(zip(named, chosen, strict=False))
    return found


@cache
def sixty_colours() -> dict[str, str]:
    """Sixty colours that look different, and what each is on dark paper.

    The first of them differ most.
    """
    palette = distant_colours(_MANY)
    order = [0]
    while len(order) < _MANY:
        nearest = palette.apart[order].min(axis=0)
        nearest[order] = -1.0
        order.append(int(nearest.argmax()))
    light, dark = (
        hexadecimal(linear_rgb(palette.colours[order] + np.array([lighter, 0, 0])))
        for lighter in (0, LIGHTER)
    )
    return dict(zip(light, dark, strict=True))


@cache
def fifty_further_colours() -> dict[str, str]:
    """Colours that points of more than ten labels have, and what each is on dark paper.

    Those of :func:`sixty_colours` that differ most from :data:`COLOURS`, in its order.
    """
    pairs = list(sixty_colours().items())
    places = cielab(of_hexadecimal(light for light, _ in pairs))
    taken = cielab(of_hexadecimal(COLOURS))
    nearest = np.min([ciede2000(one, places) for one in taken], axis=0)
    farthest = np.sort(np.argsort(-nearest, kind="stable")[: _MANY - len(COLOURS)])
    return dict(pairs[i] for i in farthest.tolist())


def cluster_styles(
    classes: Mapping[Any, Style], labels: AnyArray, stands_for: Mapping[Any, Any]
) -> dict[Any, Style]:
    """A style for each cluster: that of the class it stands for, or one that no class has.

    A cluster that stands for rows which are truly noise has a colour of its own: grey is for
    rows in no cluster.

    Parameters
    ----------
    classes : mapping
        Of the classes, as :func:`styles` gives it.
    labels : array of shape (n,)
        Clusters, by their own numbers; -1 is noise.
    stands_for : mapping of cluster to class
        Of the clusters that stand for one.

    Returns
    -------
    dict
        Cluster to :class:`Style`.
    """
    index = sum(not is_noise(value) for value in classes)
    found: dict[Any, Style] = {}
    for label in distinct(labels):
        if is_noise(label):
            found[label] = NOISE_STYLE
        elif label in stands_for and classes.get(stands_for[label], NOISE_STYLE) != NOISE_STYLE:
            found[label] = classes[stands_for[label]]
        else:
            found[label] = _style(index)
            index += 1
    return found


def _style(index: int) -> Style:
    turn, index = index // len(COLOURS) % len(MARKERS), index % _MANY
    further = () if index < len(COLOURS) else tuple(fifty_further_colours())
    return Style((*COLOURS, *further)[index], MARKERS[turn])
