"""Prediction with a fitted model."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError as _NotFittedError

from n2d_framework.core.rows import Rows, Schema, listed, written_by_pandas
from n2d_framework.core.rows.written_names import name_text
from n2d_framework.data.adapters import read_by_adapter
from n2d_framework.errors import DataWarning, N2DError, warn_renamed
from n2d_framework.metrics.hierarchy import Hierarchy
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.pipeline.mapped import ShippedModel, is_collection, map_collection
from n2d_framework.pipeline.snapshot import Snapshot, manifest_of, parts_of_fit
from n2d_framework.plan.labelling import CoordinatesOf, Labeller, Labelling, LabelsOf
from n2d_framework.plan.new_rows import column_places, new_rows
from n2d_framework.types import AnyArray, IntArray

__all__ = ["NotFittedError", "Predictor"]


class NotFittedError(N2DError, _NotFittedError):
    """The model has not been fitted yet."""

    exit_code = 2


class Predictor(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Methods of a fitted model that take rows; checks every row it is given."""

    _fit: Fit
    n_features_in_: int
    schema_: Schema
    ids_: AnyArray | None
    _n_features_out: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def embed(self, X: Any) -> AnyArray:
        """Latent coordinates of rows: (n, d) float32."""
        return self._fitted().fitted.embed(self._rows(X))

    def transform(self, X: Any) -> AnyArray:
        """Manifold coordinates of rows: (n, m) float32; of Dask's collections as Dask's array."""
        if is_collection(X):
            mapped: AnyArray = self._mapped(X, CoordinatesOf(), self._n_features_out, "float32")
            return mapped
        return self._fitted().fitted.transform(self._rows(X))

    def predict(
        self,
        X: Any,
        *,
        level: int | None = None,
        abstain: float | None = None,
        min_confidence: float | None = None,
        n_clusters: int | None = None,
    ) -> IntArray:
        """Labels of rows; a row's label depends on that row only.

        Parameters
        ----------
        X : array-like
            Of an array or a frame of Dask the partitions are labelled where they are.
        level : int, optional
            Number of clusters: they are joined by :meth:`hierarchy` until so many are left; a group
            has the id of its largest cluster. By default all of them.
        abstain : float, optional
            Share, from 0 to 1, of the rows on which :meth:`confidence` was measured: rows less
            sure than the least sure of the others get -1 as well.
        min_confidence : float, optional
            Rows of less :meth:`confidence` get -1 as well; :meth:`error_threshold` finds it for a
            wanted error.
        n_clusters : int, optional
            The former name of `level`, deprecated.

        Returns
        -------
        int64 array of shape (n,)
            Noise is -1. Of a collection of Dask an array of Dask, not computed yet: whatever the
            partitions and workers, its labels are the same.

        Raises
        ------
        DataError
            If the rows do not fit the model, it has fewer clusters, or `abstain` or
            `min_confidence` is not from 0 to 1.
        UnsupportedError
            If rows are to be abstained on and no confidence was kept.
        """
        if n_clusters is not None:
            warn_renamed("predict(n_clusters=…)", "level")
            level = n_clusters if level is None else level
        asked = Labelling(abstain=abstain, n_clusters=level, min_confidence=min_confidence)
        labeller = Labeller.of(self._fitted().fitted, asked)
        if is_collection(X):
            mapped: IntArray = self._mapped(X, LabelsOf(asked), None, "int64")
            return mapped
        return cast("IntArray", labeller.labels(self._rows(X)))

    def confidence(self, X: Any) -> AnyArray:
        """Confidence of the labels of rows, as :meth:`stability` measured it with ``keep=True``.

        It is the mean confidence of the twenty measured rows nearest to the row in the latent
        space, weighted by 1, 1/2, 1/3, ...; those with another label count as 0.

        Returns
        -------
        float64 array of shape (n,), in [0, 1]

        Raises
        ------
        UnsupportedError
            If no confidence was kept.
        """
        fitted = self._fitted().fitted
        known = fitted.known_confidence()
        return known.of_rows(*fitted.outputs(self._rows(X), "embedder", fitted.plan.labels))

    def hierarchy(self) -> Hierarchy:
        """The tree over clusters, which :meth:`predict` cuts at any number of them.

        Returns
        -------
        Hierarchy

        Raises
        ------
        UnsupportedError
            On a model from a bundle of an earlier version, which does not hold it.
        """
        return self._fitted().fitted.hierarchy()

    def labels_of(self, coordinates: AnyArray, latent: AnyArray | None = None) -> IntArray:
        """Labels of coordinates of the manifold, as :meth:`transform` gives them: (n,) int64.

        Parameters
        ----------
        coordinates : array of shape (n, m)
        latent : array of shape (n, d), optional
            As :meth:`embed` gives it for the same rows: needed where a cluster was split by a
            refit.

        Raises
        ------
        UnsupportedError
            If it is needed and not given.
        """
        return cast("IntArray", self._fitted().fitted.labels_of(coordinates, latent))

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
        return self._fitted().fitted.predict_proba(self._rows(X))

    def strengths(self, X: Any) -> AnyArray:
        """Strength of each row's membership in its cluster: (n,) in [0, 1], 0 for noise.

        Raises
        ------
        UnsupportedError
            If the clusterer has no probabilities.
        """
        return self._fitted().fitted.strengths(self._rows(X))

    def reconstruct(self, X: Any) -> AnyArray:
        """Rows after a passage through the embedder and back: same shape and units as `X`.

        Raises
        ------
        UnsupportedError
            If the embedder cannot reconstruct.
        """
        return self._fitted().fitted.reconstruct(self._rows(X))

    def to_snapshot(self, *, keep_rows: bool = True) -> Snapshot:
        """The fitted model as plain values, with or without those of some training rows."""
        return Snapshot(self.to_manifest(), parts_of_fit(self._fitted(), keep_rows=keep_rows))

    def to_manifest(self) -> dict[str, Any]:
        """Content of a bundle in JSON: everything but its arrays."""
        manifest, schema = manifest_of(self._fitted()), self.schema_
        manifest["data"] = {
            **manifest["data"],
            # An earlier framework reads the names from here.
            "feature_names": list(schema.names) if schema.named else None,
            "schema": None if schema == Schema() else schema.as_json(),
        }
        return manifest

    def _fitted(self) -> Fit:
        if not hasattr(self, "_fit"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return self._fit

    def _training_rows(self, x: Any, weights: Any) -> Rows:
        """Check the rows to fit, and keep what is known of their columns."""
        rows = Rows.of(read_by_adapter(x), weights=weights, fitting=True)
        self.n_features_in_ = int(np.prod(rows.row_shape))
        self.ids_ = rows.ids
        self._adopt_schema(rows.schema)
        index = written_by_pandas(rows.schema.names)
        if index:
            warnings.warn(
                f"X: {listed(index)} looks like the index of a frame, and is used as a "
                "feature; make it the index, or leave it out",
                DataWarning,
                stacklevel=3,
            )
        return rows

    def _rows(self, x: Any) -> Rows:
        """Check input, and that it is like what the model was fitted on."""
        fitted = self._fitted().fitted
        return new_rows(read_by_adapter(x), fitted, type(self).__name__)

    def _mapped(self, x: Any, make: Any, width: int | None, dtype: str) -> Any:
        if hasattr(x, "columns"):
            names = tuple(map(name_text, x.columns))
            order = column_places(names, self._fitted().fitted, type(self).__name__)
            x = x if order is None else x[[x.columns[place] for place in order]]
        return map_collection(x, ShippedModel.of_snapshot(self.to_snapshot()), make, width, dtype)

    def _adopt_schema(self, schema: Schema) -> None:
        self.schema_ = schema
        self.__dict__.pop("feature_names_in_", None)
        if schema.named:
            self.feature_names_in_ = np.asarray(schema.names, dtype=object)
