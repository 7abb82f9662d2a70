"""Spectral embedding: eigenvectors of a random walk between neighbours."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import require_fitted
from n2d_builtin.neighbors.row_metrics import Metric
from n2d_builtin.spectral.graph_manifold import GraphManifold
from n2d_builtin.spectral.smooth_vectors import smooth_vectors
from n2d_framework.plugin import AnyArray, FitContext, component, derive_seed, learned, option

__all__ = ["Spectral"]

#: Rows up to which all eigenvectors are found at once; vectors of the Lanczos basis beyond.
_DENSE, _BASIS = 1000, 64
#: Eigenvalues below it do not stretch the coordinates of new rows any further.
_LEAST = 0.5


@component
class Spectral(GraphManifold):
    """Laplacian eigenmaps: the slowest eigenvectors of a random walk between neighbours.

    With `kmeans` behind it, this is spectral clustering. The graph joins each row with its
    nearest ones; the constant eigenvector is left out. New rows are placed by Nyström's formula,
    from their own steps to their nearest landmarks; a row equal to a landmark gets its coordinates.
    Each part of a graph that falls apart has a dimension of its own, the largest first.

    Attributes
    ----------
    landmarks_ : float32 array of shape (l, d)
        The distinct training rows, or those drawn from them.
    widths_ : float64 array of shape (l,)
        Distance of each to the last of its neighbours.
    embedding_ : float32 array of shape (l, m)
        Coordinates of the landmarks, of mean square 1 under the walk.
    eigenvalues_ : float64 array of shape (m,)
        Of the walk, by which Nyström's formula divides; 1 for parts of the graph.

    References
    ----------
    Belkin and Niyogi 2003, Laplacian Eigenmaps, Neural Computation 15. Self-tuning widths:
    Zelnik-Manor and Perona 2004, NIPS 17. Placing: Bengio et al. 2003, Out-of-Sample Extensions
    for LLE, Isomap, MDS, Eigenmaps, and Spectral Clustering, NIPS 16.
    """

    name = "spectral"

    affinity: Literal["self_tuning", "connectivity"] = option(
        "self_tuning",
        help="Weight of two neighbours: falling with their squared distance, in units of the "
        "distances to their last neighbours, or 1.",
    )
    metric: Metric = option(
        "euclidean",
        help="Distance between rows. hamming takes codes, jaccard and dice 0 and 1, hellinger and "
        "braycurtis numbers of 0 or more, haversine latitude and longitude in radians, precomputed "
        "the distances of rows to all training rows.",
    )
    max_landmarks: int | None = option(
        10_000,
        ge=2,
        help="Most rows used for the fit, drawn at random; further rows are placed by them, like "
        "new ones. None uses all rows.",
    )
    widths_: NDArray[np.float64] | None = learned(shape=("l",), dtype="float64", ge=0)
    eigenvalues_: NDArray[np.float64] | None = learned(
        shape=("n_components_",), dtype="float64", le=1
    )

    def _metric(self) -> Metric:
        return self.metric

    def _nearest(self) -> int:
        # A landmark takes steps to itself as well.
        return self.n_neighbors + 1

    def _embed(
        self, rows: AnyArray, indices: AnyArray, distances: AnyArray, context: FitContext
    ) -> tuple[NDArray[np.float64], int]:
        self.widths_ = np.ascontiguousarray(distances[:, -1])
        graph = self._graph(indices, distances)
        root = np.sqrt(np.asarray(graph.sum(axis=1), dtype=np.float64).ravel())
        seed = derive_seed(context.seed, "spectral", "eigenvectors")

        def solve(part: AnyArray, count: int) -> tuple[AnyArray, AnyArray]:
            context.resources.check()
            own = root[part] / np.linalg.norm(root[part])
            walk = graph[part][:, part].tocoo()
            walk.data = walk.data / (root[part][walk.row] * root[part][walk.col])
            values, vectors = _leading(walk.tocsr(), own, count, seed)
            return 1.0 - values, vectors / root[part, None]

        vectors, parts = smooth_vectors(graph, self.n_components_, solve)
        weights = np.square(root) / np.square(root).sum()
        vectors /= np.sqrt(weights @ np.square(vectors))
        # As a quotient: what a step of the walk leaves of a vector.
        stepped = graph @ vectors / np.square(root)[:, None]
        self.eigenvalues_ = np.minimum(weights @ (vectors * stepped), 1.0)
        return vectors, parts

    def _graph(self, indices: AnyArray, distances: AnyArray) -> Any:
        """Symmetric weights of the edges, with 1 on the diagonal."""
        from scipy.sparse import csr_array

        n, k = indices.shape
        shape = n, n
        starts = np.repeat(np.arange(n), k)
        weights = self._weights(distances, indices, require_fitted(self.widths_, "spectral"))
        edges = csr_array((weights.ravel(), (starts, indices.ravel())), shape=shape)
        return edges.maximum(edges.T).tocsr()

    def _weights(self, distances: AnyArray, indices: AnyArray, own: AnyArray) -> AnyArray:
        if self.affinity == "connectivity":
            return np.ones_like(distances)
        widths = require_fitted(self.widths_, "spectral")
        tiny = np.finfo(np.float64).tiny
        by_own = distances / np.maximum(own, tiny)[:, None]
        found: AnyArray = np.exp(-by_own * (distances / np.maximum(widths[indices], tiny)))
        return found

    def _shares(self, rows: AnyArray, indices: AnyArray, distances: AnyArray) -> AnyArray:
        weights = self._weights(distances, indices, distances[:, -1])
        shares: AnyArray = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def _extended(self, coordinates: AnyArray) -> AnyArray:
        return coordinates / np.maximum(require_fitted(self.eigenvalues_, "spectral"), _LEAST)


def _leading(walk: Any, constant: AnyArray, count: int, seed: int) -> tuple[AnyArray, AnyArray]:
    """Leading eigenvalues and eigenvectors of a symmetric walk, without its constant one."""
    from scipy.linalg import eigh
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(constant)
    if n <= _DENSE or 2 * count >= _BASIS:
        dense = walk.toarray() - 2 * np.outer(constant, constant)
        values, vectors = eigh(dense, subset_by_index=(n - count, n - 1))
    else:

        def step(x: AnyArray) -> AnyArray:
            flat = np.asarray(x).ravel()
            return np.asarray(walk @ flat - 2 * constant * (constant @ flat))

        first = np.random.default_rng(seed).uniform(-1, 1, n)
        values, vectors = eigsh(
            LinearOperator((n, n), matvec=step, dtype=np.float64),
            k=count, which="LA", ncv=min(_BASIS, n - 1), v0=first, tol=1e-8, maxiter=20 * n,
        )  # fmt: skip
    return values[::-1], vectors[:, ::-1]
