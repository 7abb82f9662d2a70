"""Non-negative matrix factorization of sparse or dense rows."""

from __future__ import annotations

import logging
import warnings
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import (
    FLOAT32_MAX,
    check_features,
    is_sparse,
    refuse,
    refuse_negative,
    require_fitted,
)
from n2d_builtin.common.one_thread import one_blas_thread, one_openmp_thread
from n2d_builtin.linear.factors import along_axes, exponent_of, scaled
from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    component,
    learned,
    option,
)

__all__ = ["NMFEmbedder"]

logger = logging.getLogger(__name__)


@component
class NMFEmbedder:
    """Rows as sums of non-negative parts: ``x ≈ w @ components_`` with no negative number.

    The parts are fitted by scikit-learn's ``NMF`` (coordinate descent on the squared error) in
    float64. The shares `w` of a row, new or not, are the exact solution of a small non-negative
    least squares problem of that row alone, where ``NMF.transform`` iterates on all rows of a
    batch until they have converged together. Sparse rows are never made dense.

    Attributes
    ----------
    components_ : float64 array of shape (m, d)
        The parts, in units of the rows.
    exponent_ : int
        Rows and parts are divided by this power of two while a problem is solved.
    n_iter_ : int
        Iterations of the fit.

    References
    ----------
    Lee and Seung 1999, Learning the parts of objects by non-negative matrix factorization,
    Nature 401; Lawson and Hanson 1974, Solving Least Squares Problems.
    """

    latent_dim: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Number of parts (n_components in scikit-learn). Follows n_clusters, up to 100; else "
        "10; never more than there are rows or features.",
    )
    init: Literal["nndsvda", "nndsvd", "random"] = option(
        "nndsvda",
        help="Start: from singular vectors with zeros replaced by the mean, with zeros kept, or at "
        "random.",
    )
    tol: float = option(1e-4, ge=0, help="The fit ends when its steps fall to this share.")
    max_iter: int = option(200, ge=1, help="Most iterations of the fit.")
    alpha_W: float = option(  # noqa: N815  # scikit-learn's name
        0.0,
        ge=0,
        help="Regularization of the shares, times the number of features, where the largest value "
        "of the rows is from 1 up to 2.",
    )
    alpha_H: float | None = option(  # noqa: N815
        None, ge=0, help="Regularization of the parts, times the number of rows; None is alpha_W."
    )
    l1_ratio: float = option(
        0.0, ge=0, le=1, help="Share of the l1 norm in the regularization; the rest is l2."
    )
    components_: NDArray[np.float64] | None = learned(
        shape=("m", "d"), dtype="float64", ge=0, largest=FLOAT32_MAX
    )
    exponent_: int | None = learned(dtype=int, ge=-200, le=200)
    n_iter_: int | None = learned(dtype=int, ge=0)
    _problem: Any = learned()

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        return [] if n_rows >= 2 else [f"nmf needs at least 2 rows, got {n_rows}"]

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Find the parts of `x`, a non-negative float32 array or CSR array of shape (n, d).

        Raises
        ------
        DataError
            If there are fewer than two rows, or a value is negative: with its row and column.
        """
        from sklearn.decomposition import NMF
        from sklearn.exceptions import ConvergenceWarning

        refuse(self.check_input(x.shape[0], x.shape[1:]))
        refuse_negative(x, "nmf", "use prepare: [minmax], or truncated_svd or pca instead")
        exponent = exponent_of(x.data if is_sparse(x) else x)
        count = min(self._wanted(), *x.shape)
        model = NMF(
            n_components=count,
            init=self.init,
            tol=self.tol,
            max_iter=self.max_iter,
            alpha_W=self.alpha_W,
            alpha_H="same" if self.alpha_H is None else self.alpha_H,
            l1_ratio=self.l1_ratio,
            random_state=context.seed,
        )
        with one_blas_thread(look_again=True), one_openmp_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(scaled(x, exponent))
        if model.n_iter_ >= self.max_iter:
            logger.warning("nmf: stopped after max_iter=%d iterations", self.max_iter)
        self.components_ = np.ldexp(np.asarray(model.components_, dtype=np.float64), exponent)
        self.exponent_ = exponent
        self.n_iter_ = int(model.n_iter_)
        self._problem = None
        return self

    def transform(self, x: Any) -> FloatArray:
        """Shares of the parts in rows, each row solved by itself.

        Parameters
        ----------
        x : float32 array or CSR array of shape (n, d)

        Returns
        -------
        float32 array of shape (n, m)
            Not negative.

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        from scipy.optimize import nnls

        components = require_fitted(self.components_, "nmf")
        check_features(x, components.shape[1], "nmf")
        if self._problem is None:
            self._problem = self._of_one_row(components, require_fitted(self.exponent_, "nmf"))
        parts, root, inverse, penalty = self._problem
        # Half the squared error of a row is ½ w'Gw - w'b up to a constant: with a root of G it is
        # that of a problem with as many equations as there are parts.
        pulls = along_axes(x, parts) - penalty
        found = np.zeros(pulls.shape)
        for row, pull in enumerate(pulls):
            if pull.max() > 0:  # else nothing but zero is best
                found[row] = nnls(root, np.einsum("ij,j->i", inverse, pull), maxiter=_STEPS)[0]
        return found.astype(np.float32)

    def reconstruct(self, z: AnyArray) -> FloatArray:
        """Map shares back to the space of the data: float32 of shape (n, d), dense."""
        components = require_fitted(self.components_, "nmf")
        check_features(z, len(components), "the reconstruction of nmf")
        return along_axes(z, components).astype(np.float32)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not belong to the options."""
        m = len(require_fitted(self.components_, "nmf"))
        if m <= self._wanted():
            return []
        return [f"state 'components' has {m} rows, wanted are {self._wanted()}"]

    def _wanted(self) -> int:
        return 10 if self.latent_dim is None else self.latent_dim

    def _of_one_row(self, components: NDArray[np.float64], exponent: int) -> tuple[Any, ...]:
        """The part that the problems of all rows share.

        Returns
        -------
        parts : float64 array of shape (d, m)
            With which a row gives ``b``.
        root, inverse : float64 array of shape (m, m)
            A root ``R`` of ``G = R'R``, and what brings ``b`` to the right side of ``Rw = r``.
        penalty : float
            What the l1 norm takes from each entry of ``b``.
        """
        near_one = np.ldexp(components, -exponent)
        weight = self.alpha_W * components.shape[1]
        with one_blas_thread(look_again=True):
            gram = near_one @ near_one.T
            gram[np.diag_indices_from(gram)] += weight * (1 - self.l1_ratio)
            values, vectors = np.linalg.eigh(gram)
        kept = values > values.max(initial=0.0) * len(values) * np.finfo(np.float64).eps
        roots = np.sqrt(np.where(kept, values, 0.0))
        root = roots[:, None] * vectors.T
        inverse = np.where(kept, 1 / np.where(kept, roots, 1.0), 0.0)[:, None] * vectors.T
        # The row is divided as well, so that its product is with parts divided twice.
        parts = np.ascontiguousarray(np.ldexp(near_one, -exponent).T)
        return parts, root, inverse, weight * self.l1_ratio


#: More than any problem of that kind takes.
_STEPS = 10_000
