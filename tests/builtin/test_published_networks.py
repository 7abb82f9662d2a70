"""The networks of the scripts that people come from, counted weight by weight."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from n2d_builtin.autoencoders.custom import KerasEmbedder
from n2d_framework.networks.building import build_network
from n2d_framework.networks.plans import conv_decoder, conv_encoder
from n2d_framework.plugin import FitContext

IMAGE = (28, 28, 1)


@pytest.fixture(scope="module")
def images():
    """Digits as large as MNIST's, in its range."""
    large = np.kron(load_digits().images[:96] / 16, np.ones((3, 3)))
    return np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.float32)


@pytest.mark.parametrize(("kernels", "weights"), [((5, 5, 3), 275_979), ((3, 3, 3), 209_419)])
def test_the_network_of_dcec(kernels, weights):
    """As the thesis counts it in its text, and with the kernels of its appendix.

    On 28 x 28 pixels that network cuts the border off in its last convolution, and has 3 x 3 places
    of 128 channels before the bottleneck; ours pads every image, and has 4 x 4.
    """
    weights += (4 * 4 - 3 * 3) * 128 * (10 + 10 + 1)
    about = (IMAGE, (32, 64, 128), kernels, (2, 2, 2), (), 10, "relu")
    plans = (conv_encoder(*about), conv_decoder(*about))
    assert sum(build_network(plan, seed=0).count_params() for plan in plans) == weights


def _blog(width: int | None):
    """The convolutional autoencoder of the Keras blog; the thesis adds two dense layers."""
    from keras import Input, Sequential, layers

    def conv(filters: int, padding: str = "same", activation: str = "relu"):
        return layers.Conv2D(filters, 3, padding=padding, activation=activation)

    pooled = [
        part for n in (16, 8, 8) for part in (conv(n), layers.MaxPooling2D(2, padding="same"))
    ]
    narrow = [] if width is None else [layers.Dense(width)]
    wide = [] if width is None else [layers.Dense(128)]
    up = layers.UpSampling2D
    grown = [conv(8), up(2), conv(8), up(2), conv(16, "valid"), up(2), conv(1, "same", "sigmoid")]
    code = Input((128 if width is None else width,))
    return (
        Sequential([Input(IMAGE), *pooled, layers.Flatten(), *narrow]),
        Sequential([code, *wide, layers.Reshape((4, 4, 8)), *grown]),
    )


@pytest.mark.parametrize(("width", "weights"), [(None, 4_385), (2, 5_027)])
def test_the_networks_of_the_keras_blog(images, width, weights):
    encoder, decoder = _blog(width)
    assert encoder.count_params() + decoder.count_params() == weights
    model = KerasEmbedder.from_models(encoder, decoder, loss="bce", epochs=2, batch_size=48)
    model.fit(images, context=FitContext(seed=0))
    assert model.history_["loss"][1] < model.history_["loss"][0]
    z = model.transform(images)
    assert z.shape == (96, width or 128)
    assert model.reconstruct(z).shape == images.shape
