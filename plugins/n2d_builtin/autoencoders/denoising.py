"""The denoising autoencoder."""

from __future__ import annotations

from typing import Any, Literal

from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_framework.plugin import component, option

__all__ = ["DenoisingAutoencoder"]


@component
class DenoisingAutoencoder(DenseAutoencoder):
    """Fully connected autoencoder that restores clean rows from corrupted ones.

    The corruption is drawn again for every batch; validation and embedding see clean rows.

    References
    ----------
    Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising
    Autoencoders", ICML.
    """

    noise: Literal["gaussian", "masking"] = option(
        "gaussian", help="gaussian adds normal noise; masking sets values to zero."
    )
    noise_level: float = option(
        0.2,
        ge=0,
        help="Standard deviation of the gaussian noise, in the data's unit, or the fraction "
        "of values that masking sets to zero (at most 1).",
    )

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why data of that shape cannot be fitted."""
        reasons = super().check_input(n_rows, row_shape)
        if self.noise == "masking" and self.noise_level > 1:
            reasons.append(
                f"noise_level={self.noise_level:g} is not a fraction of values to mask; "
                "use 0 to 1 with noise='masking'"
            )
        return reasons

    def _corruption(self, seed: int) -> Any:
        from n2d_builtin.autoencoders._corruption import Corruption

        return Corruption(self.noise, self.noise_level, seed)
