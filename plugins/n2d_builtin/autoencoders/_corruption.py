"""The layer by which a denoising autoencoder spoils what its encoder sees; imports Keras."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["Corruption"]


class Corruption(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Noise on what the encoder sees, drawn again at every call.

    Parameters
    ----------
    noise : {"gaussian", "masking"}
        Added normal noise, or values set to zero (without rescaling the others).
    level : float
        Standard deviation, or fraction of the values that are zeroed.
    seed : int
    """

    def __init__(self, noise: str, level: float, seed: int) -> None:
        super().__init__(name="corruption", dtype="float32")
        self.noise, self.level = noise, level
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, rows: Any) -> Any:
        """Corrupt a batch."""
        shape = ops.shape(rows)
        if self.noise == "gaussian":
            return rows + self.level * keras.random.normal(
                shape, dtype="float32", seed=self.seed_generator
            )
        draws = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.where(draws < self.level, ops.zeros_like(rows), rows)
