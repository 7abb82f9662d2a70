"""A user's own Keras models: trained, stored as checked text, refused if they cannot be."""

from __future__ import annotations

import json
import random
from copy import deepcopy

import numpy as np
import pytest
from sklearn.datasets import load_digits

from n2d_builtin.autoencoders.custom import KerasEmbedder
from n2d_builtin.autoencoders.rebuilding import rebuild
from n2d_builtin.autoencoders.sample import dense_network
from n2d_framework.plugin import ConfigError, DataError, FitContext, StateError


@pytest.fixture(scope="module")
def digits():
    return (load_digits().images[:200] / 16).astype(np.float32)


def _models():
    from keras import Input, Model, Sequential, layers

    image = Input((8, 8, 1))
    hidden = layers.Conv2D(4, 3, 2, "same", activation="relu", kernel_regularizer="l2")(image)
    hidden = layers.BatchNormalization()(hidden)
    hidden = layers.Dropout(0.1)(layers.Flatten()(hidden))
    encoder = Model(image, layers.Dense(3)(hidden))
    decoder = Sequential([Input((3,)), layers.Dense(64), layers.Reshape((8, 8, 1))])
    return encoder, decoder


@pytest.fixture(scope="module")
def texts():
    model = KerasEmbedder.from_models(*_models())
    return {"encoder": model.encoder, "decoder": model.decoder}


@pytest.fixture(scope="module")
def fitted(digits, texts):
    model = KerasEmbedder(**texts, epochs=4, batch_size=64)
    return model.fit(digits, context=FitContext(seed=2))


def test_life(fitted, digits, texts):
    z = fitted.transform(digits)
    assert (z.shape, z.dtype) == ((200, 3), np.float32)
    rows = fitted.reconstruct(z)
    assert (rows.shape, rows.dtype) == (digits.shape, np.float32)
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]
    alone = np.concatenate([fitted.transform(digits[i : i + 1]) for i in range(9)])
    np.testing.assert_allclose(alone, z[:9], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fitted.transform(digits[::-1])[::-1], z, rtol=1e-5, atol=1e-6)

    loaded = KerasEmbedder(**texts, epochs=4, batch_size=64)
    loaded.set_state(fitted.get_state())
    assert np.array_equal(loaded.transform(digits), z)
    assert np.array_equal(loaded.reconstruct(z), rows)


def test_the_seed_decides_even_random_layers(fitted, digits, texts):
    """The models bring neither initializer nor dropout seeds of their own."""
    again = KerasEmbedder(**texts, epochs=4, batch_size=64)
    again.fit(digits, context=FitContext(seed=2))
    assert again.history_ == fitted.history_
    assert np.array_equal(again.transform(digits), fitted.transform(digits))


def test_the_seed_decides_where_the_text_names_no_initializer(digits):
    """A hand-written configuration may leave defaults out; they must be seeded all the same."""
    state = random.getstate()
    texts = {"encoder": dense_network(64, 3), "decoder": dense_network(3, 64)}
    first, second = (rebuild(texts["encoder"], seed=7).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], rebuild(texts["encoder"], seed=8).get_weights()[0])
    assert random.getstate() == state


def test_statistics_of_batch_normalization_are_learned_and_kept(fitted):
    assert any(len(array) == 4 and (array > 0).all() for array in fitted.encoder_weights_)
    assert len(fitted.encoder_weights_) == 8


def test_regularizers_count_in_training_but_not_in_the_loss(digits):
    from keras import Input, Sequential, layers, regularizers

    norms = []
    for penalty in (None, regularizers.L2(10.0)):
        encoder = Sequential([Input((64,)), layers.Dense(3, kernel_regularizer=penalty)])
        decoder = Sequential([Input((3,)), layers.Dense(64)])
        model = KerasEmbedder.from_models(encoder, decoder, epochs=3, learning_rate=1e-2)
        model.fit(digits, context=FitContext())
        norms.append(float(np.square(model.encoder_weights_[0]).sum()))
        assert model.history_["loss"][0] < 1
    assert norms[1] < 0.9 * norms[0]


def test_precision_replaces_the_policy_of_every_layer(texts):
    half = rebuild(texts["encoder"], precision="bfloat16")
    kinds = {layer.compute_dtype for layer in half.layers if layer.weights}
    assert kinds == {"bfloat16"}
    single = rebuild(texts["encoder"])
    assert {layer.compute_dtype for layer in single.layers if layer.weights} == {"float32"}


def test_lambda_custom_layers_and_nested_models_are_refused_by_name():
    from keras import Input, Model, layers

    class Mine(layers.Layer):
        def call(self, x):
            return x

    _, decoder = _models()
    vector = Input((64,))
    inner = Model(vector, layers.Dense(3)(vector), name="inner_net")
    outer = Input((64,))
    for layer, name in (
        (layers.Lambda(lambda x: x[:, :3], output_shape=(3,), name="sly"), "sly"),
        (Mine(name="my_own"), "my_own"),
        (inner, "inner_net"),
    ):
        with pytest.raises(ConfigError, match=name):
            KerasEmbedder.from_models(Model(outer, layer(outer)), decoder)


def test_things_that_are_not_built_models_are_refused():
    from keras import Sequential, layers

    encoder, _ = _models()
    for thing in (Sequential([layers.Dense(3)]), "text", None):
        with pytest.raises(ConfigError, match="built Keras model"):
            KerasEmbedder.from_models(encoder, thing)


def _edit(text, change):
    model = json.loads(text)
    change(model)
    return json.dumps(model)


def _layer(model, kind):
    return next(item for item in model["config"]["layers"] if item["class_name"] == kind)


HOSTILE = {
    "module": lambda m: _layer(m, "Dense").update(module="os"),
    "class": lambda m: _layer(m, "Dense").update(class_name="Lambda"),
    "function": lambda m: _layer(m, "Dense").update(class_name="system", module="os"),
    "registered": lambda m: _layer(m, "Dense").update(registered_name="my>Thing"),
    "initializer": lambda m: _layer(m, "Dense")["config"]["kernel_initializer"].update(
        module="builtins", class_name="eval"
    ),
    "initializer name": lambda m: _layer(m, "Dense")["config"].update(kernel_initializer="evil"),
    "activation": lambda m: _layer(m, "Dense")["config"].update(activation="evil"),
    "activation object": lambda m: _layer(m, "Dense")["config"].update(
        activation={"module": "builtins", "class_name": "function", "config": "eval"}
    ),
    "lambda value": lambda m: _layer(m, "Dense")["config"].update(
        units={"class_name": "__lambda__", "config": {"value": "x"}}
    ),
    "no layers": lambda m: m["config"].update(layers=[]),
    "many layers": lambda m: m["config"].update(layers=m["config"]["layers"] * 1000),
    "top": lambda m: m.update(module="evil"),
    "top config": lambda m: m.update(config=3),
    "extra": lambda m: m["config"].update(spare={"class_name": "Popen", "module": "subprocess"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_configurations_are_refused_before_keras_sees_them(name, texts, monkeypatch):
    import keras

    def never(*arguments, **named):
        raise AssertionError("Keras was asked to build it")

    monkeypatch.setattr(keras.Model, "from_config", never)
    bad = _edit(texts["encoder"], HOSTILE[name])
    with pytest.raises(ConfigError, match="encoder"):
        KerasEmbedder(encoder=bad, decoder=texts["decoder"])


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, " " * 2**21])
def test_texts_that_are_not_models_are_refused(text, texts):
    with pytest.raises(ConfigError, match="decoder"):
        KerasEmbedder(encoder=texts["encoder"], decoder=text)


def test_networks_that_do_not_fit_each_other_or_the_rows(digits, texts):
    model = KerasEmbedder(**texts)
    with pytest.raises(DataError, match=r"the encoder takes \(8, 8, 1\), but a row is \(8,\)"):
        model.fit(digits[:, 0], context=FitContext())
    swapped = KerasEmbedder(encoder=texts["decoder"], decoder=texts["decoder"])
    reasons = "; ".join(swapped.check_input(10, (3,)))
    assert "the encoder puts out (8, 8, 1), not (latent_dim,)" in reasons
    assert "the decoder takes (3,), but the encoder puts out (8, 8, 1)" in reasons
    assert "the decoder puts out (8, 8, 1), but the encoder takes (3,)" in reasons


def test_a_stored_network_gets_no_more_memory_than_its_weights(fitted, texts):
    """A configuration of 10^12 weights in a file that holds hundreds."""
    huge = _edit(texts["decoder"], lambda m: _layer(m, "Dense")["config"].update(units=10**12))
    model = KerasEmbedder(encoder=texts["encoder"], decoder=huge)
    with pytest.raises(StateError, match=r"more weights than are stored|cannot be built"):
        model.set_state(fitted.get_state())


@pytest.mark.parametrize("damage", ["missing", "shape", "dtype", "nan", "latent_dim", "row_shape"])
def test_damaged_states_are_refused(damage, fitted, texts):
    state = deepcopy(dict(fitted.get_state()))
    weights = state["encoder"]
    changes = {
        "missing": lambda: weights.pop("weight_7"),
        "shape": lambda: weights.update(weight_0=np.zeros((3, 3, 1, 5), np.float32)),
        "dtype": lambda: weights.update(weight_0=weights["weight_0"].astype(np.float64)),
        "nan": lambda: weights["weight_0"].fill(np.nan),
        "latent_dim": lambda: state.update(latent_dim=4),
        "row_shape": lambda: state.update(row_shape=[9, 9]),
    }
    changes[damage]()
    with pytest.raises(StateError):
        KerasEmbedder(**texts).set_state(state)


def test_the_sample_of_the_catalogue_is_a_network_of_keras(digits):
    from n2d_builtin.autoencoders.sample import dense_network

    model = KerasEmbedder(encoder=dense_network(64, 5), decoder=dense_network(5, 64), epochs=1)
    assert model.fit(digits, context=FitContext()).transform(digits).shape == (200, 5)
