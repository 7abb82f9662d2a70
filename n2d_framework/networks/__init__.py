"""Tools for embedders that train a network: plans, training, exact inference, weights.

The names here are as stable as those of :mod:`n2d_framework.plugin`. None of them knows
whether a row is an image, a series or a vector. An embedder is made of

- options: :class:`TrainingOptions`, and what it learns: :class:`Trained`;
- a network as data, :class:`Plan`, of which :func:`build_network` makes the Keras model that is
  trained, and :class:`Network` computes the same in NumPy, each row by itself, to the last bit;
- training: :func:`train` runs a :class:`RowTrainer`, which says what a row costs, for the epochs of
  :class:`TrainingSettings`; it reports epochs, stops early, keeps the best weights, and checks that
  training has not collapsed;
- weights: :func:`take_weights` out of the model, :func:`read_weights` out of a state;
- :func:`plan_to_onnx`, with which its encoder can be exported.

Importing this package loads nothing. :class:`RowTrainer`, :class:`AutoencoderTrainer` and
:data:`LOSSES` import Keras: name them in a module that is imported when training starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_framework.networks.activations import ACTIVATIONS, Activation
    from n2d_framework.networks.building import build_network
    from n2d_framework.networks.exact_products import ExactMatrix, multiply, prepare
    from n2d_framework.networks.inference import Network, values_per_row
    from n2d_framework.networks.keras_backend import load_keras, network_libraries
    from n2d_framework.networks.onnx_layers import plan_to_onnx
    from n2d_framework.networks.plans import (
        Layer,
        Plan,
        conv_decoder,
        conv_encoder,
        dense_decoder,
        dense_encoder,
    )
    from n2d_framework.networks.precision import Precision, bfloat16_is_faster, resolve_precision
    from n2d_framework.networks.row_trainer import LOSSES, AutoencoderTrainer, RowTrainer
    from n2d_framework.networks.trained import (
        Trained,
        check_rows,
        history_state,
        read_history,
        read_row_shape,
        read_training,
        split_complaints,
    )
    from n2d_framework.networks.training import TrainingResult, split_rows, train
    from n2d_framework.networks.training_checks import (
        check_loss,
        check_reconstruction,
        warn_of_dead_units,
    )
    from n2d_framework.networks.training_options import (
        Optimizer,
        Schedule,
        TrainingOptions,
        TrainingSettings,
    )
    from n2d_framework.networks.weights import (
        HasWeights,
        Weights,
        put_weights,
        read_weights,
        shapes_of,
        take_weights,
        weights_state,
    )

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "Activation",
    "AutoencoderTrainer",
    "ExactMatrix",
    "HasWeights",
    "Layer",
    "Network",
    "Optimizer",
    "Plan",
    "Precision",
    "RowTrainer",
    "Schedule",
    "Trained",
    "TrainingOptions",
    "TrainingResult",
    "TrainingSettings",
    "Weights",
    "bfloat16_is_faster",
    "build_network",
    "check_loss",
    "check_reconstruction",
    "check_rows",
    "conv_decoder",
    "conv_encoder",
    "dense_decoder",
    "dense_encoder",
    "history_state",
    "load_keras",
    "multiply",
    "network_libraries",
    "plan_to_onnx",
    "prepare",
    "put_weights",
    "read_history",
    "read_row_shape",
    "read_training",
    "read_weights",
    "resolve_precision",
    "shapes_of",
    "split_complaints",
    "split_rows",
    "take_weights",
    "train",
    "values_per_row",
    "warn_of_dead_units",
    "weights_state",
]

_MODULES = {
    "activations": ("ACTIVATIONS", "Activation"),
    "building": ("build_network",),
    "exact_products": ("ExactMatrix", "multiply", "prepare"),
    "inference": ("Network", "values_per_row"),
    "keras_backend": ("load_keras", "network_libraries"),
    "onnx_layers": ("plan_to_onnx",),
    "plans": ("Layer", "Plan", "conv_decoder", "conv_encoder", "dense_decoder", "dense_encoder"),
    "precision": ("Precision", "bfloat16_is_faster", "resolve_precision"),
    "row_trainer": ("LOSSES", "AutoencoderTrainer", "RowTrainer"),
    "trained": (
        "Trained",
        "check_rows",
        "history_state",
        "read_history",
        "read_row_shape",
        "read_training",
        "split_complaints",
    ),
    "training": ("TrainingResult", "split_rows", "train"),
    "training_checks": ("check_loss", "check_reconstruction", "warn_of_dead_units"),
    "training_options": ("Optimizer", "Schedule", "TrainingOptions", "TrainingSettings"),
    "weights": (
        "HasWeights",
        "Weights",
        "put_weights",
        "read_weights",
        "shapes_of",
        "take_weights",
        "weights_state",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
