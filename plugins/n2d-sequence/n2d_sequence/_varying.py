"""Varies series on the device: noise, factors, and one change of pace; imports Keras."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from n2d_sequence.augmentation import Augmentation

__all__ = ["Variation"]


class Variation(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Varies a batch of series, each by its own draw.

    Cutting, stretching and warping are one map of time and one linear interpolation.

    Parameters
    ----------
    settings : Augmentation
    seed : int
    """

    def __init__(self, settings: Augmentation, seed: int) -> None:
        super().__init__(name="variation", dtype="float32")
        self.settings = settings
        self.seed_generator = keras.random.SeedGenerator(seed % 2**31)
        self.built = True

    def call(self, rows: Any, lengths: Any) -> Any:
        """Vary rows ``(batch, steps, features)`` within their lengths ``(batch,)``."""
        count, steps, features = rows.shape
        chosen = self.settings
        if chosen.crop or chosen.warp:
            rows = _at(rows, self._times(count, steps, ops.cast(lengths, "float32")))
        if chosen.scaling:
            rows = rows * (1 + chosen.scaling * self._normal((count, 1, features)))
        if chosen.jitter:
            rows = rows + chosen.jitter * self._normal((count, steps, features))
        return rows

    def _times(self, count: int, steps: int, lengths: Any) -> Any:
        """Where in the series each step of the variant comes from: (batch, steps)."""
        last = ops.maximum(lengths - 1, 1.0)[:, None]
        step = ops.arange(steps, dtype="float32")[None, :]
        # Positions from 0 to 1 within the series; steps of padding stay at its end.
        place = self._warped(count, ops.minimum(step / last, 1.0))
        cut = self.settings.crop * self._uniform((count, 1))
        start = cut * self._uniform((count, 1))
        return ops.minimum(
            (start + (1 - cut) * place) * last, ops.maximum(lengths - 1, 0.0)[:, None]
        )

    def _warped(self, count: int, place: Any) -> Any:
        """Positions when a window of the series is passed at another pace."""
        window = self.settings.warp_window
        begin = (1 - window) * self._uniform((count, 1))
        slower = ops.exp(math.log1p(self.settings.warp) * (2 * self._uniform((count, 1)) - 1))
        place = place * (1 + window * (slower - 1))
        inside = begin + (place - begin) / slower
        behind = place - window * (slower - 1)
        warped = ops.where(place < begin + window * slower, inside, behind)
        return ops.where(place < begin, place, warped)

    def _uniform(self, shape: tuple[int, ...]) -> Any:
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def _normal(self, shape: tuple[int, ...]) -> Any:
        return keras.random.normal(shape, dtype="float32", seed=self.seed_generator)


def _at(rows: Any, times: Any) -> Any:
    """Rows at times between their steps, by linear interpolation."""
    before = ops.floor(times)
    weight = (times - before)[:, :, None]
    first = ops.cast(before, "int32")
    second = ops.minimum(first + 1, rows.shape[1] - 1)
    return (1 - weight) * _taken(rows, first) + weight * _taken(rows, second)


def _taken(rows: Any, index: Any) -> Any:
    wide = ops.repeat(index[:, :, None], rows.shape[2], axis=2)
    return ops.take_along_axis(rows, wide, axis=1)
