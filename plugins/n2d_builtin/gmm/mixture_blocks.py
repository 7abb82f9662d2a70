"""Expectation maximisation over rows in a file, by sums over blocks that are always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import attrs
import numpy as np

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.gmm.gaussians import log_joint
from n2d_framework.plugin import AnyArray, StageError

__all__ = ["BlockMixture"]

_BLOCK = 4096
#: Added to the number of rows of a component, so that one without any can be divided by.
_LEAST = 10 * float(np.finfo(np.float64).eps)


@attrs.define(eq=False)
class BlockMixture:
    """A mixture that is fitted on all rows, from where a fit on some of them ended.

    Attributes
    ----------
    weights_, means_, precisions_cholesky_ : arrays
        As scikit-learn has them, in the units of the fit on some rows.
    lower_bound_ : float
        Mean log-likelihood of the rows.
    converged_ : bool
    n_iter_ : int
    """

    weights_: AnyArray
    means_: AnyArray
    precisions_cholesky_: AnyArray
    lower_bound_: float
    converged_: bool
    n_iter_: int

    @classmethod
    def of(cls, start: Any) -> Self:
        """Where a mixture of scikit-learn ended."""
        return cls(
            start.weights_, start.means_, start.precisions_cholesky_, -np.inf, False, start.n_iter_
        )

    def fit(
        self,
        x: AnyArray,
        scaled: Callable[[AnyArray], AnyArray],
        *,
        covariance_type: str,
        reg_covar: float,
        tol: float,
        max_iter: int,
        check: Callable[[], None],
    ) -> Self:
        """Iterate over all rows until their bound gains less than `tol`.

        Parameters
        ----------
        x : array of shape (n, d)
        scaled : callable
            Brings a block of them to the units of the mixture, in float64.
        covariance_type, reg_covar, tol, max_iter
            As of scikit-learn's mixture.
        check : callable
            Called before each iteration.

        Raises
        ------
        StageError
            If a covariance collapses.
        """
        for _ in range(max_iter):
            check()
            before = self.lower_bound_
            with one_blas_thread(look_again=True):
                counts, sums, squares = self._expected(x, scaled, covariance_type)
                self._maximise(counts, sums, squares, covariance_type, reg_covar)
            self.n_iter_ += 1
            if abs(self.lower_bound_ - before) < tol:
                self.converged_ = True
                break
        return self

    def _expected(
        self, x: AnyArray, scaled: Callable[[AnyArray], AnyArray], covariance_type: str
    ) -> tuple[AnyArray, AnyArray, AnyArray]:
        """Expected number of rows of each component, and moments about its mean; the bound."""
        k, d = self.means_.shape
        whole = covariance_type in ("full", "tied")
        counts, sums = np.zeros(k), np.zeros((k, d))
        squares, bound = np.zeros((k, d, d) if whole else (k, d)), 0.0
        for rows in _blocks(x, scaled):
            factors = self.weights_, self.means_, self.precisions_cholesky_
            joint = log_joint(rows, *factors, covariance_type)
            likelihood = np.logaddexp.reduce(joint, axis=1)
            bound += float(likelihood.sum())
            shares = np.exp(joint - likelihood[:, None])
            counts += shares.sum(axis=0)
            for one in range(k):
                away = rows - self.means_[one]
                weighed = away * shares[:, one, None]
                sums[one] += weighed.sum(axis=0)
                squares[one] += weighed.T @ away if whole else (weighed * away).sum(axis=0)
        self.lower_bound_ = bound / len(x)
        return counts + _LEAST, sums, squares

    def _maximise(
        self,
        counts: AnyArray,
        sums: AnyArray,
        squares: AnyArray,
        covariance_type: str,
        reg_covar: float,
    ) -> None:
        from scipy.linalg import solve_triangular

        moved = sums / counts[:, None]
        self.weights_, self.means_ = counts / counts.sum(), self.means_ + moved
        each = counts.reshape(-1, *[1] * (squares.ndim - 1))
        if covariance_type in ("full", "tied"):
            spread = squares / each - np.einsum("ki,kj->kij", moved, moved)
            if covariance_type == "tied":
                spread = np.einsum("k,kij->ij", self.weights_, spread)[None]
            try:
                lower = np.linalg.cholesky(spread + reg_covar * np.eye(spread.shape[-1]))
            except np.linalg.LinAlgError as error:
                raise StageError(
                    f"a covariance collapsed on all rows: {error}; raise reg_covar or lower "
                    "n_clusters"
                ) from error
            unit = np.eye(spread.shape[-1])
            found = np.stack([solve_triangular(one, unit, lower=True).T for one in lower])
            self.precisions_cholesky_ = found[0] if covariance_type == "tied" else found
            return
        variance = squares / each - moved**2 + reg_covar
        if covariance_type == "spherical":
            variance = variance.mean(axis=1)
        self.precisions_cholesky_ = 1 / np.sqrt(variance)


def _blocks(x: AnyArray, scaled: Callable[[AnyArray], AnyArray]) -> Iterator[AnyArray]:
    for start in range(0, len(x), _BLOCK):
        yield scaled(x[start : start + _BLOCK])
