"""k-means, with the Student-t soft assignment of deep embedded clustering."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np

from n2d_builtin.common.checked_rows import (
    FLOAT32_MAX,
    check_features,
    require_fitted,
)
from n2d_builtin.common.starts import enough_distinct, resolve_n_clusters, rows_reason, run_starts
from n2d_builtin.kmeans.lloyd_blocks import lloyd, mean_square
from n2d_builtin.neighbors.landmarks import MANY, draw
from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    IntArray,
    State,
    component,
    derive_seed,
    distinct_rows,
    in_blocks,
    learned,
    option,
)

__all__ = ["KMeans"]

logger = logging.getLogger(__name__)

#: Distances held at once.
_BUDGET = 4_000_000
#: Share of the variance below which what is within clusters is rounding.
_ROUNDING = 1e-24
#: Starts, and clusters in all of them.
_STARTS, _STARTED = 20, 2000


@component
class KMeans:
    """k-means: each row belongs to the nearest of `n_clusters` centres.

    Fitted by scikit-learn in float64, on the distinct rows, each with the weight of how often it
    occurs, or of the sum of its rows' weights. Distances are computed row by row, so that a row's
    label and probabilities do not depend on the rows that come with it, and `labels_` are
    what `predict` gives for the training rows. Equally near centres: the first one wins.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    cluster_centers_ : array of shape (n_clusters, d), float64
    inertia_ : float
        Sum of squared distances of the training rows to their centres.
    n_iter_ : int
        Iterations of the best start.
    scale_ : float
        Mean squared distance of the training rows to their centres: the unit of the soft
        assignment.

    References
    ----------
    Lloyd 1982, Least squares quantization in PCM, IEEE Transactions on Information Theory 28.
    Arthur and Vassilvitskii 2007, k-means++, SODA.
    Xie, Girshick and Farhadi 2016, Unsupervised Deep Embedding for Clustering Analysis, ICML.
    """

    n_clusters: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        help="Number of clusters. None follows the composition's n_clusters, else 8 "
        "(all rows when there are fewer).",
    )
    n_init: int | None = option(
        None,
        ge=1,
        help="Number of starts, of which the one with the least inertia is kept. None: 20, and for "
        "more than 100 clusters fewer, 2000 / n_clusters: starts with many clusters take long and "
        "differ little.",
    )
    init: Literal["k-means++", "random"] = option(
        "k-means++", help="How a start chooses its centres: spread out, or any rows."
    )
    max_iter: int = option(300, ge=1, help="Most iterations of one start.")
    tol: float = option(
        1e-4, ge=0, help="A start ends when its centres move less than this, relative to variance."
    )
    algorithm: Literal["lloyd", "elkan"] = option(
        "lloyd", help="Lloyd's iteration, or Elkan's, which is faster for well separated clusters."
    )
    alpha: float = option(
        1.0,
        gt=0,
        help="Degrees of freedom of the Student-t kernel in predict_proba (1 in Xie et al. 2016), "
        "whose unit is the mean squared distance of training rows to their centres.",
    )
    labels_: Any = learned()
    cluster_centers_: Any = learned(shape=("n_clusters", "d"), dtype="float64", largest=FLOAT32_MAX)
    inertia_: Any = learned(dtype=float, ge=0)
    n_iter_: Any = learned(dtype=int, ge=0)
    scale_: Any = learned(dtype=float, gt=0)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        return rows_reason(self.n_clusters, n_rows)

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Find the centres.

        Parameters
        ----------
        m : array of shape (n, d), float32
            Rows of the manifold.
        context : FitContext
            Seed, and the number of threads on which starts run side by side.

        Returns
        -------
        KMeans

        Warns
        -----
        CollapseWarning
            If there are fewer distinct rows than `n_clusters`: then some clusters stay empty.
        """
        if context.resources.scratch is not None and len(m) > MANY:
            return self._fit_blocks(m, context)
        weights, fitted = context.weights, m
        if weights is not None:
            fitted, weights = m[weights > 0], weights[weights > 0]
        self._take_best(fitted, weights, context)
        self.labels_ = self.predict(m)
        self.scale_ = self._mean_square(np.asarray(fitted, dtype=np.float64), weights)
        return self

    def _take_best(self, fitted: AnyArray, weights: AnyArray | None, context: FitContext) -> None:
        """Take over the best of all starts."""
        import sklearn.cluster

        groups = distinct_rows(fitted)
        rows, counts = np.ascontiguousarray(fitted, dtype=np.float64), weights
        # Without a row for each centre, scikit-learn puts several centres into one place.
        if enough_distinct(self.n_clusters, groups, "kmeans") and groups.repeated:
            rows, counts = rows[groups.first], np.bincount(groups.inverse, weights).astype(float)

        n_clusters = resolve_n_clusters(self.n_clusters, len(rows))
        n_init = self.n_init or max(1, min(_STARTS, _STARTED // n_clusters))

        def fit_one(seed: int) -> Any:
            return sklearn.cluster.KMeans(
                n_clusters,
                init=self.init,
                n_init=1,
                max_iter=self.max_iter,
                tol=self.tol,
                algorithm=self.algorithm,
                random_state=seed,
            ).fit(rows, sample_weight=counts)

        best = min(run_starts(fit_one, n_init, context), key=lambda model: model.inertia_)
        if best.n_iter_ >= self.max_iter:
            logger.warning("kmeans: stopped after max_iter=%d iterations", self.max_iter)
        self.cluster_centers_ = np.ascontiguousarray(best.cluster_centers_)
        self.inertia_ = float(best.inertia_)
        self.n_iter_ = int(best.n_iter_)

    def _fit_blocks(self, m: AnyArray, context: FitContext) -> Self:
        """Compare starts on some rows, drawn by their hash, and continue the best on all."""
        seed = derive_seed(context.seed, "kmeans", "some")
        self._take_best(draw(m, MANY, seed), None, context)

        def nearest(rows: AnyArray, centres: AnyArray) -> IntArray:
            self.cluster_centers_ = centres
            return self.predict(rows)

        self.cluster_centers_, iterations = lloyd(
            m, self.cluster_centers_, nearest,
            tol=self.tol, max_iter=self.max_iter, check=context.resources.check,
        )  # fmt: skip
        self.n_iter_ += iterations
        self.labels_ = self.predict(m)
        squares = self._by_rows(lambda rows: self._distances(rows).min(axis=1), m)
        self.inertia_, whole = float(squares.sum()), mean_square(m)
        within = self.inertia_ / len(m)
        self.scale_ = within if within > _ROUNDING * whole else whole or 1.0
        return self

    def predict(self, m: AnyArray) -> IntArray:
        """Number of the nearest centre.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n,), int64
        """
        return self._by_rows(lambda rows: self._distances(rows).argmin(axis=1), m)

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Soft assignment by a Student-t kernel around each centre (Xie et al. 2016, eq. 1).

        Squared distances are measured in :attr:`scale_`, so that probabilities do not depend on
        the unit of the rows.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n, n_clusters), float64
            Rows sum to one; the largest value of a row stands at its predicted label.
        """
        return self._by_rows(self._soft, m)

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: squared distances were taken as they are.

        Returns
        -------
        State
        """
        del version
        return {**state, "scale": 1.0}

    def _by_rows(self, function: Callable[[AnyArray], AnyArray], m: AnyArray) -> AnyArray:
        check_features(m, require_fitted(self.cluster_centers_, "kmeans").shape[1], "kmeans")
        block = max(1, min(4096, _BUDGET // len(self.cluster_centers_)))
        return in_blocks(function, m, block=block, least=1)

    def _distances(self, rows: AnyArray) -> AnyArray:
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(rows, self.cluster_centers_, "sqeuclidean"))

    def _mean_square(self, rows: AnyArray, weights: AnyArray | None) -> float:
        """Mean squared distance to the centres; of piles of equal rows, to their common mean."""
        centre = np.average(rows, axis=0, weights=weights)
        whole = float(np.average(np.square(rows - centre).sum(axis=1), weights=weights))
        nearest = self._by_rows(lambda part: self._distances(part).min(axis=1), rows)
        within = float(np.average(nearest, weights=weights))
        return within if within > _ROUNDING * whole else whole or 1.0

    def _soft(self, rows: AnyArray) -> AnyArray:
        # Relative to the nearest centre, so that rows far from all of them do not underflow.
        squared = self._distances(rows) / self.scale_
        nearest = squared.min(axis=1, keepdims=True)
        kernel = ((self.alpha + nearest) / (self.alpha + squared)) ** ((self.alpha + 1) / 2)
        return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))
