"""The convolutional autoencoder of series."""

from __future__ import annotations

from typing import Literal

from n2d_framework.networks import Activation
from n2d_framework.plugin import component, option
from n2d_sequence.base import SequenceAutoencoder
from n2d_sequence.layers import Plan
from n2d_sequence.plans import conv_decoder, conv_encoder

__all__ = ["Conv1dAutoencoder"]


@component
class Conv1dAutoencoder(SequenceAutoencoder):
    """Convolutions along the steps, pooled over them, and their mirror image.

    Takes series ``(steps, features)`` or ``(steps,)`` of any length. Padding of convolutions is
    "same" everywhere; the decoder's layers are cropped so that every length is met exactly.

    References
    ----------
    Wang, Yan and Oates 2017, "Time Series Classification from Scratch with Deep Neural
    Networks: A Strong Baseline", IJCNN: kernels of 8, 5 and 3 steps and the average over the
    steps. Masci et al. 2011, "Stacked Convolutional Auto-Encoders for Hierarchical Feature
    Extraction", ICANN: the mirrored decoder.
    """

    filters: tuple[int, ...] = option(
        (32, 64, 128), ge=1, min_len=1, help="Channels of each convolution."
    )
    kernel_sizes: int | tuple[int, ...] = option(
        (8, 5, 3), ge=1, min_len=1, help="Length of the kernels, in steps: one for all, or each."
    )
    strides: int | tuple[int, ...] = option(
        2, ge=1, min_len=1, help="Step of the convolutions: one for all, or each."
    )
    pooling: Literal["average", "max", "flatten"] = option(
        "average",
        help="What the bottleneck sees of the last convolution: average or max over the steps, so "
        "that it hardly matters when something happens; or flatten, all steps in their order.",
    )
    activation: Activation = option(
        "relu", help="Of the hidden layers; bottleneck and output are linear."
    )

    def option_complaints(self) -> list[str]:
        """Problems of the options, whatever the data."""
        reasons = super().option_complaints()
        for name, values in (
            ("kernel_sizes", self._each(self.kernel_sizes)),
            ("strides", self._each(self.strides)),
        ):
            if len(values) != len(self.filters):
                reasons.append(
                    f"{name} has {len(values)} values, but filters has {len(self.filters)}; "
                    "give one for each"
                )
        return reasons

    def _each(self, values: int | tuple[int, ...]) -> tuple[int, ...]:
        return (values,) * len(self.filters) if isinstance(values, int) else tuple(values)

    def _plans(self, shape: tuple[int, int], latent_dim: int) -> tuple[Plan, Plan]:
        layers = (shape, self.filters, self._each(self.kernel_sizes), self._each(self.strides))
        return (
            conv_encoder(*layers, self.pooling, latent_dim, self.activation),
            conv_decoder(*layers, latent_dim, self.activation, self._output_activation()),
        )
