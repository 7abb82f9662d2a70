"""Noise gets the label of a cluster."""

from __future__ import annotations

import logging
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.refine.density_paths import connected_labels
from n2d_builtin.refine.label_propagation import propagated_labels
from n2d_builtin.refine.noise_classes import likeliest_labels, voted_labels
from n2d_framework.plugin import (
    NOISE,
    AnyArray,
    ConfigError,
    FitContext,
    IntArray,
    Problem,
    State,
    check_features,
    component,
    distinct_rows,
    learned,
    option,
    require_fitted,
)

__all__ = ["SURE", "Method", "ReassignNoise"]

logger = logging.getLogger(__name__)

Method: TypeAlias = Literal["propagation", "density", "nearest", "probability", "classifier"]
#: Methods that know how sure a label is.
SURE = ("propagation", "probability", "classifier")


@component
class ReassignNoise:
    """Gives noise the label of a cluster: by random walks, by density, or the nearest.

    A row's new label depends on its own coordinates only, and on the training rows: the same at
    fit and at prediction, in any batch. Rows that have a label keep it.

    Attributes
    ----------
    points_ : float32 array of shape (p, m), or None
        Distinct training coordinates, as `nearest` those that have a label, else all; ``None`` if
        none has one.
    point_labels_ : int64 array of shape (p,), or None
        Their labels; what was noise has its new one, or stays noise.
    clustered_ : bool array of shape (p,), or None
        Which of them had a label; ``None`` if all had.
    changed_ : int
        How many training rows got a label.
    """

    method: Method = option(
        "propagation",
        help="propagation: the cluster that a random walk over near rows, from the row, is most "
        "likely to meet first. density: the cluster to which a row is connected through the "
        "densest rows, as in HDBSCAN's tree. nearest: that of the nearest row that has a label. "
        "probability: the likeliest, if each cluster is a Gaussian. classifier: that for which the "
        "15 nearest rows with a label vote. A new row goes with its nearest training row, as "
        "nearest with one that has a label.",
    )
    max_distance: float | None = option(
        None,
        gt=0,
        help="Rows farther than this from every clustered training row, in units of the "
        "coordinates, stay noise. Left out, no row stays noise.",
    )
    min_probability: float | None = option(
        None,
        ge=0,
        le=1,
        help="For propagation, probability and classifier: rows whose cluster has less than this "
        "probability, or share of the votes, stay noise. Left out, no row stays noise.",
    )
    points_: NDArray[np.float32] | None = learned(shape=("n", "m"), dtype="float32", optional=True)
    point_labels_: NDArray[np.int64] | None = learned(
        shape=("n",), dtype="int64", optional=True, ge=NOISE
    )
    clustered_: NDArray[np.bool_] | None = learned(shape=("n",), dtype="bool", optional=True)
    changed_: int | None = learned(dtype=int, ge=0)
    _search: Any = learned()
    _clusters: Any = learned()

    def __attrs_post_init__(self) -> None:
        if self.min_probability is not None and self.method not in SURE:
            text = f"is for methods with probabilities: {', '.join(SURE)}; not for {self.method}"
            raise ConfigError([Problem("min_probability", text)])

    def fit(self, m: AnyArray, labels: IntArray, *, context: FitContext) -> Self:
        """Keep rows of `m`, of shape (n, m) float32, with the `labels` that they get."""
        noise = labels == NOISE
        self._search = self._clusters = None
        self.points_ = self.point_labels_ = self.clustered_ = None
        self.changed_ = 0
        if not noise.all():
            # Of equal rows the first counts, so those with a label come first.
            order = np.argsort(noise, kind="stable")
            order = order[distinct_rows(m[order]).first]
            if self.method == "nearest":
                order = order[~noise[order]]
            points, given = np.ascontiguousarray(m[order], dtype=np.float32), labels[order]
            clustered = given != NOISE
            self.points_ = points
            given = given.astype(np.int64)
            self.point_labels_ = self._reassigned(points, given)
            self.clustered_ = None if clustered.all() else clustered
            self.changed_ = int((self.refine(m, labels) != labels).sum())
        logger.info("reassign_noise: %d of %d rows got a label", self.changed_, len(labels))
        return self

    def _reassigned(self, points: AnyArray, given: IntArray) -> IntArray:
        if self.method in ("density", "nearest"):
            return connected_labels(points, given)
        methods = {
            "propagation": propagated_labels,
            "probability": likeliest_labels,
            "classifier": voted_labels,
        }
        return methods[self.method](points, given, self.min_probability or 0.0)

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:  # noqa: ARG003  # as asked
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: all points had labels, and it was by the nearest.
        """
        return state

    def check_learned(self) -> list[str]:
        """Why a state cannot be used: it has points or labels alone."""
        alone = (self.points_ is None) != (self.point_labels_ is None)
        return ["points and point_labels do not belong together"] if alone else []

    def refine(self, m: AnyArray, labels: IntArray) -> IntArray:
        """Labels of rows `m` whose clusterer gave them `labels`: (n,) int64.

        Where fitting found no cluster at all, noise stays noise.
        """
        require_fitted(self.changed_, "reassign_noise")
        found = np.array(labels, dtype=np.int64)
        points, known = self.points_, self.point_labels_
        noise = np.flatnonzero(labels == NOISE)
        if points is None or known is None:
            return found
        check_features(m, points.shape[1], "reassign_noise")
        if not noise.size:
            return found
        if self._search is None:
            self._search = ExactNeighbors(points)
        rows = np.ascontiguousarray(m[noise])
        nearest, distances = self._search.query(rows, 1)
        if self.max_distance is None:
            found[noise] = known[nearest[:, 0]]
            return found
        if self.clustered_ is not None:
            if self._clusters is None:
                self._clusters = ExactNeighbors(points[self.clustered_])
            distances = self._clusters.query(rows, 1)[1]
        near = distances[:, 0] <= self.max_distance
        found[noise[near]] = known[nearest[near, 0]]
        return found

    def refine_proba(self, m: AnyArray, labels: IntArray, proba: AnyArray) -> AnyArray:
        """Shares of clusters, with the share of noise given to the new label of a row.

        Parameters
        ----------
        m : float32 array of shape (n, m)
        labels : int64 array of shape (n,)
            Of the clusterer.
        proba : float64 array of shape (n, k) or (n, k + 1)
            Its soft assignment; the share of noise, if it has one, comes last.
        """
        refined = self.refine(m, labels)
        rows = np.flatnonzero(refined != labels)
        found = np.array(proba, dtype=np.float64)
        if rows.size:  # only noise is changed, and a clusterer that knows noise has its share
            found[rows, refined[rows]] += found[rows, -1]
            found[rows, -1] = 0.0
        return found
