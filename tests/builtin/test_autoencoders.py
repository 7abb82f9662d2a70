"""The neural embedders through their public face."""

from __future__ import annotations

import pickle
import sys
from copy import deepcopy

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score

from n2d_builtin.autoencoders.augmentation import Augmentation
from n2d_builtin.autoencoders.conv import ConvAutoencoder
from n2d_builtin.autoencoders.denoising import DenoisingAutoencoder
from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_framework import N2D
from n2d_framework.plugin import (
    ConfigError,
    DataError,
    FitContext,
    StageError,
    StateError,
    options_dict,
)

SMALL = {"hidden": (16,), "epochs": 2, "batch_size": 64, "latent_dim": 3}
CASES = [
    pytest.param(DenseAutoencoder, {}, (64,), id="dense"),
    pytest.param(DenseAutoencoder, {"loss": "bce"}, (8, 8), id="dense-bce-images"),
    pytest.param(DenoisingAutoencoder, {"noise": "masking"}, (64,), id="denoising"),
    pytest.param(ConvAutoencoder, {"filters": (4, 8)}, (8, 8, 1), id="conv"),
    pytest.param(
        ConvAutoencoder,
        {"filters": (4,), "image_shape": (8, 8), "loss": "bce", "strides": (3,), "hidden": ()},
        (64,),
        id="conv-flat",
    ),
]


@pytest.fixture(scope="module")
def digits():
    return (load_digits().data[:200] / 16).astype(np.float32)


def _fitted(cls, options, x, seed=0):
    return cls(**{**SMALL, **options}).fit(x, context=FitContext(seed=seed))


def _again(model):
    """Another instance with the same options and state, as loading makes it."""
    options = {name: getattr(model, name) for name in options_dict(model)}
    loaded = type(model)(**options)
    loaded.set_state(model.get_state())
    return loaded


@pytest.mark.parametrize(("cls", "options", "shape"), CASES)
def test_life_of_an_embedder(cls, options, shape, digits):
    x = digits.reshape(-1, *shape)
    before = x.copy()
    model = _fitted(cls, options, x)
    assert np.array_equal(x, before)

    z = model.transform(x)
    assert (z.shape, z.dtype) == ((200, 3), np.float32)
    rows = model.reconstruct(z)
    assert (rows.shape, rows.dtype) == (x.shape, np.float32)
    if options.get("loss") == "bce":
        assert rows.min() >= 0
        assert rows.max() <= 1
    assert len(model.history_["loss"]) == 2
    assert model.history_["loss"][1] < model.history_["loss"][0]

    alone = np.concatenate([model.transform(x[i : i + 1]) for i in range(20)])
    assert np.array_equal(alone, z[:20])
    assert np.array_equal(model.transform(x[::-1])[::-1], z)

    loaded = _again(model)
    assert np.array_equal(loaded.transform(x), z)
    assert np.array_equal(loaded.reconstruct(z), rows)
    assert loaded.history_ == model.history_
    assert loaded.best_epoch_ == model.best_epoch_ == 2
    for copy in (pickle.loads(pickle.dumps(model)), deepcopy(model)):
        assert np.array_equal(copy.transform(x), z)


def test_the_reported_loss_is_that_of_the_inference_network(digits):
    """Training with a step size of nothing: Keras's loss is that of the NumPy networks."""
    options = {"learning_rate": 1e-12, "activation": "gelu", "precision": "float32"}
    model = _fitted(DenseAutoencoder, options, digits)
    rows = model.reconstruct(model.transform(digits))
    assert model.history_["loss"][-1] == pytest.approx(np.square(rows - digits).mean(), rel=1e-4)


def test_seed_decides_and_threads_do_not(digits):
    states = [
        DenseAutoencoder(**SMALL, validation_fraction=0.2)
        .fit(digits, context=FitContext(seed=seed, n_jobs=jobs))
        .get_state()
        for seed, jobs in ((3, 1), (3, 2), (4, 1))
    ]
    kernels = [state["encoder"]["encoder_0"]["kernel"] for state in states]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
    histories = [state["history"]["val_loss"].tolist() for state in states]
    assert histories[0] == histories[1] != histories[2]


def test_fitting_again_forgets(digits):
    model = _fitted(DenseAutoencoder, {}, digits)
    model.fit(digits[:, :32], context=FitContext(seed=1))
    fresh = _fitted(DenseAutoencoder, {}, digits[:, :32], seed=1)
    assert model.row_shape_ == (32,)
    expected = fresh.transform(digits[:, :32])
    assert np.array_equal(model.transform(digits[:, :32]), expected)


def test_width_of_the_latent_space_is_ten_if_no_one_says(digits):
    model = _fitted(DenseAutoencoder, {"latent_dim": None}, digits)
    assert model.transform(digits).shape == (200, 10)
    assert _again(model).transform(digits).shape == (200, 10)


def test_the_latent_space_separates_digits():
    data = load_digits()
    x = (data.data / 16).astype(np.float32)
    model = DenseAutoencoder(hidden=(128, 256), epochs=40, learning_rate=2e-3)
    z = model.fit(x, context=FitContext()).transform(x)
    labels = KMeans(10, n_init=5, random_state=0).fit_predict(z)
    assert normalized_mutual_info_score(data.target, labels) > 0.65
    assert model.history_["loss"][-1] < 0.2 * np.var(x)


def test_validation_history_and_early_stopping_reach_the_component(digits):
    model = _fitted(
        DenseAutoencoder,
        {"epochs": 100, "patience": 1, "validation_fraction": 0.25, "learning_rate": 0.1},
        digits,
    )
    values = model.history_["val_loss"]
    assert len(values) == model.best_epoch_ + 1 < 100
    assert _again(model).best_epoch_ == model.best_epoch_


def test_augmentation_of_flat_rows_needs_their_shape(digits):
    options = {**SMALL, "augmentation": Augmentation()}
    with pytest.raises(DataError, match="set image_shape"):
        DenseAutoencoder(**options).fit(digits, context=FitContext())
    plain = _fitted(DenseAutoencoder, {}, digits)
    varied = DenseAutoencoder(**options, image_shape=(8, 8)).fit(digits, context=FitContext())
    assert varied.history_["loss"] != plain.history_["loss"]
    assert varied.transform(digits).shape == (200, 3)


def test_bfloat16_trains_almost_alike_and_is_written_down(digits):
    single = _fitted(DenseAutoencoder, {"precision": "float32"}, digits)
    half = _fitted(DenseAutoencoder, {"precision": "bfloat16"}, digits)
    assert (single.precision_, half.precision_) == ("float32", "bfloat16")
    assert half.history_["loss"] != single.history_["loss"]
    assert half.history_["loss"] == pytest.approx(single.history_["loss"], rel=0.05)
    assert _again(half).precision_ == "bfloat16"


@pytest.mark.parametrize("faster", [True, False])
def test_auto_precision_follows_the_hardware(faster, monkeypatch):
    from n2d_framework.networks import precision

    monkeypatch.setattr(precision, "bfloat16_is_faster", lambda: faster)
    assert precision.resolve_precision("auto") == ("bfloat16" if faster else "float32")
    assert precision.resolve_precision("float32") == "float32"
    assert precision.resolve_precision("bfloat16") == "bfloat16"


@pytest.mark.parametrize(("single", "half"), [(3.0, 1.0), (1.2, 1.0), (1.0, 5.0)])
def test_on_an_accelerator_bfloat16_is_chosen_only_if_clearly_faster(single, half, monkeypatch):
    from n2d_framework.networks import precision

    times = {"float32": single, "bfloat16": half}
    monkeypatch.setattr(precision, "_device", lambda: "/device:GPU:0")
    monkeypatch.setattr(precision, "_products", lambda dtype: dtype)
    monkeypatch.setattr(precision, "_seconds", times.__getitem__)
    assert precision.bfloat16_is_faster.__wrapped__() is (single > 1.5 * half)


@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
@pytest.mark.parametrize("kept", ["SSE41", "avx2", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_AMX"])
def test_precision_heeds_what_onednn_is_kept_to(name, kept, monkeypatch):
    """TensorFlow ends the process where oneDNN may not multiply bfloat16 at all."""
    from n2d_framework.networks import precision

    monkeypatch.setenv(name, kept)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setattr(precision, "processor_instructions", lambda: ["amx_bf16"])
    assert precision.bfloat16_is_faster.__wrapped__() is (kept == "AVX512_CORE_AMX")
    if kept.startswith("AVX512"):
        assert precision.resolve_precision("bfloat16") == "bfloat16"
        return
    with pytest.raises(ConfigError, match=f"{name}={kept} keeps oneDNN"):
        precision.resolve_precision("bfloat16")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert precision.resolve_precision("bfloat16") == "bfloat16"


@pytest.mark.parametrize("words", [["avx512f"], [], ["avx2", "avx512_bf16"], ["amx_bf16"]])
def test_on_a_processor_the_precision_is_never_timed(words, monkeypatch):
    """A measurement differs between processes under load, and labels would with it."""
    from n2d_framework.networks import precision

    monkeypatch.setattr(precision, "processor_instructions", lambda: words)
    monkeypatch.setattr(precision, "_seconds", lambda work: pytest.fail("timed"))
    assert precision.bfloat16_is_faster.__wrapped__() is any("bf16" in word for word in words)


def test_the_instructions_of_this_processor_are_read():
    from n2d_framework.networks.precision import bfloat16_is_faster, processor_instructions

    if sys.platform == "linux":
        assert processor_instructions()
    assert bfloat16_is_faster() in (True, False)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 9, 3)])
def test_conv_takes_images_of_odd_sizes(shape):
    x = np.random.default_rng(0).random((12, *shape), dtype=np.float32)
    model = ConvAutoencoder(filters=(3, 4, 5), epochs=1, latent_dim=2)
    model.fit(x, context=FitContext())
    assert model.reconstruct(model.transform(x)).shape == x.shape


@pytest.mark.parametrize(
    ("options", "shape", "words"),
    [
        ({}, (64,), "not images; set image_shape"),
        ({"image_shape": (7, 8)}, (64,), "has 56 values, but a row has 64"),
        ({"image_shape": (8, 8, 2)}, (8, 8), "differs from the shape of a row"),
        ({"image_shape": (64,)}, (64,), r"must be \(height, width\)"),
        ({}, (2, 2, 2, 2), "are not images"),
        ({"kernel_sizes": (3,)}, (8, 8), "kernel_sizes has 1 values, but filters has 3"),
        ({"strides": (2, 2)}, (8, 8), "strides has 2 values, but filters has 3"),
    ],
)
def test_conv_says_what_is_wrong_before_training(options, shape, words):
    model = ConvAutoencoder(**options)
    reasons = model.check_input(100, shape)
    with pytest.raises(DataError, match=words):
        model.fit(np.zeros((100, *shape), np.float32), context=FitContext())
    assert len(reasons) == 1
    assert model.history_ is None


def test_other_impossible_requests(digits):
    assert DenseAutoencoder().check_input(1, (64,)) == []
    assert "leaves none" in DenseAutoencoder(validation_fraction=0.9).check_input(2, (4,))[0]
    masking = DenoisingAutoencoder(noise="masking", noise_level=1.5)
    assert "not a fraction" in masking.check_input(10, (4,))[0]
    with pytest.raises(DataError, match=r"\[0, 1\], got 0 to 16; scale"):
        _fitted(DenseAutoencoder, {"loss": "bce"}, 16 * digits)


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"validation_fraction": 1.0},
        {"patience": 0},
        {"latent_dim": 0},
        {"hidden": (5, 0)},
        {"weight_decay": -1.0},
    ],
)
def test_options_out_of_bounds(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        DenseAutoencoder(**options)


def test_a_single_row_and_the_least_for_validation(digits):
    model = _fitted(DenseAutoencoder, {}, digits[:1])
    assert model.transform(digits[:1]).shape == (1, 3)
    pair = _fitted(DenseAutoencoder, {"validation_fraction": 0.5}, digits[:2])
    assert len(pair.history_["val_loss"]) == 2


def test_unfitted_and_misshapen(digits):
    model = DenseAutoencoder(**SMALL)
    with pytest.raises(StageError, match="not fitted"):
        model.transform(digits)
    with pytest.raises(StateError, match="not fitted"):
        model.get_state()
    model.fit(digits, context=FitContext())
    with pytest.raises(DataError, match="rows must have the shape"):
        model.transform(digits[:, :10])
    with pytest.raises(DataError, match=r"latent rows must have the shape \(n, 3\)"):
        model.reconstruct(digits)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("row_shape", []),
        ("row_shape", [64.0]),
        ("row_shape", [-64]),
        ("row_shape", [10**12]),
        ("row_shape", [2] * 30),
        ("latent_dim", 0),
        ("latent_dim", 10**12),
        ("latent_dim", 4),
        ("latent_dim", "3"),
        ("history", [1.0]),
        ("history", {"loss": 3}),
        ("history", {"loss": np.zeros((2, 2))}),
        ("best_epoch", None),
        ("precision", 3),
        ("encoder", {}),
        ("decoder", {"encoder_0": {}}),
    ],
)
def test_damaged_states_are_refused(key, value, digits):
    model = DenseAutoencoder(**SMALL)
    state = dict(_cached_state(digits))
    state[key] = value
    with pytest.raises(StateError):
        model.set_state(state)
    del state[key]
    with pytest.raises(StateError, match=key):
        model.set_state(state)


_STATES: list[dict] = []


def _cached_state(digits):
    if not _STATES:
        _STATES.append(_fitted(DenseAutoencoder, {}, digits).get_state())
    return _STATES[0]


def test_a_state_of_other_options_is_refused(digits):
    for options in ({"hidden": (17,)}, {"hidden": (16, 16)}, {"latent_dim": 4}):
        with pytest.raises(StateError):
            DenseAutoencoder(**{**SMALL, **options}).set_state(_cached_state(digits))


def test_a_conv_state_that_is_not_an_image_is_refused():
    x = np.random.default_rng(0).random((9, 4, 4), dtype=np.float32)
    model = ConvAutoencoder(filters=(2,), epochs=1).fit(x, context=FitContext())
    with pytest.raises(StateError, match="row_shape"):
        ConvAutoencoder(filters=(2,), epochs=1).set_state({**model.get_state(), "row_shape": [16]})


@pytest.mark.parametrize("name", ["dense_ae", "denoising_ae", "conv_ae"])
def test_a_warm_up_needs_a_schedule_that_rises(name):
    with pytest.raises(ConfigError, match=r"embedder\.warm_up: needs a schedule that rises"):
        N2D({"name": name, "warm_up": 0.2}).composition()
    assert N2D({"name": name, "warm_up": 0.2, "schedule": "one_cycle"}).composition()
