"""The rows on which a fit is made: the distinct ones, or a part of them that places the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.checked_rows import refuse
from n2d_builtin.neighbors.row_metrics import MEASURES, Metric, comparable
from n2d_framework.plugin import AnyArray, DistinctRows, distinct_rows, hash_rows

__all__ = ["MANY", "Landmarks", "counted", "draw", "reasons_out_of_core"]

#: Rows from which on starts of clusterings out of core are compared on so many of them.
MANY = 1 << 16
#: Rows that are hashed at once.
_BLOCK = 1 << 16


def counted(n_rows: int, max_landmarks: int | None) -> tuple[int, str]:
    """Number of rows that a fit uses, and that number as a string for a message."""
    if max_landmarks is None or n_rows <= max_landmarks:
        return n_rows, f"{n_rows}"
    return max_landmarks, f"{max_landmarks} (max_landmarks)"


def reasons_out_of_core(max_landmarks: int | None, metric: Metric = "euclidean") -> list[str]:
    """Why a fit on landmarks cannot draw them from rows in a file.

    Parameters
    ----------
    max_landmarks : int or None
    metric : Metric
    """
    found = []
    if max_landmarks is None:
        found.append("out of core it needs max_landmarks, such as 20000")
    measure = MEASURES[metric]
    if measure.rows is not np.ascontiguousarray or measure.outside is not None:
        found.append(f"metric {metric!r} compares a copy of all rows; use euclidean out of core")
    return found


def _taken(x: AnyArray, chosen: Any, metric: Metric) -> NDArray[np.float32]:
    """A copy of the chosen rows; of precomputed distances, their columns."""
    found = np.arange(len(x))[chosen][:, None] if metric == "precomputed" else x[chosen]
    return np.array(found, dtype=np.float32, order="C")


def draw(
    x: AnyArray, max_landmarks: int | None, seed: int, metric: Metric = "euclidean"
) -> NDArray[np.float32]:
    """The rows a fit uses, as often as they occur: a copy of all, or so many drawn at random.

    Parameters
    ----------
    x : float32 array of shape (n, d)
    max_landmarks : int or None
        None for all rows.
    seed : int
    metric : Metric

    Returns
    -------
    float32 array of shape (min(n, max_landmarks), d)
        In their order; for precomputed distances the columns of the rows, of shape (…, 1). Which
        rows are drawn does not depend on their order: the draw is by a hash of the values of a row,
        the number of its equals before it, and the seed.
    """
    if max_landmarks is None or len(x) <= max_landmarks:
        return _taken(x, slice(None), metric)
    groups = distinct_rows(x)
    copies = np.zeros(len(x), dtype=np.uint64)
    if groups.repeated:
        by_group = np.argsort(groups.inverse, kind="stable")
        begins = np.cumsum(groups.counts) - groups.counts
        copies[by_group] = np.arange(len(x)) - np.repeat(begins, groups.counts)
    keys = np.empty(len(x), dtype=np.uint64)
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        keys[rows] = hash_rows(np.stack([hash_rows(x[rows], seed), copies[rows]], axis=1))
    return _taken(x, _least(keys, max_landmarks), metric)


@attrs.frozen(eq=False)
class Landmarks:
    """Distinct rows on which a manifold is fitted.

    Attributes
    ----------
    rows : float32 array of shape (l, d)
        In the order of their first occurrence; for precomputed distances their columns, of shape
        (l, 1).
    groups : DistinctRows
        All distinct rows of the training data, by the metric.
    """

    rows: NDArray[np.float32]
    groups: DistinctRows

    @classmethod
    def draw(
        cls, x: AnyArray, max_landmarks: int | None, seed: int, metric: Metric = "euclidean"
    ) -> Landmarks:
        """All distinct rows, or so many of them, drawn by a hash of their values and the seed.

        Parameters
        ----------
        x : float32 array of shape (n, d)
        max_landmarks : int or None
            None for all.
        seed : int
        metric : Metric
            For cosine, rows that point in the same direction are equal.
        """
        compared = comparable(x, metric)
        groups = distinct_rows(compared)
        first = groups.first
        if max_landmarks is not None and len(first) > max_landmarks:
            keys = np.empty(len(first), dtype=np.uint64)
            for start in range(0, len(first), _BLOCK):
                rows = slice(start, start + _BLOCK)
                keys[rows] = hash_rows(compared[first[rows]], seed)
            first = first[_least(keys, max_landmarks)]
        return cls(_taken(x, first, metric), groups)

    @property
    def complete(self) -> bool:
        """Return whether all distinct rows are among them."""
        return len(self.rows) == len(self.groups)

    def origin(self, name: str) -> dict[str, int]:
        """Choice of landmarks from the rows of the stage, for a shared search of neighbours."""
        if not self.complete:
            return {f"{name}_landmarks": len(self.rows)}
        return {"distinct": len(self.rows)} if self.groups.repeated else {}

    def check(
        self, reasons: Callable[[int, tuple[int, ...]], list[str]], row_shape: tuple[int, ...]
    ) -> None:
        """Refuse training data with too few distinct rows.

        Parameters
        ----------
        reasons : callable
            The component's ``check_input``.
        row_shape : tuple of int

        Raises
        ------
        DataError
        """
        n, distinct = len(self.groups.inverse), len(self.groups)
        note = f" (only {distinct} of the {n} rows are distinct)" if distinct < n else ""
        refuse([f"{reason}{note}" for reason in reasons(distinct, row_shape)])

    def spread(
        self, x: AnyArray, embedding: AnyArray, place: Callable[[AnyArray], AnyArray]
    ) -> AnyArray:
        """Coordinates of all training rows; equal rows have the same.

        Parameters
        ----------
        x : array of shape (n, d)
            The training rows.
        embedding : array of shape (l, m)
            Coordinates of the landmarks.
        place : callable
            Gives rows beyond the landmarks their coordinates.
        """
        found = embedding if self.complete else place(x[self.groups.first])
        return found[self.groups.inverse]


def _least(keys: NDArray[np.uint64], count: int) -> AnyArray:
    """Where the smallest of the keys are, in ascending order."""
    last = np.partition(keys, count - 1)[count - 1]
    below, equal = np.flatnonzero(keys < last), np.flatnonzero(keys == last)
    return np.sort(np.concatenate([below, equal[: count - len(below)]]))
