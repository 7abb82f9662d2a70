"""Maintenance of a fitted model: edits of its clusters, confidence, and drift."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.metrics.following import Drift, Reference, drift_of
from n2d_framework.pipeline.assessor import Assessor
from n2d_framework.pipeline.descriptions import names_given
from n2d_framework.pipeline.editing import Editor
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.pipeline.refits import Stability, stability_of
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.types import AnyArray, IntArray

__all__ = ["Maintenance"]


class Maintenance(Assessor):
    """Methods by which people and new rows change what is known of a fitted model."""

    descriptions_: dict[str, Any]
    latent_: AnyArray
    manifold_: AnyArray
    _n_features_out: int

    def edit(self, X: Any = None, *, by: str = "", at: str = "") -> Editor:
        """Edit the clusters: merge, split, rename and delete, reassign noise, with undo.

        Parameters
        ----------
        X : array-like, frame or Dataset, optional
            The training rows. With them the describe components describe the edited clusters;
            without, what they said is dropped, but for names of clusters that an edit leaves as
            they were. A model that was loaded needs them to split a cluster or reassign noise.
        by, at : str, default ""
            Who edits, and when: written next to each edit. Nothing is filled in, so that equal
            edits give equal bundles.

        Returns
        -------
        Editor

        Raises
        ------
        DataError
            If `X` are not the training rows.
        """
        fit = self._fitted()
        coordinates, rows = self.__dict__.get("manifold_"), None
        if X is not None:
            rows = self._rows(X)
            if rows.fingerprint() != fit.data["fingerprint"]:
                raise DataError("edit: these are not the rows that the model was fitted on")
            coordinates = self._outputs_of(rows)[1]

        def take(edited: Fit) -> None:
            self._take_edits(edited, rows, coordinates)

        width = self._n_features_out
        return Editor(self._fitted, take, width, coordinates=coordinates, by=by, at=at)

    def _take_edits(self, fit: Fit, rows: Rows | None, coordinates: AnyArray | None) -> None:
        """Take over a fit whose clusters were edited."""
        raise NotImplementedError

    @property
    def cluster_ids_(self) -> tuple[int, ...]:
        """Ids of the columns of :meth:`predict_proba`, in order; the share of noise is -1."""
        fitted = self._fitted().fitted
        row = np.zeros((1, max(self._n_features_out, 1)), dtype=np.float32)
        return fitted.column_ids(fitted.proba_of(row).shape[1])

    @property
    def cluster_names_(self) -> dict[int, str]:
        """Names of clusters by id: given by edits, else by describe components."""
        return names_given(self.descriptions_) | self._fitted().fitted.cluster_names

    def stability(
        self, X: Any, *, resamples: int = 20, seeds: int = 5, keep: bool = False
    ) -> Stability:
        """Measure how sure each label is, by fitting the composition again.

        Parameters
        ----------
        X : array-like, frame or Dataset
            The training rows, or others.
        resamples : int, default 20
            Fits on 80 % of the rows each, from which all rows are predicted.
        seeds : int, default 5
            Fits on all rows with other seeds. With a store, the stages of these are kept.
        keep : bool, default False
            Whether the model keeps the confidence of at most 5,000 of the rows with their
            coordinates, so that :meth:`confidence` gives it for others; bundles hold it then.

        Returns
        -------
        Stability
            Per-row confidence and consensus, stability of each cluster, which clusters are taken
            for each other.

        Raises
        ------
        DataError
            If the rows do not fit the model.
        UnsupportedError
            If rows are to be resampled, and a component cannot place new ones.
        """
        rows = self._rows(X)
        _, coordinates, labels, _ = self._outputs_of(rows)
        fit = self._fitted()
        inductive = fit.fitted.plan.inductive
        found = stability_of(
            self, labels, rows, inductive=inductive, resamples=resamples, seeds=seeds
        )
        if keep:
            kept = RowConfidence.of(coordinates, labels, found.confidence, fit.random_state)
            fitted = attrs.evolve(fit.fitted, confidence=kept)
            self._fit = attrs.evolve(fit, fitted=fitted)
        return found

    def drift(self, X: Any, reference: Any = None) -> Drift:
        """Compare rows with those of the fit: has something changed?

        Shares of clusters, latent dimensions, and distances to the nearest cluster are tested
        (chi-squared, Holm's correction), so that in at most 1 % of samples without drift there is
        an alarm. The model holds counts of the rows of its fit for this, and none of the rows.

        Parameters
        ----------
        X : array-like, frame or Dataset
            New rows; of fewer than 50 nothing can be said.
        reference : array-like, frame or Dataset, optional
            Rows to compare with, instead of those of the fit: some that the model was not fitted
            on, where its embedder reproduces what it was fitted on better than other rows.

        Returns
        -------
        Drift

        Raises
        ------
        DataError
            If the rows do not fit the model.
        UnsupportedError
            If a component cannot place new rows; or the bundle does not hold the counts, being of
            an earlier version or saved without rows, and there is no `reference`.
        """
        fit = self._fitted()
        latent, _, labels, _ = self._outputs_of(self._rows(X))
        known, before = fit.reference, fit.labels
        if reference is not None:
            other, _, before, _ = self._outputs_of(self._rows(reference))
            known = Reference.of(other, before)
        if known is None:
            raise UnsupportedError(
                "drift: the bundle does not hold counts of the rows of its fit (an earlier "
                "version, or saved without rows); give rows to compare with, as reference or --with"
            )
        ids, sizes = np.unique(before, return_counts=True)
        return drift_of(
            latent, labels, known, dict(zip(ids.tolist(), sizes.tolist(), strict=True)),
            random_state=fit.random_state,
        )  # fmt: skip

    def _outputs_of(self, rows: Rows) -> tuple[AnyArray, AnyArray, IntArray, bool]:
        """Latent rows, coordinates and labels; those of the fit, if these are the rows of it."""
        fit = self._fitted()
        if hasattr(self, "latent_") and rows.fingerprint() == fit.data["fingerprint"]:
            return self.latent_, self.manifold_, self.labels_, True
        latent, manifold, labels = fit.fitted.outputs(
            rows, "embedder", "manifolder", fit.fitted.plan.labels
        )
        return latent, manifold, labels, False
