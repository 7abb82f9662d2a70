"""Brings series to mean 0 and deviation 1; padding takes no part and becomes 0."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import AnyArray, IntArray, learned

__all__ = [
    "Normalization",
    "Normalize",
    "learn_normalization",
    "observed_mask",
]

Normalize: TypeAlias = Literal["feature", "series", "none"]
Floats: TypeAlias = NDArray[np.float64]

_BLOCK = 1024
_TINY = float(np.finfo(np.float32).eps)


@attrs.frozen(eq=False)
class Normalization:
    """Normalisation of series.

    Attributes
    ----------
    normalize : {"feature", "series", "none"}
    mean, scale : float64 arrays of shape (features,)
        Learned of the training rows if ``normalize="feature"``, else 0 and 1.
    """

    normalize: Normalize
    mean: Floats = learned(shape=("features",), dtype="float64", init=True)
    scale: Floats = learned(shape=("features",), dtype="float64", gt=0, init=True)

    def apply(self, x: AnyArray, lengths: IntArray) -> Floats:
        """Normalise rows; each row's result depends on that row alone.

        Parameters
        ----------
        x : array of shape (n, steps, features)
        lengths : int array of shape (n,)

        Returns
        -------
        float64 array of shape (n, steps, features)
            Zero where a row is padding.
        """
        mask = observed_mask(lengths, x.shape[1])
        values = np.where(mask, x, 0.0).astype(np.float64)
        mean, scale = self.mean, self.scale
        if self.normalize == "series":
            mean, scale = _of_series(values, mask, lengths)
        normalised: Floats = np.where(mask, (values - mean) / scale, 0.0)
        return normalised

    def apply_all(self, x: AnyArray, lengths: IntArray) -> NDArray[np.float32]:
        """Normalise any number of rows in bounded memory, as float32."""
        found = np.empty(x.shape, dtype=np.float32)
        for start in range(0, len(x), _BLOCK):
            rows = slice(start, start + _BLOCK)
            found[rows] = self.apply(x[rows], lengths[rows])
        return found

    def undo(self, x: AnyArray) -> AnyArray:
        """Back to the unit of the data (with ``normalize="series"`` that is not known any more)."""
        back: AnyArray = x * self.scale + self.mean
        return back


def observed_mask(lengths: IntArray, steps: int) -> NDArray[np.bool_]:
    """True where a step is not padding: (n, steps, 1)."""
    mask: NDArray[np.bool_] = np.arange(steps)[None, :, None] < lengths[:, None, None]
    return mask


def learn_normalization(x: AnyArray, lengths: IntArray, per: Normalize) -> Normalization:
    """Learn mean and deviation of each feature over all steps that are not padding.

    Parameters
    ----------
    x : array of shape (n, steps, features)
    lengths : int array of shape (n,)
    per : {"feature", "series", "none"}

    Returns
    -------
    Normalization
        A feature that never changes gets the scale 1.
    """
    features = x.shape[2]
    mean, scale = np.zeros(features), np.ones(features)
    if per == "feature":
        mean = _mean(x, lengths, mean, power=1)
        scale = _positive(np.sqrt(_mean(x, lengths, mean, power=2)), mean)
    return Normalization(per, mean, scale)


def _mean(x: AnyArray, lengths: IntArray, centre: Floats, power: int) -> Floats:
    """Mean of a power of the distance to `centre`, in bounded memory."""
    total = np.zeros(x.shape[2])
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        away = x[rows] - centre
        total += (away**power).sum(axis=(0, 1), where=observed_mask(lengths[rows], x.shape[1]))
    mean: Floats = total / lengths.sum()
    return mean


def _of_series(values: Floats, mask: NDArray[np.bool_], lengths: IntArray) -> tuple[Floats, Floats]:
    """Mean and deviation of each row and feature, added up step by step in one order."""
    count = lengths[:, None, None].astype(np.float64)
    mean = _added(values) / count
    variance = _added(np.where(mask, values - mean, 0.0) ** 2) / count
    return mean, _positive(np.sqrt(variance), mean)


def _added(values: Floats) -> Floats:
    total = np.zeros((len(values), 1, values.shape[2]))
    for step in range(values.shape[1]):
        total[:, 0] += values[:, step]
    return total


def _positive(deviation: Floats, mean: Floats) -> Floats:
    constant = deviation <= _TINY * np.maximum(1.0, np.abs(mean))
    return np.where(constant, 1.0, deviation)
