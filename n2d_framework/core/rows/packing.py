"""Values of rows as arrays of numbers, as bundles and stores have them, and their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from n2d_framework.core.state import State, need
from n2d_framework.errors import StateError
from n2d_framework.types import AnyArray

__all__ = ["fingerprint", "packed", "unpacked", "unpacked_strings"]

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
    values = np.frombuffer(bytearray(b"".join(encoded)), dtype=np.uint8)
    ends = np.cumsum([len(item) for item in encoded], dtype=np.int64)
    return {"values": values, "ends": ends}


def unpacked(values: AnyArray, ends: AnyArray) -> list[str]:
    """The strings of :func:`packed`."""
    content = values.tobytes()
    starts = [0, *ends.tolist()][:-1]
    return [content[start:end].decode() for start, end in zip(starts, ends.tolist(), strict=True)]


def unpacked_strings(state: State) -> list[str]:
    """The strings of :func:`packed`, perhaps from a file.

    Raises
    ------
    StateError
        If the arrays are not such as :func:`packed` gives.
    """
    values, ends = need(state, "values", np.ndarray), need(state, "ends", np.ndarray)
    starts = np.concatenate([[0], ends]) if ends.ndim == 1 else np.zeros(1)
    fit = values.dtype == np.uint8 and ends.dtype == np.int64 and starts[-1] == values.size
    if not fit or (np.diff(starts) < 0).any():
        raise StateError("strings do not end where their bytes do")
    try:
        return unpacked(values, ends)
    except UnicodeDecodeError as error:
        raise StateError(f"strings are not UTF-8: {error}") from error
