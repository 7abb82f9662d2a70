"""Nearest training row of new rows, by mutual reachability distance; exact."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from n2d_builtin.common.threads import available_threads, in_threads
from n2d_builtin.neighbors.cells import Cells
from n2d_builtin.neighbors.neighbor_choice import stored_search
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric
from n2d_framework.plugin import AnyArray, distinct_rows, learned

__all__ = ["TREE_METRICS", "MutualReachability"]

#: Metrics for which the package, and the search for new rows, have trees.
TREE_METRICS = frozenset({"euclidean", "manhattan", "chebyshev"})

#: Numbers held at once in a search for neighbours.
_BUDGET = 4_000_000
#: Rows of one piece of a search, which goes to one thread.
_BLOCK = 1024


@attrs.define(eq=False)
class MutualReachability:
    """Training rows with their core distances.

    The distance of two rows is the greatest of their own distance, divided by `alpha`, and
    their two core distances; a core distance is that to the `min_samples`-th nearest training
    row.

    Attributes
    ----------
    metric : Metric
    data : array of shape (n, d), float32
    core : array of shape (n,), float64
        Core distances of the training rows.
    min_samples : int
        Less than n.
    alpha : float
    leaves : bool
        Whether the rows are searched by :class:`ExactNeighbors` whatever the metric; else, as
        states before version 4 were, by scikit-learn's tree where the metric has one.
    cells : Cells or None
        Where the fit found its neighbours by an approximate search.
    search : ExactNeighbors or None
        The search of the rows; made where none has been set.
    """

    metric: Metric
    data: AnyArray = learned(shape=("n", "d"), dtype="float32", init=True)
    core: AnyArray = learned(shape=("n",), dtype="float64", ge=0, name="core_distances", init=True)
    min_samples: int = learned(dtype=int, ge=1, init=True)
    alpha: float = learned(dtype=float, gt=0, init=True)
    leaves: bool = learned(dtype=bool, init=True)
    cells: Cells | None = learned(of=Cells, optional=True, init=True)
    search: ExactNeighbors | None = attrs.field(default=None, init=False, repr=False)
    _tree: Any = attrs.field(default=None, init=False, repr=False)
    _first: Any = attrs.field(default=None, init=False, repr=False)

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state cannot be used."""
        reasons = [] if self.cells is None else self.cells.problems(self.data, self.metric)
        if self.min_samples >= len(self.data):
            reasons.append(f"'min_samples' is {self.min_samples}, with {len(self.data)} rows")
        return reasons

    def nearest(self, rows: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Nearest training row of each row, among its ``2 * min_samples`` nearest.

        Parameters
        ----------
        rows : array of shape (m, d)

        Returns
        -------
        index : array of shape (m,), int64
        density : array of shape (m,), float64
            1 / mutual reachability distance; ``inf`` for a row that equals a training row,
            which so takes the very place of that one (of the first, if there are several).
        """
        self._build()
        index, density = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))

        def work(start: int, stop: int) -> None:
            found = self._nearest(rows[start:stop])
            index[start:stop], density[start:stop] = found

        in_threads(work, len(rows), n_jobs=available_threads(), chunk=self._block)
        return index, density

    def nearest_of_training_rows(self) -> tuple[AnyArray, AnyArray]:
        """Result of :meth:`nearest` for the training rows, without a search."""
        return self._firsts(), np.full(len(self.data), np.inf)

    def _firsts(self) -> AnyArray:
        """For each training row, the first one that equals it."""
        if self._first is None:
            # Of equal columns of distances a search finds the first by itself.
            rows = self.data if self.metric in TREE_METRICS else self._searched().compared
            groups = distinct_rows(rows)
            self._first = groups.first[groups.inverse]
        return np.asarray(self._first)

    @property
    def _n_neighbours(self) -> int:
        return min(2 * self.min_samples, len(self.data))

    @property
    def _block(self) -> int:
        return max(1, min(_BLOCK, _BUDGET // self._n_neighbours))

    def _build(self) -> None:
        if self.leaves or self.metric not in TREE_METRICS:
            self._searched().prepare()
        elif self._tree is None:
            from sklearn.neighbors import KDTree

            self._tree = KDTree(self.data.astype(np.float64), metric=self.metric)
        self._firsts()

    def _searched(self) -> ExactNeighbors:
        if self.search is None:
            self.search = stored_search(self.data, self.metric, self.cells, leaves=self.leaves)
        return self.search

    def _query(self, rows: AnyArray, k: int) -> tuple[AnyArray, AnyArray]:
        if self._tree is None:
            return self._searched().query(rows, k)[::-1]
        distances, indices = self._tree.query(rows.astype(np.float64), k=k)
        return distances, indices

    def _nearest(self, rows: AnyArray) -> tuple[AnyArray, AnyArray]:
        distances, indices = self._query(rows, self._n_neighbours)
        # A training row finds itself first, so that its core distance stands one further.
        own_core = distances[:, self.min_samples, None]
        apart = distances if self.alpha == 1 else distances / self.alpha
        reach = np.maximum(np.maximum(apart, self.core[indices]), own_core)
        best = reach.argmin(axis=1)
        each = np.arange(len(rows))
        with np.errstate(divide="ignore"):
            density = 1.0 / reach[each, best]
        same = distances[:, 0] == 0
        index = np.where(same, self._firsts()[indices[:, 0]], indices[each, best])
        return index, np.where(same, np.inf, density)
