"""The convolutional autoencoder."""

from __future__ import annotations

import math

from n2d_builtin.autoencoders.images import image_complaint, resolve_image
from n2d_builtin.autoencoders.planned import PlannedAutoencoder
from n2d_framework.networks import Plan, conv_decoder, conv_encoder, values_per_row
from n2d_framework.plugin import component, option

__all__ = ["ConvAutoencoder"]

#: Numbers that computing one image may take: any image 2**24 (128 MiB), large ones more.
_LEAST_BUDGET, _BUDGET_PER_VALUE = 2**24, 256


@component
class ConvAutoencoder(PlannedAutoencoder):
    """Convolutional autoencoder for images of any size from 1 x 1 and any channels.

    Takes rows ``(height, width)``, ``(height, width, channels)`` or flat with
    ``image_shape``. Padding is "same" everywhere; the decoder's layers are cropped so that
    every size is met exactly, odd ones too.

    References
    ----------
    Guo et al. 2017, "Deep Clustering with Convolutional Autoencoders", ICONIP: filters 32,
    64, 128 of sides 5, 5, 3 with stride 2. (The paper pads the third not at all where the
    side is not a multiple of 8.)
    """

    filters: tuple[int, ...] = option(
        (32, 64, 128), ge=1, min_len=1, help="Channels of each convolution; the paper's."
    )
    kernel_sizes: tuple[int, ...] | None = option(
        None,
        ge=1,
        min_len=1,
        help="Side of each convolution's kernel, in pixels. None: 5, and 3 for the last, which "
        "is the paper's (5, 5, 3).",
    )
    strides: int | tuple[int, ...] = option(
        2, ge=1, min_len=1, help="Step of the convolutions, in pixels: one for all, or each."
    )
    hidden: tuple[int, ...] = option(
        (), ge=1, help="Widths of dense layers between the convolutions and the bottleneck."
    )

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        reasons = super().check_input(n_rows, row_shape)
        complaint = image_complaint(row_shape, self.image_shape)
        if complaint and complaint not in reasons:
            reasons.append(complaint)
        for name, values in (("kernel_sizes", self._kernels()), ("strides", self._strides())):
            if len(values) != len(self.filters):
                reasons.append(
                    f"{name} has {len(values)} values, but filters has {len(self.filters)}; "
                    "give one for each"
                )
        return reasons or self._cost_complaints(row_shape)

    def _cost_complaints(self, row_shape: tuple[int, ...]) -> list[str]:
        """Return whether computing one row takes far more memory than the row does."""
        most = max(_LEAST_BUDGET, _BUDGET_PER_VALUE * math.prod(row_shape))
        needed = max(map(values_per_row, self._plans(row_shape, self._width())))
        if needed <= most:
            return []
        return [
            f"computing one image takes {needed} numbers at once, which is more than {most}; use "
            "smaller kernel_sizes, fewer filters or larger strides"
        ]

    def _kernels(self) -> tuple[int, ...]:
        if self.kernel_sizes is None:
            return (5,) * (len(self.filters) - 1) + (3,)
        return tuple(self.kernel_sizes)

    def _strides(self) -> tuple[int, ...]:
        if isinstance(self.strides, int):
            return (self.strides,) * len(self.filters)
        return tuple(self.strides)

    def _plans(self, row_shape: tuple[int, ...], latent_dim: int) -> tuple[Plan, Plan]:
        arguments = (
            resolve_image(row_shape, self.image_shape),
            self.filters,
            self._kernels(),
            self._strides(),
            self.hidden,
            latent_dim,
            self.activation,
        )
        return conv_encoder(*arguments), conv_decoder(*arguments, self._output_activation())
