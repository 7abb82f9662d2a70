"""The report of a fitted model: what its clusters are, as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.dataset import Dataset, class_names
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.metrics.cluster_profile import profiles
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.metrics.surrogate_rules import surrogate
from n2d_framework.pages import RunView, write_run_report
from n2d_framework.pages.shown_rows import shown_rows
from n2d_framework.pipeline.assessor import Assessor
from n2d_framework.pipeline.editing import Editor
from n2d_framework.pipeline.explaining import chosen_rows_by_id, explanations
from n2d_framework.pipeline.fitting import Fit, usable_threads
from n2d_framework.pipeline.following import Drift, Reference, drift_of
from n2d_framework.pipeline.map_layout import map_layout
from n2d_framework.pipeline.refits import Stability, stability_of
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Parameter", "Reporter"]


class Parameter:
    """A parameter of an estimator that has the name of one of its methods.

    The attribute is the method, as users call it; the value of the parameter is where scikit-learn
    keeps all of them, in the instance's dictionary, and is given by ``get_params``.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        return self._method if instance is None else self._method.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self._name] = value


class Reporter(Assessor):
    """Reports of a fitted model."""

    n_jobs: int | None
    descriptions_: dict[str, Any]
    seconds_: dict[str, float]
    latent_: AnyArray
    manifold_: AnyArray
    _n_features_out: int

    def report(
        self,
        path: str | os.PathLike[str],
        X: Any,
        y: Any = None,
        *,
        names: Sequence[str] = (),
        title: str = "",
        scores: Mapping[str, float] | None = None,
        config: Mapping[str, Any] | None = None,
        keep_rows: bool = True,
    ) -> Path:
        """Write what the clusters of rows are as one HTML file that needs no network.

        Parameters
        ----------
        path : path
            Where to; an existing file is replaced when the new one is complete.
        X : array-like, frame or Dataset
            The training rows, or others, which are predicted then.
        y : array-like of shape (n,), optional
            True classes, to be shown next to the clusters; those of a dataset by default.
        names : sequence of str, optional
            Names of the classes, in the order of their values.
        title : str, optional
            What the rows are called; the name of a dataset by default.
        scores : mapping of str to float, optional
            Shown at the head; with `y`, those of :meth:`assess` by default.
        config : mapping, optional
            Configuration that repeats the run; that of the model by default.
        keep_rows : bool, default True
            Whether the page may hold values, ids, texts and images of single rows. Without them it
            holds sizes, means and shares.

        Returns
        -------
        Path

        Raises
        ------
        DataError
            If the rows do not fit the model, or the classes the rows.
        OutputError
            If the file cannot be written.

        Notes
        -----
        The map is a layout of its own in two dimensions (see
        :func:`n2d_framework.pipeline.map_layout.map_layout`); it changes no label.
        """
        fit = self._fitted()
        rows = self._rows(X)
        latent, manifold, labels, training = self._outputs_of(rows)
        if isinstance(X, Dataset):
            y, names, title = X.y if y is None else y, names or X.names, title or X.name
        plane, axes = map_layout(
            fit.composition,
            latent,
            manifold,
            random_state=fit.random_state,
            n_jobs=usable_threads(self.n_jobs),
        )
        truth, classes = None, []
        if y is not None:
            coded = code(y, "y")
            require_same_length("y", coded.codes, "the rows", labels)
            truth, called = coded.codes, class_names(coded.values, names)
            classes = [str(called.get(value, value)) for value in coded.values]
            if scores is None:
                scores = self.assess(y, None if training else X)
        shown = shown_rows(rows)
        view = RunView(
            name=title or "rows",
            labels=labels,
            coordinates=manifold,
            plane=plane,
            axes=axes,
            rows=shown.features,
            feature_names=shown.names,
            image_shape=shown.image_shape,
            texts=shown.texts,
            ids=None if rows.ids is None else rows.ids.tolist(),
            truth=truth,
            classes=classes,
            strengths=fit.fitted.row_strengths(manifold, labels),
            names=self.cluster_names_,
            tree=None if fit.fitted.clusters is None else fit.fitted.hierarchy(),
            scores=scores or {},
            facts=self._facts(len(labels)),
            config=config
            or {"model": fit.composition.describe(), "random_state": fit.random_state},
            random_state=fit.random_state,
            keep_rows=keep_rows,
        )
        return write_run_report(view, path)

    @Parameter
    def describe(
        self, X: Any, *, n_exemplars: int = 5, n_features: int = 6, keep_rows: bool = True
    ) -> dict[str, Any]:
        """Describe the clusters of rows, as plain values.

        Parameters
        ----------
        X : array-like, frame or Dataset
            The training rows, or others, which are predicted then.
        n_exemplars : int, default 5
            Typical rows of each cluster.
        n_features : int, default 6
            Features of each cluster that set it apart.
        keep_rows : bool, default True
            Whether ids of single rows may be given.

        Returns
        -------
        dict
            ``n_rows``; ``clusters``, a list with one mapping for each label in ascending order
            (noise is -1): ``label``, ``name``, ``size``, ``share``, ``strength`` (mean; where the
            clusterer knows it), ``exemplars`` (ids, or numbers of rows; the first is the medoid),
            ``touches`` (``label`` and ``share`` of its nearest neighbours), ``distinctive``
            (``feature``, ``effect`` with ``low`` and ``high``, ``mean``, ``others``) and ``rule``
            (``conditions``, ``share``, ``precision``); ``fidelity`` of the rules, if they could be
            measured; ``components``, what the describe components said of the training rows.

        Raises
        ------
        DataError
            If the rows do not fit the model.

        See Also
        --------
        n2d_framework.metrics.cluster_profile.profiles
        n2d_framework.metrics.surrogate_rules.surrogate
        """
        fit = self._fitted()
        rows = self._rows(X)
        _, manifold, labels, _ = self._outputs_of(rows)
        shown = shown_rows(rows)
        features = None if shown.features is None else shown.features.reshape(len(labels), -1)
        found = profiles(
            manifold,
            labels,
            features=features,
            names=shown.names,
            strengths=fit.fitted.row_strengths(manifold, labels),
            n_exemplars=n_exemplars,
            n_contrasts=n_features,
            random_state=fit.random_state,
        )
        replaced = (
            None
            if features is None
            else surrogate(features, labels, shown.names, random_state=fit.random_state)
        )
        rules = {} if replaced is None else {rule.label: rule for rule in replaced.rules}
        names = self.cluster_names_
        ids = range(len(labels)) if rows.ids is None else rows.ids.tolist()
        clusters = []
        for profile in found:
            about: dict[str, Any] = {
                "label": profile.label,
                "name": "noise"
                if profile.label == NOISE
                else names.get(profile.label, f"cluster {profile.label}"),
                "size": profile.size,
                "share": profile.share,
                "strength": profile.strength,
                "exemplars": [ids[row] for row in profile.exemplars] if keep_rows else [],
                "touches": [{"label": label, "share": share} for label, share in profile.touches],
                "distinctive": [attrs.asdict(contrast) for contrast in profile.contrasts],
            }
            if profile.label in rules:
                rule = attrs.asdict(rules[profile.label])
                about["rule"] = {name: rule[name] for name in ("conditions", "share", "precision")}
                about["rule"]["conditions"] = list(rule["conditions"])
            clusters.append(about)
        return {
            "n_rows": len(labels),
            "clusters": clusters,
            "fidelity": None if replaced is None else replaced.fidelity,
            "components": self.descriptions_,
        }

    def explain(
        self, X: Any, rows: Any, *, n_exemplars: int = 3, n_features: int = 5
    ) -> list[dict[str, Any]]:
        """Explain why rows are in their clusters, as plain values.

        Parameters
        ----------
        X : array-like, frame or Dataset
            Rows among which neighbours are looked for: those of the fit, or others.
        rows : str, int or sequence of them
            The rows to explain, all of `X`: by id, or as integers by position.
        n_exemplars : int, default 3
            Nearest rows of each of the two clusters.
        n_features : int, default 5
            Changes that are given of those that are tried.

        Returns
        -------
        list of dict
            For each row ``row`` (its id, or position), ``label``, ``name``, ``strength`` (where the
            clusterer knows it), ``second`` (``label`` and ``name`` of the nearest other cluster),
            ``margin`` (from -1 to 1: by how much the own cluster is nearer than the second,
            relative to the farther of the two; by the mean distance to the five nearest rows of
            each), ``exemplars`` and ``exemplars_of_second`` (ids of the nearest rows), and
            ``moves``: what brings the row nearest to the second cluster. Each has ``what``, the
            ``value`` of the row and what it ``becomes``, and the ``margin`` and ``label`` that the
            model predicts then. Features take the mean of the second cluster, columns their
            median or most frequent value there, patches of images and segments of sequences the
            mean ones, and of texts each word is left out. Empty if a component cannot place new
            rows.

        Raises
        ------
        DataError
            If the rows do not fit the model, or there is no such row.
        """
        given = self._rows(X)
        names = self.cluster_names_
        chosen = [rows] if isinstance(rows, (str, int, np.integer)) else list(rows)
        _, manifold, labels, _ = self._outputs_of(given)
        return explanations(
            given,
            chosen_rows_by_id(given, chosen),
            manifold,
            labels,
            self._fitted().fitted,
            lambda label: "noise" if label == NOISE else names.get(label, f"cluster {label}"),
            n_exemplars=n_exemplars,
            n_features=n_features,
        )

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
        return _cluster_names(self.descriptions_) | self._fitted().fitted.cluster_names

    def row_strengths(self) -> AnyArray | None:
        """Strength of each training row in its cluster: (n,), or ``None`` if none is known."""
        return self._fitted().fitted.row_strengths(self.manifold_, self.labels_)

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

    def _facts(self, n_rows: int) -> dict[str, str]:
        """Facts on the model, for the end of the page."""
        fit = self._fitted()
        parts = [choice.name for choice in fit.composition.steps.values()]
        seconds = {label: f"{value:.1f} s" for label, value in self.seconds_.items()}
        return {
            "components": " \N{RIGHTWARDS ARROW} ".join(parts),
            "rows": f"{n_rows:,}",
            "seed": str(fit.random_state),
            "fitted": fit.created,
            **{f"fit of {label}": value for label, value in seconds.items()},
        }


def _cluster_names(descriptions: Mapping[str, Any]) -> dict[int, str]:
    """Names that describe components give clusters: each a ``name`` next to a ``label``."""
    found: dict[int, str] = {}
    for said in descriptions.values():
        clusters = said.get("clusters") if isinstance(said, Mapping) else None
        for about in clusters if isinstance(clusters, list) else []:
            if isinstance(about, Mapping) and isinstance(about.get("name"), str):
                label = about.get("label")
                if isinstance(label, int) and label != NOISE:
                    found.setdefault(label, about["name"])
    return found
