"""The options of autoencoders of images."""

from __future__ import annotations

from n2d_builtin.autoencoders.augmentation import Augmentation
from n2d_framework.networks import TrainingOptions
from n2d_framework.plugin import component, option

__all__ = ["ImageOptions"]


@component
class ImageOptions(TrainingOptions):
    """Rows that are images: how an autoencoder takes and varies them."""

    augmentation: Augmentation | None = option(
        None,
        help="Vary training images again in every batch: {shift, rotation, zoom, target}. "
        "Needs image rows or image_shape.",
    )
    image_shape: tuple[int, ...] | None = option(
        None,
        ge=1,
        help="(height, width) or (height, width, channels) of rows that are flat. None: rows "
        "have their shape.",
    )
