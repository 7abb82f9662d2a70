"""Labels of new rows, and whatever else is asked for, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.core.rows import Rows
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.metrics.hierarchy import relabelled
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.plan.new_rows import new_rows
from n2d_framework.plan.row_confidence import RowConfidence
from n2d_framework.types import NOISE, AnyArray

__all__ = ["ColumnsOf", "CoordinatesOf", "Labeller", "Labelling", "LabelsOf"]


@attrs.frozen
class Labelling:
    """Answers that are asked for besides labels.

    Attributes
    ----------
    proba : bool, default False
        Whether the share of every cluster is.
    confidence : bool, default False
        Whether the confidence of the label is.
    abstain : float, optional
        Label rows -1 that are less sure than all but this share of those measured.
    min_confidence : float, optional
        Label rows -1 that are less sure than this.
    n_clusters : int, optional
        Join clusters by the hierarchy until so many are left.
    """

    proba: bool = False
    confidence: bool = False
    abstain: float | None = None
    n_clusters: int | None = None
    min_confidence: float | None = None

    def least(self, sure: RowConfidence) -> float | None:
        """Confidence below which rows are labelled -1; ``None`` if none is.

        Raises
        ------
        DataError
            If `abstain` is not a share, or `min_confidence` is not from 0 to 1.
        """
        given = self.min_confidence
        if given is not None and not 0 <= given <= 1:
            raise DataError(f"min_confidence={given:g}: must be from 0 to 1")
        by_share = None if self.abstain is None else sure.threshold(self.abstain)
        return max((one for one in (given, by_share) if one is not None), default=None)


@attrs.frozen(eq=False)
class Labeller:
    """Labels rows as they were asked for; what a row gets depends on that row only.

    Attributes
    ----------
    model : FittedPlan
    asked : Labelling
    """

    model: FittedPlan
    asked: Labelling
    _sure: Any = None
    _least: float | None = None
    _joined: Any = None

    @classmethod
    def of(cls, model: FittedPlan, asked: Labelling) -> Self:
        """Refuse what the model cannot say, before any row is read.

        Raises
        ------
        UnsupportedError
            If it has no probabilities, no hierarchy or no confidence.
        DataError
            If it has fewer clusters, or `abstain` or `min_confidence` is not from 0 to 1.
        """
        if asked.proba and not hasattr(model.component(LABEL_ROLE), "predict_proba"):
            raise UnsupportedError("its clusterer has no probabilities; do not ask for them")
        abstains = asked.abstain is not None or asked.min_confidence is not None
        sure = model.known_confidence() if asked.confidence or abstains else None
        least = None if sure is None else asked.least(sure)
        joined = None if asked.n_clusters is None else model.hierarchy().cut(asked.n_clusters)
        return cls(model, asked, sure, least, joined)

    def labels(self, rows: Rows) -> AnyArray:
        """Labels of checked rows: (n,) int64."""
        if self._least is None:
            return self._as_asked(self.model.predict(rows), None)
        latent, labels = self.model.outputs(rows, "embedder", self.model.plan.labels)
        return self._as_asked(labels, self._sure.of_rows(latent, labels))

    def columns(self, rows: Rows) -> dict[str, AnyArray]:
        """Columns of checked rows: ``label[, strength][, confidence][, p_0, p_1, ...]``."""
        last = self.model.plan.labels
        latent, manifold, labels = self.model.outputs(rows, "embedder", "manifolder", last)
        measured = None if self._sure is None else self._sure.of_rows(latent, labels)
        columns = {"label": self._as_asked(labels, measured)}
        strengths = self.model.row_strengths(manifold, labels, latent)
        columns |= {} if strengths is None else {"strength": strengths}
        if self.asked.confidence and measured is not None:
            columns["confidence"] = measured
        return columns | (self._shares(manifold, latent) if self.asked.proba else {})

    def _as_asked(self, labels: AnyArray, measured: AnyArray | None) -> AnyArray:
        if self._least is not None and measured is not None:
            labels = np.where(measured < self._least, NOISE, labels)
        return labels if self._joined is None else relabelled(labels, self._joined)

    def _shares(self, manifold: AnyArray, latent: AnyArray) -> dict[str, AnyArray]:
        shares = self.model.proba_of(manifold, latent)
        ids = self.model.column_ids(shares.shape[1])
        named = ["p_noise" if label == NOISE else f"p_{label}" for label in ids]
        return {name: shares[:, i] for i, name in enumerate(named)}


@attrs.frozen
class ColumnsOf:
    """Asks a model for :meth:`Labeller.columns`; can be sent to another process.

    Attributes
    ----------
    asked : Labelling
    """

    asked: Labelling

    def __call__(self, model: FittedPlan) -> Callable[[Any], dict[str, AnyArray]]:
        """A function of rows, as :func:`~n2d_framework.plan.new_rows.new_rows` takes them."""
        labeller = Labeller.of(model, self.asked)
        return lambda x: labeller.columns(new_rows(x, model))


@attrs.frozen
class LabelsOf:
    """Asks a model for :meth:`Labeller.labels`; can be sent to another process.

    Attributes
    ----------
    asked : Labelling
    """

    asked: Labelling

    def __call__(self, model: FittedPlan) -> Callable[[Any], AnyArray]:
        """A function of rows, as :func:`~n2d_framework.plan.new_rows.new_rows` takes them."""
        labeller = Labeller.of(model, self.asked)
        return lambda x: labeller.labels(new_rows(x, model))


@attrs.frozen
class CoordinatesOf:
    """Asks a model for coordinates of the manifold; can be sent to another process."""

    def __call__(self, model: FittedPlan) -> Callable[[Any], AnyArray]:
        """A function of rows, as :func:`~n2d_framework.plan.new_rows.new_rows` takes them."""
        return lambda x: model.transform(new_rows(x, model))
