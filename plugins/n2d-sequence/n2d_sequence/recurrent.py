"""The recurrent autoencoders of series."""

from __future__ import annotations

from typing import ClassVar, Literal

from n2d_framework.networks import Precision
from n2d_framework.plugin import component, option
from n2d_sequence.base import SequenceAutoencoder
from n2d_sequence.layers import Cell, Plan
from n2d_sequence.plans import recurrent_decoder, recurrent_encoder

__all__ = ["GruAutoencoder", "LstmAutoencoder"]


@component
class _RecurrentAutoencoder(SequenceAutoencoder):
    """Reads a series step by step; writes it from the latent row, given at every step."""

    units: int = option(64, ge=1, help="Units of each recurrent layer, in one direction.")
    layers: int = option(1, ge=1, le=16, help="Recurrent layers of the encoder and the decoder.")
    bidirectional: bool = option(
        True, help="Whether each layer also reads backwards, with as many further units."
    )
    pooling: Literal["last", "average", "max"] = option(
        "last",
        help="What the bottleneck sees of the last layer: its output after the whole series (in "
        "both directions), or the average or max over the steps.",
    )

    precision: Precision = option(
        "float32",
        help="What training multiplies in; embedding is computed alike in all cases. In bfloat16 "
        "the state loses digits at every step. auto: bfloat16 where the hardware has it.",
    )

    _cell: ClassVar[Cell]

    def _plans(self, shape: tuple[int, int], latent_dim: int) -> tuple[Plan, Plan]:
        units = (self.units,) * self.layers
        common = (self._cell, shape, units, self.bidirectional)
        return (
            recurrent_encoder(*common, self.pooling, latent_dim),
            recurrent_decoder(*common, latent_dim, self._output_activation()),
        )


@component
class GruAutoencoder(_RecurrentAutoencoder):
    """Autoencoder of gated recurrent units.

    References
    ----------
    Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation", EMNLP: the units. Srivastava, Mansimov and Salakhutdinov 2015,
    "Unsupervised Learning of Video Representations using LSTMs", ICML: the autoencoder, here
    with the latent row at every step of the decoder.
    """

    _cell: ClassVar[Cell] = "gru"


@component
class LstmAutoencoder(_RecurrentAutoencoder):
    """Autoencoder of long short-term memory.

    References
    ----------
    Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9: the
    units, with forget gates. Srivastava, Mansimov and Salakhutdinov 2015, "Unsupervised
    Learning of Video Representations using LSTMs", ICML: the autoencoder, here with the latent
    row at every step of the decoder.
    """

    _cell: ClassVar[Cell] = "lstm"
