"""Rows from NumPy's own format: .npy files, and .npz archives of them."""

from __future__ import annotations

import io
import struct
import sys
import tokenize
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import attrs
import numpy as np

from n2d_framework.core.rows import listed
from n2d_framework.core.rows.written_names import name_text
from n2d_framework.data.faults import check_declared, point_out, reading
from n2d_framework.data.formats.array_files import ArrayFile, Contents, StoredArray, find_contents
from n2d_framework.data.formats.sparse_arrays import PARTS, SparseArray
from n2d_framework.data.reference import Reference
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["NpySource", "NpzSource"]

_NPY = "a NumPy array (.npy)"
_NPZ = "a NumPy archive (.npz)"

#: How the length of the header is written, by version of the format.
_LENGTHS = {(1, 0): "<H", (2, 0): "<I"}
_LONGEST_HEADER = 1 << 16


@attrs.frozen
class _Header:
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]


@attrs.frozen
class _Npy(StoredArray):
    """An array behind a stream; what its header declares is compared with what is there."""

    open: Callable[[], IO[bytes]]
    where: str
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[np.generic]

    def rows(self, size: int) -> Iterator[AnyArray]:
        """Read on from row to row; an array in Fortran order has to be read whole."""
        with self.open() as file:
            _header(file)
            if not self.shape:
                yield self._take(file, 1)
                return
            if self.fortran:
                array = self._take(file, self.shape[0]).reshape(self.shape[::-1]).T
                yield from (array[i : i + size] for i in range(0, len(array), size))
                return
            for start in range(0, self.shape[0], size):
                n = min(size, self.shape[0] - start)
                yield self._take(file, n).reshape(n, *self.shape[1:])

    def _take(self, file: IO[bytes], n: int) -> AnyArray:
        count = n * int(np.prod(self.shape[1:], dtype=np.int64))
        content = file.read(count * self.dtype.itemsize)
        if len(content) < count * self.dtype.itemsize:
            raise DataError(f"{self.where}: it ends before its last row; write the file again")
        if self.dtype.kind == "U":
            _refuse_no_characters(content, self.dtype, self.where)
        return np.frombuffer(content, dtype=self.dtype, count=count)


def _refuse_no_characters(content: bytes, dtype: np.dtype[np.generic], where: str) -> None:
    """Refuse strings with numbers that stand for no character, which NumPy does not check."""
    points = np.frombuffer(content, dtype=np.dtype("u4").newbyteorder(dtype.byteorder))
    if ((points > sys.maxunicode) | ((points >= 0xD800) & (points < 0xE000))).any():
        raise DataError(
            f"{where}: its strings are not valid Unicode; it is damaged, write it again"
        )


class NpySource(ArrayFile):
    """Rows of a ``.npy`` file; it has no labels.

    Parameters
    ----------
    ref : Reference
    """

    def __init__(self, ref: Reference) -> None:
        path = ref.path
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path}: the file is empty; write it again")
        with reading(path, _NPY):
            array = _stored(lambda: path.open("rb"), str(path), size)
        if ref.x is not None or isinstance(ref.y, str) or ref.id is not None or ref.drop:
            raise DataError(
                f"{path}: a .npy file holds one array without a name; drop x and y, id and drop"
            )
        super().__init__(ref, _NPY, Contents([(array, None)]))
        self._usual = not array.fortran and array.dtype.isnative

    def mapped(self) -> AnyArray | None:
        """The array in the file, unless it is in Fortran order or another byte order."""
        if not self._usual:
            return None
        with reading(self._path, _NPY):
            return np.asarray(np.load(self._path, mmap_mode="r", allow_pickle=False))


class NpzSource(ArrayFile):
    """Rows of an ``.npz`` file: ``x[, y]``, or ``x_train, y_train, x_test, y_test`` joined.

    Or of a sparse matrix that ``scipy.sparse.save_npz`` wrote.

    Parameters
    ----------
    ref : Reference
    """

    def __init__(self, ref: Reference) -> None:
        if ref.path.stat().st_size == 0:
            raise DataError(f"{ref.path}: the file is empty; write it again")
        with reading(ref.path, _NPZ):
            self._archive = zipfile.ZipFile(ref.path)
        try:
            with reading(ref.path, _NPZ):
                contents = self._contents(ref)
            super().__init__(ref, _NPZ, contents)
        except BaseException:  # whatever stopped us, also an interrupt: the file is closed
            self._archive.close()
            raise

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    def _contents(self, ref: Reference) -> Contents:
        names = self._names()
        if not {"format", "shape", "data"} <= set(names) or "x" in names:
            return find_contents(ref, names, lambda name: self._member(ref, name))
        # As scipy.sparse.save_npz writes a matrix; other arrays may lie next to its parts.
        kind = name_text(self._member(ref, "format").whole().ravel()[0])
        parts = [name for name in PARTS.get(kind, ()) if name in names]

        def array(name: str) -> StoredArray:
            if name != "x":
                return self._member(ref, name)
            shape = self._member(ref, "shape").whole().ravel()
            members = {part: self._member(ref, part) for part in parts}
            return SparseArray.of(f"{ref.path}: the sparse matrix", kind, shape, members)

        others = [name for name in names if name not in ("format", "shape", "_is_array", *parts)]
        return find_contents(ref, ["x", *others], array)

    def _names(self) -> list[str]:
        members = self._archive.namelist()
        if len(set(members)) < len(members):
            twice = next(name for name, times in Counter(members).items() if times > 1)
            raise DataError(f"{self._archive.filename}: it has two arrays {twice!r}; keep one")
        others = [name for name in members if not name.endswith(".npy")]
        if others:
            point_out(Path(str(self._archive.filename)), f"it has no arrays in {listed(others)}")
        return [name.removesuffix(".npy") for name in members if name.endswith(".npy")]

    def _member(self, ref: Reference, name: str) -> _Npy:
        info = self._archive.getinfo(f"{name}.npy")
        where = f"{ref.path}: array {name!r}"
        check_declared(where, info.file_size, info.compress_size)
        return _stored(lambda: self._archive.open(info), where, info.file_size)


def _stored(open_stream: Callable[[], IO[bytes]], where: str, size: int) -> _Npy:
    """Read and check the header of a stream of `size` bytes."""
    with open_stream() as file:
        header = _header(file)
        room = size - file.tell()  # codespell:ignore tell
    if header.dtype.hasobject:
        raise DataError(
            f"{where}: it holds Python objects, which are never unpickled and are "
            "not real numbers; store numbers"
        )
    if header.dtype.names is not None:
        raise DataError(
            f"{where}: structured values of type {header.dtype} are not real numbers; store one "
            "plain array x, and the names of its columns as feature_names in an .npz file"
        )
    if any(isinstance(length, bool) or length < 0 for length in header.shape):
        raise DataError(
            f"{where}: its shape {header.shape} has a length that is negative or not an integer; "
            "it is damaged, write it again with numpy.save"
        )
    # Python integers: what a damaged header declares may overflow those of NumPy.
    declared = header.dtype.itemsize
    for length in header.shape:
        declared *= length
    if declared != room:
        raise DataError(
            f"{where}: it declares {declared} bytes of values but has {room}; it is truncated or "
            "damaged, write it again"
        )
    return _Npy(open_stream, where, header.shape, header.fortran, header.dtype)


def _header(file: IO[bytes]) -> _Header:
    try:
        return _parsed_header(file)
    except (SyntaxError, TypeError, tokenize.TokenError) as error:
        raise ValueError(f"damaged header: {error}") from error


def _parsed_header(file: IO[bytes]) -> _Header:
    version = np.lib.format.read_magic(file)
    if version not in _LENGTHS:
        raise ValueError(f"its format version {version} is for structured values, not for rows")
    # The length is looked at first: 4 GB may be declared, and would be read.
    length = file.read(struct.calcsize(_LENGTHS[version]))
    declared = int(struct.unpack(_LENGTHS[version], length)[0])
    if declared > _LONGEST_HEADER:
        raise ValueError(f"its header declares {declared} bytes, more than {_LONGEST_HEADER}")
    header = io.BytesIO(length + file.read(declared))
    if version == (1, 0):
        return _Header(*np.lib.format.read_array_header_1_0(header))
    return _Header(*np.lib.format.read_array_header_2_0(header))
