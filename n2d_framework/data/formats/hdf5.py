"""Rows from HDF5 files, read in slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.faults import check_declared, reading, refuse_links, refuse_other_files
from n2d_framework.data.formats.annotated import grouped_contents
from n2d_framework.data.formats.array_files import ArrayFile, StoredArray
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

    conventions: _Conventions | None = None

    def rows(self, size: int) -> Iterator[AnyArray]:
        for start in range(0, self.shape[0], size):
            part = self.stored[start : start + size]
            if self.conventions is not None:
                part = self.conventions.values(part, start, self.where)
            yield part if self.dtype.kind != "U" else np.asarray(part, dtype=str)


@attrs.frozen
class _Conventions:
    """Findings in the attributes of a dataset about its values, by the conventions of netCDF (CF).

    Attributes
    ----------
    marks : array
        Values that stand for missing ones.
    least, most : number or None
        Values outside are missing.
    scale, offset : float
        A stored value is multiplied by the one, then the other is added.
    """

    marks: AnyArray
    least: Any
    most: Any
    scale: float
    offset: float

    @classmethod
    def of(cls, dataset: Any, where: str) -> _Conventions | None:
        """Read the attributes; ``None`` if they change nothing."""
        if dataset.dtype.kind not in "iuf":
            return None

        def numbers(name: str, most: int) -> AnyArray:
            found = np.ravel(dataset.attrs.get(name, []))
            if found.size > most or (found.size and found.dtype.kind not in "iuf"):
                raise DataError(
                    f"{where}: its attribute {name!r} is not a number; correct or remove it"
                )
            return found

        marks = np.concatenate([numbers("_FillValue", 1), numbers("missing_value", 100)])
        limits = numbers("valid_range", 2)
        least, most = (
            (limits[:1], limits[1:])
            if limits.size
            else (numbers("valid_min", 1), numbers("valid_max", 1))
        )
        scale, offset = numbers("scale_factor", 1), numbers("add_offset", 1)
        found = cls(
            marks=marks,
            least=least[0] if least.size else None,
            most=most[0] if most.size else None,
            scale=float(scale[0]) if scale.size else 1.0,
            offset=float(offset[0]) if offset.size else 0.0,
        )
        return found if found.packed or marks.size or least.size or most.size else None

    @property
    def packed(self) -> bool:
        """Return whether the values are other numbers than those stored."""
        return (self.scale, self.offset) != (1.0, 0.0)

    def values(self, stored: AnyArray, start: int, where: str) -> AnyArray:
        """Unpack some rows, the first of which has the number `start`; refuse missing values."""
        wrong = np.isin(stored, self.marks)
        reason = "the file's mark of missing values"
        if not wrong.any():
            reason = "which is outside of the file's valid range"
            wrong = np.zeros(stored.shape, dtype=bool)
            wrong |= False if self.least is None else stored < self.least
            wrong |= False if self.most is None else stored > self.most
        if wrong.any():
            place = [int(i) for i in np.argwhere(wrong)[0]]
            row, column = place[0] + start, place[1:]
            raise DataError(
                f"{where}: row {row}, column {', '.join(map(str, column))} has no value "
                f"(it has {stored[tuple(place)]}, {reason}); fill it or drop the row"
            )
        return stored.astype(np.float64) * self.scale + self.offset if self.packed else stored


class Hdf5Source(ArrayFile):
    """Rows of the dataset ``x`` of an HDF5 file, with labels in ``y`` if there are any.

    Datasets in groups are named by their path, such as ``train/x``; groups that are sparse
    matrices, and what AnnData keeps, by their own (``X``, ``layers/counts``, ``obs/kind``).

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
                names = _datasets(ref, self._file)
                contents = grouped_contents(
                    ref, self._file, names, lambda name: self._stored(ref, name),
                    _index(self._file, names),
                )  # fmt: skip
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
        refuse_other_files(where, found)
        itemsize, chunks = found.dtype.itemsize, found.chunks or ()
        declared = max(math.prod(found.shape), math.prod(chunks)) * itemsize
        check_declared(where, declared, found.id.get_storage_size())
        _refuse_masked(found, where)
        if h5py.check_string_dtype(found.dtype) is not None:
            return _Stored(where, found.asstr(), found.shape, np.dtype("U"))
        conventions = _Conventions.of(found, where)
        packed = conventions is not None and conventions.packed
        dtype = np.dtype(np.float64) if packed else found.dtype
        return _Stored(where, found, found.shape, dtype, conventions)


def _refuse_masked(dataset: Any, where: str) -> None:
    """Refuse values beside which AnnData wrote a mask that hides some of them."""
    group = dataset.parent
    kind = group.attrs.get("encoding-type", "")
    if not (
        str(kind).startswith("nullable") and "mask" in group and dataset.name.endswith("values")
    ):
        return
    mask = np.asarray(group["mask"])
    if mask.any():
        raise DataError(
            f"{where} has no value in row {int(mask.argmax())}; fill it or drop the row"
        )


def _index(file: Any, names: Sequence[str]) -> list[str]:
    """The field with the index, in a table that pandas wrote."""
    written = any("pandas_type" in file[name].parent.attrs for name in names)
    return ["index"] if written else []


def _datasets(ref: Reference, file: Any) -> list[str]:
    """Names of all datasets, by their path in the file."""
    import h5py

    names: list[str] = []

    def visit(name: str | bytes, item: Any) -> None:
        if isinstance(item, h5py.Group):
            refuse_links(ref.path, item)
        elif isinstance(item, h5py.Dataset) and isinstance(name, str):
            names.append(name)

    visit("", file)
    file.visititems(visit)
    return names
