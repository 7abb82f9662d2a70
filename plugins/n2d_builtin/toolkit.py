"""Tools for neural plugins: networks as plans, the training loop, exact inference.

Beside them :class:`KMeans`, :class:`GaussianMixture` and :class:`Umap`, to start clusters with.

The names here are as stable as those of :mod:`n2d_framework.plugin`; everything else in
``n2d_builtin`` may change without notice. Importing this module loads neither Keras nor a backend;
:func:`row_trainer` gives the trainer's base class once training starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from n2d_builtin.autoencoders.activations import ACTIVATIONS, Activation
from n2d_builtin.autoencoders.augmentation import Augmentation, augmentation_layers
from n2d_builtin.autoencoders.backend import load_keras
from n2d_builtin.autoencoders.base import Autoencoder
from n2d_builtin.autoencoders.checks import (
    check_rows,
    history_state,
    read_history,
    read_row_shape,
    read_training,
)
from n2d_builtin.autoencoders.conv import ConvAutoencoder
from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_builtin.autoencoders.exact import ExactMatrix, multiply, prepare
from n2d_builtin.autoencoders.images import image_complaint, resolve_image
from n2d_builtin.autoencoders.inference import Network, values_per_row
from n2d_builtin.autoencoders.networks import build_network
from n2d_builtin.autoencoders.options import TrainingOptions
from n2d_builtin.autoencoders.planned import PlannedAutoencoder
from n2d_builtin.autoencoders.plans import (
    Layer,
    Plan,
    conv_decoder,
    conv_encoder,
    dense_decoder,
    dense_encoder,
)
from n2d_builtin.autoencoders.precision import Precision, resolve_precision
from n2d_builtin.autoencoders.progress import check_reconstruction
from n2d_builtin.autoencoders.trained import Trained, split_complaints
from n2d_builtin.autoencoders.training import TrainingResult, TrainingSettings, split_rows, train
from n2d_builtin.autoencoders.weights import (
    Weights,
    put_weights,
    read_weights,
    shapes_of,
    take_weights,
    weights_state,
)
from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_builtin.umap.umap import Umap

__all__ = [
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
    "autoencoder_trainer",
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
    "losses",
    "multiply",
    "prepare",
    "put_weights",
    "read_history",
    "read_row_shape",
    "read_training",
    "read_weights",
    "resolve_image",
    "resolve_precision",
    "row_trainer",
    "shapes_of",
    "split_complaints",
    "split_rows",
    "take_weights",
    "train",
    "values_per_row",
    "weights_state",
]


def autoencoder_trainer() -> Any:
    """The trainer of autoencoders: a :func:`row_trainer` with augmentation and a decoder.

    Returns
    -------
    type
        :class:`n2d_builtin.autoencoders._trainer.AutoencoderTrainer`; this call imports Keras.
    """
    from n2d_builtin.autoencoders._trainer import AutoencoderTrainer

    return AutoencoderTrainer


def losses() -> Mapping[str, Callable[[Any, Any], Any]]:
    """Loss of each value of a target and an output, by the names of the option ``loss``.

    Returns
    -------
    mapping of str to callable
        :data:`n2d_builtin.autoencoders._trainer.LOSSES`; this call imports Keras.
    """
    from n2d_builtin.autoencoders._trainer import LOSSES

    return LOSSES


def row_trainer() -> Any:
    """Base class of models trained by :func:`train` on rows kept on the device.

    Returns
    -------
    type
        :class:`n2d_builtin.autoencoders._trainer.RowTrainer`; subclass it in a module of your
        own that is imported when training starts, since this call imports Keras.
    """
    from n2d_builtin.autoencoders._trainer import RowTrainer

    return RowTrainer
