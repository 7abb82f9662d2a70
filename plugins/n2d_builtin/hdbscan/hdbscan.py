"""Hierarchical density-based clustering with noise; predicts without the hdbscan package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np

from n2d_builtin.common.checked_rows import require_fitted
from n2d_builtin.hdbscan.condensed_tree import LabelledTree
from n2d_builtin.hdbscan.hdbscan_library import fit_library
from n2d_builtin.hdbscan.membership import Membership
from n2d_builtin.hdbscan.mutual_reachability import MutualReachability
from n2d_builtin.neighbors.landmarks import counted, draw
from n2d_builtin.neighbors.neighbor_choice import (
    ALGORITHM_HELP,
    NeighborsAlgorithm,
    algorithm_problems,
    find_neighbors,
    recall_of,
)
from n2d_builtin.neighbors.row_metrics import Metric, check_metric, shape_problems
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    FitContext,
    FloatArray,
    IntArray,
    Problem,
    State,
    component,
    derive_seed,
    learned,
    need,
    option,
    options_dict,
)

__all__ = ["Hdbscan"]

#: Numbers held at once while distances to exemplars are computed.
_BUDGET = 4_000_000


@component
class Hdbscan:
    """HDBSCAN*: clusters are regions of high density; rows between them are noise (-1).

    Fitted by the hdbscan package, which is handed the neighbours of all rows. New rows enter
    the condensed tree beside their nearest training row by mutual reachability distance (exact
    neighbours), as in ``hdbscan.approximate_predict``; the label is that of the segment they
    enter, which is what the training rows of that segment got. So `predict` never gives a label
    that training did not have, and gives the fit's labels for the training rows with every
    option. (The package's own mapping loses or permutes clusters with an epsilon or a single
    cluster.) Equal rows count as often as they occur, and always share a label: no split of the
    tree parts them, as the package's own does, which breaks ties among equal distances in any
    order. `labels_` are what `predict` gives.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    probabilities_ : array of shape (n,), float64
        Strength of each training row in its cluster; not kept in the state.
    n_clusters_ : int
        Number of clusters found; 0 when all is noise.

    References
    ----------
    Campello, Moulavi and Sander 2013, Density-Based Clustering Based on Hierarchical Density
    Estimates, PAKDD. McInnes and Healy 2017, Accelerated Hierarchical Density Based
    Clustering, ICDMW. Malzer and Baum 2020, A Hybrid Approach To Hierarchical Density-based
    Cluster Selection, MFI (cluster_selection_epsilon).
    """

    min_cluster_size: int = option(
        15, ge=2, help="Least number of rows that make a cluster; the option that matters most."
    )
    min_samples: int | None = option(
        None,
        ge=1,
        help="Neighbours that count for the density of a row; the more, the more noise. None "
        "means min_cluster_size, or all other rows when there are fewer.",
    )
    cluster_selection_method: Literal["eom", "leaf"] = option(
        "eom", help="Select the most stable clusters, or the finest."
    )
    cluster_selection_epsilon: float = option(
        0.0, ge=0, help="Clusters nearer to each other than this distance are not split."
    )
    cluster_selection_epsilon_max: float | None = option(
        None, gt=0, help="No cluster is wider than this distance (eom only). None for no limit."
    )
    cluster_selection_persistence: float = option(
        0.0, ge=0, help="Leaves that last over a shorter range of density are merged first."
    )
    max_cluster_size: int | None = option(
        None, ge=1, help="No cluster has more rows than this (eom only). None for no limit."
    )
    allow_single_cluster: bool = option(
        False, help="Whether all data may be one cluster; otherwise there are two or none."
    )
    alpha: float = option(
        1.0, gt=0, help="Distances are divided by it in single linkage (robust single linkage)."
    )
    metric: Metric = option(
        "euclidean",
        help="Distance between rows. hamming takes codes, jaccard and dice 0 and 1, hellinger and "
        "braycurtis numbers of 0 or more, haversine latitude and longitude in radians, precomputed "
        "the distances of rows to all training rows. Beyond euclidean, manhattan and chebyshev the "
        "time grows with the square of the number of rows.",
    )
    neighbors_algorithm: NeighborsAlgorithm = option(
        "auto", help=f"{ALGORITHM_HELP} auto is always exact for rows of at most 10 numbers."
    )
    approx_min_span_tree: bool = option(
        True,
        help="Whether the spanning tree may be slightly approximate, which is faster. That of more "
        "than 100000 rows (euclidean) is exact in any case.",
    )
    max_landmarks: int | None = option(
        None,
        ge=2,
        help="Most rows used for the fit, drawn at random; further rows get labels like new ones. "
        "None uses all rows.",
    )
    labels_: Any = learned()
    probabilities_: Any = learned()
    _space: Any = learned(of=MutualReachability)
    _tree: Any = learned(of=LabelledTree)
    _relative: Any = learned(dtype=bool, name="membership/relative")
    _membership: Any = learned()

    def __attrs_post_init__(self) -> None:
        problems = algorithm_problems(self.neighbors_algorithm, self.metric)
        widest = self.cluster_selection_epsilon_max
        if widest is not None and widest < self.cluster_selection_epsilon:
            message = f"must be >= cluster_selection_epsilon ({self.cluster_selection_epsilon:g})"
            problems.append(Problem("cluster_selection_epsilon_max", f"{message}, got {widest}"))
        if problems:
            raise ConfigError(problems)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        n_rows, rows = counted(n_rows, self.max_landmarks)
        needs = {
            "min_cluster_size": (self.min_cluster_size, self.min_cluster_size),
            "min_samples": (self.min_samples, (self.min_samples or 0) + 1),
        }
        return shape_problems(self.metric, row_shape) + [
            f"{name}={value} needs at least {least} rows, got {rows}; lower {name}"
            for name, (value, least) in needs.items()
            if n_rows < least
        ]

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Find the clusters.

        Parameters
        ----------
        m : array of shape (n, d), float32
            Rows of the manifold.
        context : FitContext
            Threads; its seed draws the landmarks, else the method is deterministic.

        Returns
        -------
        Hdbscan
        """
        check_metric(m, self.metric, "hdbscan")
        seed = derive_seed(context.seed, "hdbscan", "landmarks")
        data = draw(m, self.max_landmarks, seed, self.metric)
        min_samples = min(self.min_samples or self.min_cluster_size, len(data) - 1)
        chosen = {} if len(data) == len(m) else {"hdbscan": len(data)}
        found = find_neighbors(
            data, self.metric, m, min_samples + 1, context, leaves=True, narrow_exact=True,
            algorithm=self.neighbors_algorithm, name="hdbscan", chosen=chosen,
        )  # fmt: skip
        indices, distances = found.indices, found.distances
        raw, labels = fit_library(
            found.search, indices, distances, context.resources, **options_dict(self)
        )
        self._tree = LabelledTree.from_fit(raw, labels, self.cluster_selection_epsilon)
        # As the package predicts: the row itself counts among its neighbours.
        core = distances[:, min_samples - 1].copy()
        self._space = MutualReachability(
            self.metric, data, core, min_samples, self.alpha, True, found.cells
        )
        self._space.search = found.search
        self._membership, self._relative = None, True
        whole = len(data) == len(m)
        nearest = self._space.nearest_of_training_rows() if whole else self._space.nearest(m)
        segment, density = self._tree.enter(*nearest)
        self.labels_ = self._tree.labels(segment, density)
        self.probabilities_ = self._tree.strengths(self.labels_, density)
        return self

    @property
    def n_clusters_(self) -> int | None:
        """Number of clusters found; ``None`` before fitting."""
        return None if self._tree is None else self._tree.n_clusters

    @property
    def neighbor_recall_(self) -> float | None:
        """Share of the nearest rows that the fit found, 1.0 if it was exact."""
        return None if self._space is None else recall_of(self._space.cells)

    @property
    def condensed_tree_(self) -> dict[str, AnyArray] | None:
        """Columns parent, child, lambda_val and child_size; ``None`` before fitting."""
        return None if self._tree is None else self._tree.columns()

    def cluster_joins(self) -> FloatArray:
        """The tree over the clusters, as the condensed tree joins them.

        Returns
        -------
        array of shape (n_clusters_ - 1, 3), float64
            Of each join the distance at which two groups are connected, and a cluster of each.
        """
        found: FloatArray = require_fitted(self._tree, "hdbscan").cluster_joins()
        return found

    def predict(self, m: AnyArray) -> IntArray:
        """Cluster that each row falls into.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n,), int64
            Labels that occurred in training, or -1 for noise.
        """
        segment, density = self._enter(m)
        labels: IntArray = self._tree.labels(segment, density)
        return labels

    def strengths(self, m: AnyArray) -> FloatArray:
        """Depth of each row in its cluster: from 0 (noise) to 1 (its core).

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n,), float64
            As the probabilities of ``hdbscan.approximate_predict``, and never more: a row
            leaves its cluster with its nearest training row at the latest, so that training
            rows have the strengths of the fit. Where a cluster holds exact duplicates, whose
            density is infinite, its greatest finite density is the measure.
        """
        segment, density = self._enter(m)
        labels = self._tree.labels(segment, density)
        strengths: FloatArray = self._tree.strengths(labels, density)
        return strengths

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Soft membership, with the share of noise in the last column.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n, n_clusters_ + 1), float64
            Rows sum to one. Column ``j`` is the membership in cluster ``j``, the last column
            that of being noise.

        Notes
        -----
        Membership combines distance to the exemplars of a cluster with the density at which
        row and cluster part in the tree, as ``hdbscan.membership_vector`` does. It is another
        view than the label: a row at the rim of a cluster is in it, yet mostly noise by
        membership. Measured on digits, t-SNE of digits and moons with 18 settings, the
        largest *cluster* column of a clustered training row stands at its label for 97.9 to
        100 % of rows (median 99.7); with the noise column among the candidates, 53 to 99 %.
        """
        segment, density = self._enter(m)
        if self._membership is None:
            self._membership = Membership.of(
                self._tree, self._space.data, self.metric, relative=self._relative
            )
        member = self._membership
        step = max(1, _BUDGET // max(1, len(member.exemplars)))
        parts = [slice(start, start + step) for start in range(0, max(len(m), 1), step)]
        return np.concatenate([member.vectors(m[p], segment[p], density[p]) for p in parts])

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: before `alpha` counted, whatever the option was. 2: before membership was free of
            the unit of the rows. 3: new rows were searched by scikit-learn's tree, and still are.
            4: all searches of neighbours were exact.

        Returns
        -------
        State
        """
        if version == 4:
            return state
        space = {**need(state, "space", Mapping), "leaves": False}
        if version == 1:
            space["alpha"] = 1.0
        relative = {} if version == 3 else {"membership": {"relative": False}}
        return {**state, "space": space, **relative}

    def _enter(self, m: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Segment and density at which each row enters the tree."""
        check_metric(m, self.metric, "hdbscan", require_fitted(self._space, "hdbscan").data)
        found: tuple[AnyArray, AnyArray] = self._tree.enter(*self._space.nearest(m))
        return found
