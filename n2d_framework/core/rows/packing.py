"""Values of rows as arrays of numbers, as bundles and stores have them, and their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from n2d_framework.core.rows.columns import missing_in
from n2d_framework.types import AnyArray

__all__ = ["fingerprint", "packed", "packed_column", "unpacked"]

_CHUNK = 1 << 12


def fingerprint(x: AnyArray) -> str:
    """Hash of an array's type, shape and values (SHA-256, hexadecimal).

    Parameters
    ----------
    x : array
        In any memory order and byte order: only the values count.
    """
    little = x.dtype.newbyteorder("<")
    digest = hashlib.sha256(f"{little.str}{x.shape}".encode())
    rows = max(1, _CHUNK * 256 // max(1, int(np.prod(x.shape[1:]))))
    for start in range(0, len(x), rows):
        digest.update(np.ascontiguousarray(x[start : start + rows], dtype=little).data)
    return digest.hexdigest()


def packed(texts: Iterable[str]) -> dict[str, AnyArray]:
    """Strings as arrays: ``values``, their bytes in UTF-8, and ``ends``, where each one ends."""
    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]
    values = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends = np.cumsum([len(item) for item in encoded], dtype=np.int64)
    return {"values": values, "ends": ends}


def unpacked(values: AnyArray, ends: AnyArray) -> list[str]:
    """The strings of :func:`packed`."""
    content = values.tobytes()
    starts = [0, *ends.tolist()[:-1]]
    return [content[start:end].decode() for start, end in zip(starts, ends.tolist(), strict=True)]


def packed_column(values: AnyArray) -> dict[str, AnyArray]:
    """A column as arrays of numbers: ``values``; of strings also ``ends`` and ``missing``."""
    if values.dtype.kind == "O":
        gaps = missing_in(values)
        return {**packed("" if value is None else value for value in values), "missing": gaps}
    if values.dtype.kind == "M":
        return {"values": values.astype(np.int64)}
    if values.dtype.kind == "f":
        # One not-a-number is as good as another.
        return {"values": np.where(np.isnan(values), values.dtype.type(np.nan), values)}
    return {"values": values}
