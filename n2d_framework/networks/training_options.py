"""The options of training, which every network has."""

from __future__ import annotations

from typing import Literal

from n2d_framework.core.options import component, option
from n2d_framework.networks.precision import Precision
from n2d_framework.networks.training import Optimizer

__all__ = ["TrainingOptions"]

Loss = Literal["mse", "mae", "huber", "bce"]


@component
class TrainingOptions:
    """Training of an autoencoder."""

    loss: Loss = option(
        "mse",
        help="What a value's reconstruction costs: squared, absolute or Huber error (delta 1), "
        "or binary cross-entropy, which makes the output a sigmoid and needs data in [0, 1].",
    )
    epochs: int = option(
        60,
        ge=1,
        help="Passes over the data. 60 reaches the accuracy of the N2D paper's 1000 on USPS "
        "(9298 rows) and MNIST-test (10,000); give fewer rows more.",
    )
    batch_size: int = option(256, ge=1, help="Rows per step; the paper's choice.")
    optimizer: Optimizer = option(
        "adam", help="adam, adamw, rmsprop, or sgd (with momentum 0.9). adam is the paper's."
    )
    learning_rate: float = option(1e-3, gt=0, help="Step size of the optimizer.")
    weight_decay: float | None = option(
        None,
        ge=0,
        help="Decoupled decay of all weights per step, times the learning rate. None: the "
        "optimizer's own default, 0.004 for adamw and none for the others.",
    )
    validation_fraction: float = option(
        0.0,
        ge=0,
        lt=1,
        help="Fraction of the rows held out to measure val_loss; if not 0, the weights of the "
        "best epoch are kept. 0 trains on all rows.",
    )
    patience: int | None = option(
        None,
        ge=1,
        help="Stop after that many epochs without a better val_loss (loss, if nothing is held "
        "out) and keep the weights of the best epoch. None: never stop early.",
    )
    precision: Precision = option(
        "auto",
        help="What training multiplies in; embedding is computed alike in all cases. auto: "
        "bfloat16 where a short measurement finds it faster by half or more, else float32.",
    )
