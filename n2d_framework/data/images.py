"""Rows from a folder of images; sub-folders are classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.data.faults import reading
from n2d_framework.data.frames import id_texts
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["IMAGE_SUFFIXES", "ImageFolder"]

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_KIND = "an image"


class ImageFolder(RowSource):
    """Images of a folder, in the order of their names, all of one size and mode.

    The ids of rows are the names of the files, with their sub-folders. If the images lie in
    sub-folders, these are the classes, numbered in the order of their
    names. Files with other suffixes and hidden files are passed over. Palette images become
    RGB; the orientation noted by a camera is applied; values stay as stored.

    Parameters
    ----------
    ref : Reference
    """

    modality = "image"

    def __init__(self, ref: Reference) -> None:
        if ref.x is not None or isinstance(ref.y, str) or ref.id is not None or ref.drop:
            raise DataError(
                f"{ref.path}: a folder of images has no names for x and y, id and drop; drop them"
            )
        self._folder = ref.path
        self.name = ref.path.resolve().name
        with reading(ref.path, "a folder"):
            files, classes = _find(ref.path)
        self._files = files
        if classes and ref.y is not False:
            self.names = tuple(classes)
        self._first = files[0]
        first, self._mode = _read(self._first)
        self.n_rows = len(files)
        self.row_shape = first.shape
        self.dtype = first.dtype

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Images, `size` at a time."""
        number = {name: position for position, name in enumerate(self.names)}
        for start in range(0, len(self._files), size):
            files = self._files[start : start + size]
            x: AnyArray = np.stack([self._same(file) for file in files])
            y = None
            if labels and number:
                y = np.array([number[file.parent.name] for file in files], dtype=np.int64)
            yield Block(x, y, id_texts(file.relative_to(self._folder) for file in files))

    def _same(self, file: Path) -> AnyArray:
        pixels, mode = _read(file)
        if pixels.shape != self.row_shape or mode != self._mode:
            raise DataError(
                f"{file}: it is {_size(pixels.shape)} in mode {mode}, but {self._first.name} is "
                f"{_size(self.row_shape)} in mode {self._mode}; bring all images to one size "
                "and mode"
            )
        return pixels


def _find(folder: Path) -> tuple[list[Path], list[str]]:
    """The image files, and the sub-folders they lie in."""
    flat = _images(folder)
    inside = {
        path.name: _images(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    inside = {name: files for name, files in inside.items() if files}
    if flat and inside:
        raise DataError(
            f"{folder}: there are images beside the sub-folder {next(iter(inside))!r} that has "
            "images too; put all into sub-folders (classes), or none"
        )
    if not flat and not inside:
        raise DataError(
            f"{folder}: there is no image in it or in its sub-folders; known suffixes: "
            f"{' '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return (flat, []) if flat else ([f for files in inside.values() for f in files], list(inside))


def _images(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not path.name.startswith(".")
    )


def _read(file: Path) -> tuple[AnyArray, str]:
    from PIL import Image, ImageOps

    if file.stat().st_size == 0:
        raise DataError(f"{file}: the file is empty; write it again or remove it")
    try:
        with reading(file, _KIND), Image.open(file) as opened:
            return _pixels(file, opened, ImageOps)
    except Image.DecompressionBombError as error:
        raise DataError(f"{file}: {error}; images that large are refused, scale it down") from error


def _pixels(file: Path, opened: Any, operations: Any) -> tuple[AnyArray, str]:
    if getattr(opened, "n_frames", 1) > 1:
        raise DataError(f"{file}: it has {opened.n_frames} frames; store one image per file")
    image = operations.exif_transpose(opened)
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    pixels: AnyArray = np.asarray(image)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    return pixels, str(image.mode)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape[:2])) + " pixels"
