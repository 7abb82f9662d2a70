"""Maintenance of a model: its number of clusters, edits of them, confidence, and drift."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.metrics.drift.drift_reference import Reference
from n2d_framework.metrics.drift.following import Drift, drift_of
from n2d_framework.pages.shown_rows import shown_features
from n2d_framework.pipeline.after_fit.arguments import one_of
from n2d_framework.pipeline.after_fit.choosing import (
    AUTOMATIC,
    Criterion,
    NumbersOfClusters,
    counting_option,
    numbers_of_clusters,
    with_number,
)
from n2d_framework.pipeline.after_fit.editing import Editor
from n2d_framework.pipeline.after_fit.error_thresholds import ErrorThreshold, error_threshold
from n2d_framework.pipeline.after_fit.refits import Stability, stability_of
from n2d_framework.pipeline.after_fit.updating import (
    Refit,
    Update,
    joined_rows,
    refitted,
    refuse_few,
    sizes_of,
    warn_of_rows_again,
)
from n2d_framework.pipeline.assessor import Assessor
from n2d_framework.pipeline.descriptions import names_given
from n2d_framework.pipeline.fitting import Fit, usable_threads
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.plan.run_step import StepResult
from n2d_framework.plan.store import StageStore
from n2d_framework.seeding import resolve_random_state
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Maintenance"]


class Maintenance(Assessor):
    """Methods by which people and new rows change what is known of a fitted model."""

    descriptions_: dict[str, Any]
    latent_: AnyArray
    manifold_: AnyArray
    n_jobs: int | None
    _n_features_out: int

    def choose_n_clusters(
        self,
        X: Any,
        candidates: Iterable[int] = AUTOMATIC,
        *,
        by: Criterion = "rank",
        resamples: int = 3,
        tried: Callable[[int, int, str], None] | None = None,
    ) -> NumbersOfClusters:
        """Choose the number of clusters without classes, and fit with it.

        All candidates cluster the same coordinates: what comes before the clusterer is fitted once.

        Parameters
        ----------
        X : array-like, frame or Dataset
            Rows to fit.
        candidates : iterable of int, default 2 to 20
            Numbers of clusters to try.
        by : {"rank", "silhouette", "stability", "bic"}, default "rank"
            The criterion that chooses: a score, or the best sum of the ranks by silhouette and
            stability.
        resamples : int, default 3
            Fits on 80 % of the rows (4,000 at most) for each number, for its stability.
        tried : callable, optional
            Called as ``tried(done, of, note)`` after each number.

        Returns
        -------
        NumbersOfClusters
            Also kept as ``numbers_of_clusters_``, and shown by :meth:`report`.

        Raises
        ------
        ConfigError
            If there are not at least two candidates, each at least 2.
        UnsupportedError
            If the clusterer finds the number of clusters itself, or has no BIC and that is to
            choose.
        CompositionError, DataError
            As for ``fit``.
        """
        model: Any = self
        rows = self._training_rows(X, None)
        opened = model.composition()
        composition = opened.for_rows(rows)
        option = counting_option(composition.choice(LABEL_ROLE))
        found, recent = numbers_of_clusters(
            composition, rows, candidates, by=by, resamples=resamples,
            random_state=resolve_random_state(model.random_state),
            resources=Resources(usable_threads(model.n_jobs)), store=self._store(),
            recent=self._recent(), tried=tried,
        )  # fmt: skip
        if LABEL_ROLE in opened.left_open:
            model.set_params(**{LABEL_ROLE: composition.parameters()[LABEL_ROLE]})
        model.set_params(**{f"{LABEL_ROLE}__{option}": found.n_clusters})
        self._fitted_already = recent
        model.fit(X)
        self.numbers_of_clusters_ = found
        return found

    def _with_chosen_number(
        self, composition: Composition, rows: Rows, random_state: int, resources: Resources
    ) -> tuple[Composition, dict[str, StepResult]]:
        """A composition with the number of clusters that suits the rows, and steps it has fitted.

        Raises
        ------
        DataError
            If the rows are too few to choose.
        """
        composition = composition.for_rows(rows)
        choice = composition.choice(LABEL_ROLE)
        if choice.spec.finds_n_clusters:
            return composition, {}
        option = counting_option(choice)
        if choice.option_values()[option] is not None:
            return composition, {}
        candidates = AUTOMATIC[: max(0, len(rows) // 2 - 1)]
        if len(candidates) < 2:
            raise DataError(
                f"{len(rows)} rows are too few to choose a number of clusters; give n_clusters"
            )
        found, fitted = numbers_of_clusters(
            composition, rows, candidates, by="rank", resamples=3, random_state=random_state,
            resources=resources, store=self._store(), recent=self._recent(),
        )  # fmt: skip
        self.numbers_of_clusters_ = found
        return with_number(composition, found.n_clusters), fitted

    def edit(self, X: Any = None, *, by: str = "", at: str = "") -> Editor:
        """Edit the clusters: merge, split, rename, delete, reassign noise, link rows, with undo.

        Parameters
        ----------
        X : array-like, frame or Dataset, optional
            The training rows. With them the describe components describe the edited clusters;
            without, what they said is dropped, but for names of clusters that an edit leaves as
            they were. A model that was loaded needs them to split a cluster, reassign noise or
            link rows.
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
        coordinates, latent = self.__dict__.get("manifold_"), self.__dict__.get("latent_")
        rows = None
        if X is not None:
            rows = self._rows(X)
            if rows.fingerprint() != fit.data["fingerprint"]:
                raise DataError("edit: these are not the rows that the model was fitted on")
            latent, coordinates = self._outputs_of(rows)[:2]

        def take(edited: Fit) -> None:
            self._take_edits(edited, rows, coordinates)

        width = self._n_features_out
        ids = self.ids_ if rows is None else rows.ids
        return Editor(
            self._fitted, take, width, coordinates=coordinates, latent=latent,
            resources=Resources(usable_threads(self.n_jobs)), ids=ids, by=by, at=at,
        )  # fmt: skip

    def _recent(self) -> dict[str, StepResult]:
        """Stages in memory, by key."""
        raise NotImplementedError

    def _store(self) -> StageStore | None:
        """Where stages are kept."""
        raise NotImplementedError

    def _take_edits(self, fit: Fit, rows: Rows | None, coordinates: AnyArray | None) -> None:
        """Take over a fit whose clusters were edited."""
        raise NotImplementedError

    @property
    def cluster_ids_(self) -> tuple[int, ...]:
        """Ids of the columns of :meth:`predict_proba`, in order; the share of noise is -1."""
        fitted = self._fitted().fitted
        return fitted.column_ids(fitted.n_columns(self._n_features_out))

    @property
    def cluster_names_(self) -> dict[int, str]:
        """Names of clusters by id: given by edits, else by describe components."""
        return names_given(self.descriptions_) | self._fitted().fitted.cluster_names

    def stability(
        self,
        X: Any,
        *,
        resamples: int = 20,
        seeds: int = 5,
        keep: bool = False,
        scheduler: Any = None,
    ) -> Stability:
        """Measure how sure each label is, by fitting the composition again.

        Clusters of a refit are matched with those of the model as they were before edits, and
        edited as these were: merged clusters are one in the refits as well.

        Parameters
        ----------
        X : array-like, frame or Dataset
            The training rows, or others.
        resamples : int, default 20
            Fits on 80 % of the rows each, from which all rows are predicted.
        seeds : int, default 5
            Fits on all rows with other seeds. With a store, the stages of these are kept.
        keep : bool, default False
            Whether the model keeps the confidence of at most 10,000 of the rows with their latent
            coordinates, so that :meth:`confidence` gives it for others; bundles hold it then. After
            an edit that changes labels it does not count, until that is undone.
        scheduler : str, distributed.Client or a cluster object, optional
            A Dask scheduler, such as ``tcp://10.0.0.5:8786``, whose workers make the refits side by
            side. What is found is the same without it.

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
        ConfigError
            If no scheduler answers, or its workers do not see the model's store.
        """
        rows = self._rows(X)
        latent, manifold, labels, training = self._outputs_of(rows)
        fit = self._fitted()
        plan = fit.fitted
        before = fit.labels_before_edits if training else plan.labels_of(manifold, edited=False)
        found = stability_of(
            self, rows, before, labels, lambda given: plan.edited(manifold, latent, given),
            inductive=plan.plan.inductive, resamples=resamples, seeds=seeds, scheduler=scheduler,
        )  # fmt: skip
        if keep:
            known = (latent, labels, found.confidence, fit.random_state)
            kept = RowConfidence.of(*known, training=fit.labels)
            fitted = attrs.evolve(fit.fitted, measured=kept, measured_holds=True)
            self._fit = attrs.evolve(fit, fitted=fitted)
        return found

    def error_threshold(
        self, X: Any, y: Any, max_error: float = 0.02, *, level: float = 0.95
    ) -> ErrorThreshold:
        """Find the lowest confidence at which the labels that are kept err seldom enough.

        ``predict(X, min_confidence=model.error_threshold(...).confidence)`` abstains below it.

        Parameters
        ----------
        X : array-like, frame or Dataset
            The training rows, or others like those that labels are wanted for.
        y : array-like of shape (n,)
            Their true classes, to which clusters are matched; missing (``None``, NaN) where they
            are not known. Those that are known must be of rows drawn at random.
        max_error : float, default 0.02
            Share of the kept rows that may be in a cluster that stands for another class.
        level : float, default 0.95
            How certain it is to be that in rows like these no more err.

        Returns
        -------
        ErrorThreshold

        Raises
        ------
        DataError
            If no confidence will do, or the rows do not fit the model.
        UnsupportedError
            If no confidence was kept by ``stability(X, keep=True)``.

        See Also
        --------
        n2d_framework.pipeline.after_fit.error_thresholds.error_threshold
        """
        known = self._fitted().fitted.known_confidence()
        latent, _, labels, _ = self._outputs_of(self._rows(X))
        sure = known.of_rows(latent, labels)
        return error_threshold(sure, labels, y, max_error=max_error, level=level)

    def drift(self, X: Any, reference: Any = None) -> Drift:
        """Compare rows with those of the fit: has something changed?

        Shares of clusters, features, latent dimensions and distances to clusters are tested
        (chi-squared, Holm's correction), so that in at most 1 % of samples without drift there is
        an alarm. The model holds counts of the rows of its fit for this, and latent coordinates of
        at most 2,000, beside which groups of new rows are looked for.

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
        rows = self._rows(X)
        latent, _, labels, _ = self._outputs_of(rows)
        known, before = fit.reference, fit.labels
        if reference is not None:
            others = self._rows(reference)
            other, _, before, _ = self._outputs_of(others)
            known = Reference.of(other, before, *shown_features(others))
        if known is None:
            raise UnsupportedError(
                "drift: the bundle does not hold counts of the rows of its fit (an earlier "
                "version, or saved without rows); give rows to compare with, as reference or --with"
            )
        ids, sizes = np.unique(before, return_counts=True)
        return drift_of(
            latent, labels, known, dict(zip(ids.tolist(), sizes.tolist(), strict=True)),
            features=_by_name(*shown_features(rows)), random_state=fit.random_state,
        )  # fmt: skip

    def update(
        self,
        X: Any,
        old: Any = None,
        *,
        refit: Refit = "drift",
        candidates: Iterable[int] = (),
    ) -> Update:
        """Compare newer rows with those of the fit and, if they drifted, fit again.

        The model is not changed. The new one has the ids and names of the clusters that it
        continues; clusters that were merged by hand are merged again, noise that was reassigned is
        reassigned, and links of rows hold, if `old` begins with the rows of the fit.

        Parameters
        ----------
        X : array-like, frame or Dataset
            New rows.
        old : array-like, frame or Dataset, optional
            Rows to be fitted together with them, such as those of the fit, by which clusters are
            matched then. Without, the new rows are fitted alone; fewer than 50 are not, unless the
            model was fitted on no more.
        refit : {"drift", "always", "never"}, default "drift"
            When the composition is fitted again.
        candidates : iterable of int, default ()
            Numbers of clusters to choose from, as :meth:`choose_n_clusters` does: a number that is
            fixed leaves no room for new clusters.

        Returns
        -------
        Update

        Raises
        ------
        CompositionError, DataError
            If the rows do not fit the model, are too few to be fitted alone, or the refit finds no
            cluster among them. The model is as it was then.
        UnsupportedError
            As for :meth:`drift`.

        Warns
        -----
        DataWarning
            If new rows are among the old ones, by their ids or all values: they count twice.
        """
        fit = self._fitted()
        one_of(refit, "refit", get_args(Refit))
        new = self._rows(X)
        known = None if old is None else self._rows(old)
        training = known is not None and known.fingerprint() == fit.data["fingerprint"]
        if known is not None:
            warn_of_rows_again(new, known)
        elif refit == "always":
            refuse_few(len(new), fit.data["n_rows"])
        found = self.drift(new, None if fit.reference is not None else known)
        parts = [new] if known is None else [known, new]
        outputs = [self._outputs_of(part) for part in parts]
        before = np.concatenate([labels for _, _, labels, _ in outputs])
        names = self.cluster_names_
        if refit == "never" or (refit == "drift" and found.verdict != "drift"):
            return Update(found, self, None, sizes_of(before, before), len(before), names)
        judging = before
        if known is None and fit.reference is not None:
            # What is far from all clusters is predicted to be of one, but does not continue it.
            judging = np.where(fit.reference.is_far(outputs[0][0]), NOISE, before)
        model, matched, lost = refitted(
            self, joined_rows(parts), judging, judged=len(parts[0]), training=training,
            named=fit.fitted.cluster_names, candidates=candidates,
        )  # fmt: skip
        names = names | model.cluster_names_
        sizes = sizes_of(before, model.labels_)
        return Update(found, model, matched, sizes, len(before), names, lost)

    def _outputs_of(self, rows: Rows) -> tuple[AnyArray, AnyArray, IntArray, bool]:
        """Latent rows, coordinates and labels; those of the fit, if these are the rows of it."""
        fit = self._fitted()
        if hasattr(self, "latent_") and rows.fingerprint() == fit.data["fingerprint"]:
            return self.latent_, self.manifold_, self.labels_, True
        latent, manifold, labels = fit.fitted.outputs(
            rows, "embedder", "manifolder", fit.fitted.plan.labels
        )
        return latent, manifold, labels, False


def _by_name(features: AnyArray | None, names: tuple[str, ...]) -> dict[str, AnyArray]:
    return {} if features is None else dict(zip(names, features.T, strict=True))
