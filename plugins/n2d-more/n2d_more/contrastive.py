"""Contrastive learning of images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, Literal, NoReturn

from n2d_builtin import Augmentation, ConvAutoencoder
from n2d_framework.networks import (
    TrainingResult,
    TrainingSettings,
    build_network,
    dense_encoder,
    split_rows,
    train,
)
from n2d_framework.plugin import (
    AnyArray,
    CollapseWarning,
    FitContext,
    component,
    derive_seed,
    learned,
    option,
)

__all__ = ["ContrastiveEmbedder"]

_USUAL = Augmentation(shift=0.1, rotation=15.0, zoom=0.15)
#: A loss this near to that of chance has learned nothing.
_CHANCE = 0.99
_SOME_EPOCHS = 3


@component
class ContrastiveEmbedder(ConvAutoencoder):
    """Encoder of images whose variants lie together, and apart from all other images.

    Each image of a batch is varied twice; from its one variant the other has to be found among all
    images of the batch (SimCLR). There is no decoder and no reconstruction: what the variation
    changes, the coordinates forget. So it fits images whose class survives the variation. The loss
    is measured behind a further network, the projection head, which is dropped after training.

    References
    ----------
    Chen, Kornblith, Norouzi and Hinton 2020, "A Simple Framework for Contrastive Learning of
    Visual Representations", ICML; decoupled: Yeh et al. 2022, "Decoupled Contrastive Learning",
    ECCV. The convolutions are those of Guo et al. 2017.
    """

    decoder_weights_: None = learned()

    latent_dim: int | None = option(
        32, ge=1, help="Width of the latent space. None: n_clusters where it is given, else 10."
    )
    hidden: tuple[int, ...] = option(
        (256,), ge=1, help="Widths of dense layers between the convolutions and the bottleneck."
    )
    augmentation: Augmentation | None = option(
        _USUAL,
        help="How an image is varied: {shift, rotation, zoom}; target has no meaning here. None "
        "varies nothing, which cannot be learned from.",
    )
    loss: Literal["nt_xent", "decoupled"] = option(  # type: ignore[assignment]
        "nt_xent",
        help="Cross-entropy of the right variant among all others of the batch (SimCLR's NT-Xent), "
        "or the same without the right one in the sum, which bears small batches.",
    )
    temperature: float = option(
        0.5, gt=0, help="By what cosines are divided: lower ones part the nearest images more."
    )
    projection: int = option(
        64, ge=1, help="Width of the projection head, behind which the loss is measured."
    )

    @property
    def reconstruct(self) -> NoReturn:
        """There is none."""
        raise AttributeError("contrastive has no decoder")

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        reasons = super().check_input(n_rows, row_shape)
        rows = n_rows - math.ceil(self.validation_fraction * n_rows)
        if min(self.batch_size, rows) < 2:
            reasons.append(
                f"images are distinguished from others of their batch, and {rows} rows in batches "
                f"of {self.batch_size} leave none; use batches of 2 or more"
            )
        chosen = self.augmentation
        if chosen is None or not (chosen.shift or chosen.rotation or chosen.zoom):
            reasons.append(
                "augmentation varies nothing, so that there is nothing to learn; set shift, "
                "rotation or zoom"
            )
        return reasons

    def _train(self, networks: Sequence[Any], x: AnyArray, context: FitContext) -> TrainingResult:
        from n2d_more._trainers import ContrastiveTrainer

        settings = TrainingSettings.of(self)
        encoder = networks[0]
        rows, held_out = split_rows(len(x), settings, context.seed)
        width = self._width()
        head = build_network(
            dense_encoder(width, (max(width, self.projection),), self.projection, self.activation),
            seed=derive_seed(context.seed, "head"),
            name="head",
        )
        varied = self._variation(x.shape[1:], derive_seed(context.seed, "augmentation"))
        trainer = ContrastiveTrainer(
            encoder,
            head,
            x.reshape(len(x), *encoder.input_shape[1:]),
            temperature=self.temperature,
            decoupled=self.loss == "decoupled",
            image_shape=varied["image_shape"],
            augmentation=varied["augmentation"],
            train=rows,
            validation=held_out,
            batch_size=min(self.batch_size, len(rows)),
        )
        chance = trainer.chance
        result = train(trainer, settings, context)
        losses = result.history["loss"]
        if len(losses) >= _SOME_EPOCHS and min(losses) > chance - (1 - _CHANCE) * abs(chance):
            warnings.warn(
                f"variants are found no better than by chance: the loss is {min(losses):.4g}, that "
                f"of chance {chance:.4g}; lower learning_rate (now {self.learning_rate:g}), vary "
                "images less, or train more epochs",
                CollapseWarning,
                stacklevel=3,
            )
        return result

    def _keep(self, encoder: Any, decoder: Any, *, row_shape: tuple[int, ...]) -> None:
        super()._keep(encoder, decoder, row_shape=row_shape)
        self.decoder_weights_ = None
