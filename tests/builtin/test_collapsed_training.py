"""Training that makes a network worse, or leaves it without content."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits

from n2d_framework import N2D
from n2d_framework.errors import CollapseWarning, StageError
from n2d_framework.networks.training_checks import check_loss

DIGITS = load_digits().data[:600].astype(np.float32)
SMALL = {"hidden": [24, 12], "epochs": 3, "batch_size": 100}


def model_of(embedder):
    return N2D(embedder, "identity", "kmeans", n_clusters=10, random_state=1)


def small(**options):
    return model_of({"name": "dense_ae", **SMALL, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 1.0},
        {"learning_rate": 1.0, "optimizer": "rmsprop"},
        {"learning_rate": 0.5, "validation_fraction": 0.2},
        {"learning_rate": 1.0, "patience": 1},
        {"learning_rate": 1.0, "precision": "bfloat16"},
        {"learning_rate": 1.0, "loss": "mae"},
        {"learning_rate": 1.0, "activation": "tanh", "epochs": 10},
    ],
    ids=repr,
)
def test_a_step_size_that_is_too_large(options):
    reasons = "training made the reconstruction worse|the same coordinates|training diverged"
    with pytest.raises(StageError, match=f"(?s)({reasons}).*lower (its )?learning_rate"):
        small(**options).fit(DIGITS)


@pytest.mark.parametrize(
    "embedder",
    [
        {"name": "denoising_ae", **SMALL},
        {"name": "conv_ae", "filters": [4, 8], "epochs": 2, "image_shape": [8, 8]},
    ],
    ids=lambda embedder: embedder["name"],
)
def test_other_networks(embedder):
    with pytest.raises(StageError, match="learning_rate"):
        model_of({**embedder, "learning_rate": 3.0}).fit(DIGITS)


def test_a_network_of_the_user():
    import keras

    from n2d_builtin.autoencoders.custom import KerasEmbedder

    def network(inside, outside):
        return keras.Sequential(
            [keras.Input((inside,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(outside)]
        )

    networks = KerasEmbedder.from_models(
        network(64, 4), network(4, 64), epochs=3, learning_rate=2.0, batch_size=100
    )
    options = {"encoder": networks.encoder, "decoder": networks.decoder, "epochs": 3}
    with pytest.raises(StageError, match=r"lower learning_rate \(now 2\)"):
        model_of({"name": "keras", "learning_rate": 2.0, **options}).fit(DIGITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        model_of({"name": "keras", **options}).fit(DIGITS)


def test_a_step_size_that_is_too_small():
    with pytest.warns(CollapseWarning, match="hardly improved the reconstruction"):
        small(learning_rate=1e-12).fit(DIGITS)


def test_dead_units_are_counted():
    """Far below zero after a few steps, hardly a unit of relu ever fires again."""
    with pytest.warns(CollapseWarning, match=r"most units .* encoder/\w+.*dead or saturated"):
        small(learning_rate=0.06, epochs=12).fit(DIGITS)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu"])
def test_a_sound_training_is_not_spoken_of(activation):
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        small(activation=activation, learning_rate=0.01, epochs=4).fit(DIGITS)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_counts_as_a_rise(sign):
    """Losses may be negative, as Keras's cosine similarity is."""
    ups, downs = ((1.0, 1.2), (1.2, 1.0)) if sign > 0 else ((-1.2, -1.0), (-1.0, -1.2))
    check_loss(downs, 2, before=downs[0], after=downs[1], learning_rate=1)
    check_loss(ups, 1, before=ups[0], after=ups[0], learning_rate=1)
    with pytest.raises(StageError, match="before training"):
        check_loss((), 2, before=ups[0], after=ups[1], learning_rate=1)
    with pytest.raises(StageError, match="in the first epoch"):
        check_loss((*ups, ups[1]), 3, before=3.0, after=2.0, learning_rate=1)
