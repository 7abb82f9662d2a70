"""The public toolkit for networks, and the place where it was before."""

from __future__ import annotations

import importlib

import pytest

import n2d_framework.networks as networks


@pytest.mark.parametrize("name", networks.__all__)
def test_every_name_of_the_toolkit_is_there(name):
    assert getattr(networks, name) is not None
    assert (
        name in importlib.import_module(f"n2d_framework.networks.{networks._HOMES[name]}").__all__
    )


def test_another_name_is_missing_as_in_any_module():
    with pytest.raises(AttributeError, match="no attribute 'Netwrk'"):
        _ = networks.Netwrk


def test_settings_of_training_are_options_of_an_embedder():
    options = networks.TrainingOptions(epochs=3, batch_size=7, patience=2)
    settings = networks.TrainingSettings.of(options)
    assert (settings.epochs, settings.batch_size, settings.patience) == (3, 7, 2)


FORMER = [
    "ACTIVATIONS",
    "Activation",
    "Augmentation",
    "Autoencoder",
    "ConvAutoencoder",
    "DenseAutoencoder",
    "ExactMatrix",
    "GaussianMixture",
    "KMeans",
    "Layer",
    "Network",
    "Plan",
    "PlannedAutoencoder",
    "Precision",
    "Trained",
    "TrainingOptions",
    "TrainingResult",
    "TrainingSettings",
    "Umap",
    "Weights",
    "augmentation_layers",
    "build_network",
    "check_reconstruction",
    "check_rows",
    "conv_decoder",
    "conv_encoder",
    "dense_decoder",
    "dense_encoder",
    "history_state",
    "image_complaint",
    "load_keras",
    "multiply",
    "prepare",
    "put_weights",
    "read_history",
    "read_row_shape",
    "read_training",
    "read_weights",
    "resolve_image",
    "resolve_precision",
    "shapes_of",
    "split_complaints",
    "split_rows",
    "take_weights",
    "train",
    "values_per_row",
    "weights_state",
]


@pytest.mark.parametrize("name", FORMER)
def test_former_places_work_with_a_deprecation(name):
    toolkit = importlib.import_module("n2d_builtin.toolkit")
    with pytest.warns(DeprecationWarning, match=rf"n2d_builtin\.toolkit\.{name} is deprecated"):
        assert getattr(toolkit, name) is not None


@pytest.mark.parametrize(
    ("name", "now"),
    [("autoencoder_trainer", "AutoencoderTrainer"), ("row_trainer", "RowTrainer"),
     ("losses", "LOSSES")],
)  # fmt: skip
def test_former_calls_give_what_is_a_name_now(name, now):
    toolkit = importlib.import_module("n2d_builtin.toolkit")
    with pytest.warns(DeprecationWarning, match=f"import {now} from"):
        call = getattr(toolkit, name)
    assert call() is getattr(networks, now)


def test_a_name_that_was_never_there_is_missing():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = importlib.import_module("n2d_builtin.toolkit").nothing
