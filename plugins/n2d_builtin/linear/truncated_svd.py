"""Truncated singular value decomposition: linear coordinates of sparse or dense rows."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import check_features, is_sparse, refuse, require_fitted
from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.linear.factors import along_axes, exponent_of, scaled
from n2d_framework.plugin import AnyArray, FitContext, FloatArray, component, learned, option

__all__ = ["TruncatedSVDEmbedder"]

#: Largest entry of a row of length 1, up to rounding.
_UNIT = 1.001


@component
class TruncatedSVDEmbedder:
    """Coordinates along the leading singular vectors of rows that are not centred.

    Centring would make sparse rows dense, which this never does: of counts of words or genes it
    takes millions of columns (latent semantic analysis). Fitted by scikit-learn's
    ``TruncatedSVD`` in float64. Singular vectors are rounded to float32, as rows are, which
    halves bundles: of many columns, these are most of one.

    Attributes
    ----------
    components_ : float64 array of shape (m, d)
        Right singular vectors, by falling singular value; each value is one of float32.
    singular_values_ : float64 array of shape (m,)
    explained_variance_ratio_ : float64 array of shape (m,)
        Variance of the training rows along each vector, as a share of the whole.

    References
    ----------
    Halko, Martinsson and Tropp 2011, Finding structure with randomness: probabilistic algorithms
    for constructing approximate matrix decompositions, SIAM Review 53.
    """

    latent_dim: int = option(
        50,
        ge=1,
        help="Number of components (n_components in scikit-learn); never more than there are rows "
        "or features.",
    )
    algorithm: Literal["randomized", "arpack"] = option(
        "randomized",
        help="randomized projects on random vectors and is fast; arpack is exact up to tol. All "
        "components that there are come from randomized, which is exact then.",
    )
    n_iter: int = option(5, ge=0, help="Power iterations of randomized; more are more exact.")
    n_oversamples: int = option(
        10, ge=1, help="Random vectors of randomized beyond the number of components."
    )
    power_iteration_normalizer: Literal["auto", "QR", "LU", "none"] = option(
        "auto", help="How randomized keeps power iterations apart from each other."
    )
    tol: float = option(0.0, ge=0, help="Tolerance of arpack; 0 is the precision of float64.")
    components_: NDArray[np.float64] | None = learned(
        shape=("m", "d"), dtype="float64", largest=_UNIT
    )
    singular_values_: NDArray[np.float64] | None = learned(shape=("m",), dtype="float64", ge=0)
    explained_variance_ratio_: NDArray[np.float64] | None = learned(shape=("m",), dtype="float64")

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        return [] if n_rows >= 2 else [f"truncated_svd needs at least 2 rows, got {n_rows}"]

    def fit(self, x: Any, *, context: FitContext) -> Self:
        """Find the singular vectors of `x`, a float32 array or CSR array of shape (n, d).

        Raises
        ------
        DataError
            If there are fewer than two rows.
        """
        from sklearn.decomposition import TruncatedSVD

        refuse(self.check_input(x.shape[0], x.shape[1:]))
        count = min(self.latent_dim, *x.shape)
        values = x.data if is_sparse(x) else x
        exponent = exponent_of(values)
        whole = count == min(x.shape) or not values.any()
        model = TruncatedSVD(
            n_components=count,
            algorithm="randomized" if whole else self.algorithm,
            n_iter=self.n_iter,
            n_oversamples=self.n_oversamples,
            power_iteration_normalizer=self.power_iteration_normalizer,
            random_state=context.seed,
            tol=self.tol,
        )
        with one_blas_thread(look_again=True), np.errstate(invalid="ignore", divide="ignore"):
            model.fit(scaled(x, exponent))
        rounded = np.ascontiguousarray(model.components_, dtype=np.float32)
        self.components_ = rounded.astype(np.float64)
        self.singular_values_ = np.ldexp(np.maximum(model.singular_values_, 0.0), exponent)
        self.explained_variance_ratio_ = np.nan_to_num(model.explained_variance_ratio_)
        return self

    def transform(self, x: Any) -> FloatArray:
        """Coordinates of rows along the singular vectors.

        Parameters
        ----------
        x : float32 array or CSR array of shape (n, d)

        Returns
        -------
        float32 array of shape (n, m)

        Raises
        ------
        DataError
            If `x` has another number of features than the training rows.
        StateError
            If not fitted.
        """
        components = require_fitted(self.components_, "truncated_svd")
        check_features(x, components.shape[1], "truncated_svd")
        return along_axes(x, np.ascontiguousarray(components.T)).astype(np.float32)

    def reconstruct(self, z: AnyArray) -> FloatArray:
        """Map latent rows back to the space of the data: float32 of shape (n, d), dense."""
        components = require_fitted(self.components_, "truncated_svd")
        check_features(z, len(components), "the reconstruction of truncated_svd")
        return along_axes(z, components).astype(np.float32)

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not belong to the options."""
        m = len(require_fitted(self.components_, "truncated_svd"))
        if m <= self.latent_dim:
            return []
        return [f"state 'components' has {m} rows, wanted are {self.latent_dim}"]
