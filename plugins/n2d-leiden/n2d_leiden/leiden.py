"""Communities of the graph of neighbours; predicts without leidenalg."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin import ExactNeighbors, neighbor_graph
from n2d_framework.plugin import (
    AnyArray,
    DataError,
    FitContext,
    FloatArray,
    IntArray,
    check_features,
    component,
    distinct_rows,
    learned,
    option,
    require_fitted,
)

__all__ = ["Leiden"]

#: Largest number in float32, the type of the coordinates.
_LARGEST = float(np.finfo(np.float32).max)


@component
class Leiden:
    """Leiden clustering of the graph of nearest neighbours, as single-cell analysis does it.

    The graph is umap's (the one that scanpy uses), over the distinct rows; its communities are
    found by leidenalg and numbered by falling size. New rows get the label for which their
    nearest training rows vote, each with the inverse of its distance: a row that equals a training
    row has its label, and the answer for a row does not depend on others.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    points_ : float32 array of shape (p, d)
        The distinct training rows.
    point_labels_ : int64 array of shape (p,)
        Their labels, from 0 on by falling number of rows.

    References
    ----------
    Traag, Waltman and van Eck 2019, From Louvain to Leiden: guaranteeing well-connected
    communities, Scientific Reports 9.
    """

    resolution: float = option(1.0, gt=0, help="Larger values give more and smaller clusters.")
    n_neighbors: int = option(
        15, ge=2, help="Nearest rows that each row is connected with, itself included."
    )
    metric: Literal["euclidean", "manhattan", "chebyshev"] = option(
        "euclidean", help="Measure of distances between rows."
    )
    objective: Literal["modularity", "cpm"] = option(
        "modularity",
        help="Quantity that communities maximize: modularity with a resolution (Reichardt and "
        "Bornholdt), or the constant Potts model, whose resolution is a density of connections.",
    )
    n_iterations: int = option(
        -1, ge=-1, help="Iterations of the method; -1 repeats it until nothing improves."
    )
    labels_: IntArray | None = learned()
    points_: NDArray[np.float32] | None = learned(
        shape=("p", "d"), dtype="float32", largest=_LARGEST
    )
    point_labels_: NDArray[np.int64] | None = learned(shape=("p",), dtype="int64", ge=0)
    _search: ExactNeighbors | None = learned()

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        if n_rows >= self.n_neighbors:
            return []
        return [
            f"leiden: n_neighbors={self.n_neighbors} needs at least {self.n_neighbors} rows, got "
            f"{n_rows}; lower n_neighbors"
        ]

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Find the communities of `m`, float32 of shape (n, d).

        Raises
        ------
        DataError
            If there are too few rows for the options.
        """
        reasons = self.check_input(len(m), m.shape[1:])
        if reasons:
            raise DataError("; ".join(reasons))
        groups = distinct_rows(m)
        points = np.array(m[groups.first], dtype=np.float32, order="C")
        found = self._communities(points, context)
        _, codes = np.unique(found, return_inverse=True)
        sizes = np.bincount(codes, weights=groups.counts)
        firsts = np.unique(codes, return_index=True)[1]
        number = np.empty(len(sizes), dtype=np.int64)
        number[np.lexsort((firsts, -sizes))] = np.arange(len(sizes))
        self.points_, self.point_labels_, self._search = points, number[codes], None
        self.labels_ = self.point_labels_[groups.inverse]
        return self

    @property
    def n_clusters_(self) -> int | None:
        """Number of clusters found; ``None`` before fitting."""
        return None if self.point_labels_ is None else int(self.point_labels_.max()) + 1

    def predict(self, m: AnyArray) -> IntArray:
        """Label with the most votes for each of `m`, float32 of shape (n, d): int64."""
        return np.asarray(self._votes(m).argmax(axis=1), dtype=np.int64)

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Shares of the votes: float64 of shape (n, n_clusters_), whose rows sum to one."""
        votes = self._votes(m)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be used."""
        labels = require_fitted(self.point_labels_, "leiden")
        if np.unique(labels).size == labels.max() + 1:
            return []
        return ["state 'point_labels' leaves out a label between 0 and its largest"]

    def _votes(self, m: AnyArray) -> NDArray[np.float64]:
        points = require_fitted(self.points_, "leiden")
        labels = require_fitted(self.point_labels_, "leiden")
        check_features(m, points.shape[1], "leiden")
        if self._search is None:
            self._search = ExactNeighbors(points, self.metric)
        k = min(self.n_neighbors, len(points))
        nearest, distances = self._search.query(np.ascontiguousarray(m, dtype=np.float32), k)
        # Relative to the nearest, so that the unit does not matter; at distance 0 it alone votes.
        first = distances[:, :1]
        weights = np.divide(first, distances, where=distances > 0, out=np.ones_like(distances))
        votes = np.zeros((len(m), int(labels.max()) + 1))
        rows = np.arange(len(m))
        for j in range(k):
            votes[rows, labels[nearest[:, j]]] += weights[:, j]
        return votes

    def _communities(self, points: NDArray[np.float32], context: FitContext) -> IntArray:
        """A community for each of the points."""
        import igraph
        import leidenalg

        k = min(self.n_neighbors, len(points))
        search = ExactNeighbors(points, self.metric)
        indices, distances = search.query_self(k, n_jobs=context.n_jobs)
        graph = neighbor_graph(
            indices, distances, set_op_mix_ratio=1.0, local_connectivity=1.0
        ).tocsr()
        graph.sort_indices()
        context.resources.check()
        edges = graph.tocoo()
        once = edges.row < edges.col
        made = igraph.Graph(
            n=len(points), edges=np.stack([edges.row[once], edges.col[once]], axis=1)
        )
        kinds: dict[str, Any] = {
            "modularity": leidenalg.RBConfigurationVertexPartition,
            "cpm": leidenalg.CPMVertexPartition,
        }
        found = leidenalg.find_partition(
            made,
            kinds[self.objective],
            weights=np.asarray(edges.data[once], dtype=np.float64).tolist(),
            resolution_parameter=self.resolution,
            n_iterations=self.n_iterations,
            seed=context.seed,
        )
        return np.asarray(found.membership, dtype=np.int64)
