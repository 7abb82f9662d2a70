"""Drawings of the tree over clusters: what stands where, on an axis that keeps joins apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np

from n2d_framework.metrics.hierarchy import Hierarchy, leaf_order
from n2d_framework.pages.run_view import RunView
from n2d_framework.readable import readable_number
from n2d_framework.types import FloatArray

__all__ = ["Axis", "DrawnTree", "drawn_tree", "tree_axis"]

Scale: TypeAlias = Literal["linear", "root", "rank"]
#: Leaves of the tree that are drawn.
_MOST_LEAVES = 60
#: A branch shorter than this share of the axis is hardly seen, and so many may be.
_SHORT, _MOST_SHORT = 0.02, 0.1
#: Where the last join stands, in percent, and values that are written on the axis.
_END, _TICKS = 98.0, 4
#: Width of the drawing in rem: the least, and for each place where clusters join.
_LEAST, _PER_JOIN = 10.0, 0.7
_SAID: Mapping[Scale, str] = {
    "linear": "height of the join",
    "root": "height of the join, on the scale of its square root, for most are small",
    "rank": "joins one after another, the nearest first, with their heights; these are too unequal "
    "for a scale",
}


@attrs.frozen
class Axis:
    """Places along an axis of heights.

    Attributes
    ----------
    scale : {"linear", "root", "rank"}
    at : tuple of float
        Of each join, in percent of the width.
    ticks : tuple of (float, str)
        Places, and what is written there.
    """

    scale: Scale
    at: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]

    @property
    def said(self) -> str:
        """The name of the axis."""
        return _SAID[self.scale]


@attrs.frozen
class DrawnTree:
    """Content of the part of a report on the tree.

    Attributes
    ----------
    leaves : list of dict
        Names next to the leaves, from top to bottom.
    joins : list of dict
        Each join in words, the nearest clusters first.
    axis : Axis
    width : float
        The least that the drawing needs, in rem.
    payload : dict
        Values for the script: of each leaf the positions of its clusters and its row, of each join
        the two nodes and its place on the axis.
    """

    leaves: list[dict[str, Any]]
    joins: list[dict[str, Any]]
    axis: Axis
    width: float
    payload: dict[str, Any]


def drawn_tree(view: RunView, labels: Sequence[int]) -> DrawnTree | None:
    """Make the drawing of a tree, of many clusters of its upper part.

    Parameters
    ----------
    view : RunView
    labels : sequence of int
        Of all clusters, in the order of the report.

    Returns
    -------
    DrawnTree or None
        ``None`` without a tree of two clusters.
    """
    if view.tree is None or len(view.tree.ids) < 2:
        return None
    tree = view.tree.upper(min(len(view.tree.ids), _MOST_LEAVES))
    position = {label: i for i, label in enumerate(labels)}
    members: dict[int, list[int]] = {head: [] for head in tree.ids}
    for label, head in view.tree.cut(len(tree.ids)).items():
        if label in position:
            members[head].append(position[label])
    order, axis = leaf_order(tree), tree_axis(tree.linkage)
    in_order = [tree.ids[place] for place in order]
    return DrawnTree(
        [{"name": view.cluster_name(x), "place": position.get(x, -1)} for x in in_order],
        _joins(view, tree),
        axis,
        max(_LEAST, _PER_JOIN * len(set(axis.at))),
        {
            "leaves": [members[head] for head in tree.ids],
            "rows": [order.index(place) for place in range(len(order))],
            "joins": tree.linkage[:, :2].astype(int).tolist(),
            "at": list(axis.at),
        },
    )


def tree_axis(linkage: FloatArray) -> Axis:
    """Choose the scale of an axis on which joins can be kept apart.

    Parameters
    ----------
    linkage : float64 array of shape (k - 1, 4)
        As :attr:`Hierarchy.linkage` is.

    Returns
    -------
    Axis
        Linear, unless more than a tenth of the branches would be shorter than 2 % of it; then on
        the scale of the square root, and if that is as bad, by rank.
    """
    heights = linkage[:, 2]
    most = float(heights.max())
    if most <= 0:
        return _ranked(linkage)
    powers: dict[Scale, float] = {"linear": 1.0, "root": 0.5}
    for scale, power in powers.items():
        shares = (np.maximum(heights, 0) / most) ** power
        if _short_branches(linkage, shares) <= _MOST_SHORT:
            steps = [(step / _TICKS) ** (1 / power) for step in range(_TICKS + 1)]
            written = [_rounded(most * step) for step in steps]
            ticks = [(_END * (value / most) ** power, readable_number(value)) for value in written]
            return Axis(scale, _percent(shares), tuple(ticks))
    return _ranked(linkage)


def _ranked(linkage: FloatArray) -> Axis:
    distinct, rank = np.unique(linkage[:, 2], return_inverse=True)
    at = _percent((rank + 1) / len(distinct))
    chosen = np.unique(np.linspace(0, len(distinct) - 1, _TICKS + 1).round().astype(int))
    ticks = [
        (_END * float(i + 1) / len(distinct), readable_number(float(distinct[i]))) for i in chosen
    ]
    return Axis("rank", at, tuple(ticks))


def _short_branches(linkage: FloatArray, shares: FloatArray) -> float:
    """Share of the branches that are hardly seen."""
    k = len(linkage) + 1
    begins = np.concatenate([np.zeros(k), shares])
    lengths = shares[:, None] - begins[linkage[:, :2].astype(int)]
    return float((lengths < _SHORT).mean())


def _percent(shares: FloatArray) -> tuple[float, ...]:
    return tuple((_END * shares).round(3).tolist())


def _rounded(value: float) -> float:
    """A value of two digits that is not above the given one."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / step + 1e-9) * step


def _joins(view: RunView, tree: Hierarchy) -> list[dict[str, Any]]:
    """Each join in words, the nearest clusters first."""
    k = len(tree.ids)
    said = dict(enumerate([view.cluster_name(label) for label in tree.ids]))
    found = []
    for step, (left, right, height, count) in enumerate(tree.linkage.tolist()):
        found.append((said[int(left)], said[int(right)], height, k - step - 1))
        said[k + step] = f"{said[int(left)]} and others ({int(count)} clusters)"
    return [dict(zip(("left", "right", "height", "left_over"), one, strict=True)) for one in found]
