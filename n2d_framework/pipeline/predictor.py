"""What a fitted model does with rows."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError as _NotFittedError
from sklearn.utils.validation import validate_data

from n2d_framework.errors import DataError, N2DError
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.pipeline.rows import as_rows
from n2d_framework.types import AnyArray, IntArray

__all__ = ["NotFittedError", "Predictor"]


class NotFittedError(N2DError, _NotFittedError):
    """The model has not been fitted yet."""

    exit_code = 2


class Predictor(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Methods of a fitted model that take rows; checks every row it is given."""

    _fit: Fit
    n_features_in_: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def embed(self, X: Any) -> AnyArray:
        """Latent coordinates of rows: (n, d) float32."""
        return self._fitted().trio.embed(self._rows(X))

    def transform(self, X: Any) -> AnyArray:
        """Manifold coordinates of rows: (n, m) float32."""
        return self._fitted().trio.transform(self._rows(X))

    def predict(self, X: Any) -> IntArray:
        """Labels of rows: (n,) int64, noise is -1. A row's label depends on that row only."""
        return cast("IntArray", self._fitted().trio.predict(self._rows(X)))

    def predict_proba(self, X: Any) -> AnyArray:
        """Soft assignment of rows.

        Returns
        -------
        array of shape (n, n_clusters), float64
            Rows sum to one. Clusterers that know noise have one column more, the last, with
            the share of noise.

        Raises
        ------
        UnsupportedError
            If the clusterer has no soft assignment.
        """
        return self._fitted().trio.predict_proba(self._rows(X))

    def strengths(self, X: Any) -> AnyArray:
        """How strongly each row belongs to its cluster: (n,) in [0, 1], 0 for noise.

        Raises
        ------
        UnsupportedError
            If the clusterer cannot tell.
        """
        return self._fitted().trio.strengths(self._rows(X))

    def reconstruct(self, X: Any) -> AnyArray:
        """Rows after a passage through the embedder and back: same shape and units as `X`.

        Raises
        ------
        UnsupportedError
            If the embedder cannot reconstruct.
        """
        return self._fitted().trio.reconstruct(self._rows(X))

    def _fitted(self) -> Fit:
        if not hasattr(self, "_fit"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self._fit

    def _rows(self, x: Any, *, fitting: bool = False) -> AnyArray:
        """Check input, and that it is like what the model was fitted on."""
        if not fitting:
            self._fitted()
        rows = as_rows(x, at_least=2 if fitting else 1)
        if rows.ndim == 2:
            try:
                validate_data(self, x, skip_check_array=True, reset=fitting)
            except ValueError as error:
                raise DataError(str(error)) from error
        elif fitting:
            self.n_features_in_ = int(np.prod(rows.shape[1:]))
            self.__dict__.pop("feature_names_in_", None)
        if not fitting:
            self._fit.trio.check_rows(rows)
        return rows
