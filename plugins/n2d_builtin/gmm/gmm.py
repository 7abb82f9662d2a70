"""Mixture of Gaussians; fitted by scikit-learn, evaluated by numpy alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Self

import attrs
import numpy as np

from n2d_builtin.common.checked_rows import FLOAT32_MAX, check_features, require_fitted
from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.common.same_products import with_same_products
from n2d_builtin.common.starts import enough_distinct, resolve_n_clusters, rows_reason, run_starts
from n2d_builtin.gmm.component_tree import MOST_JOINED, joins_by_overlap
from n2d_builtin.gmm.gaussians import (
    LARGEST_FACTOR,
    MOST_COMPONENTS,
    check_size,
    in_cluster_units,
    log_joint,
)
from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_builtin.gmm.merged_starts import LEAST_MERGED, MOST_MERGED, merged_labels, parameters_of
from n2d_builtin.gmm.mixture_blocks import BlockMixture
from n2d_builtin.neighbors.landmarks import MANY, counted, draw
from n2d_framework.plugin import (
    AnyArray,
    DistinctRows,
    FitContext,
    FloatArray,
    IntArray,
    StageError,
    component,
    derive_seed,
    distinct_rows,
    learned,
    option,
)

__all__ = ["GaussianMixture"]

logger = logging.getLogger(__name__)

Start = Literal["kmeans_and_merged", "kmeans", "k-means++", "random", "random_from_data"]


@component
class GaussianMixture:
    """Mixture of Gaussians: each row belongs to the component most likely to have made it.

    Fitted by scikit-learn's expectation maximisation in float64, on centred rows in a unit near
    the width of clusters: labels do not depend on the unit of the rows. `labels_` are what
    `predict` gives for the training rows. The likeliest of several starts may part a small dense
    group from its class and leave two classes that touch in one component; the one with the
    largest modularity parts the classes, and starts from merged clusters find it. A component may
    end without any row of its own: then fewer than `n_clusters` labels occur, and the numbers of
    the others stay as they are. Out of core, starts without `max_landmarks` are compared on 65,536
    rows, and the one that is kept is continued on all.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    weights_ : array of shape (n_clusters,), float64
    means_ : array of shape (n_clusters, d), float64
    precisions_cholesky_ : array, float64
        Cholesky factors of the precisions: shape (n_clusters, d, d) for "full", (d, d) for
        "tied", (n_clusters, d) for "diag", (n_clusters,) for "spherical".
    lower_bound_ : float
        Mean log-likelihood bound of the start that is kept.
    bic_, aic_ : float
        Bayesian and Akaike information criterion on the training rows; the less the better,
        for choosing the number of clusters.
    converged_ : bool
    n_iter_ : int

    References
    ----------
    Dempster, Laird and Rubin 1977, Maximum likelihood from incomplete data via the EM
    algorithm, JRSS B 39. Newman 2006, Modularity and community structure in networks, PNAS 103.
    Hennig 2010, Methods for merging Gaussian mixture components, ADAC 4.
    """

    name = "gmm"

    n_clusters: int | None = option(
        None,
        ge=1,
        le=MOST_COMPONENTS,
        follows="n_clusters",
        help="Number of components. None follows the composition's n_clusters, else 8 "
        "(all rows when there are fewer).",
    )
    covariance_type: Literal["full", "tied", "diag", "spherical"] = option(
        "full",
        help="Shape of the components: any ellipsoid each, one for all, along the axes, or balls.",
    )
    n_init: int = option(
        15,
        ge=1,
        help="Number of starts, of which `selection` keeps one. One start often ends in a bad "
        "optimum: on UMAP coordinates of images, one found the classes in 36 to 62 % of the cases, "
        "ten in 99 to 100 %.",
    )
    selection: Literal["modularity", "likelihood"] = option(
        "modularity",
        help="Which start is kept: that whose clusters cut the fewest edges of the graph of 20 "
        "neighbours, beside what chance would cut, or the likeliest. On five layouts of USPS the "
        "worst accuracy was .952 by modularity and .799 by likelihood.",
    )
    init: Start = option(
        "kmeans_and_merged",
        help="How starts choose their first responsibilities. kmeans_and_merged: a third of the "
        "starts merges twice as many clusters of k-means along the graph of 20 neighbours, which "
        "finds classes of several parts; of fewer than four clusters, whose equal parts modularity "
        "would prefer, or more than 500, all are from k-means.",
    )
    reg_covar: float = option(
        1e-6,
        ge=0,
        help="Added to the diagonal of covariances, which keeps them invertible; as a share of the "
        "variance within the clusters that k-means finds, so that units do not matter.",
    )
    max_iter: int = option(100, ge=1, help="Most iterations of one start.")
    tol: float = option(1e-3, ge=0, help="A start ends when its bound gains less than this.")
    max_landmarks: int | None = option(
        None,
        ge=2,
        help="Most rows used for the fit, drawn at random; further rows get labels like new ones. "
        "None uses all rows.",
    )
    labels_: Any = learned()
    weights_: Any = learned(shape=("n_clusters",), dtype="float64", ge=0)
    means_: Any = learned(shape=("n_clusters", "d"), dtype="float64", largest=FLOAT32_MAX)
    precisions_cholesky_: Any = learned(
        shape="_factors_shape", dtype="float64", largest=LARGEST_FACTOR
    )
    lower_bound_: Any = learned(dtype=float, finite=False)
    bic_: Any = learned(dtype=float, finite=False)
    aic_: Any = learned(dtype=float, finite=False)
    converged_: Any = learned(dtype=bool)
    n_iter_: Any = learned(dtype=int, ge=0)

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted: none."""
        del n_rows
        return []

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        n_rows, _ = counted(n_rows, self.max_landmarks)
        return rows_reason(self.n_clusters, n_rows) or (
            ["needs at least 2 rows, got 1"] if n_rows < 2 else []
        )

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        m : array of shape (n, d), float32
            Rows of the manifold.
        context : FitContext
            Seed, and the number of threads on which starts run side by side.

        Returns
        -------
        GaussianMixture

        Raises
        ------
        StageError
            If a covariance collapsed in every start; `reg_covar` is then too small. If all
            covariances together are too large to be held.

        Warns
        -----
        CollapseWarning
            If there are fewer distinct rows than `n_clusters`: then some clusters stay empty.
        """
        in_file = context.resources.scratch is not None
        most = MANY if in_file and self.max_landmarks is None else self.max_landmarks
        chosen = draw(m, most, derive_seed(context.seed, self.name, "landmarks"))
        distinct = distinct_rows(chosen)
        count = self._count(distinct)
        check_size(self.name, self.covariance_type, count, m.shape[1])
        rows, centre, unit = in_cluster_units(
            chosen, count, derive_seed(context.seed, self.name, "unit")
        )
        best = self._best_start(rows, count, context)
        if self.max_landmarks is None and len(chosen) < len(m):
            best = BlockMixture.of(best).fit(
                m,
                lambda block: (block.astype(np.float64) - centre) / unit,
                covariance_type=self.covariance_type,
                reg_covar=self.reg_covar,
                tol=self.tol,
                max_iter=self.max_iter,
                check=context.resources.check,
            )
        if not best.converged_:
            logger.warning(
                "%s: not converged after max_iter=%d iterations", self.name, self.max_iter
            )
        self.weights_ = np.ascontiguousarray(self._weights(best))
        self.means_ = np.ascontiguousarray(centre + unit * best.means_)
        self.precisions_cholesky_ = np.ascontiguousarray(best.precisions_cholesky_ / unit)
        bound = self._bound_per_row(best, len(rows))
        self.lower_bound_ = bound - rows.shape[1] * float(np.log(unit))
        self.converged_ = bool(best.converged_)
        self.n_iter_ = int(best.n_iter_)
        self.labels_ = self.predict(m)
        log_likelihood = float(self.score_samples(m).sum())
        self.aic_ = 2.0 * self._n_parameters() - 2.0 * log_likelihood
        self.bic_ = self._n_parameters() * float(np.log(len(m))) - 2.0 * log_likelihood
        return self

    def predict(self, m: AnyArray) -> IntArray:
        """The most likely component of each row.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n,), int64
        """
        return self._by_rows(lambda rows: self._joint(rows).argmax(axis=1), m)

    def predict_proba(self, m: AnyArray) -> FloatArray:
        """Posterior probability of each component.

        Parameters
        ----------
        m : array of shape (n, d), float32

        Returns
        -------
        array of shape (n, n_clusters), float64
            Rows sum to one; the largest value of a row stands at its predicted label.
        """
        joint = self._by_rows(self._joint, m)
        # Relative to the likeliest: of rows far from all, the logarithms have no digits to spare.
        odds = np.exp(joint - joint.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def score_samples(self, m: AnyArray) -> FloatArray:
        """Logarithm of the mixture's density at each row: shape (n,), float64."""
        return self._by_rows(lambda rows: np.logaddexp.reduce(self._joint(rows), axis=1), m)

    def cluster_joins(self) -> FloatArray | None:
        """The tree over the components, which overlap most join first.

        Returns
        -------
        array of shape (n_clusters - 1, 3), float64, or None
            Of each join the Bhattacharyya distance of two groups, and a component of each
            (Hennig 2010); ``None`` for more than 256 components.
        """
        means = require_fitted(self.means_, self.name)
        if len(means) > MOST_JOINED:
            return None
        factors = self.precisions_cholesky_
        return joins_by_overlap(self.weights_, means, factors, self.covariance_type)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read is not that of a mixture."""
        k, diagonal, reasons = len(self.weights_), self.precisions_cholesky_, []
        if self.covariance_type in ("full", "tied"):
            diagonal = np.diagonal(diagonal, axis1=-2, axis2=-1)
        if k > MOST_COMPONENTS:
            reasons.append(f"state 'means' has {k} components, at most {MOST_COMPONENTS} are read")
        if (diagonal <= 0).any():
            reasons.append("state 'precisions_cholesky' has a diagonal that is not positive")
        if not np.isclose(self.weights_.sum(), 1.0):
            reasons.append(f"state 'weights' must add up to one, got {self.weights_.sum():g}")
        return reasons

    @property
    def _factors_shape(self) -> tuple[int, ...]:
        """Shape of the factors, as this covariance type has them in scikit-learn."""
        k, d = self.means_.shape
        shapes = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}
        return shapes[self.covariance_type]

    def _count(self, distinct: DistinctRows) -> int:
        """Number of components for those rows."""
        enough_distinct(self.n_clusters, distinct, self.name)
        return resolve_n_clusters(self.n_clusters, len(distinct))

    def _best_start(self, rows: AnyArray, n_components: int, context: FitContext) -> Any:
        kind = "kmeans" if self.init == "kmeans_and_merged" else self.init
        arguments = {
            "n_components": n_components,
            "covariance_type": self.covariance_type,
            "init_params": kind,
            "reg_covar": self.reg_covar,
            "max_iter": self.max_iter,
            "tol": self.tol,
        }
        merges = self.init != kind and LEAST_MERGED <= n_components <= MOST_MERGED
        n_merged = self.n_init // 3 if merges else 0
        needed = n_merged or (self.selection == "modularity" and self.n_init > 1)
        graph = self._graph(rows, n_components, context) if needed else None

        def fit_one(seed: int, labels: AnyArray | None = None) -> Any:
            try:
                start = {}
                if labels is not None:
                    start = parameters_of(rows, labels, self.covariance_type, self.reg_covar)
                return self._estimator(random_state=seed, **arguments, **start).fit(rows)
            except ValueError as error:
                return error

        def fit_merged(graph: NeighborGraph, seed: int) -> Any:
            labels = merged_labels(rows, graph, n_components, seed)
            return fit_one(seed, labels if len(np.unique(labels)) == n_components else None)

        results = run_starts(fit_one, self.n_init - n_merged, context)
        if n_merged and graph is not None:
            seeded = attrs.evolve(context, seed=derive_seed(context.seed, self.name, "merged"))
            results += run_starts(partial(fit_merged, graph), n_merged, seeded)
        failures = [result for result in results if isinstance(result, ValueError)]
        models = [result for result in results if not isinstance(result, ValueError)]
        if not models:
            raise StageError(
                f"{self.name}: all {self.n_init} starts failed: {failures[0]}; "
                f"raise reg_covar (now {self.reg_covar:g}) or lower n_clusters"
            ) from failures[0]
        if failures:
            logger.warning(
                "%s: %d of %d starts failed: %s",
                self.name, len(failures), self.n_init, failures[0],
            )  # fmt: skip
        return self._selected(models, graph, context)

    def _graph(self, rows: AnyArray, n_components: int, context: FitContext) -> NeighborGraph:
        seed = derive_seed(context.seed, self.name, "graph")
        rows = rows.astype(np.float32)
        return NeighborGraph.of(rows, n_components, seed=seed, n_jobs=context.n_jobs)

    def _selected(self, models: list[Any], graph: NeighborGraph | None, context: FitContext) -> Any:
        """The start that is kept."""
        likeliest = max(models, key=lambda model: float(np.asarray(model.lower_bound_).item()))
        if self.selection == "likelihood" or graph is None or len(models) == 1:
            return likeliest
        judged = graph.rows.astype(np.float64)
        context.resources.check()
        with one_blas_thread(look_again=True):
            fits = [graph.modularity(model.predict(judged)) for model in models]
            if graph.modularity(likeliest.predict(judged)) == max(fits):
                return likeliest
        return models[int(np.argmax(fits))]

    def _estimator(self, **arguments: Any) -> Any:
        """Mixture of scikit-learn that one start fits."""
        import sklearn.mixture

        return sklearn.mixture.GaussianMixture(**arguments)

    def _weights(self, model: Any) -> AnyArray:
        """Factors of the densities of a fitted mixture, which add up to one."""
        return np.asarray(model.weights_)

    def _bound_per_row(self, model: Any, n_rows: int) -> float:
        del n_rows
        return float(model.lower_bound_)

    def _joint(self, rows: AnyArray) -> AnyArray:
        factors = (self.weights_, self.means_, self.precisions_cholesky_)
        return log_joint(rows.astype(np.float64), *factors, self.covariance_type)

    def _by_rows(self, function: Callable[[AnyArray], AnyArray], m: AnyArray) -> AnyArray:
        check_features(m, require_fitted(self.means_, self.name).shape[1], self.name)
        return with_same_products(function, m)

    def _n_parameters(self) -> int:
        k, d = self.means_.shape
        full = d * (d + 1) // 2
        covariances = {"full": k * full, "tied": full, "diag": k * d, "spherical": k}
        return int(covariances[self.covariance_type] + k * d + k - 1)
