"""The options of training, which every network has, and the settings that they are."""

from __future__ import annotations

from typing import Any, Literal, Self, TypeAlias

import attrs

from n2d_framework.core.options import component, option
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.networks.precision import Precision

__all__ = ["Optimizer", "Schedule", "TrainingOptions", "TrainingSettings"]

Loss = Literal["mse", "mae", "huber", "bce"]
Optimizer: TypeAlias = Literal["adam", "adamw", "sgd", "rmsprop"]
Schedule: TypeAlias = Literal["constant", "cosine", "one_cycle"]


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
    learning_rate: float = option(
        1e-3, gt=0, help="Step size of the optimizer; of a schedule, the highest."
    )
    schedule: Schedule = option(
        "constant",
        help="How the learning rate changes over all steps: not; along a cosine to 0 after a "
        "linear rise from 0 (cosine); or from a 25th and down to a 250,000th (one_cycle).",
    )
    warm_up: float | None = option(
        None,
        ge=0,
        lt=1,
        help="Fraction of the steps in which a schedule rises. None: 0.1 of cosine, 0.3 of "
        "one_cycle.",
    )
    clip_norm: float | None = option(
        None, gt=0, help="Longest gradient of all weights together; a longer one is shortened."
    )
    weight_averaging: float | None = option(
        None,
        gt=0,
        lt=1,
        help="Momentum, per step, of exponential moving averages of the weights, which are kept "
        "instead of the last weights. None: no averages.",
    )
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
        "bfloat16 where the processor has instructions for it, else float32.",
    )

    def __attrs_post_init__(self) -> None:
        if self.warm_up is not None and self.schedule == "constant":
            text = "needs a schedule that rises (cosine or one_cycle), but schedule is constant"
            raise ConfigError([Problem("warm_up", text)])


@attrs.frozen(kw_only=True)
class TrainingSettings:
    """Settings of training; the fields are options of the embedders and are described there."""

    epochs: int
    batch_size: int
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    warm_up: float | None = None
    clip_norm: float | None = None
    weight_averaging: float | None = None
    weight_decay: float | None = None
    validation_fraction: float = 0.0
    patience: int | None = None

    @classmethod
    def of(cls, options: Any) -> Self:
        """The settings that are options of an embedder.

        Parameters
        ----------
        options : TrainingOptions
            A component that derives from them.

        Returns
        -------
        TrainingSettings
        """
        return cls(**{field.name: getattr(options, field.name) for field in attrs.fields(cls)})
