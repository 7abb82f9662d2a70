"""Rows as small images inside the page."""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np

from n2d_framework.core.kinds import guess_image_shape
from n2d_framework.core.libraries import require_extra
from n2d_framework.core.rows import ImageForm
from n2d_framework.data.faults import point_out
from n2d_framework.data.formats.image_reading import read_image
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = [
    "ArrayPictures", "FilePictures", "Images", "Pictures", "checked_thumbnails", "data_uri",
    "pictures_of", "sprite",
]  # fmt: skip

#: Longest side of a picture of a row, in pixels; larger ones are reduced.
_LONGEST = 32
_QUALITY = 80
_TILE = ImageForm((_LONGEST, _LONGEST), "RGB")


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


class Pictures(Protocol):
    """Pictures of rows, made of the rows themselves or of what lies beside them."""

    def of(self, rows: AnyArray) -> AnyArray:
        """Pictures of rows, by their numbers: uint8, (n, height, width) or with 3 channels."""
        ...

    def mean(self, rows: AnyArray) -> AnyArray | None:
        """The mean picture of the rows that are true in a mask, where it shows anything."""
        ...


@attrs.frozen(eq=False)
class ArrayPictures:
    """Pictures that are an array."""

    values: AnyArray
    images: Images

    @classmethod
    def made(cls, values: AnyArray, shape: tuple[int, ...]) -> ArrayPictures:
        """Pictures of that shape; their extremes are black and white."""
        return cls(values, Images.of(values, shape))

    def of(self, rows: AnyArray) -> AnyArray:
        """Pictures of rows."""
        return self.images.bytes_of(self.values[rows])

    def mean(self, rows: AnyArray) -> AnyArray:
        """Their mean."""
        mean = self.values[rows].mean(axis=0, dtype=np.float64)
        found: AnyArray = self.images.bytes_of(mean[None])[0]
        return found


@attrs.frozen(eq=False)
class FilePictures:
    """Pictures in files, read when they are shown; white where a row has none.

    Attributes
    ----------
    paths : array of str, shape (n,)
    unread : dict of str to str
        Files that cannot be read, and why.
    """

    paths: AnyArray
    unread: dict[str, str] = attrs.field(factory=dict)

    def of(self, rows: AnyArray) -> AnyArray:
        """Pictures of rows, cut in the middle to squares."""
        found = np.full((len(rows), _LONGEST, _LONGEST, 3), 255, dtype=np.uint8)
        for place, path in enumerate(self.paths[rows]):
            if path and path not in self.unread:
                try:
                    found[place] = read_image(Path(path), _TILE).pixels
                except DataError as error:
                    self.unread[path] = str(error)
        return found

    def point_out_unread(self, name: str) -> None:
        """Say which files could not be read."""
        if self.unread:
            point_out(
                Path(name),
                f"thumbnails that cannot be read are blank, {len(self.unread)} of those shown; the "
                f"first: {next(iter(self.unread.values()))}",
            )

    def mean(self, rows: AnyArray) -> None:
        """Return nothing: photos have nothing in common pixel by pixel."""
        del rows


def checked_thumbnails(given: Any) -> AnyArray:
    """Thumbnails as an array, of images or of paths.

    Raises
    ------
    DataError
        If they are neither.
    """
    paths = isinstance(given, Sequence) and all(isinstance(x, (str, os.PathLike)) for x in given)
    values = np.array([os.fspath(x) for x in given], dtype=object) if paths else np.asarray(given)
    if values.dtype.kind in "OU":
        if values.ndim == 1 and all(isinstance(value, str) for value in values):
            return values
    elif values.dtype.kind in "buif" and guess_image_shape(values.shape[1:]) is not None:
        if np.isfinite(values).all():
            return values
        raise DataError("thumbnails have values that are not finite; correct them")
    raise DataError(
        "thumbnails must be images of shape (n, height, width) or (n, height, width, channels), or "
        f"paths of files, one per row; got {values.dtype} of shape {values.shape}"
    )


def pictures_of(thumbnails: AnyArray) -> Pictures:
    """Pictures of checked thumbnails."""
    if thumbnails.dtype.kind in "OU":
        return FilePictures(thumbnails)
    return ArrayPictures.made(thumbnails, thumbnails.shape[1:])


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


def _pillow() -> Any:
    require_extra("images", "a report with pictures of rows")
    from PIL import Image

    return Image


def _reduced(picture: AnyArray) -> AnyArray:
    Image = _pillow()
    height, width = picture.shape[:2]
    factor = _LONGEST / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _encoded(picture: AnyArray) -> str:
    """Grey images without loss; in colour, large ones as JPEG, which is far smaller."""
    Image = _pillow()
    target = io.BytesIO()
    image = Image.fromarray(picture)
    photo = picture.ndim == 3 and picture.size > 3 * _LONGEST**2
    if photo:
        image.save(target, format="JPEG", quality=_QUALITY)
    else:
        image.save(target, format="PNG", optimize=True)
    kind = "jpeg" if photo else "png"
    return f"data:image/{kind};base64,{base64.b64encode(target.getvalue()).decode()}"
