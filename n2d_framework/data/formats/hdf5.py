"""Rows from HDF5 files, read in slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.faults import check_declared, reading, refuse_links, refuse_other_files
from n2d_framework.data.formats.annotated import grouped_contents, is_annotated
from n2d_framework.data.formats.array_files import ArrayFile, Contents, StoredArray
from n2d_framework.data.formats.structured import StructuredTable, structured_table
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["hdf5_rows"]

_KIND = "an HDF5 file (.h5)"


@attrs.frozen
class _Stored(StoredArray):
    where: str
    stored: Any
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    conventions: _Conventions | None = None
    names: Mapping[int, str] = attrs.field(factory=dict)

    def rows(self, size: int) -> Iterator[AnyArray]:
        for start in range(0, self.shape[0], size):
            part = self.stored[start : start + size]
            if self.names:
                part = self._named(part)
            elif self.conventions is not None:
                part = self.conventions.values(part, start, self.where)
            yield part if self.dtype.kind != "U" else np.asarray(part, dtype=str)

    def _named(self, part: AnyArray) -> AnyArray:
        """Values of an enumeration by their names."""
        unknown = sorted(set(part.tolist()) - set(self.names))
        if unknown:
            raise DataError(
                f"{self.where} has {unknown[0]}, which its enumeration does not name; it is "
                "damaged, write it again"
            )
        return np.array([self.names[value] for value in part.tolist()], dtype=str)


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


def hdf5_rows(ref: Reference) -> RowSource:
    """Open an HDF5 file: a structured array, or the dataset ``x`` with labels in ``y``.

    Datasets in groups are named by their path, such as ``train/x``; groups that are sparse
    matrices, and what AnnData keeps, by their own (``X``, ``layers/counts``, ``obs/kind``).

    Parameters
    ----------
    ref : Reference

    Returns
    -------
    RowSource

    Raises
    ------
    DataError
        If it cannot be read, or there is no way to know what the rows are.
    """
    import h5py

    if ref.path.stat().st_size == 0:
        raise DataError(f"{ref.path}: the file is empty; write it again")
    with reading(ref.path, _KIND):
        file = h5py.File(ref.path, "r")
    try:
        with reading(ref.path, _KIND):
            names, get = _datasets(ref, file), partial(_stored, ref, file)
            table = None if is_annotated(file) else structured_table(ref, names, get)
            if table is not None:
                return StructuredTable(
                    ref, _KIND, table, get(table), names=names, index=_index(file, names),
                    close=file.close,
                )  # fmt: skip
            contents = grouped_contents(ref, file, names, get)
        return _Hdf5Arrays(ref, file, contents)
    except BaseException:  # whatever stopped us, also an interrupt: the file is closed
        file.close()
        raise


class _Hdf5Arrays(ArrayFile):
    """Rows of whole datasets."""

    def __init__(self, ref: Reference, file: Any, contents: Contents) -> None:
        self._file = file
        super().__init__(ref, _KIND, contents)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _stored(ref: Reference, file: Any, name: str) -> _Stored:
    import h5py

    found = file[name]
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
    values = h5py.check_enum_dtype(found.dtype)
    if values is not None and len(found.shape) == 1:
        named = {value: name for name, value in values.items()}
        return _Stored(where, found, found.shape, np.dtype("U"), None, named)
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
