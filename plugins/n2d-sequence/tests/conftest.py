"""Series that the tests share."""

from __future__ import annotations

import n2d_sequence
import numpy as np
import pytest
from n2d_sequence.conv1d import Conv1dAutoencoder
from n2d_sequence.layers import parts_of
from n2d_sequence.normalizing import learn_normalization
from n2d_sequence.recurrent import GruAutoencoder, LstmAutoencoder

from n2d_framework.plugin import FitContext

SMALL = {"latent_dim": 3, "epochs": 2, "batch_size": 16, "precision": "float32"}


@pytest.fixture(scope="session")
def padded():
    """48 series of 6 to 21 steps and 2 features, padded by 0 to 21; (48, 21, 2) float32."""
    rng = np.random.default_rng(3)
    lengths = np.append(rng.integers(6, 21, size=47), 21)
    waves = [
        np.stack([np.sin(speed * np.arange(n)), 5 + rng.normal(size=n)], axis=1)
        for n, speed in zip(lengths, rng.uniform(0.2, 1.0, size=48), strict=True)
    ]
    return n2d_sequence.pad(waves).astype(np.float32)


def conv(**options):
    return Conv1dAutoencoder(
        **{**SMALL, "filters": (6, 8), "kernel_sizes": (5, 4), "padding_value": 0.0, **options}
    )


def gru(**options):
    return GruAutoencoder(**{**SMALL, "units": 5, "padding_value": 0.0, **options})


def lstm(**options):
    return LstmAutoencoder(**{**SMALL, "units": 5, "padding_value": 0.0, **options})


NETWORKS = {
    "conv": lambda **more: conv(**more),
    "conv_flat": lambda **more: conv(pooling="flatten", strides=(3, 2), **more),
    "conv_max": lambda **more: conv(pooling="max", strides=1, activation="elu", **more),
    "gru": lambda **more: gru(**more),
    "gru_forward": lambda **more: gru(bidirectional=False, layers=2, **more),
    "lstm": lambda **more: lstm(layers=2, **more),
    "lstm_average": lambda **more: lstm(pooling="average", **more),
    "gru_max": lambda **more: gru(pooling="max", bidirectional=False, **more),
}


@pytest.fixture(scope="session")
def made(padded):
    """Embedders with random weights, which need no training; fresh at every call."""

    def make(name, **options):
        embedder = NETWORKS[name](**options)
        rng = np.random.default_rng(11)
        plans = embedder._plans(padded.shape[1:], SMALL["latent_dim"])
        lengths = n2d_sequence.observed_lengths(padded, 0.0)
        normalization = learn_normalization(padded, lengths, embedder.normalize)
        embedder.set_state(
            {
                "row_shape": list(padded.shape[1:]),
                "latent_dim": SMALL["latent_dim"],
                "history": {"loss": np.array([0.5, 0.25])},
                "best_epoch": 2,
                "precision": "float32",
                "normalization": {"mean": normalization.mean, "scale": normalization.scale},
                **{
                    key: {
                        part.name: {
                            weight: rng.normal(scale=0.4, size=shape).astype(np.float32)
                            for weight, shape in part.weight_shapes().items()
                        }
                        for part in parts_of(plan)
                    }
                    for key, plan in zip(("encoder", "decoder"), plans, strict=True)
                },
            }
        )
        return embedder

    return make


@pytest.fixture(scope="session")
def trained(padded):
    """The small convolutional embedder, fitted with the seed 5."""
    return conv().fit(padded, context=FitContext(seed=5))
