"""Rows from a folder of images; sub-folders are classes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import numpy as np

from n2d_framework.core.rows import ImageForm, Schema, listed
from n2d_framework.core.rows.written_names import id_texts
from n2d_framework.data.faults import point_out, reading
from n2d_framework.data.formats.image_reading import (
    Picture,
    choose_form,
    differing,
    read_header,
    read_image,
)
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import Block, RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["IMAGE_SUFFIXES", "ImageFolder"]

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_T = TypeVar("_T")


class ImageFolder(RowSource):
    """Images of a folder, in the order of their names, brought to one size and mode.

    The ids of rows are the names of the files, with their sub-folders. If the images lie in
    sub-folders, these are the classes, numbered in the order of their names; images deeper in
    one belong to it. What is not read (other suffixes, hidden files, folders without an image)
    is named in a warning. Palette images become RGB; of a camera's picture with previews (MPO)
    the first frame is taken; the orientation noted by a camera is applied.

    Images of one mode and one size of at most 256 pixels a side are read as they are stored.
    Others are scaled while they are read, one after the other, and a warning says to what:
    `resize` of the reference, or the median height and width, scaled down to at most 64 pixels a
    side.

    Parameters
    ----------
    ref : Reference
    """

    modality = "image"

    def __init__(self, ref: Reference) -> None:
        if ref.thumbnails is not None:
            raise DataError(
                f"{ref.path}: thumbnails: images of a folder are shown as they are; drop it"
            )
        if ref.x is not None or isinstance(ref.y, str) or ref.id is not None or ref.drop:
            raise DataError(
                f"{ref.path}: a folder of images has no names for x and y, id and drop; drop them"
            )
        self._folder = ref.path
        self.may_skip = ref.on_error == "skip"
        self._broken = dict[Path, str]()
        self.name = ref.path.resolve().name
        with reading(ref.path, "a folder"):
            found = _find(ref.path)
        if found.classes and ref.y is not False:
            self.names = tuple(found.classes)
        for remark in found.remarks(ref.path):
            point_out(ref.path, remark)
        numbers = found.numbers or [0] * len(found.files)
        self._numbers = dict(zip(found.files, numbers, strict=True))
        form = self._form(ref, found.files)
        self._files = [file for file in found.files if file not in self._broken]
        self._first, picture = self._first_of(form)
        self._form_, self._mode = form, picture.mode
        self.schema = Schema(images=form)
        self.n_rows = len(self._files)
        self.row_shape = picture.pixels.shape
        self.dtype = picture.pixels.dtype

    def _form(self, ref: Reference, files: Sequence[Path]) -> ImageForm | None:
        """The form that a user wants or a model was fitted on, else that of the images."""
        if ref.like is not None and ref.resize is None and ref.mode is None:
            return ref.like.images
        headers = {
            file: header for file in files if (header := self._tried(read_header, file)) is not None
        }
        if not headers:
            raise self._none_left()
        form, remark = choose_form(ref, headers)
        if remark is not None:
            point_out(ref.path, remark)
        return form

    def _first_of(self, form: ImageForm | None) -> tuple[Path, Picture]:
        """The first image that can be read, which has the shape of all."""
        for file in self._files:
            picture = self._tried(read_image, file, form)
            if picture is not None:
                return file, picture
        raise self._none_left()

    def _none_left(self) -> DataError:
        reason = next(iter(self._broken.values()))
        return DataError(
            f"{self._folder}: none of {len(self._broken)} images can be read: {reason}"
        )

    def _tried(self, read: Callable[..., _T], file: Path, *given: Any) -> _T | None:
        """The result of reading a file; ``None``, with a note, if it fails and may."""
        try:
            return read(file, *given)
        except DataError as error:
            if not self.may_skip:
                how = "on_error: skip, or --on-error skip, leaves such images out"
                raise DataError(f"{error}; {how}") from error
            self._broken[file] = str(error)
            return None

    def blocks(self, size: int, *, labels: bool = True) -> Iterator[Block]:
        """Images, `size` at a time."""
        reduced = list[Path]()
        for start in range(0, len(self._files), size):
            pixels = {
                file: found
                for file in self._files[start : start + size]
                if (found := self._tried(self._same, file, reduced)) is not None
            }
            if pixels:
                x: AnyArray = np.stack(list(pixels.values()))
                y = np.array([self._numbers[file] for file in pixels], dtype=np.int64)
                ids = id_texts(file.relative_to(self._folder) for file in pixels)
                yield Block(x, y if labels and self.names else None, ids)
        if reduced:
            point_out(
                self._folder,
                f"of {len(reduced)} pictures of cameras only the first frame is used, not their "
                f"previews: {self._listed(reduced)}",
            )
        if self._broken:
            point_out(
                self._folder,
                f"images that cannot be read are left out, {len(self._broken)} of "
                f"{len(self._numbers)}: {self._listed(self._broken)}; the first: "
                f"{next(iter(self._broken.values()))}",
            )

    def _listed(self, files: Iterable[Path]) -> str:
        return listed([str(file.relative_to(self._folder)) for file in files])

    def _same(self, file: Path, reduced: list[Path]) -> AnyArray:
        """Pixels of an image, noted in `reduced` if it has further frames."""
        picture = read_image(file, self._form_)
        if picture.further:
            reduced.append(file)
        if picture.pixels.shape != self.row_shape or picture.mode != self._mode:
            here = picture.pixels.shape, picture.mode
            reason = differing(*here, self._first.name, self.row_shape, self._mode)
            raise DataError(f"{file}: {reason}")
        return picture.pixels


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
