"""Shape of the image that a row is."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["image_complaint", "resolve_image"]

Shape = tuple[int, ...]


def image_complaint(row_shape: Shape, image_shape: Sequence[int] | None) -> str | None:
    """Say why rows cannot be taken as images, or ``None``.

    Parameters
    ----------
    row_shape : tuple of int
        Shape of one row: ``(features,)``, ``(height, width)`` or ``(height, width, channels)``.
    image_shape : sequence of int or None
        The option: what a flat row is.

    Returns
    -------
    str or None
    """
    if image_shape is not None and len(image_shape) not in (2, 3):
        return (
            "image_shape must be (height, width) or (height, width, channels), "
            f"got {tuple(image_shape)}"
        )
    if len(row_shape) == 1 and image_shape is None:
        return (
            f"rows of {row_shape[0]} values are not images; set image_shape to (height, width) "
            "or (height, width, channels), or pass images"
        )
    if len(row_shape) not in (1, 2, 3):
        return (
            f"rows of shape {row_shape} are not images; pass (height, width) or "
            "(height, width, channels) per row"
        )
    if image_shape is None:
        return None
    if len(row_shape) == 1:
        if math.prod(image_shape) != row_shape[0]:
            return (
                f"image_shape {tuple(image_shape)} has {math.prod(image_shape)} values, "
                f"but a row has {row_shape[0]}"
            )
    elif _with_channels(tuple(image_shape)) != _with_channels(row_shape):
        return f"image_shape {tuple(image_shape)} differs from the shape of a row, {row_shape}"
    return None


def resolve_image(row_shape: Shape, image_shape: Sequence[int] | None) -> tuple[int, int, int]:
    """Height, width and channels of a row of which :func:`image_complaint` says nothing."""
    return _with_channels(tuple(image_shape) if image_shape is not None else row_shape)


def _with_channels(shape: Shape) -> tuple[int, int, int]:
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels
