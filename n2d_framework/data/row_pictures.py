"""Pictures that lie beside the rows of a table or an array, for reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.kinds import guess_image_shape
from n2d_framework.core.rows import Rows, is_sparse
from n2d_framework.data.faults import point_out
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["with_thumbnails", "without_thumbnails"]


def without_thumbnails(ref: Reference) -> Reference:
    """Leave the pictures out of the features.

    Raises
    ------
    DataError
        If there can be no pictures beside such rows.
    """
    if ref.thumbnails is None:
        return ref
    if ref.time is not None:
        raise DataError(
            f"{ref.path}: thumbnails: a series of a long table has many rows and no picture of its "
            "own; drop it"
        )
    if ref.thumbnails in (ref.x, ref.y, ref.id) or ref.thumbnails in (*(ref.x or ()), *ref.text):
        raise DataError(
            f"{ref.path}: {ref.thumbnails!r} cannot hold the thumbnails and something else"
        )
    return attrs.evolve(ref, drop=tuple(dict.fromkeys([*ref.drop, ref.thumbnails])))


def with_thumbnails(data: Dataset, ref: Reference, read: Callable[[Reference], Dataset]) -> Dataset:
    """Add the pictures that the user named.

    Parameters
    ----------
    data : Dataset
    ref : Reference
        As the user gave it.
    read : callable
        Reads the rows of a reference.

    Raises
    ------
    DataError
        If they are neither paths nor images, if there is not one for each row, or if a file does
        not exist and ``on_error`` is not ``skip``.
    """
    if ref.thumbnails is None:
        return data
    alone = Reference(ref.path, ref.thumbnails, False, ref.header)
    try:
        found = read(alone).x
    except DataError as error:
        raise DataError(f"thumbnails: {error}") from error
    if isinstance(found, Rows):
        pictures = _paths(found.column(ref.thumbnails), ref)
    else:
        pictures = _images(found, ref)
    if len(pictures) != data.n_rows:
        raise DataError(
            f"{ref.path}: there are {len(pictures)} thumbnails in {ref.thumbnails!r} for "
            f"{data.n_rows} rows; they must match"
        )
    return attrs.evolve(data, thumbnails=pictures)


def _paths(column: AnyArray, ref: Reference) -> AnyArray:
    """Paths from the folder of the table; empty for rows without a picture."""
    folder = ref.path if ref.path.is_dir() else ref.path.parent
    found = np.array([str(folder / text) if text else "" for text in column], dtype=object)
    absent = [row for row, path in enumerate(found) if path and not _is_file(path)]
    if absent:
        row, more = absent[0], len(absent) - 1
        shown = f"{column[row]!r} in row {row + 1} (the first row of data is 1)" + (
            f" and {more} more" if more else ""
        )
        if ref.on_error != "skip":
            raise DataError(
                f"{ref.path}: thumbnails: there is no file {shown}; paths are relative to "
                f"{folder}, nothing is downloaded; on_error: skip, or --on-error skip, shows "
                "such rows without a picture"
            )
        point_out(ref.path, f"thumbnails: rows without a picture, since there is no file: {shown}")
        found[absent] = ""
    return found


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long, or with a NUL character
        return False


def _images(x: Any, ref: Reference) -> AnyArray:
    """Images, also those that lie flat: squares of one channel."""
    shape = tuple(x.shape[1:])
    if guess_image_shape(shape) is not None and not is_sparse(x):
        return np.asarray(x)
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    if is_sparse(x) or side < 2 or side * side != shape[0]:
        raise DataError(
            f"{ref.path}: thumbnails: {ref.thumbnails!r} holds rows of shape {shape}, which are "
            "not images; store (height, width) or (height, width, 1, 3 or 4) for each row"
        )
    return np.reshape(x, (len(x), side, side))
