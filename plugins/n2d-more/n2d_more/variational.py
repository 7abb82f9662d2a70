"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from n2d_builtin import DenseAutoencoder
from n2d_framework.networks import (
    TrainingResult,
    TrainingSettings,
    read_history,
    split_rows,
    train,
)
from n2d_framework.plugin import AnyArray, FitContext, State, component, derive_seed, option

__all__ = ["VariationalAutoencoder"]

_MEASURED = ("divergence", "reconstruction_loss")
_HISTORY = frozenset(["val_loss", *_MEASURED, *(f"val_{name}" for name in _MEASURED)])


@component
class VariationalAutoencoder(DenseAutoencoder):
    """Variational autoencoder: ``d - 500 - 500 - 2000 - latent_dim``, mirrored.

    The encoder gives a normal distribution for each row, of which the decoder sees a draw; what it
    costs that these distributions differ from the standard normal fills the latent space evenly.
    The coordinates of a row are the mean of its distribution, so that a row has the same ones each
    time.

    Attributes
    ----------
    history_ : dict of str to list of float
        One value per epoch: ``loss``, of which ``reconstruction_loss`` is the mean over a row's
        values, and ``divergence`` from the standard normal, in nats per row; the same of held-out
        rows with ``val_`` in front.

    References
    ----------
    Kingma and Welling 2014, "Auto-Encoding Variational Bayes", ICLR; the weight is that of Higgins
    et al. 2017, "beta-VAE", ICLR.
    """

    beta: float = option(
        0.05,
        ge=0,
        help="Weight of the divergence beside the sum of what the values of a row cost. 1 is the "
        "likelihood of values with variance 1/2 (loss mse) or of bits (bce), which for values in "
        "[0, 1] leaves most of the latent space unused.",
    )

    def _read_history(self, state: State) -> dict[str, list[float]]:
        return read_history(state, may=_HISTORY)

    def _train(self, networks: Sequence[Any], x: AnyArray, context: FitContext) -> TrainingResult:
        from n2d_more._trainers import VariationalTrainer

        settings = TrainingSettings.of(self)
        encoder, decoder = networks
        rows, held_out = split_rows(len(x), settings, context.seed)
        trainer = VariationalTrainer(
            encoder,
            decoder,
            x.reshape(len(x), *encoder.input_shape[1:]),
            beta=self.beta,
            seed=derive_seed(context.seed, "draws"),
            loss=self.loss,
            train=rows,
            validation=held_out,
            batch_size=min(self.batch_size, len(rows)),
            **self._variation(x.shape[1:], derive_seed(context.seed, "augmentation")),
        )
        return train(trainer, settings, context)
