"""One plan, three readers: Keras, NumPy and the check of stored weights agree."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.networks.activations import ACTIVATIONS, Activation
from n2d_framework.networks.building import build_network
from n2d_framework.networks.inference import Network
from n2d_framework.networks.plans import (
    conv_decoder,
    conv_encoder,
    dense_decoder,
    dense_encoder,
)
from n2d_framework.networks.weights import read_weights, take_weights, weights_state
from n2d_framework.plugin import StateError


def _both(plan, x, seed=0):
    """Results of Keras and NumPy, with weights that include biases."""
    model = build_network(plan, seed=seed)
    rng = np.random.default_rng(seed)
    model.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in model.get_weights()])
    import keras

    theirs = keras.ops.convert_to_numpy(model(x))
    return theirs, Network(plan, take_weights(model, plan))(x)


def _close(theirs, ours):
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1.0, np.abs(theirs).max()))


def test_every_activation_has_its_function():
    assert set(ACTIVATIONS) == set(get_args(Activation))


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_dense_networks_compute_what_keras_computes(activation):
    x = np.random.default_rng(0).standard_normal((9, 12)).astype(np.float32)
    _close(*_both(dense_encoder(12, (20, 7), 4, activation), x))
    z = 3 * np.random.default_rng(1).standard_normal((9, 4)).astype(np.float32)
    _close(*_both(dense_decoder(12, (20, 7), 4, activation, "sigmoid"), z))


def test_without_hidden_layers():
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    _close(*_both(dense_encoder(6, (), 2, "relu"), x))


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    channels=st.integers(1, 3),
    kernels=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    stride=st.integers(1, 3),
)
def test_conv_networks_of_any_size_compute_what_keras_computes(
    height, width, channels, kernels, stride
):
    filters = (3, 4, 2)[: len(kernels)]
    strides = (stride,) * len(kernels)
    shape = (height, width, channels)
    arguments = (shape, filters, kernels, strides, (5,), 2, "tanh")
    rng = np.random.default_rng(0)
    _close(*_both(conv_encoder(*arguments), rng.random((3, *shape), dtype=np.float32)))
    z = rng.standard_normal((3, 2)).astype(np.float32)
    theirs, ours = _both(conv_decoder(*arguments), z)
    _close(theirs, ours)
    assert ours.shape == (3, *shape)


def test_precision_changes_products_but_not_weights_or_output():
    plan = dense_encoder(6, (5,), 2, "relu")
    model = build_network(plan, seed=0, precision="bfloat16")
    assert model.get_layer("encoder_0").compute_dtype == "bfloat16"
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"


def test_the_seed_decides_the_weights():
    plan = dense_encoder(6, (5,), 2, "relu")
    first, again, other = (build_network(plan, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_rows_are_independent_of_their_company():
    plan = conv_encoder((9, 7, 2), (8, 4), (5, 3), (2, 2), (), 3, "gelu")
    model = build_network(plan, seed=0)
    network = Network(plan, take_weights(model, plan))
    x = np.random.default_rng(0).random((130, 9, 7, 2), dtype=np.float32)
    whole = network(x)
    assert np.array_equal(np.concatenate([network(x[i : i + 1]) for i in range(130)]), whole)
    assert np.array_equal(network(x[::-1])[::-1], whole)
    assert network(x[:0]).shape == (0, 3)


def _stored():
    plan = dense_encoder(6, (5,), 2, "relu")
    return plan, {"net": weights_state(take_weights(build_network(plan, seed=0), plan))}


def test_weights_survive_the_state():
    plan, state = _stored()
    read = read_weights(state, "net", plan)
    assert all(
        np.array_equal(read[layer][name], array)
        for layer, arrays in state["net"].items()
        for name, array in arrays.items()
    )
    assert sum(math.prod(s) for layer in plan for s in layer.weight_shapes().values()) == 47


def _without_bias(state):
    del state["net"]["encoder_0"]["bias"]


def _another_layer(state):
    state["net"]["spare"] = {}


def _another_shape(state):
    state["net"]["encoder_0"]["kernel"] = np.zeros((6, 4), np.float32)


def _another_type(state):
    state["net"]["encoder_0"]["kernel"] = np.zeros((6, 5))


def _no_array(state):
    state["net"]["encoder_0"]["kernel"] = 3.0


def _no_number(state):
    state["net"]["encoder_0"]["kernel"] = np.full((6, 5), np.nan, np.float32)


@pytest.mark.parametrize(
    "damage",
    [_without_bias, _another_layer, _another_shape, _another_type, _no_array, _no_number],
)
def test_damaged_weights_are_refused(damage):
    plan, state = _stored()
    damage(state)
    with pytest.raises(StateError):
        read_weights(state, "net", plan)
