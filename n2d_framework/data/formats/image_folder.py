"""Rows from a folder of images; sub-folders are classes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import listed
from n2d_framework.core.rows.frames import id_texts
from n2d_framework.data.faults import point_out, reading
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
    sub-folders, these are the classes, numbered in the order of their names; images deeper in
    one belong to it. What is not read (other suffixes, hidden files, folders without an image)
    is named in a warning. Palette images become RGB; of a camera's picture with previews (MPO)
    the first frame is taken; the orientation noted by a camera is applied; values stay as stored.

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
            found = _find(ref.path)
        self._files = found.files
        self._numbers = np.array(found.numbers, dtype=np.int64)
        if found.classes and ref.y is not False:
            self.names = tuple(found.classes)
        self._first = self._files[0]
        first, self._mode, _ = _read(self._first)
        self.n_rows = len(self._files)
        for remark in found.remarks(ref.path):
            point_out(ref.path, remark)
        self.row_shape = first.shape
        self.dtype = first.dtype

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Images, `size` at a time."""
        reduced = list[Path]()
        for start in range(0, len(self._files), size):
            files = self._files[start : start + size]
            x: AnyArray = np.stack([self._same(file, reduced) for file in files])
            y = self._numbers[start : start + size] if labels and self.names else None
            yield Block(x, y, id_texts(file.relative_to(self._folder) for file in files))
        if reduced:
            names = [str(file.relative_to(self._folder)) for file in reduced]
            point_out(
                self._folder,
                f"of {len(reduced)} pictures of cameras only the first frame is used, not their "
                f"previews: {listed(names)}",
            )

    def _same(self, file: Path, reduced: list[Path]) -> AnyArray:
        """Pixels of an image, noted in `reduced` if it has further frames."""
        pixels, mode, further = _read(file)
        if further:
            reduced.append(file)
        if pixels.shape != self.row_shape or mode != self._mode:
            raise DataError(
                f"{file}: it is {_size(pixels.shape)} in mode {mode}, but {self._first.name} is "
                f"{_size(self.row_shape)} in mode {self._mode}; bring all images to one size "
                "and mode"
            )
        return pixels


@attrs.define
class _Found:
    """Images of a folder, each with the position of its class, and what is not read."""

    files: list[Path] = attrs.Factory(list)
    classes: list[str] = attrs.Factory(list)
    numbers: list[int] = attrs.Factory(list)
    deeper: list[Path] = attrs.Factory(list)
    empty: list[str] = attrs.Factory(list)
    others: list[Path] = attrs.Factory(list)

    def remarks(self, folder: Path) -> Iterator[str]:
        """Notes for the user, one line each."""
        if self.deeper:
            shown = self.deeper[0].relative_to(folder)
            yield (
                f"{len(self.deeper)} images lie deeper than the folders of the classes and count "
                f"to these, such as {shown} to {shown.parts[0]!r}"
            )
        if self.empty:
            yield f"folders without an image are not classes: {listed(self.empty)}"
        if self.others:
            names = [str(path.relative_to(folder)) for path in self.others]
            yield f"files that are not read as images: {listed(names)}"


def _find(folder: Path) -> _Found:
    """The image files, and the sub-folders they lie in."""
    found = _Found()
    flat = [path for path in sorted(folder.iterdir()) if path.is_file()]
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            _add_class(found, path)
    images = [path for path in flat if _is_image(path)]
    found.others += [path for path in flat if not _is_image(path) and not _is_beside(path)]
    if images and found.files:
        raise DataError(
            f"{folder}: there are images beside the sub-folder {found.classes[0]!r} that has "
            "images too; put all into sub-folders (classes), or none"
        )
    if not images and not found.files:
        raise DataError(
            f"{folder}: there is no image in it or in its sub-folders; known suffixes: "
            f"{' '.join(sorted(IMAGE_SUFFIXES))} (and .parquet for parts of a table)"
        )
    found.files = found.files or images
    return found


def _add_class(found: _Found, folder: Path) -> None:
    inside = [
        Path(place, name)
        for place, folders, names in os.walk(folder)
        if not folders.sort()  # in place: the order in which they are walked
        for name in sorted(names)
    ]
    parts = [path.relative_to(folder.parent).parts for path in inside]
    visible = [
        path
        for path, names in zip(inside, parts, strict=True)
        if not any(name.startswith(".") for name in names[:-1])
    ]
    images = [path for path in visible if _is_image(path)]
    found.others += [path for path in visible if not _is_image(path) and not _is_beside(path)]
    if not images:
        found.empty.append(folder.name)
        return
    found.files += images
    found.numbers += [len(found.classes)] * len(images)
    found.classes.append(folder.name)
    found.deeper += [path for path in images if path.parent != folder]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _is_beside(path: Path) -> bool:
    """Return whether it is what file managers leave in folders of images."""
    return path.name.lower() in (".ds_store", "thumbs.db", "desktop.ini") or path.name.startswith(
        "._"
    )


def _read(file: Path) -> tuple[AnyArray, str, bool]:
    """Pixels and mode of an image, and whether further frames of it are left out."""
    from PIL import Image, ImageOps

    if not file.is_file():
        raise DataError(f"{file}: it is not a file; remove it")
    if file.stat().st_size == 0:
        raise DataError(f"{file}: the file is empty; write it again or remove it")
    try:
        with reading(file, _KIND), Image.open(file) as opened:
            return _pixels(file, opened, ImageOps)
    except Image.DecompressionBombError as error:
        raise DataError(f"{file}: {error}; images that large are refused, scale it down") from error
    except _DECODING as error:
        raise DataError(
            f"{file}: cannot be read as an image ({type(error).__name__}: {error}); it may be "
            "truncated or damaged; write it again or remove it"
        ) from error


#: What Pillow's decoders raise at damaged files, besides the errors of :func:`reading`.
_DECODING = (SyntaxError, TypeError, IndexError, AttributeError, AssertionError, ZeroDivisionError)


def _pixels(file: Path, opened: Any, operations: Any) -> tuple[AnyArray, str, bool]:
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format != "MPO":
        raise DataError(f"{file}: it has {frames} frames; store one image per file")
    image = operations.exif_transpose(opened)
    if image.mode in ("P", "PA"):
        image = image.convert("RGB")
    pixels: AnyArray = np.asarray(image)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8)
    return pixels, str(image.mode), frames > 1


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape[:2])) + " pixels"
