"""Any Keras graph, trained on rows kept on the device: the same as Keras's own training."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from n2d_builtin.autoencoders.graphs import train_graph
from n2d_framework.plugin import DataError, StageError
from n2d_framework.registry import default_catalogue


def graph(seed=1):
    """With everything that makes a difference to a loop: a penalty and running statistics."""
    draws = [keras.initializers.GlorotUniform(seed + place) for place in range(2)]
    rows = keras.Input((6,))
    found = layers.Dense(4, "tanh", kernel_initializer=draws[0], kernel_regularizer="l2")(rows)
    found = layers.BatchNormalization()(found)
    return keras.Model(rows, layers.Dense(6, kernel_initializer=draws[1])(found))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).random((40, 6), dtype=np.float32)


def absolute(y, p):
    return ops.mean(ops.abs(y - p))


LOSSES = {
    "name": "mse",
    "class name": "MeanAbsoluteError",
    "object": keras.losses.Huber(0.2),
    "sum": keras.losses.MeanSquaredError(reduction="sum"),
    "values": lambda y, p: ops.abs(y - p),
    "one number": absolute,
}


@pytest.mark.parametrize("name", LOSSES)
def test_it_learns_what_keras_learns(rows, name):
    """All rows in one batch, so that no order matters."""
    ours, theirs = graph(), graph()
    loss = LOSSES[name]
    train_graph(ours, rows, epochs=4, loss=loss, optimizer=keras.optimizers.SGD(0.01))
    theirs.compile(loss=loss, optimizer=keras.optimizers.SGD(0.01))
    theirs.fit(rows, rows, batch_size=40, epochs=4, verbose=0)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=1e-6)


def test_training_continues_from_the_weights_it_has(rows):
    model = graph()
    train_graph(model, rows, epochs=30, optimizer=keras.optimizers.Adam(0.01), seed=0)
    kept = model.get_weights()
    result = train_graph(model, rows, epochs=1, optimizer=keras.optimizers.SGD(1e-9))
    np.testing.assert_allclose(model.get_weights()[0], kept[0], atol=1e-6)
    assert result.history["loss"][0] < 0.2


def test_the_seed_decides_the_order(rows):
    found = []
    for seed in (3, 3, 4):
        model = graph()
        history = train_graph(model, rows, epochs=2, batch_size=16, seed=seed).history
        found.append((model.get_weights()[0].tolist(), history))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_patience_goes_back_to_the_best(rows):
    model = graph()
    result = train_graph(
        model, rows, epochs=100, batch_size=16, optimizer=keras.optimizers.Adam(0.1), patience=3
    )
    losses = result.history["loss"]
    assert len(losses) < 100
    assert result.best_epoch == len(losses) - 3
    assert min(losses) == losses[result.best_epoch - 1]


def test_rows_are_spoiled_again_for_every_epoch(rows):
    seen = []

    def spoil(x):
        seen.append(x.copy())
        return np.zeros_like(x) if len(seen) < 3 else x

    model = graph()
    train_graph(model, rows, epochs=3, corrupt=spoil, optimizer=keras.optimizers.Adam(0.01))
    assert len(seen) == 3
    for given in seen:
        np.testing.assert_array_equal(given, rows)
    with pytest.raises(DataError, match=r"out of \(40, 6\); it must keep the shape"):
        train_graph(model, rows, epochs=1, corrupt=lambda x: x[:3])


def test_rows_that_fill_up_a_batch_do_not_spoil_running_statistics(rows):
    """The last batch has one row; fifteen others stand in for those that are missing."""
    alike = np.ones((33, 6), np.float32)
    ours, theirs = graph(), graph()
    train_graph(ours, alike, epochs=50, batch_size=16, optimizer=keras.optimizers.SGD(1e-12))
    theirs.compile(loss="mse", optimizer=keras.optimizers.SGD(1e-12))
    theirs.fit(alike, alike, epochs=50, batch_size=16, verbose=0)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_verbose_shows_epochs(rows, capsys):
    train_graph(graph(), rows, epochs=2, verbose=2)
    shown = capsys.readouterr().out
    assert "Epoch 2/2" in shown
    assert "loss" in shown
    train_graph(graph(), rows, epochs=2)
    assert capsys.readouterr().out == ""


def test_divergence_is_reported(rows):
    with pytest.raises(StageError, match=r"diverged in epoch 1.*\(now 0.5\)"):
        train_graph(graph(), rows * 1e30, epochs=2, optimizer=keras.optimizers.SGD(0.5))


def test_the_component_for_own_networks_offers_it():
    """So that no one has to import what is built in."""
    found = default_catalogue().get("embedder", "keras").spec.load().train_graph
    assert found is train_graph
