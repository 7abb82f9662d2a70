"""Nearest training row of new rows, by mutual reachability distance; exact."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np

from n2d_builtin._rows import need_array
from n2d_builtin._threads import available_threads, in_threads
from n2d_framework.plugin import AnyArray, State, StateError, distinct_rows, need

__all__ = ["MutualReachability"]

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
    data : array of shape (n, d), float32
    core : array of shape (n,), float64
        Core distances of the training rows.
    min_samples : int
        Less than n.
    metric : {"euclidean", "manhattan", "chebyshev"}
    alpha : float, default 1
    """

    data: AnyArray
    core: AnyArray
    min_samples: int
    metric: str
    alpha: float = 1.0
    _tree: Any = attrs.field(default=None, init=False, repr=False)
    _first: Any = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def from_state(cls, state: State, metric: str) -> Self:
        """Read what :meth:`to_state` gave, checked.

        Raises
        ------
        StateError
            If it does not fit together.
        """
        data = need_array(state, "data", (None, None), np.float32)
        core = need_array(state, "core_distances", (len(data),), np.float64)
        min_samples = need(state, "min_samples", int)
        alpha = need(state, "alpha", float)
        if core.min() < 0:
            raise StateError("state 'core_distances' has negative values")
        if not 0 < alpha < np.inf:
            raise StateError(f"state 'alpha' is {alpha}")
        if not 1 <= min_samples < len(data):
            raise StateError(f"state 'min_samples' is {min_samples}, with {len(data)} rows")
        return cls(data, core, min_samples, metric, alpha)

    def to_state(self) -> dict[str, Any]:
        """Rows, core distances, number of neighbours and `alpha` as plain values."""
        return {
            "data": self.data,
            "core_distances": self.core,
            "min_samples": self.min_samples,
            "alpha": self.alpha,
        }

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
        """What :meth:`nearest` gives for the training rows, without a search."""
        return self._firsts(), np.full(len(self.data), np.inf)

    def _firsts(self) -> AnyArray:
        """For each training row, the first one that equals it."""
        if self._first is None:
            groups = distinct_rows(self.data)
            self._first = groups.first[groups.inverse]
        return np.asarray(self._first)

    @property
    def _n_neighbours(self) -> int:
        return min(2 * self.min_samples, len(self.data))

    @property
    def _block(self) -> int:
        return max(1, min(_BLOCK, _BUDGET // self._n_neighbours))

    def _build(self) -> None:
        from sklearn.neighbors import KDTree

        if self._tree is None:
            self._tree = KDTree(self.data.astype(np.float64), metric=self.metric)
            self._firsts()

    def _query(self, rows: AnyArray, k: int) -> tuple[AnyArray, AnyArray]:
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
