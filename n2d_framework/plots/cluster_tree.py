"""The condensed tree of density-based clustering, as nested silhouettes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import ArrayLike

from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import legend_beside, literal, new_axes
from n2d_framework.plots.palette import NOISE_STYLE, Style, fills, is_noise
from n2d_framework.types import NOISE, AnyArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["condensed_tree"]


def condensed_tree(
    parent: ArrayLike,
    child: ArrayLike,
    lambda_val: ArrayLike,
    child_size: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Draw HDBSCAN's condensed tree.

    Each cluster of the hierarchy is a silhouette: it begins at the density where it splits
    from its parent, is as wide as the rows it still has, and ends where it splits or
    dissolves. Selected clusters are coloured, the rest is grey.

    Parameters
    ----------
    parent, child : array of shape (n_edges,), int
        The hierarchy. Rows are numbered from 0 to n - 1, clusters from n (the root).
    lambda_val : array of shape (n_edges,)
        Density (1 / distance) at which the child leaves its parent; may be inf.
    child_size : array of shape (n_edges,), int
        Rows in the child: 1 for a row.
    labels : array of shape (n,), optional
        Labels of the rows, -1 for noise: colours the selected clusters.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    title : str, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        If the arrays differ in length or are empty.
    """
    tree = _Tree.of(parent, child, lambda_val, child_size)
    found = _node_labels(tree, labels)
    look = fills(np.array(sorted(set(found.values()))))
    above = {child: found[node] for node in found for child in tree.children(node)}
    ax = new_axes(ax, 7.2, 5.2)
    for node, (left, right) in _places(tree).items():
        centre, label = (left + right) / 2, found[node]
        _draw_silhouette(ax, tree, node, centre, look[label])
        if not is_noise(label) and label != above.get(node):
            ax.annotate(
                str(label), (centre, tree.birth(node)), (0, 4), textcoords="offset points",
                ha="center", fontsize=8, weight="bold",
            )  # fmt: skip
    chosen = [value for value in look if not is_noise(value)]
    if chosen:
        grey = [Style(NOISE_STYLE.color, "s")]
        drawn = [Style(look[value], "s") for value in chosen]
        legend_beside(ax, [*map(str, chosen), "not selected"], [*drawn, *grey])
    ax.invert_yaxis()
    ax.set_xlabel("rows")
    ax.set_ylabel("density  λ = 1 / distance")
    ax.set_title(literal(title), fontsize=11)
    return ax


@attrs.frozen(eq=False)
class _Tree:
    """Edges as arrays, with infinite densities cut to the largest finite one."""

    parent: AnyArray
    child: AnyArray
    density: AnyArray
    size: AnyArray

    @classmethod
    def of(cls, *columns: ArrayLike) -> _Tree:
        parent, child, density, size = (np.asarray(column) for column in columns)
        shapes = {array.shape for array in (parent, child, density, size)}
        if len(shapes) != 1 or parent.ndim != 1 or not parent.size:
            raise DataError(
                "a condensed tree needs four columns of one length, at least one edge; "
                f"got the shapes {sorted(shapes)}"
            )
        finite = density[np.isfinite(density)]
        most = float(finite.max()) if finite.size else 1.0
        return cls(parent, child, np.minimum(density.astype(np.float64), most), size)

    @property
    def root(self) -> int:
        return int(self.parent.min())

    def children(self, node: int) -> list[int]:
        """Clusters that split from `node`."""
        return [int(c) for c in self.child[(self.parent == node) & (self.child >= self.root)]]

    def birth(self, node: int) -> float:
        """Density at which the cluster begins."""
        return 0.0 if node == self.root else float(self.density[self.child == node][0])

    def outline(self, node: int) -> tuple[AnyArray, AnyArray]:
        """Densities at which a cluster loses rows, and how many rows it has from there on."""
        mine = self.parent == node
        levels, inverse = np.unique(self.density[mine], return_inverse=True)
        lost = np.bincount(inverse, weights=self.size[mine])
        left = self.size[mine].sum() - np.cumsum(lost)
        split = sum(int(self.size[self.child == c][0]) for c in self.children(node))
        left[-1] = split
        start = [self.birth(node)]
        return np.concatenate([start, levels]), np.concatenate([[self.size[mine].sum()], left])


def _places(tree: _Tree) -> dict[int, tuple[float, float]]:
    """Left and right edge of every cluster, children side by side within their parent."""
    total = float(tree.size[tree.parent == tree.root].sum())
    places = {tree.root: (0.0, total)}
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        children = tree.children(node)
        sizes = [float(tree.size[tree.child == c][0]) for c in children]
        left, right = places[node]
        gap = (right - left - sum(sizes)) / (len(sizes) + 1)
        for child, size in zip(children, sizes, strict=True):
            left += gap
            places[child] = (left, left + size)
            left += size
            waiting.append(child)
    return places


def _draw_silhouette(ax: Axes, tree: _Tree, node: int, centre: float, colour: str) -> None:
    levels, widths = tree.outline(node)
    ax.fill_betweenx(
        levels,
        centre - widths / 2,
        centre + widths / 2,
        step="post",
        facecolor=colour,
        edgecolor="white",
        linewidth=0.4,
    )


def _node_labels(tree: _Tree, labels: ArrayLike | None) -> dict[int, Any]:
    """The label most rows of a cluster have that leave it directly; noise where none has one."""
    nodes = np.unique(tree.parent).tolist()
    if labels is None:
        return dict.fromkeys(nodes, NOISE)
    values = np.asarray(labels)
    if values.ndim != 1 or len(values) != tree.root:
        raise DataError(f"labels must have the shape ({tree.root},), not {values.shape}")
    found = {}
    for node in nodes:
        rows = tree.child[(tree.parent == node) & (tree.child < tree.root)]
        named = values[rows][values[rows] != NOISE]
        kinds, counts = np.unique(named, return_counts=True)
        found[node] = kinds[counts.argmax()].item() if kinds.size else NOISE
    return _inherit(tree, found)


def _inherit(tree: _Tree, found: dict[int, Any]) -> dict[int, Any]:
    """Give clusters that no row leaves directly the common label of their children."""
    empty = set(found) - set(tree.parent[tree.child < tree.root].tolist())
    for node in sorted(empty, reverse=True):
        below = {found[child] for child in tree.children(node)}
        found[node] = below.pop() if len(below) == 1 else NOISE
    return found
