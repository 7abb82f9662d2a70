"""Rows as small images inside the page."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import attrs
import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["Images", "data_uri", "sprite"]

#: Longest side of a picture of a row, in pixels; larger ones are reduced.
_LONGEST = 32
_QUALITY = 80


@attrs.frozen(eq=False)
class Images:
    """Images of the rows of a dataset.

    Attributes
    ----------
    shape : tuple of int
        ``(height, width)`` or ``(height, width, channels)`` of a row.
    low, high : float
        Values that are black and white.
    """

    shape: tuple[int, ...]
    low: float
    high: float

    @classmethod
    def of(cls, rows: AnyArray, shape: tuple[int, ...]) -> Images:
        """Black and white are the extremes of these rows."""
        return cls(shape, float(np.min(rows)), float(np.max(rows)))

    def bytes_of(self, rows: AnyArray) -> AnyArray:
        """Rows as bytes: (n, height, width), or (n, height, width, 3) in colour."""
        pictures = np.asarray(rows, dtype=np.float64).reshape(len(rows), *self.shape)
        if pictures.ndim == 4:
            colour = pictures.shape[3] in (3, 4)
            pictures = pictures[..., :3] if colour else pictures.mean(axis=3)
        span = max(self.high - self.low, np.finfo(float).tiny)
        scaled = np.clip((pictures - self.low) / span, 0.0, 1.0) * 255
        found: AnyArray = scaled.round().astype(np.uint8)
        return found


def data_uri(picture: AnyArray) -> str:
    """One image as the address of itself."""
    return _encoded(_reduced(picture))


def sprite(pictures: AnyArray) -> dict[str, Any]:
    """Many images side by side in one.

    Parameters
    ----------
    pictures : uint8 array of shape (n, height, width) or (n, height, width, 3)

    Returns
    -------
    dict
        ``src``; ``columns`` and ``rows`` of images; ``width`` and ``height`` of each.
    """
    small = np.stack([_reduced(picture) for picture in pictures])
    count, height, width = small.shape[:3]
    columns = math.ceil(math.sqrt(count))
    n_rows = -(-count // columns)
    sheet = np.zeros((n_rows * columns, *small.shape[1:]), dtype=np.uint8)
    sheet[:count] = small
    tiles = sheet.reshape(n_rows, columns, *small.shape[1:])
    whole = tiles.swapaxes(1, 2).reshape(n_rows * height, columns * width, *small.shape[3:])
    return {
        "src": _encoded(whole), "columns": columns, "rows": n_rows, "width": width,
        "height": height,
    }  # fmt: skip


def _reduced(picture: AnyArray) -> AnyArray:
    from PIL import Image

    height, width = picture.shape[:2]
    factor = _LONGEST / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _encoded(picture: AnyArray) -> str:
    """Grey images without loss; in colour, large ones as JPEG, which is far smaller."""
    from PIL import Image

    target = io.BytesIO()
    image = Image.fromarray(picture)
    photo = picture.ndim == 3 and picture.size > 3 * _LONGEST**2
    if photo:
        image.save(target, format="JPEG", quality=_QUALITY)
    else:
        image.save(target, format="PNG", optimize=True)
    kind = "jpeg" if photo else "png"
    return f"data:image/{kind};base64,{base64.b64encode(target.getvalue()).decode()}"
