"""Agglomerative clustering; new rows join the cluster of the nearest row."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import check_features, refuse, require_fitted
from n2d_builtin.common.starts import enough_distinct, resolve_n_clusters, rows_reason
from n2d_builtin.neighbors.landmarks import Landmarks, counted
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    FitContext,
    IntArray,
    Problem,
    component,
    derive_seed,
    learned,
    option,
)

__all__ = ["Agglomerative"]


@component
class Agglomerative:
    """Agglomerative clustering: the two nearest clusters are merged until `n_clusters` are left.

    Fitted by scikit-learn in float64. Of equal rows, one is used; beyond `max_landmarks` rows, that
    many drawn at random. Every other row gets the label of the nearest of them. Clusters are
    numbered by falling size.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    landmarks_ : float32 array of shape (l, d)
        The distinct training rows, or those drawn from them.
    landmark_labels_ : int64 array of shape (l,)
        Their labels.

    References
    ----------
    Ward 1963, Hierarchical Grouping to Optimize an Objective Function, JASA 58.
    """

    n_clusters: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        help="Number of clusters. None follows the composition's n_clusters, else 8 "
        "(all rows when there are fewer).",
    )
    linkage: Literal["ward", "complete", "average", "single"] = option(
        "ward",
        help="Distance of two clusters: growth of the variance within, largest, mean or smallest "
        "distance of their rows.",
    )
    metric: Literal["euclidean", "manhattan", "chebyshev"] = option(
        "euclidean", help="Distance between rows; ward needs euclidean."
    )
    max_landmarks: int = option(
        5000,
        ge=2,
        help="Most rows used for the fit, whose time and memory grow with the square of it (5000: "
        "some 200 MB); further rows get labels like new ones.",
    )
    labels_: IntArray | None = learned()
    landmarks_: NDArray[np.float32] | None = learned(shape=("l", "d"), dtype="float32")
    landmark_labels_: NDArray[np.int64] | None = learned(shape=("l",), dtype="int64", ge=0)
    _search: ExactNeighbors | None = learned()

    def __attrs_post_init__(self) -> None:
        if self.linkage == "ward" and self.metric != "euclidean":
            text = f"must be euclidean with linkage='ward', got {self.metric!r}"
            raise ConfigError([Problem("metric", text)])

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        return rows_reason(self.n_clusters, counted(n_rows, self.max_landmarks)[0])

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Find the clusters of rows of the manifold, float32 of shape (n, d).

        Raises
        ------
        DataError
            If there are fewer rows than `n_clusters`.

        Warns
        -----
        CollapseWarning
            If there are fewer distinct rows than `n_clusters`: then each is a cluster.
        """
        import sklearn.cluster

        refuse(self.check_input(len(m), m.shape[1:]))
        seed = derive_seed(context.seed, "agglomerative", "landmarks")
        drawn = Landmarks.draw(m, self.max_landmarks, seed, self.metric)
        enough_distinct(self.n_clusters, drawn.groups, "agglomerative")
        landmarks, codes = drawn.rows, np.zeros(len(drawn.rows), dtype=np.int64)
        context.resources.check()
        if len(landmarks) > 1:
            # Near 1, where squares neither overflow nor vanish.
            rows = landmarks.astype(np.float64)
            rows = np.ldexp(rows, -np.frexp(np.abs(rows).max())[1])
            codes = sklearn.cluster.AgglomerativeClustering(
                min(resolve_n_clusters(self.n_clusters, len(rows)), len(rows)),
                linkage=self.linkage,
                metric=self.metric,
            ).fit_predict(rows)
        self.landmarks_, self._search = landmarks, None
        self.landmark_labels_ = _by_size(codes)
        self.labels_ = self.predict(m[drawn.groups.first])[drawn.groups.inverse]
        return self

    def predict(self, m: AnyArray) -> IntArray:
        """Label of the nearest row of the fit for each of `m`, float32 of shape (n, d): int64."""
        landmarks = require_fitted(self.landmarks_, "agglomerative")
        labels = require_fitted(self.landmark_labels_, "agglomerative")
        check_features(m, landmarks.shape[1], "agglomerative")
        if self._search is None:
            self._search = ExactNeighbors(landmarks, self.metric)
        return np.asarray(labels[self._search.query(m, 1)[0][:, 0]])

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read cannot be used."""
        labels = require_fitted(self.landmark_labels_, "agglomerative")
        if np.unique(labels).size == labels.max() + 1:
            return []
        return ["state 'landmark_labels' leaves out a label between 0 and its largest"]


def _by_size(codes: AnyArray) -> IntArray:
    """Clusters numbered by falling number of rows, equally large ones by their first row."""
    _, firsts, codes, sizes = np.unique(
        codes, return_index=True, return_inverse=True, return_counts=True
    )
    number = np.empty(len(sizes), dtype=np.int64)
    number[np.lexsort((firsts, -sizes))] = np.arange(len(sizes))
    return number[codes]
