"""The training loop: what an epoch sees, what is kept, when it stops."""

from __future__ import annotations

import gc
import random
import weakref

import numpy as np
import pytest
from sklearn.datasets import load_digits

from n2d_builtin.autoencoders.augmentation import Augmentation, augmentation_layers
from n2d_framework.networks import training
from n2d_framework.networks.building import build_network
from n2d_framework.networks.plans import dense_decoder, dense_encoder
from n2d_framework.networks.training import split_rows, train
from n2d_framework.networks.training_options import TrainingSettings
from n2d_framework.plugin import FitContext, StageError


@pytest.fixture(scope="module")
def digits():
    return (load_digits().data[:300] / 16).astype(np.float32)


def _trainer(x, *, batch_size=64, validation=0, loss="mse", **more):
    from n2d_framework.networks.row_trainer import AutoencoderTrainer

    numbers = np.arange(len(x))
    return AutoencoderTrainer(
        build_network(dense_encoder(x.shape[1], (16,), 4, "relu"), seed=0),
        build_network(dense_decoder(x.shape[1], (16,), 4, "relu"), seed=0),
        x,
        loss=loss,
        train=numbers[: len(x) - validation],
        validation=numbers[len(x) - validation :],
        batch_size=batch_size,
        **more,
    )


def _settings(**changes):
    return TrainingSettings(**{"epochs": 3, "batch_size": 64, **changes})


def _reconstructed(trainer, x):
    return _numpy(trainer.decoder(trainer.encoder(x)))


def _numpy(tensor):
    import keras

    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("batch_size", [64, 300])
def test_loss_is_the_mean_over_rows_even_when_the_last_batch_is_short(digits, batch_size):
    trainer = _trainer(digits, batch_size=batch_size)
    expected = np.square(_reconstructed(trainer, digits) - digits).mean()
    result = train(trainer, _settings(epochs=1, learning_rate=1e-12), FitContext())
    assert result.history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_more_steps_than_fit_one_execution(digits):
    """150 steps: two full executions and a rest."""
    trainer = _trainer(digits, batch_size=2)
    expected = np.square(_reconstructed(trainer, digits) - digits).mean()
    result = train(trainer, _settings(epochs=2, learning_rate=1e-12), FitContext())
    assert result.history["loss"] == pytest.approx([expected, expected], rel=1e-5)


def test_few_steps_are_taken_one_by_one_with_the_same_bits(digits, monkeypatch):
    """A loop around them takes longer to be traced than it spares."""
    weights, steps = [], []
    for few in (24, 0):
        monkeypatch.setattr(training, "_FEW_STEPS", few)
        trainer = _trainer(digits, validation=70)
        settings = _settings(validation_fraction=70 / 300, weight_averaging=0.9)
        train(trainer, settings, FitContext())
        steps.append(trainer.steps_per_execution)
        weights.append([values for net in trainer.networks for values in net.get_weights()])
    assert steps == [1, 4]
    assert all(map(np.array_equal, *weights))
    monkeypatch.undo()
    longer = _trainer(digits)
    train(longer, _settings(epochs=5), FitContext())  # 25 steps
    assert longer.steps_per_execution == 5


def test_validation_rows_are_not_trained_on_and_measured_as_they_are(digits):
    trainer = _trainer(digits, validation=70, batch_size=32)
    settings = _settings(epochs=2, validation_fraction=70 / 300)
    result = train(trainer, settings, FitContext())
    best = result.best_epoch - 1
    held_out = np.square(_reconstructed(trainer, digits) - digits)[230:].mean()
    assert result.history["val_loss"][best] == pytest.approx(held_out, rel=1e-4)

    changed = digits.copy()
    changed[230:] = 1 - changed[230:]
    other = _trainer(changed, validation=70, batch_size=32)
    assert train(other, settings, FitContext()).history["loss"] == result.history["loss"]


def test_every_epoch_sees_every_row_once_in_another_order(digits):
    trainer = _trainer(digits, batch_size=64)
    shuffle = np.random.default_rng(0)
    orders = []
    for epoch in range(2):
        trainer.start_epoch(epoch, shuffle)
        orders.append(_numpy(trainer.order)[: len(digits)])
    assert [sorted(order) for order in orders] == [list(range(len(digits)))] * 2
    assert not np.array_equal(*orders)


@pytest.mark.parametrize("loss", ["mae", "huber"])
def test_losses_are_those_of_keras(digits, loss):
    import keras

    names = {"mae": "mean_absolute_error", "huber": "huber"}
    wide = 5 * digits
    trainer = _trainer(wide, loss=loss)
    function = keras.losses.get(names[loss])
    expected = float(np.mean(function(wide, _reconstructed(trainer, wide))))
    result = train(trainer, _settings(epochs=1, learning_rate=1e-12), FitContext())
    assert result.history["loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_optimizers_lower_the_loss(digits, optimizer):
    rate = 0.5 if optimizer == "sgd" else 1e-2
    settings = _settings(optimizer=optimizer, learning_rate=rate, epochs=6)
    losses = train(_trainer(digits), settings, FitContext()).history["loss"]
    assert losses[-1] < 0.8 * losses[0]


def test_weight_decay_shrinks_weights(digits):
    norms = []
    for decay in (None, 5.0):
        trainer = _trainer(digits)
        train(trainer, _settings(learning_rate=1e-2, weight_decay=decay), FitContext())
        norms.append(sum(float(np.square(w).sum()) for w in trainer.encoder.get_weights()))
    assert norms[1] < 0.8 * norms[0]


def test_patience_stops_and_restores_the_best_weights(digits):
    """A learning rate at which val_loss soon goes up for once."""
    seen = []
    trainer = _trainer(digits, validation=60)
    settings = _settings(epochs=80, patience=1, validation_fraction=0.2, learning_rate=0.1)
    context = FitContext(epoch_finished=lambda epoch, epochs, metrics: seen.append(epoch))
    result = train(trainer, settings, context)
    values = result.history["val_loss"]
    assert len(values) == result.best_epoch + 1 < 80
    assert values[result.best_epoch - 1] == min(values) < values[-1]
    restored = np.square(_reconstructed(trainer, digits) - digits)[240:].mean()
    assert restored == pytest.approx(min(values), rel=1e-4)
    assert seen == list(range(1, len(values) + 1))


def test_without_validation_or_patience_the_last_weights_are_kept(digits):
    assert train(_trainer(digits), _settings(epochs=4), FitContext()).best_epoch == 4


def test_patience_without_validation_watches_the_loss(digits):
    settings = _settings(epochs=80, patience=2, learning_rate=0.1)
    result = train(_trainer(digits), settings, FitContext())
    assert result.best_epoch == int(np.argmin(result.history["loss"])) + 1
    assert len(result.history["loss"]) == result.best_epoch + 2
    assert "val_loss" not in result.history


def test_divergence_is_an_error_that_says_what_to_do(digits):
    settings = _settings(optimizer="sgd", learning_rate=1e6, epochs=30)
    with pytest.raises(StageError, match=r"learning_rate \(now 1e\+06\) or scale the data"):
        train(_trainer(1000 * digits), settings, FitContext())


def test_events_name_epochs_and_metrics(digits):
    seen = []
    context = FitContext(epoch_finished=lambda *event: seen.append(event))
    result = train(_trainer(digits, validation=50), _settings(validation_fraction=0.1), context)
    assert [event[:2] for event in seen] == [(1, 3), (2, 3), (3, 3)]
    assert [event[2]["loss"] for event in seen] == result.history["loss"]
    assert [event[2]["val_loss"] for event in seen] == result.history["val_loss"]


def test_global_generators_and_settings_are_left_alone(digits):
    import keras

    before = _globals(keras)
    layers = augmentation_layers(Augmentation(shift=0.1, rotation=5, zoom=0.1), seed=1)
    trainer = _trainer(digits, augmentation=layers, image_shape=(8, 8, 1))
    train(trainer, _settings(), FitContext())
    assert _globals(keras) == before


def _globals(keras):
    legacy = np.random.get_state()[1].tolist()  # noqa: NPY002
    return random.getstate(), legacy, keras.config.floatx()


def test_global_dtype_policy_of_the_user_changes_nothing(digits):
    import keras

    expected = train(_trainer(digits), _settings(), FitContext()).history
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        found = train(_trainer(digits), _settings(), FitContext()).history
    finally:
        keras.config.set_dtype_policy(policy)
    assert found == expected


def test_the_trainer_is_released(digits):
    trainer = _trainer(digits)
    train(trainer, _settings(), FitContext())
    gone = weakref.ref(trainer)
    del trainer
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_corruption_is_fresh_every_time_and_of_the_stated_size(noise):
    from n2d_builtin.autoencoders._corruption import Corruption

    clean = np.ones((400, 50), dtype=np.float32)
    layer = Corruption(noise, 0.3, seed=5)
    first, second = _numpy(layer(clean)), _numpy(layer(clean))
    assert not np.array_equal(first, second)
    if noise == "gaussian":
        assert np.std(first - clean) == pytest.approx(0.3, rel=0.05)
    else:
        assert set(np.unique(first)) == {0.0, 1.0}
        assert (first == 0).mean() == pytest.approx(0.3, rel=0.05)
    assert np.array_equal(_numpy(Corruption(noise, 0.3, seed=5)(clean)), first)


def test_corruption_touches_what_the_encoder_sees_and_not_the_target(digits):
    """All values masked: the loss is that of the decoder's answer to zeros."""
    from n2d_builtin.autoencoders._corruption import Corruption

    trainer = _trainer(digits, corruption=Corruption("masking", 1.0, seed=0))
    blind = _reconstructed(trainer, np.zeros_like(digits))
    result = train(trainer, _settings(epochs=1, learning_rate=1e-12), FitContext())
    expected = np.square(blind - digits).mean()
    assert result.history["loss"][0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("what", ["shift", "rotation", "zoom"])
def test_each_augmentation_varies_training_batches_only(digits, what):
    settings = Augmentation(**{"shift": 0, "rotation": 0, "zoom": 0, what: 0.4})
    if what == "rotation":
        settings = Augmentation(shift=0, rotation=45, zoom=0)
    layers = augmentation_layers(settings, seed=0)
    assert len(layers) == 1
    trainer = _trainer(digits, batch_size=300, augmentation=layers, image_shape=(8, 8, 1))
    first, second = _numpy(trainer.varied(digits)), _numpy(trainer.varied(digits))
    assert first.shape == digits.shape
    assert not np.allclose(first, digits)
    assert not np.allclose(first, second)
    plain = np.square(_reconstructed(trainer, digits) - digits).mean(axis=1)
    held_out = _numpy(trainer.row_losses({"rows": digits}, training=False))
    np.testing.assert_allclose(held_out, plain, rtol=1e-4)


def test_a_shift_moves_pixels_by_at_most_the_stated_fraction():
    from n2d_builtin.autoencoders._affine import RandomAffine

    image = np.zeros((400, 20, 20, 1), dtype=np.float32)
    image[:, 10, 10] = 1
    moved = _numpy(RandomAffine(0.2, 0, 0, seed=3)(image, training=True))[..., 0]
    weight = moved.sum(axis=(1, 2))
    np.testing.assert_allclose(weight, 1, atol=1e-3)
    centres = np.stack([(moved * axis).sum(axis=(1, 2)) for axis in np.mgrid[:20, :20]]) / weight
    offsets = np.abs(centres - 10)
    assert offsets.max() <= 4 + 1e-2
    assert offsets.max() > 3.5
    assert not np.array_equal(moved[0], moved[1])


def test_rotation_and_zoom_leave_the_middle_of_an_image_where_it_is():
    from n2d_builtin.autoencoders._affine import RandomAffine

    maps = _numpy(RandomAffine(0, 30, 0.5, seed=3)._maps(200, 9, 15))
    a, b = maps[:, :3], maps[:, 3:6]
    middle = np.array([7, 4, 1], dtype=np.float32)
    np.testing.assert_allclose(a @ middle, 7, atol=1e-4)
    np.testing.assert_allclose(b @ middle, 4, atol=1e-4)
    scale = np.sqrt(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    angle = np.degrees(np.arctan2(b[:, 0], a[:, 0]))
    assert 0.5 <= scale.min() < 0.6
    assert 1.4 < scale.max() <= 1.5
    assert 28 < np.abs(angle).max() <= 30


def test_the_target_of_a_varied_image_can_be_the_original(digits):
    layers = augmentation_layers(Augmentation(shift=0.3, rotation=0), seed=0)
    common = {"augmentation": layers, "image_shape": (8, 8, 1), "batch_size": len(digits)}
    losses = {
        target: _numpy(
            _trainer(digits, target=target, **common).row_losses({"rows": digits}, training=True)
        )
        for target in ("varied", "original")
    }
    # Untrained networks answer with nearly nothing: the loss shows what was aimed at.
    assert losses["original"].mean() == pytest.approx(np.square(digits).mean(), rel=0.2)
    assert not np.allclose(losses["varied"], losses["original"], rtol=1e-3)


@pytest.mark.parametrize("n_rows", [2, 3, 10, 1001])
def test_split_holds_out_at_least_one_row_and_keeps_all(n_rows):
    settings = _settings(validation_fraction=0.1)
    training, validation = split_rows(n_rows, settings, seed=4)
    assert len(validation) == max(1, int(np.ceil(0.1 * n_rows)))
    assert sorted([*training, *validation]) == list(range(n_rows))
    again = split_rows(n_rows, settings, seed=4)
    assert np.array_equal(again[1], validation)


def _rates(schedule, steps=100, **changes):
    from n2d_framework.networks.optimizers import learning_rates

    found = learning_rates(_settings(schedule=schedule, learning_rate=0.01, **changes), steps)
    if schedule == "constant":
        return np.full(steps, found)
    return np.array([_numpy(found(step)) for step in range(steps)])


@pytest.mark.parametrize(
    ("schedule", "changes", "start", "peak_at", "end"),
    [
        ("constant", {}, 0.01, 0, 0.01),
        ("cosine", {}, 0.0, 10, 0.0),
        ("cosine", {"warm_up": 0.0}, 0.01, 0, 0.0),
        ("cosine", {"warm_up": 0.5}, 0.0, 50, 0.0),
        ("one_cycle", {}, 0.01 / 25, 30, 0.01 / 250_000),
    ],
)
def test_a_schedule_rises_to_the_learning_rate_and_falls(schedule, changes, start, peak_at, end):
    rates = _rates(schedule, **changes)
    assert rates[0] == pytest.approx(start, abs=1e-9)
    assert int(rates.argmax()) == peak_at
    assert rates.max() == pytest.approx(0.01)
    assert rates[-1] == pytest.approx(end, abs=1e-5)
    assert (np.diff(rates[: peak_at + 1]) > 0).all()
    assert (np.diff(rates[peak_at:]) <= 0).all()


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
@pytest.mark.parametrize("warm_up", [None, 0.0, 0.99])
def test_a_schedule_of_few_steps_still_trains(steps, schedule, warm_up):
    rates = _rates(schedule, steps=steps, warm_up=warm_up)
    assert np.isfinite(rates).all()
    assert rates.max() == pytest.approx(0.01)


def test_a_schedule_lasts_for_all_epochs(digits):
    trainer = _trainer(digits)
    seen = []
    context = FitContext(
        epoch_finished=lambda *_: seen.append(float(_numpy(trainer.optimizer.learning_rate)))
    )
    train(trainer, _settings(epochs=10, schedule="cosine"), context)
    assert int(np.argmax(seen)) == 0  # a tenth of ten epochs
    assert seen[-1] == pytest.approx(0, abs=1e-9)


def test_averaged_weights_are_kept_and_measured(digits):
    def weights_of(trainer):
        return np.concatenate([w.ravel() for net in trainer.networks for w in net.get_weights()])

    plain, each = _trainer(digits, batch_size=300), []
    context = FitContext(epoch_finished=lambda *_: each.append(weights_of(plain)))
    train(plain, _settings(epochs=6), context)
    expected = each[0]
    for weights in each[1:]:
        expected = 0.7 * expected + 0.3 * weights
    averaged = _trainer(digits, batch_size=300)
    train(averaged, _settings(epochs=6, weight_averaging=0.7), FitContext())
    np.testing.assert_allclose(weights_of(averaged), expected, rtol=1e-4, atol=1e-6)


def test_the_best_averages_are_kept_when_training_stops_early(digits):
    trainer, seen = _trainer(digits, validation=100), {}

    def note(epoch, epochs, metrics):
        seen[epoch] = metrics["val_loss"]

    settings = _settings(
        epochs=40, learning_rate=0.05, weight_averaging=0.5, patience=3, validation_fraction=1 / 3
    )
    result = train(trainer, settings, FitContext(epoch_finished=note))
    assert len(seen) < 40
    assert min(seen, key=seen.__getitem__) == result.best_epoch
    held_out = digits[200:]
    loss = np.square(_reconstructed(trainer, held_out) - held_out).mean()
    assert loss == pytest.approx(seen[result.best_epoch], rel=1e-4)


def test_long_gradients_are_shortened(digits):
    trainer = _trainer(digits, batch_size=300)
    before = [w for net in trainer.networks for w in net.get_weights()]
    settings = _settings(epochs=1, optimizer="sgd", learning_rate=1.0, clip_norm=1e-3)
    train(trainer, settings, FitContext())
    after = [w for net in trainer.networks for w in net.get_weights()]
    moved = np.sqrt(sum(np.square(a - b).sum() for a, b in zip(after, before, strict=True)))
    assert moved == pytest.approx(1e-3, rel=1e-2)
