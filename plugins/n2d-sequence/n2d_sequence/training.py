"""Trains the networks of plans on series."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.networks import (
    TrainingResult,
    TrainingSettings,
    Weights,
    split_rows,
    take_weights,
    train,
)
from n2d_framework.plugin import AnyArray, FitContext, IntArray, derive_seed
from n2d_sequence.layers import Plan, parts_of
from n2d_sequence.networks import build_decoder, build_encoder
from n2d_sequence.options import SequenceOptions

__all__ = ["train_networks"]


def train_networks(
    options: SequenceOptions,
    plans: tuple[Plan, Plan],
    rows: AnyArray,
    lengths: IntArray,
    precision: str,
    context: FitContext,
) -> tuple[tuple[Weights, Weights], TrainingResult]:
    """Train an encoder and a decoder together.

    Parameters
    ----------
    options : SequenceOptions
    plans : (encoder, decoder)
    rows : float32 array of shape (n, steps, features)
        Normalised, padding 0.
    lengths : int array of shape (n,)
        Steps of each row that are not padding.
    precision : {"float32", "bfloat16"}
    context : FitContext

    Returns
    -------
    weights : (encoder, decoder)
    result : TrainingResult
    """
    from n2d_sequence._trainer import SequenceTrainer

    settings = TrainingSettings.of(options)
    seed = derive_seed(context.seed, "weights")
    networks = (
        build_encoder(plans[0], seed=seed, precision=precision),
        build_decoder(plans[1], seed=seed, precision=precision),
    )
    training, validation = split_rows(len(rows), settings, context.seed)
    trainer = SequenceTrainer(
        *networks,
        rows,
        lengths.astype(np.int32),
        loss=options.loss,
        train=training,
        validation=validation,
        batch_size=min(options.batch_size, len(training)),
        **_variation(options, derive_seed(context.seed, "augmentation")),
    )
    result = train(trainer, settings, context)
    weights = (
        take_weights(networks[0], parts_of(plans[0])),
        take_weights(networks[1], parts_of(plans[1])),
    )
    return weights, result


def _variation(options: SequenceOptions, seed: int) -> dict[str, Any]:
    chosen = options.augmentation
    if chosen is None:
        return {}
    from n2d_sequence._varying import Variation

    return {"variation": Variation(chosen, seed), "target": chosen.target}
