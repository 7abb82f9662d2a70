"""One plan, two computations: Keras for training, NumPy for embedding."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import NETWORKS
from n2d_sequence.layers import parts_of
from n2d_sequence.networks import build_decoder, build_encoder

from n2d_framework.plugin import FitContext


def networks(embedder, shape):
    """The Keras models with the weights of a fitted embedder."""
    plans = embedder._plans(shape, embedder.latent_dim_)
    stored = (embedder.encoder_weights_, embedder.decoder_weights_)
    models = [
        build(plan, seed=0, precision="float32")
        for build, plan in zip((build_encoder, build_decoder), plans, strict=True)
    ]
    for model, plan, weights in zip(models, plans, stored, strict=True):
        for part in parts_of(plan):
            arrays = [weights[part.name][name] for name in part.weight_shapes()]
            model.get_layer(part.name).set_weights(arrays)
    return models


@pytest.mark.parametrize("name", NETWORKS)
def test_embedding_agrees_with_the_training_network(made, padded, name):
    embedder = made(name)
    encoder, decoder = networks(embedder, padded.shape[1:])
    series, lengths = embedder._series(padded)
    rows = embedder.normalization_.apply_all(series, lengths)
    latent = embedder.transform(padded)
    expected = np.asarray(encoder([rows, lengths.astype(np.int32)]))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(latent, expected, atol=1e-5, rtol=1e-4)
    decoded = embedder.normalization_.undo(np.asarray(decoder(latent)))
    np.testing.assert_allclose(embedder.reconstruct(latent), decoded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_is_bit_equal_in_any_company(made, padded, name):
    embedder = made(name)
    whole = embedder.transform(padded)
    alone = np.concatenate([embedder.transform(padded[i : i + 1]) for i in range(len(padded))])
    np.testing.assert_array_equal(alone, whole)
    sevens = [embedder.transform(padded[i : i + 7]) for i in range(0, len(padded), 7)]
    np.testing.assert_array_equal(np.concatenate(sevens), whole)
    many = embedder.transform(np.tile(padded[::-1], (30, 1, 1)))
    np.testing.assert_array_equal(many[: len(padded)][::-1], whole)


@pytest.mark.parametrize("name", ["conv", "gru", "lstm"])
def test_what_padding_holds_does_not_change_the_latent(made, padded, name):
    embedder = made(name)
    other = NETWORKS[name](padding_value=-99.0)
    other.set_state(embedder.get_state())
    _, lengths = embedder._series(padded)
    moved = padded.copy()
    moved[np.arange(padded.shape[1]) >= lengths[:, None]] = -99
    assert not np.array_equal(moved, padded)
    np.testing.assert_array_equal(other.transform(moved), embedder.transform(padded))


@pytest.mark.parametrize("name", ["conv", "gru"])
def test_training_neither_sees_padding_nor_pays_for_it(padded, name):
    weights = []
    for value in (0.0, 1000.0):
        rows = padded.copy()
        rows[(padded == 0).all(axis=2)] = value
        embedder = NETWORKS[name](padding_value=value).fit(rows, context=FitContext(seed=1))
        weights.append((embedder.history_, embedder.get_state()["encoder"]))
    assert weights[0][0] == weights[1][0]
    for layer, arrays in weights[0][1].items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, weights[1][1][layer][key])


def test_the_loss_is_the_mean_over_what_was_observed(padded):
    """One epoch at a vanishing step: the loss is that of the first weights."""
    embedder = NETWORKS["gru"](epochs=1, learning_rate=1e-30, batch_size=48)
    embedder.fit(padded, context=FitContext(seed=2))
    series, lengths = embedder._series(padded)
    rows = embedder.normalization_.apply(series, lengths)
    latent = embedder.transform(padded)
    decoded = (embedder.reconstruct(latent) - embedder.normalization_.mean) / (
        embedder.normalization_.scale
    )
    costs = [
        ((decoded[i, :length] - rows[i, :length]) ** 2).mean() for i, length in enumerate(lengths)
    ]
    assert embedder.history_["loss"] == pytest.approx([np.mean(costs)], rel=1e-4)


@pytest.mark.parametrize("name", ["gru", "gru_forward", "lstm"])
def test_the_bottleneck_has_read_the_whole_series(made, padded, name):
    """The first and the last step of a series both reach the latent row, padding or not."""
    embedder, row = made(name), padded[:1]
    _, lengths = embedder._series(row)
    for step in (0, int(lengths[0]) - 1):
        changed = row.copy()
        changed[0, step] += 2
        assert not np.array_equal(embedder.transform(changed), embedder.transform(row))
