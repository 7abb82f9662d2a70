"""Confidence of labels for rows that were not there when it was measured."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, StateError
from n2d_framework.types import NOISE, AnyArray, FloatArray, IntArray

__all__ = ["RowConfidence"]

#: Rows that are kept, and how many of them give a row its confidence.
_KEPT, _NEAREST = 5000, 10


@attrs.frozen(eq=False)
class RowConfidence:
    """Rows whose confidence was measured, from which that of others follows.

    A row's confidence is the mean of the ten measured rows nearest to it in the coordinates that
    were clustered; those with another label than the row count as 0.

    Attributes
    ----------
    points : float32 array of shape (p, m)
        Coordinates of the measured rows; a random sample of at most 5,000.
    labels : int64 array of shape (p,)
        Their labels.
    values : float64 array of shape (p,)
        Their confidence.
    """

    points: AnyArray
    labels: IntArray
    values: FloatArray

    @classmethod
    def of(
        cls, coordinates: AnyArray, labels: IntArray, values: FloatArray, random_state: int
    ) -> Self:
        """Keep rows with their measured confidence."""
        rows = np.arange(len(labels))
        if len(rows) > _KEPT:
            rows = np.sort(np.random.default_rng(random_state).choice(rows, _KEPT, replace=False))
        points = np.ascontiguousarray(coordinates[rows], dtype=np.float32)
        return cls(points, labels[rows].astype(np.int64), values[rows].astype(np.float64))

    def of_rows(self, coordinates: AnyArray, labels: IntArray) -> FloatArray:
        """Confidence of rows with their labels: (n,) float64 in [0, 1]."""
        return self._mean(self._near(coordinates, _NEAREST), labels)

    def threshold(self, share: float) -> float:
        """Confidence that so large a share of the measured rows does not reach.

        Each row is measured by the others, as new rows are.

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
        near = self._near(self.points, _NEAREST + 1)
        # A row is nearest to itself, but for rows that equal it.
        itself = near == np.arange(len(near))[:, None]
        itself[~itself.any(axis=1), -1] = True
        others = near[~itself].reshape(len(near), -1) if near.shape[1] > 1 else near
        measured = np.sort(self._mean(others, self.labels))
        return float(measured[min(int(share * len(measured)), len(measured) - 1)])

    def as_state(self) -> State:
        """Content of the part ``confidence`` of a bundle."""
        return {"points": self.points, "labels": self.labels, "values": self.values}

    @classmethod
    def of_state(cls, state: State) -> Self:
        """Read a state that :meth:`as_state` gave.

        Raises
        ------
        StateError
            If it cannot be that.
        """
        points, labels, values = (
            need(state, name, np.ndarray) for name in ("points", "labels", "values")
        )
        if not (
            (points.dtype, labels.dtype, values.dtype) == (np.float32, np.int64, np.float64)
            and (points.ndim, labels.ndim) == (2, 1)
            and len(points) == len(labels) > 0
            and values.shape == labels.shape
            and np.isfinite(points).all()
            and ((values >= 0) & (values <= 1)).all()
            and (labels >= NOISE).all()
        ):
            raise StateError("points, labels and values of confidence do not fit together")
        return cls(points, labels, values)

    def _near(self, coordinates: AnyArray, number: int) -> Any:
        from scipy.spatial import cKDTree

        found = cKDTree(self.points).query(coordinates, min(number, len(self.points)))[1]
        return found.reshape(len(coordinates), -1)

    def _mean(self, near: AnyArray, labels: IntArray) -> FloatArray:
        same = self.labels[near] == np.asarray(labels)[:, None]
        return np.asarray(np.where(same, self.values[near], 0.0).mean(axis=1))
