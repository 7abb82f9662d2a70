"""Second half of the old package's models: a manifold learner and a clusterer on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from n2d_framework.errors import ConfigError, Problem, UnsupportedError, did_you_mean
from n2d_framework.n2d.approximate import HdbscanPrediction, is_hdbscan
from n2d_framework.n2d.old_verbs import Stage
from n2d_framework.types import AnyArray

__all__ = ["ManifoldClusterer", "UmapGMM", "manifold_cluster_generator"]


#: What scripts write for the options of the components, and what to say of those they cannot write.
_WRITTEN = {
    "n_components": "umap_dim",
    "n_neighbors": "umap_neighbors",
    "min_dist": "umap_min_distance",
    "metric": "umap_metric",
    "n_clusters": "n_clusters",
    "spread (1)": "1",
    "init='spectral' with n_components": "umap_dim",
    "lower n_components or use init='random'": "lower umap_dim",
}


class ManifoldClusterer:
    """A manifold learner whose coordinates are clustered.

    Attributes
    ----------
    manifold_in_embedding : object
        Has ``fit_transform``, and ``transform`` where it can place new rows.
    cluster_manifold : object
        Has ``fit`` and ``predict`` or ``labels_``; or ``fit_predict``.
    hle : array of shape (n, m) or None
        Training coordinates on the manifold.
    labels : array of shape (n,) or None
        Labels of the training rows; noise is -1.
    placed : array or None
        Coordinates of the rows that were fitted or predicted last.
    """

    def __init__(self, manifold: Any, clusterer: Any) -> None:
        self.manifold_in_embedding = manifold
        self.cluster_manifold = clusterer
        self.hle: AnyArray | None = None
        self.labels: AnyArray | None = None
        self.placed: AnyArray | None = None
        self._approximate: HdbscanPrediction | None = None

    def check_rows(self, n_rows: int) -> None:
        """Refuse so few rows as a component of the framework cannot be fitted on.

        Raises
        ------
        DataError
        """
        for part in (self.manifold_in_embedding, self.cluster_manifold):
            if isinstance(part, Stage):
                part.check_rows(n_rows)

    def fit(self, hl: Any) -> Self:
        """Learn the manifold of latent rows `hl`, and the clusters on it."""
        self.fit_predict(hl)
        return self

    def fit_predict(self, hl: Any) -> AnyArray:
        """Learn, and return the labels of the training rows.

        Raises
        ------
        UnsupportedError
            If the manifold learner cannot place these rows, or the clusterer cannot label them.
        """
        if not hasattr(self.manifold_in_embedding, "fit_transform"):
            raise UnsupportedError(
                f"{type(self.manifold_in_embedding).__name__} has no fit_transform; give a "
                "manifold learner that has it, as those of scikit-learn and umap-learn have"
            )
        self.hle = np.asarray(self.manifold_in_embedding.fit_transform(hl))
        self.labels = np.asarray(_fitted_labels(self.cluster_manifold, self.hle))
        self.placed, self._approximate = self.hle, None
        return self.labels

    def predict(self, hl: Any) -> AnyArray:
        """Labels of latent rows; those of HDBSCAN by approximate prediction.

        Raises
        ------
        UnsupportedError
            If the manifold learner or the clusterer cannot place new rows.
        """
        self.placed = self._place(hl)
        if hasattr(self.cluster_manifold, "predict"):
            return np.asarray(self.cluster_manifold.predict(self.placed))
        if is_hdbscan(self.cluster_manifold) and self.hle is not None:
            if self._approximate is None:
                self._approximate = HdbscanPrediction(self.cluster_manifold, self.hle)
            return self._approximate(self.placed)
        raise UnsupportedError(
            f"{type(self.cluster_manifold).__name__} cannot label new rows; fit_predict gives the "
            "labels of the training rows"
        )

    def predict_proba(self, hl: Any) -> AnyArray:
        """Soft assignment of latent rows, of shape (n, n_clusters).

        Raises
        ------
        UnsupportedError
            If the clusterer has none.
        """
        if not hasattr(self.cluster_manifold, "predict_proba"):
            raise UnsupportedError(
                f"{type(self.cluster_manifold).__name__} has no predict_proba; of the components "
                "of n2d_framework gmm, kmeans and hdbscan have one"
            )
        self.placed = self._place(hl)
        return np.asarray(self.cluster_manifold.predict_proba(self.placed))

    def _place(self, hl: Any) -> AnyArray:
        if not hasattr(self.manifold_in_embedding, "transform"):
            raise UnsupportedError(
                f"{type(self.manifold_in_embedding).__name__} cannot place new rows; fit_predict "
                "gives the labels of the training rows"
            )
        return np.asarray(self.manifold_in_embedding.transform(hl))


class UmapGMM(ManifoldClusterer):
    """UMAP, clustered by a mixture of Gaussians.

    Parameters
    ----------
    n_clusters : int
    umap_dim : int, default 2
        Dimensions of the manifold. The paper used the number of clusters.
    umap_neighbors : int, default 10
        The paper used 20.
    umap_min_distance : float, default 0.0
    umap_metric : str or function, default "euclidean"
    random_state : int, RandomState, Generator or None, default 0

    Notes
    -----
    Both are the components ``umap`` and ``gmm`` of the framework: new rows are placed one by
    one, and the mixture is started ten times, as one start often ends in a bad optimum. For
    a metric that the component does not have, umap-learn is used as it is.
    """

    def __init__(
        self,
        n_clusters: int,
        umap_dim: int = 2,
        umap_neighbors: int = 10,
        umap_min_distance: float = 0.0,
        umap_metric: Any = "euclidean",
        random_state: Any = 0,
    ) -> None:
        self.n_clusters = n_clusters
        options = {
            "n_components": umap_dim,
            "n_neighbors": umap_neighbors,
            "min_dist": umap_min_distance,
            "metric": umap_metric,
        }
        clusterer = Stage("clusterer", "gmm", random_state, _WRITTEN, n_clusters=n_clusters)
        super().__init__(_umap(options, random_state), clusterer)


class manifold_cluster_generator(ManifoldClusterer):  # noqa: N801
    """A manifold learner and a clusterer of any classes that look like scikit-learn's.

    Parameters
    ----------
    manifold_class : type
    manifold_args : mapping
    cluster_class : type
    cluster_args : mapping

    Attributes
    ----------
    proba : bool
        Whether the clusterer has ``predict_proba``.
    """

    def __init__(
        self,
        manifold_class: type[Any],
        manifold_args: Mapping[str, Any],
        cluster_class: type[Any],
        cluster_args: Mapping[str, Any],
    ) -> None:
        super().__init__(
            _made("manifold", manifold_class, manifold_args),
            _made("cluster", cluster_class, cluster_args),
        )
        self.proba = callable(getattr(self.cluster_manifold, "predict_proba", None))


def _umap(options: Mapping[str, Any], random_state: Any) -> Any:
    """The component; or umap-learn itself for a metric that only it has."""
    try:
        return Stage("manifolder", "umap", random_state, _WRITTEN, **options)
    except ConfigError as error:
        problems = [problem for problem in error.problems if problem.path != "umap_metric"]
        if len(problems) == len(error.problems):
            raise
    import umap
    from umap.distances import named_distances

    metric = options["metric"]
    if not (callable(metric) or metric in named_distances):
        hint = did_you_mean(str(metric), sorted(named_distances), noun="metric")
        problems.append(Problem("umap_metric", f"unknown metric {metric!r}; {hint}"))
    if problems:
        raise ConfigError(problems)
    return umap.UMAP(random_state=random_state, **options)


def _fitted_labels(clusterer: Any, rows: AnyArray) -> Any:
    """Labels of training rows, by the verbs that a clusterer has."""
    can_predict = hasattr(clusterer, "predict")
    if hasattr(clusterer, "fit_predict") and not (can_predict and hasattr(clusterer, "fit")):
        return clusterer.fit_predict(rows)
    if hasattr(clusterer, "fit"):
        clusterer.fit(rows)
        labels = getattr(clusterer, "labels_", None)
        if labels is not None:
            return labels
        if can_predict:
            return clusterer.predict(rows)
    raise UnsupportedError(
        f"{type(clusterer).__name__} cannot label its training rows; give a clusterer that has "
        "fit_predict, or fit with predict or labels_, as those of scikit-learn have"
    )


def _made(what: str, cls: type[Any], args: Mapping[str, Any]) -> Any:
    try:
        return cls(**args)
    except TypeError as error:
        name = getattr(cls, "__name__", repr(cls))
        raise ConfigError([Problem(f"{what}_args", f"{name} refuses them: {error}")]) from error
