"""HDF5 files that another library is to open in this process, read whole beforehand elsewhere."""

from __future__ import annotations

import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from n2d_framework.data.apart.limited import LimitedReader, Part, stored_bytes
from n2d_framework.data.faults import (
    check_declared,
    reading,
    refuse_links,
    refuse_other_files,
)
from n2d_framework.errors import DataError

__all__ = ["check_hdf5", "check_hdf5_in_zip"]


def check_hdf5(path: Path, kind: str) -> None:
    """Read everything in a file in another process with limits, and keep nothing of it.

    Parameters
    ----------
    path : Path
    kind : str
        What it should be, for messages, such as ``"a file of Keras weights"``.

    Raises
    ------
    DataError
        If libhdf5 cannot read it, does not come to an end, or crashes; if it takes values from
        other files; or if it declares more than its bytes can hold.
    """
    with reading(path, kind):
        stored = stored_bytes(path)
    with LimitedReader(path, stored, _Served, path, kind) as reader:
        for _ in reader.parts(size=0):
            pass


def check_hdf5_in_zip(path: Path, kind: str) -> None:
    """Do what :func:`check_hdf5` does, with the HDF5 files of a zip archive such as ``.keras``."""
    with (
        reading(path, kind),
        zipfile.ZipFile(path) as archive,
        tempfile.TemporaryDirectory() as folder,
    ):
        for number, item in enumerate(archive.infolist()):
            check_declared(f"{path}: {item.filename}", item.file_size, item.compress_size)
            if not item.filename.endswith(".h5"):
                continue
            part = Path(folder) / f"{number}.h5"
            with archive.open(item) as content, part.open("wb") as copy:
                shutil.copyfileobj(content, copy)
            try:
                check_hdf5(part, kind)
            except DataError as error:
                shown = f"{path}: {item.filename}"
                raise DataError(str(error).replace(str(part), shown)) from error


class _Served:
    """The file, as the other process reads it."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind = path, kind

    def about(self) -> None:
        return None

    def parts(self) -> Iterator[Part]:
        import h5py

        def visit(name: str, item: Any) -> None:
            dict(item.attrs)
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                where = f"{self.path}: {name}"
                refuse_other_files(where, item)
                declared = math.prod(item.shape) * item.dtype.itemsize
                check_declared(where, declared, item.id.get_storage_size())
                item[()]
            elif isinstance(item, h5py.Group):
                refuse_links(self.path, item)

        with reading(self.path, self.kind), h5py.File(self.path, "r") as file:
            visit("/", file)
            file.visititems(visit)
        yield None, ()

    def close(self) -> None:
        """Nothing is open."""
