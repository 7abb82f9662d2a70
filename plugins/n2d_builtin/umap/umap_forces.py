"""Forces between the rows of a UMAP layout as tables, and rows of whole vectors."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray

__all__ = [
    "FIRST_STEP", "LANES", "STEEPEST", "STEP_BITS", "WITHIN_STEP", "Forces", "widened",
]  # fmt: skip

#: Numbers that make one group of a vector.
LANES = 8
#: Tables begin at two to this power, and have this many bits within each of their steps.
_LEAST_EXPONENT, STEP_BITS = -30, 17
#: The upper bits of a number in the first step, and the bits within a step.
FIRST_STEP, WITHIN_STEP = (127 + _LEAST_EXPONENT) << (23 - STEP_BITS), (1 << STEP_BITS) - 1
#: The most that a coordinate moves, in steps of the learning rate.
STEEPEST = 4.0
#: Widest vector in groups of lanes; coordinates beyond it take several.
_MOST_GROUPS = 4
#: Powers of two over which the tables of forces reach.
_RANGE = 64


@attrs.frozen
class Forces:
    """Forces on the rows.

    Attributes
    ----------
    a, b : float
        Shape of the similarity ``1 / (1 + a d^(2b))``.
    repulsion : float
        Weight of the repelling rows.
    negatives : int
        Repelling rows per sampled edge.
    learning_rate : float
        First step size; it falls to zero linearly.
    """

    a: float
    b: float
    repulsion: float
    negatives: int
    learning_rate: float

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Attraction and repulsion over the squared distance, in steps of equal width.

        Returns
        -------
        pulls, pushes : float32 arrays of shape (steps, 2)
            Value at the beginning of a step, and its growth per unit of the last place. The
            relative error of the straight line between is below 1e-4.
        """
        squares = _squares()
        power = self.a * squares**self.b
        pulls = -2.0 * self.b * power / squares / (power + 1.0)
        pushes = 2.0 * self.repulsion * self.b / ((0.001 + squares) * (power + 1.0))
        return _table(pulls), _table(pushes)

    def similarities(self) -> NDArray[np.float32]:
        """The similarity over the squared distance, in the same steps."""
        return _table(1.0 / (1.0 + self.a * _squares() ** self.b))


def widened(rows: AnyArray) -> tuple[NDArray[np.float32], tuple[int, ...]]:
    """Rows of whole vectors, filled up with zeros.

    Parameters
    ----------
    rows : float32 array of shape (n, m)

    Returns
    -------
    float32 array of shape (n, w)
    tuple of int
        As long as a vector has groups of lanes.
    """
    groups = -(-rows.shape[1] // LANES)
    groups = -(-groups // _MOST_GROUPS) * _MOST_GROUPS if groups > _MOST_GROUPS else groups
    wide = np.zeros((len(rows), groups * LANES), dtype=np.float32)
    wide[:, : rows.shape[1]] = rows
    return wide, (0,) * min(groups, _MOST_GROUPS)


def _squares() -> NDArray[np.float64]:
    """Squared distances at which the steps of the tables begin."""
    last = FIRST_STEP + (_RANGE << (23 - STEP_BITS))
    steps = np.arange(FIRST_STEP, last + 1, dtype=np.int32)
    return (steps << STEP_BITS).view(np.float32).astype(np.float64)


def _table(values: NDArray[np.float64]) -> NDArray[np.float32]:
    growth = np.diff(values) / (1 << STEP_BITS)
    return np.ascontiguousarray(np.stack([values[:-1], growth], axis=1), dtype=np.float32)
