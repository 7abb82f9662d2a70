"""The variational autoencoder: its loss against the equations, its latent space, its states."""

from __future__ import annotations

import numpy as np
import pytest
from n2d_more._trainers import VariationalTrainer
from n2d_more.variational import VariationalAutoencoder

from n2d_framework.networks import build_network, dense_decoder, dense_encoder
from n2d_framework.plugin import DataError, FitContext, StateError

SMALL = {
    "hidden": (16,), "latent_dim": 3, "epochs": 5, "batch_size": 50, "precision": "float32",
    "learning_rate": 0.01,
}  # fmt: skip
CONTEXT = FitContext(seed=2)


@pytest.fixture(scope="module")
def rows(digits):
    return digits.reshape(200, 64)


@pytest.fixture(scope="module")
def model(rows):
    return VariationalAutoencoder(**SMALL).fit(rows, context=CONTEXT)


def trainer(rows, beta, hidden=(16,)):
    plans = dense_encoder(64, hidden, 3, "relu"), dense_decoder(64, hidden, 3, "relu")
    encoder, decoder = (
        build_network(plan, seed=1, name=name)
        for plan, name in zip(plans, ("encoder", "decoder"), strict=True)
    )
    return VariationalTrainer(
        encoder, decoder, rows, beta=beta, seed=5, loss="mse", batch_size=50,
        train=np.arange(len(rows)), validation=np.array([], dtype=int),
    )  # fmt: skip


@pytest.mark.parametrize("hidden", [(16,), ()])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_loss_is_the_bound_of_kingma_and_welling(rows, beta, hidden):
    made = trainer(rows, beta, hidden)
    spread = made.both.get_layer("log_variance")
    rng = np.random.default_rng(0)
    spread.set_weights([rng.normal(0, 0.3, w.shape) for w in spread.get_weights()])
    batch = rows[:50]
    found = {k: np.asarray(v) for k, v in made.row_losses({"rows": batch}, False).items()}
    mean, log_variance = (np.asarray(part) for part in made.both(batch))
    np.testing.assert_allclose(mean, np.asarray(made.encoder(batch)), rtol=1e-5, atol=1e-6)
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1)
    rebuilt = ((np.asarray(made.decoder(mean)) - batch) ** 2).mean(axis=1)
    np.testing.assert_allclose(found["divergence"], divergence, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["reconstruction_loss"], rebuilt, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["loss"], rebuilt + beta * divergence / 64, rtol=1e-4)


def test_the_decoder_sees_draws_in_training_and_means_else(rows):
    made, batch = trainer(rows, 0.1), {"rows": rows[:50]}
    still = [np.asarray(made.row_losses(batch, False)["loss"]) for _ in range(2)]
    drawn = [np.asarray(made.row_losses(batch, True)["loss"]) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert (drawn[0] != drawn[1]).all()


def test_without_any_divergence_variances_shrink_and_with_much_all_rows_are_alike(rows):
    free = VariationalAutoencoder(**SMALL, beta=0.0).fit(rows, context=CONTEXT)
    bound = VariationalAutoencoder(**SMALL, beta=1000.0).fit(rows, context=CONTEXT)
    assert free.transform(rows).std() > 5 * bound.transform(rows).std()
    assert bound.history_["divergence"][-1] < 0.1


def test_history_has_its_parts(model):
    history = model.history_
    assert set(history) == {"loss", "divergence", "reconstruction_loss"}
    assert {len(values) for values in history.values()} == {5}
    expected = np.add(history["reconstruction_loss"], np.multiply(0.05 / 64, history["divergence"]))
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-4)
    assert history["reconstruction_loss"][-1] < history["reconstruction_loss"][0]


def test_coordinates_are_means_and_come_back_from_the_state(model, rows):
    again = VariationalAutoencoder(**SMALL)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(rows), model.transform(rows))
    np.testing.assert_array_equal(again.transform(rows[3:4]), model.transform(rows)[3:4])
    assert again.reconstruct(again.transform(rows[:5])).shape == (5, 64)
    assert again.history_ == model.history_


def test_held_out_rows_are_measured(rows):
    some = VariationalAutoencoder(**SMALL, validation_fraction=0.2).fit(rows, context=CONTEXT)
    assert {"val_loss", "val_divergence", "val_reconstruction_loss"} <= set(some.history_)
    state = some.get_state()
    VariationalAutoencoder(**SMALL, validation_fraction=0.2).set_state(state)
    wrong = {**state, "history": {**state["history"], "other": np.zeros(5)}}
    with pytest.raises(StateError, match="history"):
        VariationalAutoencoder(**SMALL, validation_fraction=0.2).set_state(wrong)


def test_bits_need_values_from_0_to_1(rows):
    with pytest.raises(DataError, match=r"values in \[0, 1\]"):
        VariationalAutoencoder(**SMALL, loss="bce").fit(rows * 2, context=CONTEXT)


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_any_rows(rows, count):
    few = VariationalAutoencoder(**{**SMALL, "epochs": 1}).fit(rows[:count], context=CONTEXT)
    assert np.isfinite(few.transform(rows)).all()
