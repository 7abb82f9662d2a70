"""The drop-in under its old name, and an autoencoder small enough for tests."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import n2d_framework.n2d as n2d

__all__ = ["N_CLUSTERS", "n2d", "small_autoencoder"]

N_CLUSTERS = 10


def small_autoencoder(x, latent_dim=N_CLUSTERS, **options):
    return n2d.AutoEncoder(x.shape[-1], latent_dim, architecture=[32, 16], **options)
