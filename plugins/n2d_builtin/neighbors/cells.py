"""Points in cells around centres, of which only the nearest are searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import require_fitted
from n2d_builtin.common.one_thread import one_blas_thread, one_openmp_thread
from n2d_builtin.common.threads import in_threads
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.products import Products
from n2d_builtin.neighbors.row_metrics import MEASURES, Metric, comparable
from n2d_framework.plugin import AnyArray, IntArray, learned

__all__ = ["BY_CELLS", "CellNeighbors", "Cells"]

#: Metrics of which the rows that are compared have euclidean distances.
BY_CELLS: Final = frozenset(name for name, how in MEASURES.items() if how.plain == "euclidean")

#: Points of a cell, on average; rows of a sample from which each centre is found, and steps.
_CELL, _SAMPLE, _STEPS = 256, 48, 8
#: Share of the neighbours of a sample that is to be found, and rows of that sample; the recall that
#: is reported is that of other rows.
_WANTED, _TRIED, _MEASURED = 0.99, 256, 1000
#: Least number of cells that are searched, and the greatest part of them.
_LEAST, _PART = 4, 4
#: Rows searched at once.
_CHUNK = 512


@attrs.frozen(eq=False)
class Cells:
    """Cells of points, and how many of them are searched.

    Attributes
    ----------
    centres : float32 array of shape (c, e)
        In the space of the rows as they are compared.
    cell : int32 array of shape (n,)
        The cell of each point.
    probes : int
        Number of cells, nearest to a row, among whose points its neighbours are searched for.
    recall : float
        Share of the nearest neighbours of a sample of the points that was found.
    """

    centres: AnyArray = learned(shape=("c", "e"), dtype="float32", init=True)
    cell: AnyArray = learned(shape=("n",), dtype="int32", ge=0, init=True)
    probes: int = learned(dtype=int, ge=1, init=True)
    recall: float = learned(dtype=float, ge=0, le=1, init=True)

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state cannot be used."""
        reasons = []
        if self.cell.max(initial=0) >= len(self.centres):
            reasons.append(f"'cell' names cells beyond the {len(self.centres)} centres")
        if self.probes > len(self.centres):
            reasons.append(f"'probes' is {self.probes}, of {len(self.centres)} cells")
        return reasons

    def problems(self, points: AnyArray, metric: Metric) -> list[str]:
        """Reasons why they are not the cells of these points."""
        if metric not in BY_CELLS:
            return [f"state 'cells' cannot be used with metric {metric!r}"]
        width = comparable(points[:1], metric).shape[1]
        if self.centres.shape[1] == width:
            return []
        return [f"state 'cells' has centres of {self.centres.shape[1]} features, not {width}"]


class CellNeighbors(ExactNeighbors):
    """Search of nearest neighbours in the nearest cells.

    Among the points of these cells the search is exact, and the cells depend on the row alone, so
    that the answer is the same in any batch and with any number of threads. Where these cells hold
    fewer points than are asked for, all are searched.

    Parameters
    ----------
    points : float32 array of shape (n, d)
    metric : Metric
        One of :data:`BY_CELLS`.
    cells : Cells, optional
        As they were learned before; else :meth:`learn` has to come first.
    """

    def __init__(self, points: AnyArray, metric: Metric, cells: Cells | None = None) -> None:
        super().__init__(points, metric, leaves=True)
        self.exhaustive = False
        self._cells = cells
        self._filled: _FilledCells | None = None

    @property
    def cells(self) -> Cells:
        """The cells; none before they are learned."""
        return require_fitted(self._cells, "cells")

    def learn(
        self, k: int, *, seed: int, n_jobs: int, check: Callable[[], None] = lambda: None
    ) -> Cells | None:
        """Deal the points into cells, of which as many are searched as a sample needs.

        Parameters
        ----------
        k : int
            Neighbours that are wanted, counting the point itself; at least 2.
        seed : int
        n_jobs : int
            Threads; the result is the same for any number of them.
        check : callable, optional
            Called between steps; an error that it raises ends the work.

        Returns
        -------
        Cells or None
            ``None`` where so many cells would have to be searched that an exact search takes no
            longer.
        """
        rows, random = _single(self.in_range()), np.random.default_rng(seed)
        centres = _centres(rows, random)
        check()
        found = ExactNeighbors(centres, leaves=True).query(rows, 1, n_jobs=n_jobs)[0]
        cells = Cells(centres, found[:, 0].astype(np.int32), 1, 0.0)
        self._filled = _FilledCells(self.in_range(), cells)
        check()
        sample = self._points[random.permutation(len(self))[: _TRIED + _MEASURED]]
        truth = self._found_in(sample, k, len(centres), n_jobs)[1]

        def recall(part: slice, probes: int) -> float:
            """Share of the others among the nearest that is found; of equally near ones, any."""
            check()
            near = self._found_in(sample[part], k, probes, n_jobs)[1]
            return float(((near <= truth[part, -1:]).sum(axis=1) - 1).mean() / (k - 1))

        probes, tried = _LEAST, slice(_TRIED)
        while probes * _PART <= len(centres) and recall(tried, probes) < _WANTED:
            probes *= 2
        if probes * _PART > len(centres):
            return None
        measured = slice(_TRIED if len(sample) > _TRIED else 0, None)
        self._cells = attrs.evolve(cells, probes=probes, recall=recall(measured, probes))
        return self._cells

    def prepare(self) -> Self:
        """Build what is searched in, once, before searches in several threads."""
        if self._filled is None:
            self._filled = _FilledCells(self.in_range(), self.cells)
        return self

    def _query(self, rows: AnyArray, k: int, n_jobs: int) -> tuple[IntArray, NDArray[np.float64]]:
        if not 1 <= k <= len(self):
            raise ValueError(f"k must be between 1 and {len(self)}, got {k}")
        return self._found_in(rows, k, self.cells.probes, n_jobs)

    def _found_in(
        self, rows: AnyArray, k: int, probes: int, n_jobs: int
    ) -> tuple[IntArray, NDArray[np.float64]]:
        """The nearest points in so many cells."""
        self.prepare()
        filled = require_fitted(self._filled, "cells")
        indices, distances = filled.search(self._in_range(rows), k, probes, n_jobs)
        np.ldexp(np.sqrt(distances, out=distances), self._exponent, out=distances)
        return indices, self._in_metric(distances)

    def _search_from_within(self, k: int, n_jobs: int) -> tuple[IntArray, NDArray[np.float64]]:
        return self._query(self._points, k, n_jobs)


class _FilledCells:
    """The points of each cell, with their products."""

    def __init__(self, points: AnyArray, cells: Cells) -> None:
        self._points = points
        self._centres = ExactNeighbors(cells.centres, leaves=True).prepare()
        self._order = np.argsort(cells.cell, kind="stable")
        self._sizes = np.bincount(cells.cell, minlength=len(cells.centres))
        self._begins = np.append(0, np.cumsum(self._sizes))
        self._products = Products(points[self._order])

    def search(
        self, rows: AnyArray, k: int, probes: int, n_jobs: int
    ) -> tuple[IntArray, NDArray[np.float64]]:
        """Indices and squared distances of the nearest points."""
        near = self._centres.query(_single(rows), probes, n_jobs=n_jobs)[0]
        # Rows with the same cells go together: their products are one.
        turn = np.argsort(near[:, 0], kind="stable")
        indices = np.full((len(rows), k), len(self._points), dtype=np.int64)
        distances = np.full((len(rows), k), np.inf)

        def work(start: int, stop: int) -> None:
            chosen = turn[start:stop]
            found, squares = indices[chosen], distances[chosen]
            self._search(np.ascontiguousarray(rows[chosen]), near[chosen], found, squares)
            indices[chosen], distances[chosen] = found, squares

        with one_blas_thread(look_again=True):
            in_threads(work, len(rows), n_jobs=n_jobs, chunk=_CHUNK)
        return indices, distances

    def _search(
        self, rows: AnyArray, near: IntArray, indices: IntArray, distances: AnyArray
    ) -> None:
        from n2d_builtin.neighbors.cell_kernel import visit_possible

        factors = self._products.factors(rows)
        for asked, cell in self._runs(near, indices.shape[1]):
            first, stop = self._begins[cell], self._begins[cell + 1]
            if factors is None:
                bounds = np.full((len(asked), stop - first), -np.inf, dtype=np.float32)
                room = np.zeros(len(rows))
            else:
                bounds, room = self._products.tile(factors[0][asked], first, stop), factors[1]
            visit_possible(
                self._points, self._order[first:stop], rows, asked, bounds, room, indices, distances
            )

    def _runs(self, near: IntArray, k: int) -> Iterator[tuple[IntArray, int]]:
        """Rows by cells: first each in its own, in which most of its neighbours are."""
        few = self._sizes[near].sum(axis=1) < k
        every, enough = np.arange(len(self._sizes)), np.flatnonzero(~few)
        own = near[:, 0]
        looked = [(np.arange(len(near)), own)]
        looked.append((np.repeat(enough, near.shape[1] - 1), near[enough, 1:].ravel()))
        if few.any():
            lacking = np.repeat(np.flatnonzero(few), len(every) - 1)
            others = [every[every != cell] for cell in own[few]]
            looked.append((lacking, np.concatenate(others)))
        for asked, cells in looked:
            by_cell = np.argsort(cells, kind="stable")
            ends = np.cumsum(np.bincount(cells, minlength=len(every)))
            for cell in np.unique(cells).tolist():
                start = ends[cell - 1] if cell else 0
                yield asked[by_cell[start : ends[cell]]], cell


def _single(rows: AnyArray) -> NDArray[np.float32]:
    """Rows in single precision; what is beyond its range, at its end."""
    most = np.finfo(np.float32).max
    return np.clip(rows, -most, most).astype(np.float32, copy=False)


def _centres(rows: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Centres by k-means of a sample, on one thread: their sums depend on nothing else."""
    from sklearn.cluster import KMeans

    count = max(1, len(rows) // _CELL)
    chosen = np.sort(random.choice(len(rows), min(len(rows), count * _SAMPLE), replace=False))
    start = rows[np.sort(random.choice(len(rows), count, replace=False))]
    with one_blas_thread(look_again=True), one_openmp_thread():
        model: Any = KMeans(count, init=start, n_init=1, max_iter=_STEPS, algorithm="lloyd")
        found: NDArray[np.float32] = model.fit(rows[chosen]).cluster_centers_.astype(np.float32)
    return found
