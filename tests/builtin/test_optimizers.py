"""Adam in one pass does what Keras's Adam does."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from n2d_framework.networks.optimizers import fused

RNG = np.random.default_rng(0)
GRADIENTS = [RNG.normal(size=(7, 5)).astype(np.float32) for _ in range(60)]


def _steps(optimizer_class, **options):
    weight = keras.Variable(np.ones((7, 5), dtype=np.float32))
    optimizer = optimizer_class(**options)
    optimizer.build([weight])
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return keras.ops.convert_to_numpy(weight)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 1e-3},
        {"learning_rate": 0.05, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"learning_rate": 1e-2, "weight_decay": 0.1},
        {"learning_rate": 1e-2, "clipnorm": 0.5},
    ],
)
def test_the_same_steps(name, options):
    plain = getattr(keras.optimizers, name)
    assert fused(plain) is not plain
    expected = _steps(plain, **options)
    np.testing.assert_allclose(_steps(fused(plain), **options), expected, rtol=1e-5, atol=1e-6)
    assert np.abs(expected - 1).max() > 1e-3, "it moved"


def test_others_stay_as_they_are():
    assert fused(keras.optimizers.SGD) is keras.optimizers.SGD
    assert fused(keras.optimizers.RMSprop) is keras.optimizers.RMSprop


def test_it_is_plain_keras_on_other_backends(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert fused(keras.optimizers.Adam) is keras.optimizers.Adam
