"""Turn the stored bytes of one dataset into an array."""

from __future__ import annotations

import attrs
import numpy as np

from n2d_framework.storage.hdf5.filters import inflate, unshuffle
from n2d_framework.types import AnyArray

__all__ = ["Place", "read_place"]


@attrs.frozen(kw_only=True)
class Place:
    """Where a dataset's bytes are, all of it checked.

    Attributes
    ----------
    data : memoryview
        The stored bytes.
    dtype : numpy.dtype
    shape : tuple of int
    packed : bool
        Whether the bytes are shuffled (elements of more than one byte) and deflated.
    path : str
    """

    data: memoryview
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    packed: bool
    path: str


def read_place(place: Place) -> AnyArray:
    """The array: C-contiguous, writable, in the machine's byte order, owned by the caller."""
    if not place.packed:
        flat = np.frombuffer(place.data, dtype=place.dtype).copy()
    else:
        size = int(np.prod(place.shape, dtype=object)) * place.dtype.itemsize
        raw = inflate(place.data, size, place.path)
        wide = place.dtype.itemsize > 1
        flat = unshuffle(raw, place.dtype) if wide else np.frombuffer(raw, place.dtype).copy()
    return flat.astype(place.dtype.newbyteorder("="), copy=False).reshape(place.shape)
