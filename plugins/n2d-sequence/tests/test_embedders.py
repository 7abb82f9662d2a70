"""Embedders as users call them: options, states, errors, whole trios."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from conftest import NETWORKS, SMALL, conv, gru
from n2d_sequence.conv1d import Conv1dAutoencoder

import n2d_framework as n2d
from n2d_framework.errors import CompositionError
from n2d_framework.plugin import (
    CollapseWarning,
    ConfigError,
    DataError,
    FitContext,
    StageError,
    StateError,
)

CONTEXT = FitContext(seed=5)


def test_shapes_history_and_best_epoch(trained, padded):
    embedder = trained
    assert embedder.transform(padded).shape == (48, 3)
    assert embedder.transform(padded).dtype == np.float32
    assert embedder.reconstruct(embedder.transform(padded)).shape == padded.shape
    assert list(embedder.history_) == ["loss"]
    assert len(embedder.history_["loss"]) == embedder.best_epoch_ == 2
    assert embedder.precision_ == "float32"


def test_validation_keeps_the_best_epoch(padded):
    embedder = gru(epochs=12, validation_fraction=0.25, patience=2, learning_rate=0.3)
    embedder.fit(padded, context=CONTEXT)
    history = embedder.history_["val_loss"]
    assert embedder.best_epoch_ == int(np.argmin(history)) + 1
    assert len(history) in (12, embedder.best_epoch_ + 2)


def test_training_lowers_the_loss(padded):
    for name in ("conv", "lstm"):
        embedder = NETWORKS[name](epochs=15, learning_rate=0.02)
        history = embedder.fit(padded, context=CONTEXT).history_["loss"]
        assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("name", ["conv", "gru", "lstm"])
def test_steps_that_are_too_large_are_refused(padded, name):
    embedder = NETWORKS[name](epochs=4, learning_rate=30.0)
    with pytest.raises(StageError, match=r"lower learning_rate \(now 30\)"):
        embedder.fit(padded, context=CONTEXT)


def test_steps_that_are_too_small_are_reported(padded):
    with pytest.warns(CollapseWarning, match="hardly improved"):
        gru(epochs=3, learning_rate=1e-12).fit(padded, context=CONTEXT)


@pytest.mark.parametrize(("steps", "make"), [(1, conv), (13, conv), (1, gru)])
def test_series_of_any_length_and_of_one_feature(steps, make):
    x = np.random.default_rng(0).normal(size=(20, steps)).astype(np.float32)
    embedder = make(padding_value=None, latent_dim=2).fit(x, context=CONTEXT)
    latent = embedder.transform(x)
    assert latent.shape == (20, 2)
    assert embedder.reconstruct(latent).shape == (20, steps)
    np.testing.assert_array_equal(embedder.transform(x[..., None]), latent)


def test_normalize_feature_ignores_padding_and_units(trained, padded):
    embedder = trained
    observed = padded[~(padded == 0).all(axis=2)]
    np.testing.assert_allclose(embedder.normalization_.mean, observed.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(embedder.normalization_.scale, observed.std(axis=0), rtol=1e-5)


def test_normalize_series_forgets_size_and_place(made, padded):
    embedder = made("gru", normalize="series", padding_value=-1.0)
    x = np.where((padded == 0).all(axis=2, keepdims=True), -1.0, padded).astype(np.float32)
    moved = np.where(x == -1, x, 4 * x + 8)
    np.testing.assert_allclose(embedder.transform(moved), embedder.transform(x), atol=1e-5)
    alone = np.concatenate([embedder.transform(row[None]) for row in x])
    np.testing.assert_array_equal(alone, embedder.transform(x))


def test_normalize_none_takes_values_as_they_are(made):
    embedder = made("gru", normalize="none")
    assert embedder.normalization_.mean.tolist() == [0, 0]
    assert embedder.normalization_.scale.tolist() == [1, 1]


def test_bce_needs_values_between_0_and_1():
    x = np.random.default_rng(0).uniform(size=(20, 9, 1)).astype(np.float32)
    embedder = gru(loss="bce", normalize="none", padding_value=-1.0)
    x[:10, 5:] = -1
    embedder.fit(x, context=CONTEXT)
    assert embedder.reconstruct(embedder.transform(x)).min() > 0
    assert embedder.reconstruct(embedder.transform(x)).max() < 1
    with pytest.raises(DataError, match=r"needs values in \[0, 1\], got"):
        embedder.fit(2 * x + 1, context=CONTEXT)
    with pytest.raises(DataError, match="set normalize='none'"):
        gru(loss="bce").fit(x, context=CONTEXT)


def test_the_seed_decides(trained, padded):
    again = conv().fit(padded, context=FitContext(seed=5))
    other = conv().fit(padded, context=FitContext(seed=2))
    np.testing.assert_array_equal(trained.transform(padded), again.transform(padded))
    assert np.abs(trained.transform(padded) - other.transform(padded)).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "shape", "said"),
    [
        ({"strides": (2, 2, 2)}, (9, 2), "strides has 3 values, but filters has 2"),
        ({"kernel_sizes": (3,)}, (9, 2), "kernel_sizes has 1 values"),
        ({"validation_fraction": 0.99}, (9, 2), "leaves none to train on"),
        ({"kernel_sizes": 4_000_000}, (9, 2), "use smaller layers"),
        ({}, (9, 2, 2), "are not series"),
    ],
)
def test_what_cannot_be_fitted_is_said_before(options, shape, said):
    embedder = conv(**options)
    assert said in " ".join(embedder.check_input(20, shape))
    with pytest.raises(DataError, match=said):
        embedder.fit(np.zeros((20, *shape), np.float32), context=CONTEXT)


def test_padding_that_is_not_there_or_everything(padded):
    full = padded + 1
    with pytest.raises(DataError, match=r"no row ends with padding_value=0.*scaler: none"):
        gru().fit(full, context=CONTEXT)
    holes = padded.copy()
    holes[4] = 0
    with pytest.raises(DataError, match="row 4 is nothing but padding"):
        gru().fit(holes, context=CONTEXT)


def test_options_out_of_bounds_are_refused():
    for options in ({"filters": ()}, {"strides": 0}, {"latent_dim": 0}, {"pooling_": 1}):
        with pytest.raises((ConfigError, TypeError)):
            Conv1dAutoencoder(**options)
    with pytest.raises(ConfigError, match="layers"):
        gru(layers=99)


def test_rows_of_another_shape_are_refused(made, padded):
    embedder = made("gru")
    for rows in (padded[:, :-1], padded[..., :1], padded.transpose(0, 2, 1)):
        with pytest.raises(DataError, match="must have the shape"):
            embedder.transform(np.ascontiguousarray(rows))
    with pytest.raises(DataError, match="latent rows"):
        embedder.reconstruct(np.zeros((2, 9)))
    with pytest.raises(StageError, match="not fitted"):
        gru().transform(padded)


@pytest.mark.parametrize("name", ["conv", "gru_forward", "lstm"])
def test_a_state_comes_back(made, padded, name):
    embedder, other = made(name), NETWORKS[name]()
    other.set_state(embedder.get_state())
    np.testing.assert_array_equal(other.transform(padded), embedder.transform(padded))
    latent = embedder.transform(padded)
    np.testing.assert_array_equal(other.reconstruct(latent), embedder.reconstruct(latent))
    assert other.history_ == embedder.history_


def spoil(state, path, value):
    copy = dict(state)
    first, *rest = path
    copy[first] = spoil(copy[first], rest, value) if rest else value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["row_shape"], [21]),
        (["row_shape"], [21, 2, 2]),
        (["latent_dim"], 4),
        (["best_epoch"], 9),
        (["precision"], "float8"),
        (["history"], {}),
        (["normalization"], {}),
        (["normalization", "scale"], np.zeros(2)),
        (["normalization", "scale"], np.ones(3)),
        (["normalization", "mean"], np.array([0, np.nan])),
        (["encoder"], {}),
        (["encoder", "encoder_0_backward"], {}),
        (["encoder", "encoder_0", "bias"], np.zeros((2, 16), np.float32)),
        (["decoder", "output", "bias"], np.full(2, np.nan, np.float32)),
    ],
)
def test_damaged_states_are_refused(made, path, value):
    state = spoil(made("gru").get_state(), path, value)
    with pytest.raises(StateError):
        gru().set_state(state)


def test_a_bundle_answers_alike_in_another_process(padded, tmp_path):
    model = n2d.N2D(
        {"name": "gru_ae", **SMALL, "units": 5, "padding_value": 0.0},
        "identity",
        "kmeans",
        scaler="none",
        n_clusters=3,
        random_state=0,
    ).fit(padded)
    model.save(tmp_path / "series.n2d")
    np.save(tmp_path / "x.npy", padded)
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        "model = n2d.load('series.n2d')\n"
        "x = np.load('x.npy')\n"
        "np.savez('found.npz', z=model.embed(x), y=model.predict(x))\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_array_equal(found["z"], model.embed(padded))
    np.testing.assert_array_equal(found["y"], model.labels_)


def test_a_scaler_that_hides_the_padding_is_reported(padded):
    model = n2d.N2D({"name": "conv1d_ae", **SMALL, "padding_value": 0.0}, "identity", "kmeans")
    with pytest.raises(n2d.errors.N2DError, match="use scaler: none"):
        model.fit(padded)


def test_rows_of_numbers_are_series_of_one_feature(padded):
    model = n2d.N2D({"name": "conv1d_ae", **SMALL}, "identity", "kmeans", n_clusters=2)
    flat = np.ascontiguousarray(padded[:, :, 1])
    assert len(model.fit_predict(flat)) == 48
    assert model.predict(flat[:3]).shape == (3,)
    assert model.reconstruct(flat[:3]).shape == (3, 21)
    with pytest.raises(CompositionError, match="needs sequences"):
        model.fit(np.zeros((20, 4, 4, 2)))
