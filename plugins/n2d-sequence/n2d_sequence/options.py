"""The options that every autoencoder of series has."""

from __future__ import annotations

from n2d_framework.networks import TrainingOptions
from n2d_framework.plugin import component, option
from n2d_sequence.augmentation import Augmentation
from n2d_sequence.normalizing import Normalize

__all__ = ["SequenceOptions"]


@component
class SequenceOptions(TrainingOptions):
    """Series as an autoencoder takes them, and its training."""

    epochs: int = option(
        200, ge=1, help="Passes over the data; many, since sets of series are small."
    )
    batch_size: int = option(32, ge=1, help="Series per step; few, since sets of series are small.")
    latent_dim: int | None = option(
        None,
        ge=1,
        follows="n_clusters",
        follows_up_to=100,
        help="Width of the latent space. None: n_clusters where it is given (the N2D paper's "
        "rule), up to 100; else 10.",
    )
    normalize: Normalize = option(
        "feature",
        help="feature: each feature to mean 0 and deviation 1 over all training series; series: "
        "each feature of each series by itself, so that only its form counts; none: values as "
        "they are. Padding takes no part.",
    )
    padding_value: float | None = option(
        None,
        help="Series are padded at the end by this number, in all features: such steps are "
        "neither seen nor reconstructed. Scaler minmax and standard change the number: use none. "
        "None: all series have the full length.",
    )
    augmentation: Augmentation | None = option(
        None,
        help="Vary training series again in every batch: {jitter, scaling, crop, warp, "
        "warp_window, target}.",
    )
