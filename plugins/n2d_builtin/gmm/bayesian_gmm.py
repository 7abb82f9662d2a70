"""Mixture of Gaussians that leaves out components without need."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np

from n2d_builtin.common.checked_rows import FLOAT32_MAX
from n2d_builtin.gmm.gaussians import LARGEST_FACTOR, MOST_COMPONENTS
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.neighbors.landmarks import reasons_out_of_core
from n2d_framework.plugin import AnyArray, DistinctRows, FitContext, component, learned, option

__all__ = ["BayesianGaussianMixture"]

_MOST_CLUSTERS = 20


@component
class BayesianGaussianMixture(GaussianMixture):
    """Bayesian mixture of Gaussians: finds how many of at most `n_clusters` are needed.

    Fitted by scikit-learn's variational inference, in the units of :class:`GaussianMixture`.
    Components that get no training row are dropped; the others are numbered from 0. The more
    Gaussians the shape of a cluster takes, the more of them it gets.

    Attributes
    ----------
    labels_ : array of shape (n,), int64
        Labels of the training rows; not kept in the state.
    weights_ : array of shape (k,), float64
        Factors of the densities in the posterior: the expected logarithms of the weights, with what
        is uncertain about the covariances. They add up to one.
    means_ : array of shape (k, d), float64
    precisions_cholesky_ : array, float64
        As of :class:`GaussianMixture`.
    lower_bound_ : float
        Bound of the evidence per row, of the best start, up to a constant.
    bic_, aic_ : float
        Information criteria of these densities on the training rows.
    converged_ : bool
    n_iter_ : int

    References
    ----------
    Blei and Jordan 2006, Variational Inference for Dirichlet Process Mixtures, Bayesian
    Analysis 1.
    """

    name = "bayesian_gmm"

    n_clusters: int | None = option(
        None,
        ge=1,
        le=MOST_COMPONENTS,
        follows="n_clusters",
        help="Most components. None follows the composition's n_clusters, else 20 (all rows when "
        "there are fewer).",
    )
    n_init: int = option(5, ge=1, help="Number of starts, of which `selection` keeps one.")
    selection: Literal["modularity", "likelihood"] = option(
        "likelihood",
        help="Which start is kept: that of the largest bound, or that whose clusters cut the "
        "fewest edges of the graph of 20 neighbours, beside what chance would cut.",
    )
    init: Literal["kmeans", "k-means++", "random", "random_from_data"] = option(
        "kmeans", help="How a start chooses its first responsibilities."
    )
    max_iter: int = option(500, ge=1, help="Most iterations of one start.")
    prior: Literal["dirichlet_process", "dirichlet_distribution"] = option(
        "dirichlet_process",
        help="Distribution of the weights: a process, whose later components are ever smaller, or "
        "a finite one, in which all are alike.",
    )
    concentration: float | None = option(
        None,
        gt=0,
        help="How evenly rows are spread over components: the smaller, the fewer are kept. None: "
        "1 / n_clusters.",
    )
    weights_: Any = learned(shape=("k",), dtype="float64", ge=0)
    means_: Any = learned(shape=("k", "d"), dtype="float64", largest=FLOAT32_MAX)
    # Read after the means, which its shape follows from.
    precisions_cholesky_: Any = learned(
        shape="_factors_shape", dtype="float64", largest=LARGEST_FACTOR
    )

    def check_out_of_core(self, n_rows: int) -> list[str]:
        """Reasons why rows in a file cannot be fitted."""
        del n_rows
        return reasons_out_of_core(self.max_landmarks)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        return ["needs at least 2 rows, got 1"] if n_rows < 2 else []

    def fit(self, m: AnyArray, *, context: FitContext) -> Self:
        """Fit the mixture to rows of the manifold, float32 of shape (n, d).

        Raises
        ------
        StageError
            If a covariance collapsed in every start; `reg_covar` is then too small.
        """
        super().fit(m, context=context)
        kept, self.labels_ = np.unique(self.labels_, return_inverse=True)
        self.weights_ = self.weights_[kept] / self.weights_[kept].sum()
        self.means_ = self.means_[kept]
        if self.covariance_type != "tied":
            self.precisions_cholesky_ = self.precisions_cholesky_[kept]
        return self

    @property
    def n_clusters_(self) -> int | None:
        """Number of clusters found; ``None`` before fitting."""
        return None if self.weights_ is None else len(self.weights_)

    def _count(self, distinct: DistinctRows) -> int:
        # It is a limit: fewer distinct rows are nothing to warn of.
        return min(self.n_clusters or _MOST_CLUSTERS, len(distinct))

    def _estimator(self, **arguments: Any) -> Any:
        import sklearn.mixture

        return sklearn.mixture.BayesianGaussianMixture(
            weight_concentration_prior_type=self.prior,
            weight_concentration_prior=self.concentration,
            **arguments,
        )

    def _weights(self, model: Any) -> AnyArray:
        """Factors of the densities in the posterior (Bishop 2006, eqs. 10.64 to 10.67)."""
        from scipy.special import digamma, logsumexp

        if self.prior == "dirichlet_process":
            one, other = model.weight_concentration_
            whole = digamma(one + other)
            rest = np.cumsum(digamma(other) - whole)
            logarithms = digamma(one) - whole + np.concatenate([[0.0], rest[:-1]])
        else:
            concentration = model.weight_concentration_
            logarithms = digamma(concentration) - digamma(concentration.sum())
        d, freedom = model.means_.shape[1], np.asarray(model.degrees_of_freedom_, dtype=np.float64)
        determinant = d * np.log(2.0) + digamma(0.5 * (freedom[..., None] - np.arange(d))).sum(
            axis=-1
        )
        uncertain = determinant - d * np.log(freedom) - d / model.mean_precision_
        logarithms = logarithms + 0.5 * uncertain
        return np.asarray(np.exp(logarithms - logsumexp(logarithms)))

    def _bound_per_row(self, model: Any, n_rows: int) -> float:
        # An array of one value for covariance_type="tied".
        return float(np.asarray(model.lower_bound_).item()) / n_rows
