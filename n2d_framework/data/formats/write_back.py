"""Labels written into a file of AnnData as columns of ``obs``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import listed
from n2d_framework.core.rows.written_names import name_text
from n2d_framework.data.apart.limited import LimitedReader, Part, stored_bytes
from n2d_framework.data.faults import reading
from n2d_framework.data.formats.annotated import index_and_columns, is_annotated
from n2d_framework.errors import DataError, OutputError
from n2d_framework.storage import check_target, replacing
from n2d_framework.types import AnyArray

__all__ = ["WRITTEN_BACK", "WriteBack", "checked_write_back", "columns_back"]

#: Columns of ``obs`` that are written back.
WRITTEN_BACK = ("n2d_label", "n2d_strength")

_KIND = "a file of AnnData (.h5ad)"
_SUFFIXES = (".h5ad", ".h5", ".hdf5")


@attrs.frozen
class WriteBack:
    """Where labels go: into a file of AnnData, or into a copy of it.

    The file is copied, the copy gets the columns, and takes the name in one step: no file is
    ever half written, and what was there before stays until then. HDF5 works in a process of its
    own, with limits, as for reading.

    Attributes
    ----------
    source : Path
        The file that the rows were read from.
    target : Path
        The file that gets the columns: `source` itself, or another name.
    overwrite : bool
        Whether columns, and a target other than `source`, may be replaced.
    names : tuple of str
        The columns that are written.
    """

    source: Path
    target: Path
    overwrite: bool
    names: tuple[str, ...]

    def check(self) -> None:
        """Refuse what could not be written, before any work is done.

        Raises
        ------
        DataError
            If the source is not a file of AnnData.
        OutputError
            If columns or the target exist and may not be replaced, or cannot be written.
        """
        if self.source.suffix.lower() not in _SUFFIXES or self.source.is_dir():
            raise DataError(f"{self.source}: labels are written back into {_KIND} only")
        check_target(self.target)
        if not self.source.is_file():
            raise DataError(f"{self.source}: there is no such file; check the path")
        if self.target.exists() and not self.target.samefile(self.source) and not self.overwrite:
            raise OutputError(f"{self.target} exists; choose another name or add --overwrite")
        with self._child(None) as child:
            present = set(child.about)
        there = [name for name in self.names if name in present]
        if there and not self.overwrite:
            raise OutputError(
                f"{self.source}: obs has a column {listed(there)} already; add --overwrite to "
                "replace it"
            )

    def write(self, columns: Mapping[str, AnyArray]) -> None:
        """Write the columns, one value for each cell in the order of the file.

        Parameters
        ----------
        columns : mapping of str to array
            Integers become categories, as labels of clusters are in AnnData; other numbers stay.

        Raises
        ------
        DataError
            If the source changed meanwhile.
        OutputError
            If the file cannot be written; what was there before is unchanged.
        """
        with replacing(self.target) as temporary:
            shutil.copyfile(self.source, temporary)
            with self._child(temporary) as child:
                for _ in child.parts(dict(columns), size=sum(x.nbytes for x in columns.values())):
                    pass

    def _child(self, temporary: Path | None) -> LimitedReader:
        with reading(self.source, _KIND):
            stored = stored_bytes(self.source)
        return LimitedReader(self.source, stored, _Served, self.source, temporary)


def checked_write_back(source: Path, copy: Path | None, overwrite: bool) -> WriteBack:
    """Where labels are written back to, checked before any work is done.

    Parameters
    ----------
    source : Path
        The data.
    copy : Path or None
        A copy that gets them; ``None`` for the file itself.
    overwrite : bool
        Whether columns, or another copy, may be replaced.

    Raises
    ------
    DataError
        If the data are not a file of AnnData.
    OutputError
        If something is there already, or cannot be written.
    """
    back = WriteBack(source, source if copy is None else copy, overwrite, WRITTEN_BACK)
    back.check()
    return back


def columns_back(columns: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """The columns that are written back, of those of a table of labels."""
    given = {name: columns.get(name.removeprefix("n2d_")) for name in WRITTEN_BACK}
    return {name: column for name, column in given.items() if column is not None}


class _Served:
    """A file of AnnData, as the other process changes it."""

    def __init__(self, source: Path, temporary: Path | None) -> None:
        import h5py

        self._source = source
        with reading(source, _KIND):
            if temporary is None:
                self._file = h5py.File(source, "r")
            else:  # the parent holds a lock on it
                self._file = h5py.File(temporary, "r+", locking=False)
        if not is_annotated(self._file):
            self._file.close()
            raise DataError(f"{source}: labels are written back into {_KIND} only")

    def about(self) -> list[str]:
        """Names of the columns of ``obs``."""
        with reading(self._source, _KIND):
            return index_and_columns(self._file, "obs")[1]

    def parts(self, columns: Mapping[str, AnyArray]) -> Iterator[Part]:
        with reading(self._source, _KIND):
            obs = self._file["obs"]
            for name, values in columns.items():
                if hasattr(obs, "shape"):
                    _into_table(self._file, name, values)
                else:
                    _into_group(self._file, name, values)
            self._file.flush()
        yield None, ()

    def close(self) -> None:
        self._file.close()


def _coded(values: AnyArray) -> tuple[AnyArray, list[str]]:
    """Labels as codes, and the categories that these stand for, in the order of the labels."""
    known, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int16 if len(known) < 2**15 else np.int32), [str(n) for n in known]


def _refuse_length(values: AnyArray, n: int) -> None:
    if len(values) != n:
        raise ValueError(f"it has {n} cells now and had {len(values)} when it was read")


def _into_group(file: Any, name: str, values: AnyArray) -> None:
    """A column as anndata has written it since 0.7."""
    import h5py

    obs, text = file["obs"], h5py.string_dtype()
    index = index_and_columns(file, "obs")[0]
    if index:
        names = obs[index]
        _refuse_length(values, len(names if hasattr(names, "shape") else names["values"]))
    if name in obs:
        del obs[name]
    former = name_text(obs.attrs.get("encoding-version", "0.2.0")) == "0.1.0"
    array = {"encoding-type": "array", "encoding-version": "0.2.0"}
    if values.dtype.kind not in "iu":
        obs.create_dataset(name, data=values).attrs.update({} if former else array)
    elif former:
        codes, categories = _coded(values)
        place = obs.require_group("__categories")
        if name in place:
            del place[name]
        stored = place.create_dataset(name, data=categories, dtype=text)
        stored.attrs["ordered"] = False
        obs.create_dataset(name, data=codes).attrs["categories"] = stored.ref
    else:
        codes, categories = _coded(values)
        group = obs.create_group(name)
        group.attrs.update(
            {"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False}
        )
        group.create_dataset("codes", data=codes).attrs.update(array)
        stored = group.create_dataset("categories", data=categories, dtype=text)
        stored.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
    order = [name_text(item) for item in np.ravel(obs.attrs.get("column-order", []))]
    obs.attrs.create("column-order", [*(item for item in order if item != name), name], dtype=text)


def _into_table(file: Any, name: str, values: AnyArray) -> None:
    """A field of the structured array that was ``obs`` before anndata 0.7."""
    old, path = file["obs"][()], f"uns/{name}_categories"
    _refuse_length(values, len(old))
    if values.dtype.kind in "iu":
        values, categories = _coded(values)
        if path in file:
            del file[path]
        file[path] = np.array([item.encode() for item in categories])
    kept = [field for field in old.dtype.names if field != name]
    kinds = [(field, old.dtype.fields[field][0]) for field in kept]
    made = np.empty(len(old), dtype=[*kinds, (name, values.dtype)])
    for field in kept:
        made[field] = old[field]
    made[name] = values
    del file["obs"]
    file.create_dataset("obs", data=made)
