"""The report of a fitted model: what its clusters are, as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.core.dataset import Dataset, class_names
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.metrics.cluster_profile import profiles
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.metrics.surrogate_rules import said_of_rules, surrogate
from n2d_framework.pages import RunView, write_run_report
from n2d_framework.pages.shown_rows import ShownRows, is_series, shown_rows
from n2d_framework.pages.thumbnails import checked_thumbnails
from n2d_framework.pipeline.after_fit.arguments import integer
from n2d_framework.pipeline.after_fit.contents import Contents, words_of_clusters
from n2d_framework.pipeline.after_fit.explaining import Surroundings, explanations
from n2d_framework.pipeline.after_fit.row_names import positions_of
from n2d_framework.pipeline.fitting import usable_threads
from n2d_framework.pipeline.maintenance import Maintenance
from n2d_framework.pipeline.map_layout import map_layout
from n2d_framework.readable import readable_feature
from n2d_framework.types import NOISE, AnyArray

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


class Reporter(Maintenance):
    """Reports of a fitted model."""

    n_jobs: int | None
    seconds_: dict[str, float]

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
        thumbnails: Any = None,
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
        thumbnails : array-like of shape (n, height, width[, channels]), or of str, optional
            Pictures that are shown beside rows that are not images themselves: images, or paths of
            files, empty where a row has none; those of a dataset by default.

        Returns
        -------
        Path

        Raises
        ------
        DataError
            If the rows do not fit the model, or classes or thumbnails the rows.
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
            thumbnails = X.thumbnails if thumbnails is None else thumbnails
        if thumbnails is not None:
            thumbnails = checked_thumbnails(thumbnails)
            require_same_length("thumbnails", thumbnails, "the rows", labels)
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
        shown = self._shown(rows, X)
        words, said_of_words = words_of_clusters(shown, labels, self.descriptions_)
        sure, numbers = fit.fitted.confidence, self.__dict__.get("numbers_of_clusters_")
        view = RunView(
            name=title or "rows",
            labels=labels,
            coordinates=manifold,
            plane=plane,
            axes=axes,
            rows=shown.features,
            feature_names=tuple(map(readable_feature, shown.names)),
            image_shape=shown.image_shape,
            texts=shown.texts,
            columns=shown.columns,
            series=shown.series,
            treatments=self._treatments(rows),
            thumbnails=thumbnails,
            ids=None if rows.ids is None else rows.ids.tolist(),
            truth=truth,
            classes=classes,
            strengths=fit.fitted.row_strengths(manifold, labels, latent),
            confidence=None if sure is None else sure.of_rows(latent, labels),
            numbers=None if numbers is None else numbers.as_dict(),
            names=self.cluster_names_,
            words=words,
            said_of_words=said_of_words,
            tree=fit.fitted.tree_to_show(),
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
            Whether ids and texts of single rows may be given.

        Returns
        -------
        dict
            ``n_rows``; of series ``series`` (``channels``, what the ``axis`` of time is, and which
            ``steps`` at which ``times`` prototypes have: 200 at most); of texts ``words``, a
            sentence on how words were found; ``clusters``, a list with one mapping for each label
            in ascending order (noise is -1): ``label``, ``name``, ``size``, ``share``,
            ``density`` (how many times as near its rows have their tenth neighbour as rows in
            general), ``strength`` (mean; where the clusterer knows it), ``confidence`` (mean;
            where stability was measured and kept),
            ``exemplars`` (ids, or numbers of rows; the first is the medoid),
            ``touches`` (``label`` and ``share`` of its nearest neighbours), ``distinctive``
            (``feature``, ``effect`` with ``low`` and ``high``, ``mean``, ``others``, ``lift`` of
            categories: how many times as frequent as in all rows) and ``rule``
            (``conditions``, ``share``, ``precision``), of series ``prototype`` (for each channel
            ``mean``, ``low`` and ``high``: the quartiles, and how many ``rows`` have the step;
            padding counts nowhere), of texts ``words`` (each with its ``weight``) and ``texts``,
            the beginnings of the exemplars; ``fidelity`` of the rules, if they could be
            measured; ``rules``, a sentence on them, or on why there are none; ``components``, what
            the describe components said of the training rows (nothing without rows); ``prepare``,
            for each prepare component what it did to the data: pairs of what and how, in plain
            words.

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
        latent, manifold, labels, _ = self._outputs_of(rows)
        kept = fit.fitted.confidence
        sure = None if kept is None else kept.of_rows(latent, labels)
        shown = self._shown(rows, X)
        features = None if shown.features is None else shown.features.reshape(len(labels), -1)
        features_named = tuple(map(readable_feature, shown.names))
        found = profiles(
            manifold,
            labels,
            features=None if shown.series is not None else features,
            names=features_named,
            strengths=fit.fitted.row_strengths(manifold, labels, latent),
            n_exemplars=integer(n_exemplars, "n_exemplars", 0),
            n_contrasts=integer(n_features, "n_features", 0),
            random_state=fit.random_state,
        )
        ids = range(len(labels)) if rows.ids is None else rows.ids.tolist()
        contents = Contents.of(
            shown, labels, found, self.descriptions_, ids if keep_rows else None, number=n_features
        )
        replaced = (
            None
            if features is None
            else surrogate(features, labels, features_named, random_state=fit.random_state)
        )
        rules = {} if replaced is None else {rule.label: rule for rule in replaced.rules}
        names = self.cluster_names_
        clusters = []
        for profile in contents.profiles:
            about: dict[str, Any] = {
                "label": profile.label,
                "name": "noise"
                if profile.label == NOISE
                else names.get(profile.label, f"cluster {profile.label}"),
                "size": profile.size,
                "share": profile.share,
                "density": profile.density,
                "strength": profile.strength,
                "confidence": None if sure is None else float(sure[labels == profile.label].mean()),
                "exemplars": [ids[row] for row in profile.exemplars] if keep_rows else [],
                "touches": [{"label": label, "share": share} for label, share in profile.touches],
                "distinctive": [attrs.asdict(contrast) for contrast in profile.contrasts],
            }
            if profile.label in rules:
                rule = attrs.asdict(rules[profile.label])
                about["rule"] = {name: rule[name] for name in ("conditions", "share", "precision")}
                about["rule"]["conditions"] = list(rule["conditions"])
            clusters.append(about | contents.of_cluster(profile.label))
        return {
            "n_rows": len(labels),
            **contents.of_all(),
            "clusters": clusters,
            "fidelity": None if replaced is None else replaced.fidelity,
            "rules": said_of_rules(replaced, "rows are texts" if features is None else ""),
            "components": self.descriptions_ if keep_rows else {},
            "prepare": {
                name: [list(pair) for pair in said] for name, said in self._treatments(rows).items()
            },
        }

    def explain(
        self,
        X: Any,
        rows: Any = None,
        *,
        among: Any = None,
        n_exemplars: int = 3,
        n_features: int = 5,
    ) -> list[dict[str, Any]]:
        """Explain why rows are in their clusters, as plain values.

        Parameters
        ----------
        X : array-like, frame or Dataset
            Rows: with `rows`, and without `among`, also those among which neighbours are looked
            for.
        rows : str, int or sequence of them, optional
            The rows of `X` to explain, by id, or as integers by position; by default all of them.
        among : array-like, frame or Dataset, optional
            Rows among which neighbours are looked for, such as those of the fit. Without it and
            `rows` they are the rows of the fit, if the model knows where these are: in the process
            that fitted it, or after an edit that keeps it. Their values are not known then, so that
            no changes can be tried. A row with the same id is not a neighbour.
        n_exemplars : int, default 3
            Nearest rows of each of the two clusters.
        n_features : int, default 5
            Changes that are given of those that are tried.

        Returns
        -------
        list of dict
            For each row ``row`` (its id, or position), ``label``, ``name``, ``strength`` (where the
            clusterer knows it), ``second`` (``label`` and ``name`` of the nearest other cluster;
            ``None`` where there is no other),
            ``margin`` (from -1 to 1: by how much the own cluster is nearer than the second,
            relative to the farther of the two; by the mean distance to the five nearest rows of
            each), ``exemplars`` and ``exemplars_of_second`` (ids of the nearest rows), and
            ``moves``: what brings the row nearest to the second cluster. Each has ``what``, the
            ``value`` of the row and what it ``becomes``, and the ``margin`` and ``label`` that the
            model predicts then. Features take the mean of the second cluster, columns their
            median or most frequent value there, patches of images and segments of sequences the
            mean ones, and of texts each word is left out. Empty if a component cannot place new
            rows; ``None`` if values of other rows are not known.

        Raises
        ------
        DataError
            If the rows do not fit the model, there is no such row, or there is one row alone.
        UnsupportedError
            If it is not known where the rows of the fit are, and none are given.
        """
        given = self._rows(X)
        names = self.cluster_names_
        *outputs, training = self._outputs_of(given)
        latent, manifold, labels = outputs
        if among is not None:
            others = self._rows(among)
            _, points, found, _ = self._outputs_of(others)
            around = Surroundings(points, found, _listed(others.ids), others)
        elif rows is None and not training:
            around = self._surroundings()
        elif len(given) == 1:
            raise DataError(
                "explain: there is one row, and no others to compare it with; leave out which to "
                "explain to compare it with the rows of the fit, or give others, as among or "
                "--among"
            )
        else:
            around = Surroundings(manifold, labels, _listed(given.ids), given)
        chosen = range(len(given)) if rows is None else positions_of(given.ids, len(given), rows)
        return explanations(
            given,
            chosen,
            (latent, manifold, labels),
            around,
            self._fitted().fitted,
            lambda label: "noise" if label == NOISE else names.get(label, f"cluster {label}"),
            n_exemplars=integer(n_exemplars, "n_exemplars", 0),
            n_features=integer(n_features, "n_features", 0),
        )

    def _surroundings(self) -> Surroundings:
        """Where the rows of the fit are, if that is known."""
        points = self.__dict__.get("manifold_", self._fitted().edited_points)
        if points is None:
            raise UnsupportedError(
                "explain: it is not known where the rows of the fit are, which a bundle does not "
                "hold; give rows to compare with, as among or --among, such as those of the fit, "
                "or say which rows to explain among all of these, as rows or --row"
            )
        return Surroundings(points, self.labels_, _listed(self.ids_))

    def row_strengths(self) -> AnyArray | None:
        """Strength of each training row in its cluster: (n,), or ``None`` if none is known."""
        return self._fitted().fitted.row_strengths(self.manifold_, self.labels_, self.latent_)

    def _shown(self, rows: Rows, given: Any) -> ShownRows:
        """The shown part of rows; series in the times of the data that they came in."""
        fitted = self._fitted().fitted
        if rows.storage != "dense" or not (fitted.takes_series or is_series(rows)):
            return shown_rows(rows)
        own = given.schema if isinstance(given, Dataset) else None
        if own is not None and own.series is not None and rows.schema.series is not None:
            rows = attrs.evolve(rows, schema=attrs.evolve(rows.schema, series=own.series))
        return shown_rows(rows, sequence=True, lengths=fitted.observed_steps(rows))

    def _treatments(self, rows: Rows) -> dict[str, list[tuple[str, str]]]:
        """For each prepare component, by its part and name, what it did to the data."""
        fit = self._fitted()
        return {
            f"{label}: {fit.composition.steps[label].name}": said
            for label, said in fit.fitted.treatments(rows).items()
        }

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


def _listed(ids: AnyArray | None) -> list[str] | None:
    return None if ids is None else [str(name) for name in ids.tolist()]
