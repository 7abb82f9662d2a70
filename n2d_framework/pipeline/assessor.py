"""Quality of a fitted model's labels, with and without true classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from n2d_framework.core.events import EventSink, FilesWritten, RunAssessed
from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE
from n2d_framework.events import EventBus
from n2d_framework.pipeline.predictor import Predictor
from n2d_framework.registry import default_catalogue
from n2d_framework.types import AnyArray, IntArray

__all__ = ["Assessor"]


class Assessor(Predictor):
    """Scores of a fitted model."""

    labels_: IntArray
    random_state_: int
    listeners: Sequence[EventSink]

    @property
    def _events(self) -> EventBus:
        """Where events of this model go."""
        return EventBus(self.listeners, default_catalogue().manager.hook)

    def _notify_saved(self, path: str | os.PathLike[str]) -> None:
        """Notify trackers of a bundle, if they know the run that made the model."""
        run_id = self._fitted().run_id
        if run_id is not None:
            self._events(FilesWritten(run_id, {"bundle": (os.fspath(path),)}))

    def assess(self, y: Any = None, X: Any = None) -> dict[str, float]:
        """Score labels by themselves and, where classes are known, against these.

        Parameters
        ----------
        y : array-like of shape (n,), optional
            True classes, of any type.
        X : array-like, optional
            Rows to predict; without it, the training labels are assessed.

        Returns
        -------
        dict of str to float
            See :func:`n2d_framework.metrics.assess`.

        Warns
        -----
        MetricWarning
            If a metric of a plugin cannot be used; the other scores stand.
        """
        from n2d_framework.metrics import assess

        fit = self._fitted()
        if X is None:
            manifold, labels = getattr(self, "manifold_", None), self.labels_
        else:
            manifold, labels = self._placed(X)
        scores = assess(
            y,
            labels,
            coordinates=manifold,
            density=fit.composition.choice(LABEL_ROLE).spec.noise,
            random_state=fit.random_state,
            extra=default_catalogue().metrics(),
        )
        if fit.run_id is not None:
            self._events(RunAssessed(fit.run_id, dict(scores), training=X is None))
        return scores

    def score(self, X: Any, y: Any = None) -> float:
        """Mean silhouette of the predicted labels on the manifold; greater is better.

        Parameters
        ----------
        X : array-like
        y : ignored

        Returns
        -------
        float
            -1 if fewer than two clusters are found.
        """
        from n2d_framework.metrics import silhouette

        manifold, labels = self._placed(X)
        value = silhouette(manifold, labels, random_state=self.random_state_)
        return -1.0 if np.isnan(value) else float(value)

    def _placed(self, X: Any) -> tuple[AnyArray, IntArray]:
        """Coordinates of rows on the manifold, and their labels."""
        fitted = self._fitted().fitted
        manifold, labels = fitted.outputs(self._rows(X), COORDINATE_ROLES[-1], fitted.plan.labels)
        return manifold, labels
