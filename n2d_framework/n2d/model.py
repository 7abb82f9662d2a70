"""The model of the old package: an autoencoder and a manifold learner with a clusterer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Self

import numpy as np

from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.n2d.argument_checks import check_parts
from n2d_framework.n2d.learners import ManifoldClusterer
from n2d_framework.types import NOISE, AnyArray

__all__ = ["n2d"]


class n2d:  # noqa: N801
    """Not too deep clustering, as the old package wrote it.

    Parameters
    ----------
    autoencoder : object
        Has ``fit`` and ``encoder``: :class:`AutoEncoder`, :class:`autoencoder_generator`, or
        a class of your own.
    manifold_learner : object
        Has ``fit``, ``predict``, ``fit_predict``, ``hle``, ``manifold_in_embedding`` and
        ``cluster_manifold``: :class:`UmapGMM`, :class:`manifold_cluster_generator`, or a
        class of your own.

    Attributes
    ----------
    encoder, manifolder, clusterer : object
        The three stages.
    preds : array of shape (n,) or None
        Labels of the rows predicted last; noise is -1.
    probs : array of shape (n, n_clusters) or None
        Soft assignment of the rows asked for last.
    hle : array of shape (n, m) or None
        Coordinates, on the manifold, of the rows fitted or predicted last.

    Raises
    ------
    ConfigError
        If the parts come in the wrong order, or lack what is needed.
    """

    def __init__(self, autoencoder: Any, manifold_learner: Any) -> None:
        check_parts(autoencoder, manifold_learner)
        self.autoencoder = autoencoder
        self.manifold_learner = manifold_learner
        self._forget()

    def _forget(self) -> None:
        self.preds: AnyArray | None = None
        self.probs: AnyArray | None = None
        self.hle: AnyArray | None = None
        self._drawn: AnyArray | None = None
        self._latent: AnyArray | None = None

    @property
    def encoder(self) -> Any:
        """Network from rows to codes."""
        return self.autoencoder.encoder

    @property
    def manifolder(self) -> Any:
        """The manifolder, fitted."""
        return self.manifold_learner.manifold_in_embedding

    @property
    def clusterer(self) -> Any:
        """The clusterer, fitted."""
        return self.manifold_learner.cluster_manifold

    def fit(
        self,
        x: Any,
        batch_size: int = 256,
        epochs: int = 1000,
        loss: Any = "mse",
        optimizer: Any = "adam",
        weights: Any = None,
        verbose: int | str = 1,
        weight_id: Any = None,
        patience: int | None = None,
    ) -> Self:
        """Train the autoencoder, then learn the manifold and its clusters.

        Parameters
        ----------
        x : array-like of shape (n, ...)
        batch_size, epochs, loss, optimizer, weights, verbose, weight_id, patience
            See :meth:`AutoEncoder.fit`.
        """
        self._latent = self._train(
            x,
            batch_size=batch_size,
            epochs=epochs,
            loss=loss,
            optimizer=optimizer,
            weights=weights,
            verbose=verbose,
            weight_id=weight_id,
            patience=patience,
        )
        self.manifold_learner.fit(self._latent)
        self.hle = self.manifold_learner.hle
        return self

    def preTrainEncoder(self, *_: Any, **__: Any) -> NoReturn:  # noqa: N802
        """Say what became of this name, which the old documentation mentions still."""
        raise UnsupportedError(
            "preTrainEncoder became a part of fit before n2d 0.3: call fit(x, weight_id='FILE.h5') "
            "to train and keep the weights, fit(x, weights='FILE.h5') to take them again"
        )

    def fit_predict(
        self,
        x: Any,
        batch_size: int = 256,
        epochs: int = 1000,
        loss: Any = "mse",
        optimizer: Any = "adam",
        weights: Any = None,
        verbose: int | str = 1,
        weight_id: Any = None,
        patience: int | None = None,
    ) -> AnyArray:
        """Do what :meth:`fit` does, and return the labels of the training rows."""
        self._latent = self._train(
            x,
            batch_size=batch_size,
            epochs=epochs,
            loss=loss,
            optimizer=optimizer,
            weights=weights,
            verbose=verbose,
            weight_id=weight_id,
            patience=patience,
        )
        self.preds = np.asarray(self.manifold_learner.fit_predict(self._latent))
        self.hle = self._drawn = self.manifold_learner.hle
        return self.preds

    def predict(self, x: Any = None) -> AnyArray:
        """Labels of rows.

        Parameters
        ----------
        x : array-like, optional
            By default the training rows.

        Returns
        -------
        int array of shape (n,)
            Also kept in ``preds``.
        """
        labels = getattr(self.manifold_learner, "labels", None)
        if x is None and labels is not None:
            self.preds, self.hle = labels, self.manifold_learner.hle
        else:
            self.preds = np.asarray(self.manifold_learner.predict(self._codes(x)))
            self.hle = self._placed()
        self._drawn = self.hle
        return self.preds

    def predict_proba(self, x: Any = None) -> AnyArray:
        """Soft assignment of rows: (n, n_clusters), also kept in ``probs``.

        Parameters
        ----------
        x : array-like, optional
            By default the training rows.
        """
        self.probs = np.asarray(self.manifold_learner.predict_proba(self._codes(x)))
        self.hle = self._placed()
        return self.probs

    def assess(self, y: Any) -> tuple[float, float, float]:
        """Compare the labels predicted last with true classes.

        Parameters
        ----------
        y : array-like of shape (n,)
            Of any type.

        Returns
        -------
        accuracy, nmi, ari : float
            Rounded to five digits. Noise counts as one more cluster.
        """
        from n2d_framework.metrics import score

        found = score(np.asarray(y), self._predicted("assess"))
        return round(found["acc"], 5), round(found["nmi"], 5), round(found["ari"], 5)

    def visualize(
        self, y: Any, names: Mapping[Any, str] | Sequence[str] | None = None, n_clusters: int = 10
    ) -> None:
        """Draw the rows predicted last, by true class and by cluster.

        Clusters keep the numbers that :meth:`predict` gives; each has the colour of the class
        it stands for, which the legend names.

        Two figures of pyplot: show them with ``plt.show()``, or save them.

        Parameters
        ----------
        y : array-like of shape (n,)
            True classes.
        names : mapping of class to name, or sequence of names, optional
            A sequence is in the order of the sorted classes, with or without one for noise (-1).
        n_clusters : int, default 10
            Taken for the sake of old calls; there are as many colours as labels.
        """
        from matplotlib import pyplot as plt

        from n2d_framework.metrics import match_clusters
        from n2d_framework.plots import scatter
        from n2d_framework.plots.palette import cluster_styles, distinct, is_noise, styles
        from n2d_framework.plots.point_drawing import class_names, cluster_names

        del n_clusters
        truth, labels = np.asarray(y), self._predicted("visualize")
        if len(truth) != len(labels):
            raise DataError(f"{len(truth)} classes for {len(labels)} predicted rows")
        places = self.hle if self._drawn is None else self._drawn
        if places is None or len(places) != len(labels):
            raise DataError(
                f"there are coordinates of {0 if places is None else len(places)} rows for "
                f"{len(labels)} labels; call predict with the rows to draw"
            )
        stands_for, classes = match_clusters(truth, labels), styles(truth)
        clusters = cluster_styles(classes, labels, stands_for)
        known = _names_by_class(names, distinct(truth))
        looks = (classes, clusters)
        texts = (
            [known.get(value, "") for value in classes if not is_noise(value)],
            cluster_names(clusters, stands_for, class_names(classes, ()) | known),
        )
        for title, shown, look, text in zip(
            ("n2d", "n2d-predicted"), (truth, labels), looks, texts, strict=True
        ):
            _, axes = plt.subplots(figsize=(8, 5))
            scatter(places, shown, text, look=look, ax=axes, title=title)

    def _train(self, x: Any, **how: Any) -> AnyArray:
        self._forget()
        # Learners of the user's own may be of other classes.
        if isinstance(self.manifold_learner, ManifoldClusterer) and hasattr(x, "__len__"):
            self.manifold_learner.check_rows(len(x))
        self.autoencoder.fit(x=x, **how)
        return self._embed(x)

    def _embed(self, x: Any) -> AnyArray:
        if hasattr(self.autoencoder, "embed"):
            return np.asarray(self.autoencoder.embed(x))
        return np.asarray(self.encoder.predict(x))

    def _codes(self, x: Any) -> AnyArray:
        if x is not None:
            return self._embed(x)
        if self._latent is None:
            raise UnsupportedError("there are no training rows to predict: call fit, or give x")
        return self._latent

    def _placed(self) -> AnyArray | None:
        placed: AnyArray | None = getattr(self.manifold_learner, "placed", None)
        return self.manifold_learner.hle if placed is None else placed

    def _predicted(self, what: str) -> AnyArray:
        if self.preds is None:
            raise UnsupportedError(f"{what} needs predictions: call predict or fit_predict first")
        return self.preds


def _names_by_class(names: Any, classes: list[Any]) -> dict[Any, str]:
    """Names by class; a sequence may leave noise out, which is called noise."""
    if names is None:
        return {}
    if isinstance(names, Mapping):
        return {value: str(name) for value, name in names.items()}
    named = [value for value in classes if value != NOISE]
    if len(names) < len(named):
        raise DataError(f"{len(names)} names for {len(named)} classes")
    values = classes if len(names) == len(classes) else named
    return {value: str(name) for value, name in zip(values, names, strict=False)}
