"""Isomap: distances along the neighbour graph of landmarks; all rows placed by them."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import check_features, refuse, require_fitted
from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.same_products import PRODUCT_ROWS
from n2d_builtin.common.threads import available_threads, in_threads
from n2d_builtin.neighbors.landmarks import Landmarks, reasons_out_of_core
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.shared_neighbors import shared_neighbors
from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    State,
    component,
    derive_seed,
    learned,
    need,
    option,
)

__all__ = ["Isomap"]

LengthMetric: TypeAlias = Literal["euclidean", "manhattan", "chebyshev"]


def _upper(geodesics: NDArray[np.float64]) -> NDArray[np.float64]:
    """The upper triangle of a symmetric matrix with zeros on its diagonal, row by row."""
    return geodesics[np.triu_indices(len(geodesics), 1)]


def _square(isomap: Isomap, upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix of which :func:`_upper` is the triangle."""
    n = len(require_fitted(isomap.landmarks_, "isomap"))
    geodesics = np.zeros((n, n))
    geodesics[np.triu_indices(n, 1)] = upper
    return geodesics + geodesics.T


@component
class Isomap:
    """Isometric mapping by geodesic distances.

    Distances are measured along the graph of nearest neighbours and reproduced by classical
    scaling. Time and memory grow with the square of the number of rows; beyond
    `max_landmarks` rows the fit uses that many, drawn at random, and places the others by
    them (landmark Isomap). Of equal rows, one is used. Every row, of the training data too, gets
    its coordinates from :meth:`transform`, on its own.

    Options
    -------
    n_neighbors, n_components, max_landmarks, metric, path_method, eigen_solver
        See the help of each option.

    Attributes
    ----------
    landmarks_ : float32 array of shape (l, d)
        The distinct rows the fit used, in their order.
    geodesics_ : float64 array of shape (l, l)
        Lengths of the shortest paths between them.
    eigenvalues_ : float64 array of shape (m,)
        Falling; 0 for dimensions that the distances do not need, up to the rounding of float64:
        their coordinates are 0.
    eigenvectors_ : float64 array of shape (l, m)

    Notes
    -----
    Parts of the neighbour graph that are not connected are joined by the shortest edge
    between each two of them, without a warning: clusters far apart are what one looks for.

    References
    ----------
    Tenenbaum, de Silva and Langford 2000, Science 290. Placing by landmarks: de Silva and
    Tenenbaum 2003, NIPS 15; it agrees with ``sklearn.manifold.Isomap.transform``.
    """

    n_neighbors: int = option(
        10, ge=1, help="Neighbours of each row in the graph, not counting the row itself."
    )
    n_components: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Dimension. Follows n_clusters, up to 100; else 2.",
    )
    max_landmarks: int = option(
        2000,
        ge=2,
        help="Most rows used for the fit, whose cost and stored size grow with the square "
        "of it; further rows are placed by them.",
    )
    metric: LengthMetric = option("euclidean", help="Length of the edges of the graph.")
    path_method: Literal["auto", "FW", "D"] = option(
        "auto", help="Shortest paths by Floyd-Warshall (FW) or Dijkstra (D)."
    )
    eigen_solver: Literal["auto", "arpack", "dense"] = option(
        "auto",
        help="Eigenvectors by ARPACK or a dense solver; auto takes ARPACK for less than 10 "
        "dimensions.",
    )
    landmarks_: NDArray[np.float32] | None = learned(shape=("l", "d"), dtype="float32")
    geodesics_: NDArray[np.float64] | None = learned(
        shape=("_n_pairs",), dtype="float64", ge=0, write=_upper, read=_square
    )
    row_means_: NDArray[np.float64] | None = learned(shape=("l",), dtype="float64")
    eigenvalues_: NDArray[np.float64] | None = learned(
        shape=("n_components_",), dtype="float64", ge=0
    )
    eigenvectors_: NDArray[np.float64] | None = learned(
        shape=("l", "n_components_"), dtype="float64"
    )
    _neighbors: ExactNeighbors | None = learned()

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        return reasons_out_of_core(self.max_landmarks, self.metric)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that many rows cannot be fitted."""
        used, name = min((n_rows, "rows"), (self.max_landmarks, "rows (max_landmarks)"))
        reasons = []
        if used <= self.n_neighbors:
            reasons.append(
                f"isomap: n_neighbors={self.n_neighbors} needs at least "
                f"{self.n_neighbors + 1} rows, got {used} {name}; lower n_neighbors"
            )
        if used <= self.n_components_:
            reasons.append(
                f"isomap: n_components={self.n_components_} needs at least "
                f"{self.n_components_ + 1} rows, got {used} {name}; lower n_components"
            )
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Measure and reproduce the geodesic distances of latent rows.

        Parameters
        ----------
        x : float32 array of shape (n, d)
        context : FitContext

        Raises
        ------
        DataError
            If there are too few distinct rows for the options.
        """
        from n2d_builtin.isomap.geodesics import (
            centred_kernel,
            classical_scaling,
            edge_lengths,
            geodesic_distances,
        )

        refuse(self.check_input(len(x), x.shape[1:]))
        seed = derive_seed(context.seed, "isomap", "landmarks")
        drawn = Landmarks.draw(x, self.max_landmarks, seed, self.metric)
        drawn.check(self.check_input, x.shape[1:])
        landmarks, chosen = drawn.rows, drawn.origin("isomap")
        neighbors = ExactNeighbors(landmarks, self.metric)
        indices, _ = shared_neighbors(neighbors, self.n_neighbors + 1, context, **chosen)
        distances = edge_lengths(landmarks, indices, self.metric)
        geodesics = geodesic_distances(
            landmarks, indices, distances, metric=self.metric, method=self.path_method
        )
        means = _row_means(geodesics)
        self.eigenvalues_, self.eigenvectors_ = classical_scaling(
            centred_kernel(geodesics, means, float(means.mean())),
            self.n_components_,
            solver=self.eigen_solver,
            seed=derive_seed(context.seed, "isomap", "eigenvectors"),
        )
        self.landmarks_, self.geodesics_, self.row_means_ = landmarks, geodesics, means
        self._neighbors = neighbors
        return self

    def transform(self, x: AnyArray) -> FloatArray:
        """Place rows by their geodesic distances to the landmarks, each on its own.

        Parameters
        ----------
        x : float32 array of shape (n, d)

        Returns
        -------
        float32 array of shape (n, m)

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        landmarks = require_fitted(self.landmarks_, "isomap")
        check_features(x, landmarks.shape[1], "isomap")
        axes = self._axes()
        neighbors = self._searcher()
        placed = np.empty((len(x), axes.shape[1]), dtype=np.float32)

        def work(start: int, stop: int) -> None:
            kernel = np.zeros((PRODUCT_ROWS, len(axes)))
            kernel[: stop - start] = self._kernel(x[start:stop], neighbors)
            placed[start:stop] = (kernel @ axes)[: stop - start]

        with one_blas_thread():
            in_threads(work, len(x), n_jobs=available_threads(), chunk=PRODUCT_ROWS)
        return placed

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: distances were rounded to float32.

        Returns
        -------
        State
        """
        del version
        return {**state, "geodesics": need(state, "geodesics", np.ndarray).astype(np.float64)}

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot place rows."""
        n = len(require_fitted(self.landmarks_, "isomap"))
        if self.n_neighbors < n <= self.max_landmarks:
            return []
        return [
            f"state 'landmarks' has {n} rows, too few for n_neighbors={self.n_neighbors}"
            if n <= self.n_neighbors
            else f"state 'landmarks' has {n} rows, beyond {self.max_landmarks=}"
        ]

    @property
    def _n_pairs(self) -> int:
        n = len(require_fitted(self.landmarks_, "isomap"))
        return n * (n - 1) // 2

    @property
    def n_components_(self) -> int:
        """Dimension of the coordinates: `n_components`, or 2."""
        return 2 if self.n_components is None else self.n_components

    def _searcher(self) -> ExactNeighbors:
        if self._neighbors is None:
            self._neighbors = ExactNeighbors(require_fitted(self.landmarks_, "isomap"), self.metric)
        return self._neighbors

    def _axes(self) -> NDArray[np.float64]:
        """Factors of a centred kernel; 0 for dimensions of eigenvalue 0."""
        values = require_fitted(self.eigenvalues_, "isomap")
        vectors = require_fitted(self.eigenvectors_, "isomap")
        scale = np.where(values > 0, 1.0 / np.sqrt(np.where(values > 0, values, 1.0)), 0.0)
        return vectors * scale

    def _kernel(self, rows: AnyArray, neighbors: ExactNeighbors) -> NDArray[np.float64]:
        from n2d_builtin.isomap.geodesics import centred_kernel

        geodesics = require_fitted(self.geodesics_, "isomap")
        means = require_fitted(self.row_means_, "isomap")
        indices, distances = neighbors.query(rows, self.n_neighbors)
        nearest = geodesics[indices[:, 0]] + distances[:, :1]
        for j in range(1, self.n_neighbors):
            np.minimum(nearest, geodesics[indices[:, j]] + distances[:, j, None], out=nearest)
        return centred_kernel(nearest, means, float(means.mean()))


def _row_means(geodesics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of ``-d**2 / 2`` of each row."""
    means: NDArray[np.float64] = np.square(geodesics).mean(axis=1) * -0.5
    return means
