"""Reading fields of a byte string without ever leaving it."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import attrs

from n2d_framework.errors import BundleError

__all__ = ["Cursor"]


@lru_cache(maxsize=256)
def _fields(form: str) -> struct.Struct:
    return struct.Struct("<" + form)


@attrs.define
class Cursor:
    """A position in bytes that come from an untrusted source.

    Attributes
    ----------
    data : bytes or memoryview
    path : str
        What is being read, for the messages.
    position : int
    """

    data: bytes | memoryview
    path: str
    position: int = 0

    @property
    def left(self) -> int:
        """Number of bytes that follow."""
        return len(self.data) - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self._advance(count)
        return bytes(self.data[start : self.position])

    def unpack(self, form: str) -> tuple[Any, ...]:
        """The next fields, little-endian, in the notation of :mod:`struct`."""
        fields = _fields(form)
        return fields.unpack_from(self.data, self._advance(fields.size))

    def _advance(self, count: int) -> int:
        start = self.position
        end = start + count
        if end > len(self.data):
            raise BundleError(f"{self.path}: the file is damaged (a header ends too early)")
        self.position = end
        return start

    def number(self, form: str) -> int:
        """The next field, an integer."""
        return int(self.unpack(form)[0])

    def expect(self, fixed: bytes, what: str) -> None:
        """Refuse anything but the bytes `fixed`."""
        found = self.take(len(fixed))
        if found != fixed:
            raise BundleError(
                f"{self.path}: {what} is not of the kind that bundles use "
                f"({found.hex()} instead of {fixed.hex()})"
            )

    def end(self, what: str) -> None:
        """Refuse bytes behind what was read."""
        if self.left:
            raise BundleError(f"{self.path}: {what} has {self.left} bytes too many")
