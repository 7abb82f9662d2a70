"""Random shifts, rotations and zooms of images, fresh for every batch, on the device."""

from __future__ import annotations

from typing import Any

import attrs

from n2d_builtin.autoencoders.backend import load_keras
from n2d_framework.plugin import derive_seed, option

__all__ = ["Augmentation", "augmentation_layers"]


@attrs.frozen(kw_only=True)
class Augmentation:
    """How training images are varied; uncovered pixels repeat the nearest border pixel.

    Attributes
    ----------
    shift : float, default 0.1
        Largest shift, as a fraction of height and width.
    rotation : float, default 10.0
        Largest rotation, in degrees, either way.
    zoom : float, default 0.0
        Largest change of scale, as a fraction, in or out; the aspect ratio is kept.
    """

    shift: float = option(
        0.1, ge=0, lt=1, help="Largest shift, as a fraction of the image's height and width."
    )
    rotation: float = option(10.0, ge=0, le=180, help="Largest rotation in degrees, either way.")
    zoom: float = option(0.0, ge=0, lt=1, help="Largest change of scale, as a fraction.")


def augmentation_layers(settings: Augmentation, seed: int) -> list[Any]:
    """Keras layers that vary a batch of images ``(batch, height, width, channels)``.

    Parameters
    ----------
    settings : Augmentation
    seed : int

    Returns
    -------
    list of keras.layers.Layer
        Only what is not zero; active when called with ``training=True``.
    """
    layers = load_keras().layers
    common = {"fill_mode": "nearest", "data_format": "channels_last", "dtype": "float32"}
    found = []
    if settings.shift:
        found.append(
            layers.RandomTranslation(
                settings.shift, settings.shift, seed=derive_seed(seed, "shift"), **common
            )
        )
    if settings.rotation:
        found.append(
            layers.RandomRotation(
                settings.rotation / 360, seed=derive_seed(seed, "rotation"), **common
            )
        )
    if settings.zoom:
        found.append(
            layers.RandomZoom(
                (-settings.zoom, settings.zoom), seed=derive_seed(seed, "zoom"), **common
            )
        )
    return found
