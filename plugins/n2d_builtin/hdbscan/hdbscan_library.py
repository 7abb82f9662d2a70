"""The fit of the hdbscan package, to which the neighbours of all rows are handed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.hdbscan.mutual_reachability import TREE_METRICS
from n2d_builtin.neighbors.neighbor_choice import MANY_ROWS
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import AnyArray, DistinctRows, IntArray, Resources, distinct_rows

__all__ = ["fit_library"]

Linkage = tuple[AnyArray, None]


def fit_library(
    search: ExactNeighbors,
    indices: IntArray,
    distances: NDArray[np.float64],
    resources: Resources,
    **options: Any,
) -> tuple[AnyArray, AnyArray]:
    """Fit ``hdbscan.HDBSCAN``.

    Parameters
    ----------
    search : ExactNeighbors
        Of all rows.
    indices : int64 array of shape (n, min_samples + 1)
    distances : float64 array of shape (n, min_samples + 1)
        The nearest rows of each row, itself first.
    resources : Resources
        Threads, and when the fit has to end.
    **options
        All options of the component.

    Returns
    -------
    condensed_tree : structured array
        Fields parent, child, lambda_val and child_size.
    labels : int64 array of shape (n,)

    Notes
    -----
    The package looks for neighbours in a slow way (two trees against each other: 22 s for
    70,000 rows of 10 numbers, where one tree takes 8), on one thread or in processes, and leaves
    `alpha` out where it builds the spanning tree by Boruvka's method. Its ``memory`` is meant to
    keep single linkage on disk; here it is where a linkage that knows the neighbours gets in.
    """
    import hdbscan

    del options["min_samples"], options["max_landmarks"], options["neighbors_algorithm"]
    # The package recognizes numbers by their type.
    for name in ("alpha", "cluster_selection_epsilon", "cluster_selection_persistence"):
        options[name] = float(options[name])
    # Oldest versions do not know it.
    if not options["cluster_selection_persistence"]:
        del options["cluster_selection_persistence"]
    model = hdbscan.HDBSCAN(
        **options
        | {
            "min_samples": indices.shape[1] - 1,
            "cluster_selection_epsilon_max": float(
                options["cluster_selection_epsilon_max"] or math.inf
            ),
            "max_cluster_size": options["max_cluster_size"] or 0,
            "core_dist_n_jobs": 1,
            "metric": search.metric if search.metric in TREE_METRICS else "euclidean",
            "memory": _Linkages(
                indices, distances, distinct_rows(search.compared), search, resources
            ),
        }
    )
    # Duplicates have infinite density, which the package divides by.
    with np.errstate(all="ignore"):
        model.fit(search.compared.astype(np.float64))
        return model.condensed_tree_.to_numpy(), model.labels_


@attrs.frozen(eq=False)
class _Known:
    """Stands where the package has a tree to search, and gives what was found before."""

    data: AnyArray
    distances: NDArray[np.float64]
    indices: IntArray

    def query(self, rows: AnyArray, k: int, **_how: Any) -> tuple[AnyArray, AnyArray]:
        """Distances and indices of the neighbours of all rows."""
        if (len(rows), k) != self.indices.shape:
            raise ValueError(f"{k} neighbours of {len(rows)} rows, known: {self.indices.shape}")
        return self.distances, self.indices


@attrs.frozen(eq=False)
class _Linkages:
    """Cache of linkages, as the package takes it.

    Metrics that the package has no trees for get a spanning tree of our own: Prim's, of all
    distances. Spanning trees are those of the distinct rows. The equals of a row are joined to it
    one by one at its core distance, before anything else is at that distance. So no split parts
    equal rows, which a package that breaks the ties between them in any order may do. The euclidean
    spanning tree of many rows is our own as well: exact, and on all threads.
    """

    indices: IntArray
    distances: NDArray[np.float64]
    groups: DistinctRows
    search: ExactNeighbors
    resources: Resources

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same linkage with known neighbours, where there is one; else the package's."""
        known: dict[str, Callable[..., Any]] = {
            "_hdbscan_boruvka_kdtree": self._boruvka,
            "_hdbscan_prims_kdtree": self._prim,
        }
        if self.search.metric not in TREE_METRICS:
            known = dict.fromkeys(known, self._prim_of_all)
        elif self.search.metric == "euclidean" and len(self.groups) > MANY_ROWS:
            known = dict.fromkeys(known, self._own)
        return known.get(function.__name__, function)

    def _boruvka(
        self,
        rows: AnyArray,
        min_samples: int,
        alpha: float,
        metric: str,
        _p: Any,
        leaf_size: int,
        approx_min_span_tree: bool,
        *_unused: Any,
    ) -> Linkage:
        """Boruvka's method; with `alpha` times as large core distances, all divided by it."""
        from hdbscan.hdbscan_ import KDTreeBoruvkaAlgorithm

        first = self.groups.first
        distances, indices = self.distances[first], self.groups.inverse[self.indices[first]]
        reach = distances
        if alpha != 1:
            reach = alpha * distances
            # The package joins a row with a neighbour at the row's core distance, without
            # another look at how far they are apart: not with those beyond it. (Itself: none.)
            own = np.arange(len(indices))[:, None]
            indices = np.where(distances <= reach[:, -1:], indices, own)
        if len(first) == 1:
            return self._linkage(np.empty((0, 3)), reach[:, -1])
        found = KDTreeBoruvkaAlgorithm(
            _Known(rows[first], reach, indices),
            min_samples,
            metric=metric,
            leaf_size=leaf_size // 3,
            approx_min_span_tree=approx_min_span_tree,
            n_jobs=1,
        ).spanning_tree()
        core = reach[:, -1]
        if alpha != 1:
            found[:, 2] /= alpha
            core = core / alpha
        return self._linkage(found, core)

    def _own(self, _rows: AnyArray, _min_samples: int, alpha: float, *_unused: Any) -> Linkage:
        """Boruvka's method of our own."""
        from n2d_builtin.hdbscan.spanning_tree import spanning_tree

        first, exponent = self.groups.first, self.search.exponent
        found = spanning_tree(
            self.search.in_range()[first],
            self.groups.inverse[self.indices[first]],
            np.ldexp(self.distances[first], -exponent),
            alpha=alpha,
            n_jobs=self.resources.threads,
            check=self.resources.check,
        )
        found[:, 2] = np.ldexp(found[:, 2], exponent)
        return self._linkage(found, self.distances[first, -1])

    def _prim(
        self, rows: AnyArray, _min_samples: int, alpha: float, metric: str, *_unused: Any
    ) -> Linkage:
        """Prim's method, which the package uses for wide rows."""
        from hdbscan.hdbscan_ import DistanceMetric, mst_linkage_core_vector

        first = self.groups.first
        core = np.ascontiguousarray(self.distances[first, -1])
        measure = DistanceMetric.get_metric(metric)
        found = mst_linkage_core_vector(np.ascontiguousarray(rows[first]), core, measure, alpha)
        return self._linkage(found, core)

    def _prim_of_all(
        self, _rows: AnyArray, _min_samples: int, alpha: float, *_unused: Any
    ) -> Linkage:
        """Prim's method, one row's distances at a time."""
        first = self.groups.first
        core = self.distances[first, -1]
        reached, nearest = np.full(len(first), np.inf), np.zeros(len(first), dtype=np.int64)
        left = np.ones(len(first), dtype=bool)
        edges, last = np.empty((len(first) - 1, 3)), 0
        for edge in edges:
            left[last] = False
            apart = self.search.distances_from(first[last])[first] / alpha
            reach = np.maximum(np.maximum(apart, core), core[last])
            nearer = left & (reach < reached)
            reached[nearer], nearest[nearer] = reach[nearer], last
            last = int(np.where(left, reached, np.inf).argmin())
            edge[:] = nearest[last], last, reached[last]
        return self._linkage(edges, core)

    def _linkage(self, spanning_tree: AnyArray, core: AnyArray) -> Linkage:
        """Single linkage of all rows, from the spanning tree of the distinct ones.

        The package's own gives the same, but follows long ways again and again: a quarter of the
        time of a fit of 200,000 rows.
        """
        from n2d_builtin.hdbscan.spanning_tree_kernel import single_linkage

        order = np.argsort(spanning_tree[:, 2])
        if self.groups.repeated:
            first, inverse = self.groups.first, self.groups.inverse
            again = np.setdiff1d(np.arange(len(inverse)), first)
            own = inverse[again]
            copies = np.column_stack([first[own], again, core[own]])
            spanning_tree[:, :2] = first[spanning_tree[:, :2].astype(np.int64)]
            spanning_tree = np.concatenate([copies, spanning_tree])
            order = np.argsort(spanning_tree[:, 2], kind="stable")
        edges = np.ascontiguousarray(spanning_tree[order], dtype=np.float64)
        linkage = np.empty((len(edges), 4))
        single_linkage(edges, linkage)
        return linkage, None
