"""IDX: the format of MNIST. A magic number, big-endian sizes, then the values."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from n2d_builtin.datasets.shared_reading import open_packed, reading
from n2d_framework.plugin import AnyArray

__all__ = ["read_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> AnyArray:
    """Read an IDX file, perhaps packed by gzip.

    Parameters
    ----------
    path : Path
        Its name ends in ``.gz`` if it is packed.

    Returns
    -------
    array
        In the type and shape that the file declares, in the byte order of this machine.

    Raises
    ------
    DataError
        If it is not an IDX file, or not as long as it declares.
    """
    with reading(path, "an IDX file"):
        data = open_packed(path)
        if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES:
            raise ValueError("it does not begin as one")
        dtype, n_dims = np.dtype(_TYPES[data[2]]), data[3]
        start = 4 + 4 * n_dims
        if len(data) < start:
            raise ValueError("it ends within its head")
        shape = struct.unpack(f">{n_dims}I", data[4:start])
        declared = math.prod(shape) * dtype.itemsize
        if declared != len(data) - start:
            raise ValueError(f"it declares {declared} bytes of values but has {len(data) - start}")
        values = np.frombuffer(data, dtype, offset=start).reshape(shape)
        return values.astype(dtype.newbyteorder("="))
