"""Locally linear embedding: each row as a mixture of its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import require_fitted
from n2d_builtin.spectral.graph_manifold import GraphManifold
from n2d_builtin.spectral.smooth_vectors import smooth_vectors
from n2d_framework.plugin import AnyArray, FitContext, component, option

__all__ = ["LocallyLinear"]

#: Numbers held at once while rows are compared with their neighbours.
_BUDGET = 4_000_000


@component
class LocallyLinear(GraphManifold):
    """Locally linear embedding: rows stay the same mixtures of their neighbours.

    New rows are placed by the mixture of their nearest landmarks that comes closest to them
    (barycentric weights); a row equal to a landmark gets its coordinates. Each part of a graph
    that falls apart has a dimension of its own, the largest first.

    Attributes
    ----------
    landmarks_ : float32 array of shape (l, d)
        The distinct training rows, or those drawn from them.
    embedding_ : float32 array of shape (l, m)
        Their coordinates, of mean square 1 (less for dimensions that belong to a part).

    References
    ----------
    Roweis and Saul 2000, Nonlinear Dimensionality Reduction by Locally Linear Embedding, Science
    290; coordinates agree with ``sklearn.manifold.LocallyLinearEmbedding`` up to their unit.
    """

    name = "lle"

    regularization: float = option(
        1e-3,
        ge=0,
        help="Added to the inner products of a row's neighbours, as a share of their trace; keeps "
        "weights bounded where there are more neighbours than dimensions. At least what rounding "
        "leaves of it.",
    )
    max_landmarks: int = option(
        2000,
        ge=2,
        help="Most rows used for the fit, whose time grows with the cube of it and memory with "
        "the square; further rows are placed by them.",
    )

    def _embed(
        self, rows: AnyArray, indices: AnyArray, distances: AnyArray, context: FitContext
    ) -> tuple[NDArray[np.float64], int]:
        from scipy.linalg import eigh
        from scipy.sparse import csr_array, eye_array

        n, k = len(rows), self.n_neighbors
        near = indices[:, 1:]
        shares = self._mixtures(rows, rows, near)
        starts = np.repeat(np.arange(n), k)
        mixed = csr_array((shares.ravel(), (starts, near.ravel())), shape=(n, n))
        edges = csr_array((np.ones(n * k), (starts, near.ravel())), shape=(n, n))
        rest = (eye_array(n, format="csr") - mixed).tocsr()

        def solve(part: AnyArray, count: int) -> tuple[AnyArray, AnyArray]:
            context.resources.check()
            own = rest[part][:, part].toarray()
            cost = own.T @ own
            # What is constant costs nothing and is moved out of the way.
            cost += np.trace(cost) / len(part)
            values, vectors = eigh(cost, subset_by_index=(0, count - 1))
            return values, vectors * np.sqrt(n)

        return smooth_vectors(edges, self.n_components_, solve)

    def _shares(self, rows: AnyArray, indices: AnyArray, distances: AnyArray) -> AnyArray:
        return self._mixtures(rows, require_fitted(self.landmarks_, "lle"), indices)

    def _mixtures(self, rows: AnyArray, points: AnyArray, indices: AnyArray) -> AnyArray:
        """Shares of neighbours that come closest to rows, adding up to 1: float64, shape (n, k)."""
        n, k = indices.shape
        shares = np.empty((n, k))
        step = max(1, _BUDGET // (k * max(k, points.shape[1])))
        for start in range(0, n, step):
            part = slice(start, start + step)
            away = points[indices[part]].astype(np.float64) - rows[part, None]
            # Relative to the farthest: squares neither overflow nor vanish.
            largest = np.abs(away).max(axis=(1, 2), keepdims=True)
            away /= np.where(largest > 0, largest, 1.0)
            products = away @ away.transpose(0, 2, 1)
            trace = np.einsum("nii->n", products)
            # Less than that is lost when it is added.
            least = max(self.regularization, 4 * k * np.finfo(np.float64).eps)
            products[:, np.arange(k), np.arange(k)] += np.where(trace > 0, least * trace, 1.0)[
                :, None
            ]
            found = np.linalg.solve(products, np.ones((len(products), k, 1)))[..., 0]
            shares[part] = found / found.sum(axis=1, keepdims=True)
        return shares
