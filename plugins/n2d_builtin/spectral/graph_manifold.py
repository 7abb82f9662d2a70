"""Base of the manifolds that are eigenvectors of a graph of neighbours."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import refuse, require_fitted
from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.threads import available_threads, in_threads
from n2d_builtin.neighbors.landmarks import Landmarks, counted, reasons_out_of_core
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric, check_metric, shape_problems
from n2d_builtin.neighbors.shared_neighbors import shared_neighbors
from n2d_framework.plugin import (
    AnyArray,
    CollapseWarning,
    FitContext,
    FloatArray,
    component,
    derive_seed,
    learned,
    option,
)

__all__ = ["GraphManifold"]


@component
class GraphManifold:
    """Coordinates of landmarks from a graph, of other rows as shares of their nearest landmarks'.

    A row equal to a landmark gets its coordinates. Subclasses have `max_landmarks`.

    Attributes
    ----------
    landmarks_ : float32 array of shape (l, d)
        The distinct training rows, or those drawn from them.
    embedding_ : float32 array of shape (l, m)
        Their coordinates.
    """

    name = ""
    max_landmarks: Any = None

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
    landmarks_: NDArray[np.float32] | None = learned(shape=("l", "d"), dtype="float32")
    embedding_: NDArray[np.float32] | None = learned(shape=("l", "n_components_"), dtype="float32")
    _neighbors: ExactNeighbors | None = learned()

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        return reasons_out_of_core(self.max_landmarks, self._metric())

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that many rows, of that shape, cannot be fitted."""
        n_rows, rows = counted(n_rows, self.max_landmarks)
        sizes = {"n_neighbors": self.n_neighbors, "n_components": self.n_components_}
        return shape_problems(self._metric(), row_shape) + [
            f"{self.name}: {name}={size} needs at least {size + 1} rows, got {rows}; lower {name}"
            for name, size in sizes.items()
            if n_rows <= size
        ]

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Find the coordinates of latent rows.

        Parameters
        ----------
        x : float32 array of shape (n, d)
        context : FitContext

        Raises
        ------
        DataError
            If there are too few distinct rows for the options.

        Warns
        -----
        CollapseWarning
            If the graph falls apart into more parts than the dimensions keep apart.
        """
        self._fit(x, context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit latent rows and return their coordinates, float32 of shape (n, m)."""
        landmarks = self._fit(x, context)
        return landmarks.spread(x, require_fitted(self.embedding_, self.name), self.transform)

    def transform(self, x: AnyArray) -> FloatArray:
        """Coordinates of rows, each on its own.

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
        landmarks = require_fitted(self.landmarks_, self.name)
        embedding = require_fitted(self.embedding_, self.name)
        check_metric(x, self._metric(), self.name, landmarks)
        if self._neighbors is None:
            self._neighbors = ExactNeighbors(landmarks, self._metric())
        neighbors, placed = self._neighbors, np.empty((len(x), embedding.shape[1]), np.float32)
        nearest = min(self._nearest(), len(landmarks))

        def work(start: int, stop: int) -> None:
            indices, distances = neighbors.query(x[start:stop], nearest)
            shares = self._shares(x[start:stop], indices, distances)
            found = np.zeros((stop - start, embedding.shape[1]))
            for j in range(nearest):
                found += shares[:, j, None] * embedding[indices[:, j]]
            found = self._extended(found)
            equal = distances[:, 0] == 0
            found[equal] = embedding[indices[equal, 0]]
            placed[start:stop] = found

        with one_blas_thread(look_again=True):
            in_threads(work, len(x), n_jobs=available_threads(), chunk=256)
        return placed

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot place rows."""
        n = len(require_fitted(self.landmarks_, self.name))
        if n > self.n_neighbors:
            return []
        return [f"state 'landmarks' has {n} rows, too few for n_neighbors={self.n_neighbors}"]

    @property
    def n_components_(self) -> int:
        """Dimension of the coordinates: `n_components`, or 2."""
        return 2 if self.n_components is None else self.n_components

    def _fit(self, x: AnyArray, context: FitContext) -> Landmarks:
        refuse(self.check_input(len(x), x.shape[1:]))
        check_metric(x, self._metric(), self.name)
        seed = derive_seed(context.seed, self.name, "landmarks")
        drawn = Landmarks.draw(x, self.max_landmarks, seed, self._metric())
        drawn.check(self.check_input, x.shape[1:])
        neighbors = ExactNeighbors(drawn.rows, self._metric(), x)
        found = shared_neighbors(
            neighbors, self.n_neighbors + 1, context, **drawn.origin(self.name)
        )
        context.resources.check()
        with one_blas_thread(look_again=True):
            embedding, parts = self._embed(drawn.rows, *found, context)
        if parts > self.n_components_ + 1:
            warnings.warn(
                f"{self.name}: the graph of neighbours falls apart into {parts} parts, too many "
                f"for n_components={self.n_components_}: the smallest of them share their "
                "coordinates; raise n_neighbors or n_components",
                CollapseWarning,
                stacklevel=3,
            )
        self.landmarks_, self.embedding_ = drawn.rows, embedding.astype(np.float32)
        self._neighbors = neighbors
        return drawn

    def _metric(self) -> Metric:
        return "euclidean"

    def _nearest(self) -> int:
        """Landmarks of which a row gets shares."""
        return self.n_neighbors

    def _embed(
        self, rows: AnyArray, indices: AnyArray, distances: AnyArray, context: FitContext
    ) -> tuple[NDArray[np.float64], int]:
        """Coordinates of the landmarks, and the number of parts of the graph."""
        raise NotImplementedError

    def _shares(self, rows: AnyArray, indices: AnyArray, distances: AnyArray) -> AnyArray:
        """Shares of the nearest landmarks in the coordinates of rows: float64, shape (n, k)."""
        raise NotImplementedError

    def _extended(self, coordinates: AnyArray) -> AnyArray:
        """Coordinates from the sums of shares."""
        return coordinates
