"""Several random starts, of which the best is kept; shared by gmm and kmeans."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread, one_openmp_thread
from n2d_framework.plugin import CollapseWarning, DistinctRows, FitContext

__all__ = ["DEFAULT_CLUSTERS", "enough_distinct", "resolve_n_clusters", "rows_reason", "run_starts"]

T = TypeVar("T")

#: Number of clusters when no one said one; scikit-learn's default for k-means.
DEFAULT_CLUSTERS = 8


def resolve_n_clusters(n_clusters: int | None, n_rows: int) -> int:
    """The number of clusters to look for: as given, else 8, or all rows when there are fewer."""
    return min(DEFAULT_CLUSTERS, n_rows) if n_clusters is None else n_clusters


def rows_reason(n_clusters: int | None, n_rows: int) -> list[str]:
    """Why `n_rows` rows are too few, as a list of at most one sentence."""
    if n_clusters is None or n_rows >= n_clusters:
        return []
    return [f"n_clusters={n_clusters} needs at least {n_clusters} rows, got {n_rows}"]


def enough_distinct(n_clusters: int | None, rows: DistinctRows, name: str) -> bool:
    """Return whether each of `n_clusters` clusters can have a row of its own; warns if not."""
    if n_clusters is None or len(rows) >= n_clusters:
        return True
    warnings.warn(
        f"{name}: n_clusters={n_clusters}, but only {len(rows)} of {len(rows.inverse)} rows are "
        "distinct: clusters stay empty; lower n_clusters, or look at the stages before",
        CollapseWarning,
        stacklevel=3,
    )
    return False


def run_starts(fit_one: Callable[[int], T], n_init: int, context: FitContext) -> list[T]:
    """Run independent starts, each with its own seed, on at most ``context.n_jobs`` threads.

    Parameters
    ----------
    fit_one : callable
        Gets the seed of a start, returns the fitted model.
    n_init : int
        Number of starts.
    context : FitContext
        Gives seed and number of threads.

    Returns
    -------
    list
        What `fit_one` returned, in the order of the starts.

    Notes
    -----
    Linear algebra and OpenMP run on one thread meanwhile: with more, sums are made in
    another order and the result would depend on `n_jobs`. The starts themselves run side by
    side instead. Warnings about convergence are left to the caller, who sees the models.
    """
    from joblib import Parallel, delayed
    from sklearn.exceptions import ConvergenceWarning

    seeds: list[Any] = np.random.SeedSequence(context.seed).generate_state(n_init).tolist()

    def run(seed: int) -> T:
        context.resources.check()
        with one_openmp_thread():
            return fit_one(seed)

    with one_blas_thread(look_again=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        jobs = min(context.n_jobs, n_init)
        return list(Parallel(n_jobs=jobs, prefer="threads")(delayed(run)(seed) for seed in seeds))
