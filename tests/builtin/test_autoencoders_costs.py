"""Limits on the cost of a user's network for one row, when it is fitted and when it is read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from keras import Input, Model, Sequential, layers

from n2d_builtin.autoencoders import network_costs
from n2d_builtin.autoencoders.allowlist import LAYERS
from n2d_builtin.autoencoders.custom import KerasEmbedder
from n2d_builtin.autoencoders.network_costs import cost_complaint, network_cost, rows_at_once
from n2d_framework.plugin import ConfigError, DataError, FitContext

#: Layers without weights that cost next to nothing for each value.
LIGHT = 16


def cost(*chain, shape=(64,)):
    return network_cost(Sequential([Input(shape), *chain]))


@pytest.mark.parametrize(
    ("chain", "shape", "values", "work"),
    [
        ([layers.Dense(10)], (64,), 10, 650),
        ([layers.Conv2D(4, 3, padding="same")], (8, 8, 1), 256, 64 * 40 * 4),
        (
            [layers.Conv2D(4, 3, padding="same", data_format="channels_first")],
            (1, 8, 6),
            192,
            48 * 40 * 4,
        ),
        ([layers.Conv2DTranspose(2, 4, 2, padding="same")], (8, 8, 1), 512, 64 * 34 * 8),
        ([layers.DepthwiseConv2D(3, padding="same")], (8, 8, 9), 576, 64 * 90 * 16),
        ([layers.Dense(5)], (7, 3), 35, 7 * 20),
        ([layers.EinsumDense("abc,cbd->ad", 5)], (7, 3), 5, 7 * 105),
        ([layers.SimpleRNN(4)], (9, 2), 4, 9 * (2**16 + 28)),
        ([layers.MaxPooling2D(3, 1, padding="same")], (8, 8, 1), 64, 64 * 9 * 64),
        ([layers.AveragePooling2D((2, 5), 1, padding="same")], (8, 8, 1), 64, 64 * 10 * 64),
    ],
)
def test_what_a_layer_costs(chain, shape, values, work):
    found = cost(*chain, shape=shape)
    assert found.values == values
    assert work <= found.work <= work + LIGHT * (values + math.prod(shape))


def test_attention_counts_every_pair():
    for made, pairs in (
        (layers.Attention(), 50 * 50),
        (layers.MultiHeadAttention(3, 2), 3 * 50 * 50),
        (layers.AdditiveAttention(), 50 * 50 * 4),
        (layers.GroupQueryAttention(2, 6, 3), 6 * 50 * 50),
    ):
        rows = Input((50, 4))
        several = isinstance(made, (layers.MultiHeadAttention, layers.GroupQueryAttention))
        found = made(rows, rows) if several else made([rows, rows])
        assert network_cost(Model(rows, found)).values >= pairs


def test_layers_are_known_by_the_names_of_their_classes():
    for name in (*network_costs._RECURRENT, *network_costs._ATTENTION, "Dot"):
        assert name in {getattr(layers, known).__name__ for known in LAYERS}


def test_products_of_layers_count():
    left, right = Input((30, 5)), Input((40, 5))
    found = network_cost(Model([left, right], layers.Dot(axes=2)([left, right])))
    assert 30 * 40 * 5 <= found.work <= 30 * 40 * 5 + LIGHT * found.values


def test_a_shared_layer_costs_where_it_is_applied():
    """Its first use is small, its second is not."""
    twice = layers.UpSampling2D(100)
    rows = Input((2, 2, 1))
    found = network_cost(Model(rows, layers.GlobalMaxPooling2D()(twice(twice(rows)))))
    assert found.values > 4 * 100**4


def test_usual_networks_are_computed_in_the_blocks_they_always_were():
    """The size of a block is part of what makes answers the same to the bit."""
    chain = [layers.Dense(width) for width in (500, 500, 2000, 10)]
    assert rows_at_once(cost(*chain, shape=(784,))) == 64
    chain = [layers.Conv2D(width, 5, 2, "same") for width in (32, 64, 128)]
    assert rows_at_once(cost(*chain, shape=(28, 28, 1))) == 64


def test_networks_that_people_use_on_large_images_are_allowed():
    blocks = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
    chain = []
    for depth, width in blocks:
        chain += [layers.Conv2D(width, 3, padding="same", activation="relu") for _ in range(depth)]
        chain.append(layers.MaxPooling2D())
    found = cost(*chain, layers.GlobalMaxPooling2D(), shape=(224, 224, 3))
    assert found.work > 1.5e10
    assert cost_complaint(found, 224 * 224 * 3) is None
    assert rows_at_once(found) == 1


def wide(size):
    return Sequential([
        Input((4, 4, 1)), layers.UpSampling2D(size), layers.GlobalMaxPooling2D(), layers.Dense(2),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def decoder():
    return Sequential([Input((2,)), layers.Dense(16), layers.Reshape((4, 4, 1))])


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).random((40, 4, 4), dtype=np.float32)


def test_too_wide_is_said_before_anything_is_trained(rows, decoder):
    model = KerasEmbedder.from_models(wide(2000), decoder)
    with pytest.raises(DataError, match=r"the encoder takes about 6\.4e\+07 numbers in memory"):
        model.fit(rows, context=FitContext())


def test_too_much_work_is_said_before_anything_is_trained(rows, decoder):
    encoder = Sequential([
        Input((4, 4, 1)), layers.UpSampling2D(100), layers.MaxPooling2D(200, 1, padding="same"),
        layers.GlobalMaxPooling2D(), layers.Dense(2),
    ])  # fmt: skip
    model = KerasEmbedder.from_models(encoder, decoder)
    with pytest.raises(DataError, match=r"the encoder takes about 4.*e\+11 products for one row"):
        model.fit(rows, context=FitContext())


def test_wide_networks_are_computed_in_small_blocks_and_answer_alike(rows, decoder):
    """Fitted models are read again, and the rest of a batch does not matter to a row."""
    texts = KerasEmbedder.from_models(wide(200), decoder)
    options = {"encoder": texts.encoder, "decoder": texts.decoder, "epochs": 1, "batch_size": 8}
    model = KerasEmbedder(**options).fit(rows, context=FitContext())
    loaded = KerasEmbedder(**options)
    loaded.set_state(model.get_state())
    z = model.transform(rows)
    assert np.array_equal(loaded.transform(rows[::-1])[::-1], z)
    assert np.array_equal(loaded.transform(rows[7:8]), z[7:8])


def test_unrolled_loops_and_endless_chains_are_refused(decoder):
    loop = Sequential([Input((4, 4)), layers.LSTM(2, unroll=True, name="turns")])
    with pytest.raises(ConfigError, match=r"layer 'turns' \(LSTM\) unrolls its loop"):
        KerasEmbedder.from_models(loop, decoder)
    rows = Input((2,))
    found, same = rows, layers.ReLU()
    for _ in range(300):
        found = same(found)
    with pytest.raises(ConfigError, match="a network of 301 steps"):
        KerasEmbedder.from_models(Model(rows, found), decoder)
    loops = [layers.GRU(2, return_sequences=True) for _ in range(20)]
    with pytest.raises(ConfigError, match="a network of 321 steps"):
        KerasEmbedder.from_models(Sequential([Input((4, 4)), *loops]), decoder)
