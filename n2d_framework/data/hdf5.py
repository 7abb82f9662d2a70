"""Rows from HDF5 files, read in slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.arrays import ArrayFile, StoredArray, find_contents
from n2d_framework.data.faults import reading
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["Hdf5Source"]

_KIND = "an HDF5 file (.h5)"


@attrs.frozen
class _Stored(StoredArray):
    where: str
    stored: Any
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def rows(self, size: int) -> Iterator[AnyArray]:
        for start in range(0, self.shape[0], size):
            part = self.stored[start : start + size]
            yield part if self.dtype.kind != "U" else np.asarray(part, dtype=str)


class Hdf5Source(ArrayFile):
    """Rows of the dataset ``x`` of an HDF5 file, with labels in ``y`` if there are any.

    Datasets in groups are named by their path, such as ``train/x``.

    Parameters
    ----------
    ref : Reference
    """

    def __init__(self, ref: Reference) -> None:
        import h5py

        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, _KIND):
            self._file = h5py.File(ref.path, "r")
        try:
            with reading(ref.path, _KIND):
                names = _datasets(self._file)
                contents = find_contents(
                    ref, names, lambda name: self._stored(ref, name), _index(self._file, names)
                )
            super().__init__(ref, _KIND, contents)
        except BaseException:  # whatever stopped us, also an interrupt: the file is closed
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _stored(self, ref: Reference, name: str) -> _Stored:
        import h5py

        found = self._file[name]
        where = f"{ref.path}: dataset {name!r}"
        if found.shape is None:
            raise DataError(f"{where} is empty; give at least one row and feature")
        if h5py.check_string_dtype(found.dtype) is not None:
            return _Stored(where, found.asstr(), found.shape, np.dtype("U"))
        return _Stored(where, found, found.shape, found.dtype)


def _index(file: Any, names: Sequence[str]) -> list[str]:
    """The field with the index, in a table that pandas wrote."""
    written = any("pandas_type" in file[name].parent.attrs for name in names)
    return ["index"] if written else []


def _datasets(file: Any) -> list[str]:
    import h5py

    names: list[str] = []

    def visit(name: str | bytes, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and isinstance(name, str):
            names.append(name)

    file.visititems(visit)
    return names
