"""Rows from Zarr stores on disk: folders of arrays, of AnnData or of any names."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.data.apart.limited import stored_bytes
from n2d_framework.data.faults import check_declared, reading
from n2d_framework.data.formats.annotated import grouped_contents, is_annotated
from n2d_framework.data.formats.array_files import ArrayFile, Contents, StoredArray
from n2d_framework.data.formats.blosc_pieces import METADATA, BloscPieces, blosc_pieces, codecs_of
from n2d_framework.data.formats.structured import StructuredTable, structured_table
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import RowSource
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["is_zarr_folder", "zarr_rows"]

_KIND = "a Zarr store (.zarr)"
#: Codecs that turn bytes into bytes or numbers, and run nothing that is stored: no pickles.
_CODECS = {
    "adler32", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset",
    "fletcher32", "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits", "quantize",
    "sharding_indexed", "shuffle", "transpose", "vlen-bytes", "vlen-utf8", "zlib", "zstd",
}  # fmt: skip
_DEEPEST = 20


def is_zarr_folder(folder: Path) -> bool:
    """Return whether a folder is a Zarr store."""
    return any((folder / name).is_file() for name in METADATA)


@attrs.frozen
class _Stored(StoredArray):
    where: str
    stored: Any
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    #: Its pieces, where each is one of Blosc.
    blosc: BloscPieces | None = None

    def rows(self, size: int) -> Iterator[AnyArray]:
        if self.blosc is not None:
            self.blosc.check_lengths()
        for start in range(0, self.shape[0], size):
            part = np.asarray(self.stored[start : start + size])
            yield np.array(part.tolist(), dtype=str) if self.dtype.kind == "U" else part


def zarr_rows(ref: Reference) -> RowSource:
    """Open a Zarr store: a structured array, or the array ``x`` with labels in ``y``.

    Arrays in groups are named by their path; groups that are sparse matrices, and what AnnData
    keeps, as in HDF5. Needs the extra ``zarr``.

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
    import zarr

    with reading(ref.path, _KIND):
        size = _stored_bytes(ref.path)
        # What is consolidated is another copy of the metadata, which need not be the same.
        root: Any = zarr.open(store=str(ref.path), mode="r", use_consolidated=False)
        alone = hasattr(root, "shape")
        names = ["x"] if alone else list(_arrays(root))

        def get(name: str) -> StoredArray:
            return _stored(ref, name, root if alone else root[name], size)

        table = None if not alone and is_annotated(root) else structured_table(ref, names, get)
        if table is not None:
            return StructuredTable(ref, _KIND, table, get(table), names=names)
        if alone:
            return ArrayFile(ref, _KIND, Contents([(get("x"), None)]))
        return ArrayFile(ref, _KIND, grouped_contents(ref, root, names, get))


def _stored(ref: Reference, name: str, found: Any, size: int) -> _Stored:
    """An array of a store that has so many bytes."""
    where = f"{ref.path}: array {name!r}"
    foreign = sorted(set(codecs_of(found.metadata.to_dict())) - _CODECS)
    if foreign:
        raise DataError(
            f"{where} needs the codec {foreign[0]!r}, which is not used for data from files; "
            f"write it again with one of {', '.join(sorted(_CODECS))}"
        )
    text = found.dtype.kind in "TOU"
    itemsize = 8 if text else found.dtype.itemsize
    declared = max(math.prod(found.shape), math.prod(found.chunks)) * itemsize
    check_declared(where, declared, size)
    pieces = blosc_pieces(where, Path(ref.path, found.path), found)
    return _Stored(where, found, found.shape, np.dtype("U") if text else found.dtype, pieces)


def _arrays(group: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Paths of all arrays in a group."""
    if depth > _DEEPEST:
        raise DataError(f"{path}: groups lie more than {_DEEPEST} deep in each other")
    for name in sorted(group.keys()):
        item, place = group[name], f"{path}{name}"
        if hasattr(item, "shape"):
            yield place
        else:
            yield from _arrays(item, f"{place}/", depth + 1)


def _stored_bytes(folder: Path) -> int:
    """Bytes of all files in a store; links, which could lead out of it, are refused."""
    total = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink():
                raise DataError(f"{path} is a link, which is not followed; copy what it points to")
            total += stored_bytes(path) if name in files else 0
    return total
