"""Variations of series: what each does, within which bounds, and that seeds decide."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import conv
from n2d_sequence.augmentation import Augmentation

from n2d_framework.plugin import FitContext

NOTHING = {"jitter": 0.0, "scaling": 0.0, "crop": 0.0, "warp": 0.0}
CONTEXT = FitContext(seed=5)


def vary(rows, lengths=None, seed=0, **chosen):
    from n2d_sequence._varying import Variation

    lengths = np.full(len(rows), rows.shape[1]) if lengths is None else lengths
    layer = Variation(Augmentation(**{**NOTHING, **chosen}), seed)
    return np.asarray(layer(rows, lengths.astype(np.int32)))


@pytest.fixture
def ramps():
    """200 series that say what time it is: 0 to 39, in two features."""
    return np.tile(np.arange(40, dtype=np.float32)[None, :, None], (200, 1, 2))


def test_nothing_chosen_changes_nothing(ramps):
    np.testing.assert_array_equal(vary(ramps), ramps)


def test_jitter_is_noise_of_that_size(ramps):
    noise = vary(ramps, jitter=0.3) - ramps
    assert noise.std() == pytest.approx(0.3, rel=0.05)
    assert abs(noise.mean()) < 0.02


def test_scaling_is_one_factor_for_each_feature_of_a_series(ramps):
    factors = vary(ramps, scaling=0.2)[:, 1:] / ramps[:, 1:]
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-4)
    assert factors[:, 0].std() == pytest.approx(0.2, rel=0.15)
    assert not np.allclose(factors[:, 0, 0], factors[:, 0, 1])


def test_crop_stretches_a_part_of_at_least_that_length(ramps):
    times = vary(ramps, crop=0.25)[:, :, 0]
    steps = np.diff(times, axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-4)
    share = (times[:, -1] - times[:, 0]) / 39
    assert 0.75 - 1e-4 <= share.min() < 0.78
    assert 0.97 < share.max() <= 1
    assert times.min() >= 0
    assert times.max() <= 39


def test_warp_changes_the_pace_of_one_window_and_keeps_both_ends(ramps):
    times = vary(ramps, warp=1.0, warp_window=0.25)[:, :, 0]
    np.testing.assert_allclose(times[:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(times[:, -1], 39, atol=1e-3)
    steps = np.diff(times, axis=1)
    assert (steps > 0).all()
    # The series takes 1 + 0.25 (slower - 1) of its time, slower from 1/2 to 2, and is stretched.
    pace = steps.max(axis=1) / steps.min(axis=1)
    assert 1.8 < pace.max() <= 2.01
    assert pace.min() < 1.1


def test_padding_takes_no_part_in_time(ramps):
    lengths = np.full(200, 11)
    times = vary(ramps, lengths, crop=0.5, warp=1.0)[:, :, 0]
    assert times.max() <= 10 + 1e-5
    assert times[:, 10].max() > 9


def test_series_of_one_step_stay(ramps):
    rows = ramps[:, 5:6]
    np.testing.assert_array_equal(vary(rows, crop=0.5, warp=1.0), rows)


def test_seeds_decide(ramps):
    chosen = {"jitter": 0.1, "scaling": 0.1, "crop": 0.2, "warp": 1.0}
    np.testing.assert_array_equal(vary(ramps, seed=3, **chosen), vary(ramps, seed=3, **chosen))
    assert not np.array_equal(vary(ramps, seed=3, **chosen), vary(ramps, seed=4, **chosen))


def test_training_with_variation_repeats_and_differs_from_training_without(trained, padded):
    def fitted(augmentation):
        return conv(augmentation=augmentation).fit(padded, context=CONTEXT)

    first, again = fitted(Augmentation()), fitted(Augmentation())
    assert first.history_ == again.history_
    np.testing.assert_array_equal(first.transform(padded), again.transform(padded))
    assert trained.history_ != first.history_


def test_nothing_to_vary_is_training_without(trained, padded):
    varied = conv(augmentation=Augmentation(**NOTHING)).fit(padded, context=CONTEXT)
    assert varied.history_ == trained.history_


@pytest.fixture
def costs(made, padded):
    """Losses of the rows of one training batch, for settings of the augmentation."""
    from keras import ops
    from n2d_sequence._trainer import SequenceTrainer
    from n2d_sequence._varying import Variation
    from n2d_sequence.networks import build_decoder, build_encoder

    embedder = made("conv")
    series, lengths = embedder._series(padded)
    rows, lengths = embedder.normalization_.apply_all(series, lengths), lengths.astype(np.int32)
    plans = embedder._plans(padded.shape[1:], 3)
    encoder = build_encoder(plans[0], seed=1, precision="float32")
    decoder = build_decoder(plans[1], seed=1, precision="float32")

    def find(training=True, **chosen):
        settings = Augmentation(**{**NOTHING, "jitter": 0.5, **chosen})
        trainer = SequenceTrainer(
            encoder,
            decoder,
            rows,
            lengths,
            loss="mse",
            variation=Variation(settings, 3),
            target=settings.target,
            train=np.arange(48),
            validation=np.arange(0),
            batch_size=48,
        )
        batch = {
            "rows": ops.convert_to_tensor(rows),
            "lengths": ops.convert_to_tensor(lengths),
        }
        return np.asarray(trainer.row_losses(batch, training))

    varied = np.asarray(Variation(Augmentation(**{**NOTHING, "jitter": 0.5}), 3)(rows, lengths))
    observed = np.arange(rows.shape[1]) < lengths[:, None]
    output = np.asarray(decoder(encoder([varied, lengths])))
    of_original = ((output - rows) ** 2).mean(axis=2)
    find.to_original = (of_original * observed).sum(axis=1) / lengths
    return find


def test_target_original_costs_the_distance_to_the_series_as_it_was(costs):
    np.testing.assert_allclose(costs(target="original"), costs.to_original, rtol=1e-4)
    assert not np.allclose(costs(), costs.to_original, rtol=0.01)


def test_validation_sees_series_as_they_are(costs):
    np.testing.assert_array_equal(costs(False), costs(False, jitter=0.0))
    assert not np.allclose(costs(False), costs(True), rtol=0.01)
