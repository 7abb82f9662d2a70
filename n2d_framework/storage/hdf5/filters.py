"""Compression of one array: HDF5's shuffle and deflate filters."""

from __future__ import annotations

import zlib

import attrs
import numpy as np

from n2d_framework.errors import BundleError
from n2d_framework.storage.limits import DECLARED_RATIO, DECLARED_SLACK, MAX_CHUNK_BYTES
from n2d_framework.types import AnyArray

__all__ = ["LEVEL", "Packer", "inflate", "unshuffle"]

#: Level of deflate: beyond it floats take much longer and get hardly smaller.
LEVEL = 4
#: Compression must save this share of an array, or it is left out.
_WORTH = 0.95
_SMALLEST = 128


def shuffle(array: AnyArray) -> bytes:
    """First bytes of all elements, then the second bytes, and so on."""
    return array.reshape(-1).view(np.uint8).reshape(-1, array.itemsize).T.tobytes()


def unshuffle(data: bytes, dtype: np.dtype[np.generic]) -> AnyArray:
    """Undo :func:`shuffle`; the result is flat and owns its memory."""
    planes = np.frombuffer(data, dtype=np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype)


def inflate(data: memoryview, size: int, path: str) -> bytes:
    """Decompress to exactly `size` bytes, never allocating more.

    Parameters
    ----------
    data : memoryview
        A zlib stream.
    size : int
        What it must give, at least 1.
    path : str
        For the message.

    Returns
    -------
    bytes

    Raises
    ------
    BundleError
        If the stream is damaged, or gives fewer or more bytes, or something follows it.
    """
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, size)
        rest = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise BundleError(f"{path}: damaged compressed data ({error})") from error
    if len(out) != size or rest or not stream.eof or stream.unused_data:
        raise BundleError(f"{path}: compressed data do not give the {size} bytes that are declared")
    return out


@attrs.define
class Packer:
    """Decides for one file which arrays are compressed.

    What compresses more than ``DECLARED_RATIO`` times counts against a budget, so that a
    reader's guard against decompression bombs never meets a file of ours.
    """

    budget: int = DECLARED_SLACK

    def pack(self, array: AnyArray) -> bytes | None:
        """Compressed bytes of a C-contiguous `array`, or ``None`` to store it as it is."""
        if not _SMALLEST <= array.nbytes < MAX_CHUNK_BYTES:
            return None
        raw = shuffle(array) if array.itemsize > 1 else array.tobytes()
        packed = zlib.compress(raw, LEVEL)
        if len(packed) > _WORTH * len(raw):
            return None
        if len(raw) > DECLARED_RATIO * len(packed):
            if len(raw) > self.budget:
                return None
            self.budget -= len(raw)
        return packed
