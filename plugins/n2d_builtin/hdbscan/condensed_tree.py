"""The condensed tree of HDBSCAN with a label on every segment, and how new rows enter it.

A *segment* is a cluster candidate: an edge of the condensed tree, numbered from 0 (the root)
so that parents come before children. It is *born* at the density (lambda = 1 / distance) at
which it splits off its parent; a row leaves its segment at that row's lambda.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Self

import attrs
import numpy as np

from n2d_builtin.hdbscan.ancestors import Ancestors
from n2d_framework.plugin import NOISE, AnyArray, learned

__all__ = ["LabelledTree"]


@attrs.frozen(eq=False, slots=False)
class LabelledTree:
    """Condensed tree whose segments know their cluster.

    Attributes
    ----------
    row_segment : array of shape (n,), int64
        The segment that each training row leaves.
    row_lambda : array of shape (n,), float64
        The density at which it does; ``inf`` for duplicates.
    parent : array of shape (s,), int64
        Parent of each segment, -1 for the root; ``parent[i] < i``.
    birth : array of shape (s,), float64
        Density at which each segment splits off its parent, 0 for the root.
    label : array of shape (s,), int64
        Cluster of each segment, or -1.
    cut : float
        Where the root itself is the only cluster, rows belong to it from this density on;
        ``-inf`` otherwise.
    """

    row_segment: AnyArray = learned(shape=("n",), dtype="int64", init=True)
    row_lambda: AnyArray = learned(shape=("n",), dtype="float64", finite=False, ge=0, init=True)
    parent: AnyArray = learned(shape=("s",), dtype="int64", init=True)
    birth: AnyArray = learned(shape=("s",), dtype="float64", finite=False, ge=0, init=True)
    label: AnyArray = learned(shape=("s",), dtype="int64", init=True)
    cut: float = learned(dtype=float, finite=False, init=True)

    @cached_property
    def ancestors(self) -> Ancestors:
        """Shortcuts to the ancestors of segments."""
        return Ancestors.of(self.parent)

    def columns(self) -> dict[str, AnyArray]:
        """The tree as the hdbscan package tables it: one row per row and per segment.

        Returns
        -------
        dict of arrays
            ``parent``, ``child``, ``lambda_val`` and ``child_size``; rows have their numbers,
            segments are numbered from ``n`` on, the root first.
        """
        n = len(self.row_segment)
        size = np.bincount(self.row_segment, minlength=len(self.parent))
        for segment in range(len(self.parent) - 1, 0, -1):
            size[self.parent[segment]] += size[segment]
        return {
            "parent": n + np.concatenate([self.row_segment, self.parent[1:]]),
            "child": np.concatenate([np.arange(n), n + np.arange(1, len(self.parent))]),
            "lambda_val": np.concatenate([self.row_lambda, self.birth[1:]]),
            "child_size": np.concatenate([np.ones(n, dtype=np.int64), size[1:]]),
        }

    @classmethod
    def from_fit(cls, raw: AnyArray, labels: AnyArray, epsilon: float) -> Self:
        """Label the tree of the hdbscan package by the labels its rows got.

        Parameters
        ----------
        raw : structured array
            Columns parent, child, lambda_val and child_size.
        labels : array of shape (n,)
            Labels of the rows.
        epsilon : float
            The ``cluster_selection_epsilon`` of the fit.

        Notes
        -----
        The rows of one segment have one label by construction; a segment without rows of
        its own has the label that all its descendants share. Only where the root is the one
        cluster (``allow_single_cluster``) do rows of a segment differ: the fit then takes
        rows from a density on.
        """
        n = len(labels)
        n_segments = int(raw["parent"].max()) - n + 1
        is_row = raw["child"] < n
        rows, segments = raw[is_row], raw[~is_row]
        row_segment, row_lambda = np.empty(n, dtype=np.int64), np.empty(n)
        row_segment[rows["child"]] = rows["parent"] - n
        row_lambda[rows["child"]] = rows["lambda_val"]
        parent, birth = np.full(n_segments, -1, dtype=np.int64), np.zeros(n_segments)
        parent[segments["child"] - n] = segments["parent"] - n
        birth[segments["child"] - n] = segments["lambda_val"]
        label, mixed = _segment_labels(row_segment, parent, _numbered(labels))
        cut = -np.inf
        # Two children of the root with one label: the root was selected, not they.
        if mixed or (n_segments > 1 and (label[1:] == 0).all()):
            label[:] = 0
            cut = 1.0 / epsilon if epsilon else float(raw["lambda_val"][raw["parent"] == n].max())
        return cls(row_segment, row_lambda, parent, birth, label, cut)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.label.max()) + 1

    def enter(self, neighbour: AnyArray, density: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Where rows enter the tree that join it beside given training rows.

        Parameters
        ----------
        neighbour : array of shape (m,), int
            The training row that each new row is tied to.
        density : array of shape (m,), float64
            1 / mutual reachability distance between the two.

        Returns
        -------
        segment : array of shape (m,), int64
        density : array of shape (m,), float64
            The density at which each row leaves its segment: no row stays longer than its
            neighbour.
        """
        segment = self.row_segment[neighbour].copy()
        density = np.minimum(density, self.row_lambda[neighbour])
        early = density < self.row_lambda[neighbour]
        segment[early] = self.ancestors.first_born_before(
            segment[early], density[early], self.birth
        )
        return segment, density

    def labels(self, segment: AnyArray, density: AnyArray) -> AnyArray:
        """Labels of rows that leave `segment` at `density`."""
        return np.where(density >= self.cut, self.label[segment], NOISE)

    def strengths(self, labels: AnyArray, density: AnyArray) -> AnyArray:
        """Depth of each row in its cluster: from 0 to 1, and 0 for noise.

        The density at which a row leaves, relative to the greatest density at which
        anything leaves the segment that was selected as the cluster.
        """
        inside = labels != NOISE
        strength = np.zeros(len(labels))
        peak = self.peak()[self.tops()][labels[inside]]
        strength[inside] = np.minimum(density[inside], peak) / peak
        return strength

    def tops(self) -> AnyArray:
        """The segment that was selected as each cluster: the topmost with its label."""
        clustered = np.flatnonzero(self.label != NOISE)
        _, first = np.unique(self.label[clustered], return_index=True)
        return clustered[first]

    def cluster_joins(self) -> AnyArray:
        """The tree over the clusters: how high two groups join, and a cluster of each.

        Returns
        -------
        array of shape (k - 1, 3), float64
            The height is the distance (1 / density) below which the groups are connected.
        """
        tops = self.tops()
        below: list[int | None] = [None] * len(self.parent)
        for cluster, segment in enumerate(tops.tolist()):
            below[segment] = cluster
        found = []
        for segment in range(len(self.parent) - 1, 0, -1):
            own, above = below[segment], int(self.parent[segment])
            other = below[above]
            if own is None:
                continue
            if other is None:
                below[above] = own
            else:
                found.append((1.0 / self.birth[segment], other, own))
        return np.array(found, dtype=np.float64).reshape(-1, 3)

    def peak(self) -> AnyArray:
        """Greatest finite density at which a row or a child leaves each segment."""
        peak = np.where(np.isfinite(self.birth), self.birth, np.finfo(np.float64).max)
        rows = np.isfinite(self.row_lambda)
        np.maximum.at(peak, self.row_segment[rows], self.row_lambda[rows])
        children = np.flatnonzero(np.isfinite(self.birth) & (self.parent >= 0))
        np.maximum.at(peak, self.parent[children], self.birth[children])
        # Only a tree of nothing but duplicates has no finite density at all.
        return np.where(peak > 0, peak, 1.0)

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state is not a tree."""
        return list(itertools.islice(self._faults(), 1))

    def _faults(self) -> Iterator[str]:
        """Faults, where each check relies on those before."""
        n_segments, above = len(self.parent), self.parent[1:]
        if self.parent[0] != -1 or (above < 0).any():
            yield "'parent' must begin with -1, the root, and have no other"
        if (self.parent >= np.arange(n_segments)).any():
            yield "'parent' has a segment that does not follow its parent"
        if ((self.row_segment < 0) | (self.row_segment >= n_segments)).any():
            yield "'row_segment' names a segment that does not exist"
        barren = np.ones(n_segments, dtype=bool)
        barren[self.row_segment] = barren[above] = False
        if barren.any():
            yield "'row_segment' leaves a leaf of the tree without rows"
        if self.birth[0] != 0 or (self.birth[1:] < self.birth[above]).any():
            yield "'birth' has a segment that is born before its parent"
        if (self.row_lambda < self.birth[self.row_segment]).any():
            yield "'row_lambda' has a row that leaves a segment before its birth"
        found = np.unique(self.label)
        if not np.array_equal(found[found != NOISE], np.arange(self.n_clusters)):
            yield "'label' must number the clusters 0, 1, ... without a gap"
        if ((self.label[above] != NOISE) & (self.label[1:] != self.label[above])).any():
            yield "'label' has a cluster within another"
        if np.isnan(self.cut):
            yield "'cut' must not be NaN"


def _numbered(labels: AnyArray) -> AnyArray:
    """Labels numbered without gaps, in their order; noise stays -1."""
    _, inverse = np.unique(labels[labels != NOISE], return_inverse=True)
    numbered = np.full(len(labels), NOISE, dtype=np.int64)
    numbered[labels != NOISE] = inverse
    return numbered


def _segment_labels(
    row_segment: AnyArray, parent: AnyArray, labels: AnyArray
) -> tuple[AnyArray, bool]:
    """The label of each segment, and whether rows of one segment have different ones."""
    n_segments = len(parent)
    least = np.full(n_segments, np.iinfo(np.int64).max)
    most = np.full(n_segments, np.iinfo(np.int64).min)
    np.minimum.at(least, row_segment, labels)
    np.maximum.at(most, row_segment, labels)
    mixed = bool((least < most).any())
    below_least, below_most = least.copy(), most.copy()
    for segment in range(n_segments - 1, 0, -1):
        above = parent[segment]
        below_least[above] = min(below_least[above], below_least[segment])
        below_most[above] = max(below_most[above], below_most[segment])
    bare = least > most
    shared = np.where(below_least == below_most, below_least, NOISE)
    return np.where(bare, shared, least), mixed
