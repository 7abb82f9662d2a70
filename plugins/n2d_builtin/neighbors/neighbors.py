"""Exact nearest neighbours whose answer for a row depends on that row alone."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.threads import in_threads
from n2d_builtin.neighbors.leaves import Leaves
from n2d_builtin.neighbors.products import Products
from n2d_builtin.neighbors.row_metrics import LINEAR, MEASURES, Metric, comparable
from n2d_framework.plugin import AnyArray, IntArray

__all__ = ["TREE_WIDTH", "ExactNeighbors"]

#: Widest rows for which a k-d tree is built. Beyond, it visits most points anyway and a
#: compiled exhaustive search is faster: sooner where products of matrices rule points out.
TREE_WIDTH, _TREE_WIDTH_WITHOUT_PRODUCTS = 10, 30
#: Points in a leaf, and neighbours at once, where all points are searched from within.
_LEAF, _NEIGHBORS_AT_ONCE = 32, 2**22
#: Points from which on leaves are searched from within: in half of the time of scipy's tree. Fewer
#: take little time in either, and keep the last bits of their distances as they have been.
_LEAVES_FROM = 100_000
#: Rows of leaves that a thread searches for at once.
_ROWS_OF_LEAVES = 4096
#: Pairs from which on products of matrices are worth preparing, and rows from which on they
#: are worth using.
_MANY, _SOME = 500_000, 32
#: Points of which none has a larger exponent, nor all a smaller one, are compared as they are.
_USUAL = 30
#: Rows compared at once with near ones.
_CLOSE_AT_ONCE = 4096
#: The metrics as powers of Minkowski's.
_POWERS = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}


class ExactNeighbors:
    """Exact k-nearest-neighbour search among fixed points.

    The answer for one row is the same in any batch, at any position in it, with any number
    of threads and in any process. Neighbours come in ascending distance, equal distances in
    ascending index. A distance is 0 exactly if the two rows are equal (for cosine, correlation
    and hellinger: point in the same direction, up to rounding).

    Parameters
    ----------
    points : float32 array of shape (n, d)
        The points to search among; kept, not copied, where possible. For ``"precomputed"`` an
        array of shape (n, 1): for each point its column among the distances that are given.
    metric : Metric, default "euclidean"
        ``"cosine"`` is ``1 - cos(x, y)``, from 0 to 2. The zero vector has no direction; as
        in umap its distance is 0 to itself and 1 to every other row; so has, for
        ``"correlation"``, a row of equal values. Where a ratio has no denominator (canberra,
        braycurtis, jaccard, dice of zeros) it is 0.
    distances : array of shape (m, m), optional
        For ``"precomputed"`` the matrix of which `points` name the columns; without it, the points
        cannot be searched from within (:meth:`query_self`).

    leaves : bool, default False
        Whether rows are searched among narrow points by :class:`Leaves`, euclidean ones; else by
        scikit-learn's tree, which is slower and, where equally near points are not all among
        the nearest, takes any of them: states are searched as they were when they were written.

    Attributes
    ----------
    exhaustive : bool
        Whether each row is compared with all points: then more neighbours cost little.

    Notes
    -----
    Rows of up to :data:`TREE_WIDTH` features (30 for manhattan and chebyshev) are searched with
    a k-d tree, wider ones exhaustively; of many pairs, most are ruled out by a matrix product
    first, which does not change what is found. Cosine distances are half the squared euclidean
    distances of rows scaled to unit length, which keeps the order of neighbours; one coordinate
    is added in which only the zero vector has the value 1. Correlation, hellinger and haversine
    are found in the same way from centred rows, square roots and points of a sphere; the other
    metrics by looking at all points. Points are compared in float32, near
    1 by a power of two; a row whose squares overflow or underflow even so is searched again in
    float64: the answers do not depend on the unit.
    """

    def __init__(
        self,
        points: AnyArray,
        metric: Metric = "euclidean",
        distances: AnyArray | None = None,
        *,
        leaves: bool = False,
    ) -> None:
        self.metric: Metric = metric
        self._given = points
        self._plain = MEASURES[metric].plain
        self._points = comparable(points, metric)
        self._columns: IntArray | None = None
        if metric == "precomputed":
            self._columns = columns = points[:, 0].astype(np.int64)
            # The rows that are compared are those of the matrix.
            self._points = points if distances is None else distances[np.ix_(columns, columns)]
        self._exponent = _exponent(self._points) if self._plain in _POWERS else 0
        self._compared = _scaled(self._points, self._exponent)
        self._tree: Any = None
        self._leaves: Leaves | None = None
        self._in_leaves = leaves and self._plain == "euclidean"
        self._products: Products | None = None
        products = self._plain == "euclidean"
        widest = TREE_WIDTH if products else _TREE_WIDTH_WITHOUT_PRODUCTS
        self.exhaustive = self._plain not in _POWERS or self._points.shape[1] > widest

    def __len__(self) -> int:
        return len(self._points)

    @property
    def compared(self) -> AnyArray:
        """The points as they are compared: rows at distance 0 are equal."""
        return self._points

    @property
    def features(self) -> AnyArray:
        """Rows of which means may be taken, for starts: the points, or as they are compared."""
        return self._given if self.metric in LINEAR else self._points

    @property
    def exponent(self) -> int:
        """Power of two by which :meth:`in_range` divides."""
        return self._exponent

    def in_range(self) -> AnyArray:
        """The points as they are compared, divided by a power of two that brings them near 1."""
        return self._in_range(self._points)

    def _in_range(self, rows: AnyArray) -> AnyArray:
        return _scaled(_wide(rows, self._exponent), self._exponent)

    def prepare(self) -> Self:
        """Build what :meth:`query` searches in, once, before it is called in several threads."""
        if not self.exhaustive and self._in_leaves and self._leaves is None:
            self._leaves = Leaves(self.in_range())
        elif not (self.exhaustive or self._in_leaves) and self._tree is None:
            from sklearn.neighbors import KDTree

            self._tree = KDTree(self._points, metric=self._plain)
        return self

    def distances(self, x: AnyArray) -> NDArray[np.float64]:
        """Distances from each row of `x` to all points: float64 array of shape (m, n)."""
        rows = comparable(x, self.metric)
        return self._distances(rows if self._columns is None else rows[:, self._columns])

    def distances_from(self, index: int) -> NDArray[np.float64]:
        """Distances from one of the points to all: float64 array of shape (n,)."""
        found: NDArray[np.float64] = self._distances(self._points[index : index + 1])[0]
        return found

    def _distances(self, rows: AnyArray) -> NDArray[np.float64]:
        from n2d_builtin.neighbors.brute_kernel import METRIC_CODES, all_distances

        if self._columns is not None:
            return rows.astype(np.float64)
        found = np.empty((len(rows), len(self)))
        all_distances(self._points, rows, found, METRIC_CODES[self._plain])
        return self._in_metric(np.sqrt(found) if self._plain == "euclidean" else found)

    def query(
        self, x: AnyArray, k: int, *, n_jobs: int = 1
    ) -> tuple[IntArray, NDArray[np.float64]]:
        """Find the `k` nearest points of each row.

        Parameters
        ----------
        x : float32 array of shape (m, d)
        k : int
            Number of neighbours, at most the number of points.
        n_jobs : int, default 1
            Threads.

        Returns
        -------
        indices : int64 array of shape (m, k)
        distances : float64 array of shape (m, k)
        """
        rows = comparable(x, self.metric)
        return self._query(rows if self._columns is None else rows[:, self._columns], k, n_jobs)

    def query_self(self, k: int, *, n_jobs: int = 1) -> tuple[IntArray, NDArray[np.float64]]:
        """Find the `k` nearest points of each of the points, itself always first.

        Among more than `k` equal points a row might not find itself; it is then put in
        front and the last of the others is dropped.

        Parameters
        ----------
        k : int
            Number of neighbours, counting the point itself.
        n_jobs : int, default 1
            Threads.

        Returns
        -------
        indices : int64 array of shape (n, k)
        distances : float64 array of shape (n, k)
        """
        if not self.exhaustive and 1 <= k <= len(self):
            indices, distances = self._search_from_within(k, n_jobs)
        else:
            indices, distances = self._query(self._points, k, n_jobs)
        own = np.arange(len(indices))
        found = indices == own[:, None]
        place = np.where(found.any(axis=1), found.argmax(axis=1), k - 1)
        for row in np.flatnonzero(indices[:, 0] != own):
            at = place[row]
            indices[row, 1 : at + 1] = indices[row, :at].copy()
            distances[row, 1 : at + 1] = distances[row, :at].copy()
            indices[row, 0], distances[row, 0] = row, 0.0
        return indices, distances

    def _query(self, rows: AnyArray, k: int, n_jobs: int) -> tuple[IntArray, NDArray[np.float64]]:
        if not 1 <= k <= len(self):
            raise ValueError(f"k must be between 1 and {len(self)}, got {k}")
        self.prepare()
        indices = np.empty((len(rows), k), dtype=np.int64)
        distances = np.empty((len(rows), k), dtype=np.float64)
        products = self._prepared_products(len(rows))

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            self._search(rows[part], indices[part], distances[part], products)

        with nullcontext() if products is None else one_blas_thread(look_again=True):
            in_threads(work, len(rows), n_jobs=n_jobs, chunk=256)
        return indices, self._in_metric(distances)

    def _in_metric(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        convert = MEASURES[self.metric].distance
        return distances if convert is None else convert(distances)

    def _search_from_within(self, k: int, n_jobs: int) -> tuple[IntArray, NDArray[np.float64]]:
        """Neighbours of all points, leaf by leaf: those of one leaf find nearly the same."""
        if self._plain == "euclidean" and len(self) > _LEAVES_FROM:
            return self._search_leaves_from_within(k, n_jobs)
        from scipy.spatial import KDTree

        tree = KDTree(self._points, leafsize=_LEAF)
        order = tree.indices
        indices = np.empty((len(self), k), dtype=np.int64)
        distances = np.empty((len(self), k), dtype=np.float64)
        power = _POWERS[self._plain]
        chunk = max(1, _NEIGHBORS_AT_ONCE // k)
        for start in range(0, len(order), chunk):
            rows = order[start : start + chunk]
            near, found = tree.query(
                self._points[rows], k=[*range(1, k + 1)], p=power, workers=n_jobs
            )
            by_distance = np.lexsort((found, near), axis=-1)
            indices[rows] = np.take_along_axis(found, by_distance, axis=1)
            distances[rows] = np.take_along_axis(near, by_distance, axis=1)
        return indices, self._in_metric(distances)

    def _search_leaves_from_within(
        self, k: int, n_jobs: int
    ) -> tuple[IntArray, NDArray[np.float64]]:
        points = self.in_range()
        leaves = Leaves(points)
        order = leaves.arrays[0]
        indices = np.empty((len(self), k), dtype=np.int64)
        distances = np.empty((len(self), k), dtype=np.float64)

        def work(start: int, stop: int) -> None:
            rows = order[start:stop]
            found, near = np.empty((len(rows), k), np.int64), np.empty((len(rows), k))
            leaves.search(points[rows], found, near)
            indices[rows], distances[rows] = found, near

        in_threads(work, len(self), n_jobs=n_jobs, chunk=_ROWS_OF_LEAVES)
        np.ldexp(np.sqrt(distances, out=distances), self._exponent, out=distances)
        return indices, self._in_metric(distances)

    def _search(
        self, rows: AnyArray, indices: IntArray, distances: AnyArray, products: Products | None
    ) -> None:
        if self._columns is not None:
            indices[:] = np.argsort(rows, axis=1, kind="stable")[:, : indices.shape[1]]
            distances[:] = np.take_along_axis(rows, indices, axis=1)
            return
        if self.exhaustive:
            self._search_all(rows, indices, distances, products)
            return
        if self._leaves is not None:
            self._leaves.search(self._in_range(rows), indices, distances)
            np.ldexp(np.sqrt(distances, out=distances), self._exponent, out=distances)
            return
        found, near = self._tree.query(rows, k=indices.shape[1])[::-1]
        order = np.lexsort((found, near), axis=-1)
        indices[:] = np.take_along_axis(found, order, axis=1)
        distances[:] = np.take_along_axis(near, order, axis=1)

    def _prepared_products(self, n_rows: int) -> Products | None:
        """Products that rule points out, where that is of use; made once."""
        if not self.exhaustive or self._plain != "euclidean" or n_rows < _SOME:
            return None
        if self._products is None and n_rows * len(self) >= _MANY:
            self._products = Products(self._compared)
        return self._products

    def _search_all(
        self, rows: AnyArray, indices: IntArray, distances: AnyArray, products: Products | None
    ) -> None:
        from n2d_builtin.neighbors.brute_kernel import METRIC_CODES, search

        indices[:], distances[:] = -1, np.inf
        code = METRIC_CODES[self._plain]
        scaled = _scaled(rows, self._exponent)
        if not self._search_possible(scaled, indices, distances, products):
            search(self._compared, scaled, indices, distances, code)
        again = np.flatnonzero(self._out_of_range(rows, indices, distances))
        if again.size:
            found = np.full((again.size, indices.shape[1]), -1)
            near = np.full(found.shape, np.inf)
            wide = (_scaled(x.astype(np.float64), self._exponent) for x in (self._points, rows))
            points, queries = wide
            search(points, queries[again], found, near, code)
            indices[again], distances[again] = found, near
        if self._plain == "euclidean":
            np.sqrt(distances, out=distances)
        np.ldexp(distances, self._exponent, out=distances)

    def _out_of_range(self, rows: AnyArray, indices: IntArray, distances: AnyArray) -> AnyArray:
        """Rows whose squared distances overflowed, or lost digits below the least number."""
        again = indices[:, -1] < 0
        if self._plain != "euclidean" or rows.dtype != np.float32:
            return again
        least = rows.shape[1] * float(np.finfo(np.float32).tiny)
        close = np.argwhere((distances < least) & ~again[:, None])
        for start in range(0, len(close), _CLOSE_AT_ONCE):
            row, j = close[start : start + _CLOSE_AT_ONCE].T
            unequal = (self._points[indices[row, j]] != rows[row]).any(axis=1)
            again[row[unequal]] = True
        return again

    def _search_possible(
        self, rows: AnyArray, indices: IntArray, distances: AnyArray, products: Products | None
    ) -> bool:
        """Search with products of matrices, if they are of use."""
        from n2d_builtin.neighbors.brute_kernel import search_possible

        found = None if products is None else products.bounds(rows)
        if found is None:
            return False
        tiles, room = found
        for first, bounds in tiles:
            search_possible(self._compared, rows, indices, distances, first, bounds, room)
        return True


def _exponent(points: AnyArray) -> int:
    """Power of two by which points are divided, so that squares stay within float32."""
    exponent = int(np.frexp(np.abs(points).max(initial=0.0))[1])
    return 0 if -_USUAL <= exponent <= _USUAL else exponent


def _wide(rows: AnyArray, exponent: int) -> AnyArray:
    """Rows in the precision in which they can be divided by that power of two."""
    return rows if exponent == 0 else rows.astype(np.float64)


def _scaled(rows: AnyArray, exponent: int) -> AnyArray:
    """Rows divided by that power of two; exact, but for what overflows or underflows."""
    with np.errstate(over="ignore", under="ignore"):
        return rows if exponent == 0 else np.ldexp(rows, -exponent)
