"""The fully connected autoencoder."""

from __future__ import annotations

import math

from n2d_builtin.autoencoders.planned import PlannedAutoencoder
from n2d_framework.networks import Plan, dense_decoder, dense_encoder
from n2d_framework.plugin import component, option

__all__ = ["DenseAutoencoder"]


@component
class DenseAutoencoder(PlannedAutoencoder):
    """Fully connected autoencoder: ``d - 500 - 500 - 2000 - latent_dim``, mirrored.

    Takes rows of any shape and sees them flat.

    References
    ----------
    McConville et al. 2020, "N2D: (Not Too) Deep Clustering via Clustering the Local Manifold
    of an Autoencoded Embedding", ICPR; the layer widths are those of van der Maaten 2009.
    """

    hidden: tuple[int, ...] = option(
        (500, 500, 2000), ge=1, help="Widths of the encoder's hidden layers; the paper's."
    )

    def _plans(self, row_shape: tuple[int, ...], latent_dim: int) -> tuple[Plan, Plan]:
        features = math.prod(row_shape)
        return (
            dense_encoder(features, self.hidden, latent_dim, self.activation),
            dense_decoder(
                features, self.hidden, latent_dim, self.activation, self._output_activation()
            ),
        )
