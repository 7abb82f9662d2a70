"""The fit of the hdbscan package, to which the neighbours of all rows are handed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["fit_library"]

Linkage = tuple[AnyArray, None]


def fit_library(
    data: AnyArray, indices: IntArray, distances: NDArray[np.float64], **options: Any
) -> tuple[AnyArray, AnyArray]:
    """Fit ``hdbscan.HDBSCAN``.

    Parameters
    ----------
    data : float32 array of shape (n, d)
    indices : int64 array of shape (n, min_samples + 1)
    distances : float64 array of shape (n, min_samples + 1)
        The nearest rows of each row, itself first.
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

    del options["min_samples"], options["max_landmarks"]
    # The package tells numbers by their type.
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
            "memory": _Linkages(indices, distances),
        }
    )
    # Duplicates have infinite density, which the package divides by.
    with np.errstate(all="ignore"):
        model.fit(data.astype(np.float64))
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
    """What the package takes for a cache of its linkages."""

    indices: IntArray
    distances: NDArray[np.float64]

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same linkage with known neighbours, where there is one; else the package's."""
        known: dict[str, Callable[..., Any]] = {
            "_hdbscan_boruvka_kdtree": self._boruvka,
            "_hdbscan_prims_kdtree": self._prim,
        }
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

        reach, indices = self.distances, self.indices
        if alpha != 1:
            reach = alpha * reach
            # The package joins a row with a neighbour at the row's core distance, without
            # another look at how far they are apart: not with those beyond it. (Itself: none.)
            own = np.arange(len(indices))[:, None]
            indices = np.where(self.distances <= reach[:, -1:], indices, own)
        found = KDTreeBoruvkaAlgorithm(
            _Known(rows, reach, indices),
            min_samples,
            metric=metric,
            leaf_size=leaf_size // 3,
            approx_min_span_tree=approx_min_span_tree,
            n_jobs=1,
        ).spanning_tree()
        if alpha != 1:
            found[:, 2] /= alpha
        return _linkage(found)

    def _prim(
        self, rows: AnyArray, _min_samples: int, alpha: float, metric: str, *_unused: Any
    ) -> Linkage:
        """Prim's method, which the package uses for wide rows."""
        from hdbscan.hdbscan_ import DistanceMetric, mst_linkage_core_vector

        core = np.ascontiguousarray(self.distances[:, -1])
        measure = DistanceMetric.get_metric(metric)
        return _linkage(mst_linkage_core_vector(rows, core, measure, alpha))


def _linkage(spanning_tree: AnyArray) -> Linkage:
    from hdbscan.hdbscan_ import label

    return label(spanning_tree[np.argsort(spanning_tree[:, 2])]), None
