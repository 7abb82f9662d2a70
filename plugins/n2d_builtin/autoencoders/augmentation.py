"""Random shifts, rotations and zooms of images, fresh for every batch, on the device."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from n2d_framework.plugin import option

__all__ = ["Augmentation", "augmentation_layers"]


@attrs.frozen(kw_only=True)
class Augmentation:
    """Variation of training images; uncovered pixels repeat the nearest border pixel.

    Attributes
    ----------
    shift : float, default 0.1
        Largest shift, as a fraction of height and width.
    rotation : float, default 10.0
        Largest rotation, in degrees, either way.
    zoom : float, default 0.0
        Largest change of scale, as a fraction, in or out; the aspect ratio is kept.
    target : {"varied", "original"}, default "varied"
        What a varied image is to be reconstructed as.
    """

    shift: float = option(
        0.1, ge=0, lt=1, help="Largest shift, as a fraction of the image's height and width."
    )
    rotation: float = option(10.0, ge=0, le=180, help="Largest rotation in degrees, either way.")
    zoom: float = option(0.0, ge=0, lt=1, help="Largest change of scale, as a fraction.")
    target: Literal["varied", "original"] = option(
        "varied",
        help="What the decoder has to make of a varied image: the same variant, or the original, "
        "which makes the latent space forget the variation.",
    )


def augmentation_layers(settings: Augmentation, seed: int) -> list[Any]:
    """Keras layers that vary a batch of images ``(batch, height, width, channels)``.

    Parameters
    ----------
    settings : Augmentation
    seed : int

    Returns
    -------
    list of keras.layers.Layer
        Active when called with ``training=True``; empty if nothing is to be varied.
    """
    if not (settings.shift or settings.rotation or settings.zoom):
        return []
    from n2d_builtin.autoencoders._affine import RandomAffine

    return [RandomAffine(settings.shift, settings.rotation, settings.zoom, seed)]
