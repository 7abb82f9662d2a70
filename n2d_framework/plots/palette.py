"""Colours and markers that stay distinguishable for up to sixty clusters."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from n2d_framework.types import NOISE, AnyArray

__all__ = ["NOISE_LINE", "NOISE_STYLE", "Style", "distinct", "is_noise", "styles"]

#: Paul Tol's "muted" scheme, made for colour-blind readers, and a near black.
COLOURS = (
    "#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677",
    "#AA4499", "#44AA99", "#882255", "#999933", "#1A1A1A",
)  # fmt: skip
#: One marker for each round through the colours.
MARKERS = ("o", "^", "s", "v", "D", "P")


@attrs.frozen
class Style:
    """How one label is drawn.

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
    """Whether a label stands for noise: the number -1."""
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
        Label to :class:`Style`. Noise (-1) is light grey. The first ten labels differ by
        colour, up to sixty by colour and marker; then styles repeat.
    """
    order: dict[Any, None] = {}
    for array in labels:
        order.update(dict.fromkeys(distinct(array)))
    found = {value: NOISE_STYLE for value in order if is_noise(value)}
    for index, value in enumerate(value for value in order if not is_noise(value)):
        turn, colour = divmod(index, len(COLOURS))
        found[value] = Style(COLOURS[colour], MARKERS[turn % len(MARKERS)])
    return found
