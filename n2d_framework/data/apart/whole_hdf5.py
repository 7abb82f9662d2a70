"""HDF5 files that another library is to open in this process, read whole beforehand elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from n2d_framework.data.apart.limited import LimitedReader, Part, stored_bytes
from n2d_framework.data.faults import check_declared, reading

__all__ = ["check_hdf5"]


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
        If libhdf5 cannot read it, does not come to an end, or crashes.
    """
    with reading(path, kind):
        stored = stored_bytes(path)
    with LimitedReader(path, stored, _Served, path, kind) as reader:
        for _ in reader.parts(size=0):
            pass


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
                declared = math.prod(item.shape) * item.dtype.itemsize
                check_declared(f"{self.path}: {name}", declared, item.id.get_storage_size())
                item[()]

        with reading(self.path, self.kind), h5py.File(self.path, "r") as file:
            visit("/", file)
            file.visititems(visit)
        yield None, ()

    def close(self) -> None:
        """Nothing is open."""
