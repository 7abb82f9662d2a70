"""Confidence of labels for rows that were not there when it was measured."""

from __future__ import annotations

import hashlib
from typing import Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.metrics.cluster_axes import along_axes, cluster_axes
from n2d_framework.types import NOISE, AnyArray, FloatArray, IntArray

__all__ = ["RowConfidence"]

#: Rows that are kept, and how many of them give a row its confidence.
_KEPT, _NEAREST = 10_000, 20


@attrs.frozen(eq=False)
class RowConfidence:
    """Rows whose confidence was measured, from which that of others follows.

    A row's confidence is the mean of the twenty measured rows nearest to it in the latent space,
    the nearest weighted most (by 1, 1/2, 1/3, ...); those with another label than the row count as
    0. Manifolds bring clusters together as islands, and a row on the wrong island has its like
    around it there; in the latent space it has not. A measured row that equals the row does not
    count: rows of the fit are as sure as new ones in their place would be, and a threshold leaves
    out the same share of both.

    Attributes
    ----------
    axes : float64 array of shape (d, r)
        Directions of the latent space in which clusters are about equally wide.
    points : float32 array of shape (p, r)
        The measured rows along these; a random sample of at most 10,000.
    labels : int64 array of shape (p,)
        Their labels.
    values : float64 array of shape (p,)
        Their confidence.
    clustering : str
        Digest of the labels of the training rows for which it was measured.
    """

    axes: FloatArray
    points: AnyArray
    labels: IntArray
    values: FloatArray
    clustering: str

    @classmethod
    def of(
        cls,
        latent: AnyArray,
        labels: IntArray,
        values: FloatArray,
        random_state: int,
        training: IntArray | None = None,
    ) -> Self:
        """Keep rows with their measured confidence.

        Parameters
        ----------
        latent : array of shape (n, d)
        labels : int64 array of shape (n,)
        values : float64 array of shape (n,)
        random_state : int
            By which rows are drawn, if they are many.
        training : int64 array, optional
            Labels of the training rows, if these are others.
        """
        rows = np.arange(len(labels))
        if len(rows) > _KEPT:
            rows = np.sort(np.random.default_rng(random_state).choice(rows, _KEPT, replace=False))
        kept, known = np.asarray(latent[rows]).reshape(len(rows), -1), labels[rows]
        axes = cluster_axes(kept, known)
        clustering = _digest(labels if training is None else training)
        return cls(
            axes,
            along_axes(kept, axes),
            known.astype(np.int64),
            values[rows].astype(float),
            clustering,
        )

    def is_of(self, training: IntArray) -> bool:
        """Return whether it was measured for a clustering with these labels of training rows."""
        return self.clustering == _digest(training)

    def of_rows(self, latent: AnyArray, labels: IntArray) -> FloatArray:
        """Confidence of rows with their labels: (n,) float64 in [0, 1]."""
        along = along_axes(np.asarray(latent).reshape(len(latent), -1), self.axes)
        return self._measured(along, labels)

    def threshold(self, share: float) -> float:
        """Confidence that so large a share of the measured rows does not reach.

        Parameters
        ----------
        share : float
            From 0 to 1.

        Raises
        ------
        DataError
            If it is not.
        """
        if not 0 <= share <= 1:
            raise DataError(f"abstain={share:g}: must be a share of the rows, from 0 to 1")
        measured = np.sort(self._measured(self.points, self.labels))
        return float(measured[min(int(share * len(measured)), len(measured) - 1)])

    def as_state(self) -> State:
        """Content of the part ``confidence`` of a bundle."""
        return {
            "axes": self.axes, "points": self.points, "labels": self.labels, "values": self.values,
            "clustering": self.clustering,
        }  # fmt: skip

    @classmethod
    def of_state(cls, state: State, training: IntArray) -> Self:
        """Read a state that :meth:`as_state` gave.

        Parameters
        ----------
        state : State
        training : int64 array
            Labels of the training rows: those for which it was measured, where the state does not
            say, being of an earlier framework.

        Raises
        ------
        StateError
            If it cannot be that.
        """
        axes, points, labels, values = (
            need(state, name, np.ndarray) for name in ("axes", "points", "labels", "values")
        )
        if not (
            (points.dtype, labels.dtype, values.dtype) == (np.float32, np.int64, np.float64)
            and (axes.dtype, axes.ndim) == (np.float64, 2)
            and (points.ndim, labels.ndim) == (2, 1)
            and points.shape[1] == axes.shape[1]
            and np.isfinite(axes).all()
            and len(points) == len(labels) > 0
            and values.shape == labels.shape
            and np.isfinite(points).all()
            and ((values >= 0) & (values <= 1)).all()
            and (labels >= NOISE).all()
        ):
            raise StateError("axes, points, labels and values of confidence do not fit together")
        clustering = need(state, "clustering", str) if "clustering" in state else _digest(training)
        return cls(axes, points, labels, values, clustering)

    def _measured(self, along: AnyArray, labels: IntArray) -> FloatArray:
        """Mean of the nearest measured rows, without one that equals the row."""
        from scipy.spatial import cKDTree

        number = min(_NEAREST + 1, len(self.points))
        apart, near = cKDTree(self.points).query(along, number)
        apart, near = apart.reshape(len(along), -1), near.reshape(len(along), -1)
        if number == 1:
            return self._mean(near, labels)
        equal = apart[:, 0] == 0
        return self._mean(np.where(equal[:, None], near[:, 1:], near[:, :-1]), labels)

    def _mean(self, near: AnyArray, labels: IntArray) -> FloatArray:
        same = self.labels[near] == np.asarray(labels)[:, None]
        weights = 1.0 / np.arange(1, near.shape[1] + 1)
        total = np.zeros(len(near))
        for place, weight in enumerate(weights.tolist()):  # sums have the same order in any batch
            total += weight * np.where(same[:, place], self.values[near[:, place]], 0.0)
        return np.asarray(np.clip(total / weights.sum(), 0.0, 1.0))


def _digest(labels: IntArray) -> str:
    return hashlib.sha256(np.asarray(labels, dtype="<i8").tobytes()).hexdigest()
