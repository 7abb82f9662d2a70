"""The 512 bytes in front: what the file is, how long it is, and its digest.

Everything here is checked before anything behind it is looked at.
"""

from __future__ import annotations

import hashlib
import re

import attrs

from n2d_framework.errors import BundleError

__all__ = [
    "ALTERED",
    "FORMAT_NAME",
    "FORMAT_VERSION",
    "HEADER_SIZE",
    "Header",
    "check",
    "check_length",
    "check_start",
    "pack",
]

FORMAT_NAME = "n2d bundle"
#: The newest version of the format, and the only one that is written; older ones are read.
FORMAT_VERSION = 2
HEADER_SIZE = 512

#: What is said of a file whose digest is another one than it should be.
ALTERED = "the file was altered or damaged (its SHA-256 differs); get it again"

_MAGIC = FORMAT_NAME.encode() + b"\n"
_VERSION = re.compile(rb"format ([1-9][0-9]{0,8})\n")
_REST = re.compile(
    rb"kind ([a-z][a-z0-9-]{0,31})\nlength (0|[1-9][0-9]{0,18})\nsha256 ([0-9a-f]{64})\n(\0+)"
)
_OTHERS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file of another program",
    b"PK\x03\x04": "a zip archive (perhaps of keras, numpy or skops)",
    b"\x93NUMPY": "a numpy array",
    b"\x80": "a pickle (which is never opened here)",
}


@attrs.frozen
class Header:
    """Fields of the first 512 bytes.

    Attributes
    ----------
    version : int
        Version of the format.
    kind : str
        What the file is for: ``"bundle"`` for a fitted model.
    length : int
        Bytes behind the header.
    digest : str
        SHA-256 of the bytes behind the header, hexadecimal.
    """

    version: int
    kind: str
    length: int
    digest: str


def pack(kind: str, payload: bytes) -> bytes:
    """The header of `payload`."""
    lines = (
        f"{FORMAT_NAME}\nformat {FORMAT_VERSION}\nkind {kind}\nlength {len(payload)}\n"
        f"sha256 {hashlib.sha256(payload).hexdigest()}\n"
    )
    return lines.encode("ascii").ljust(HEADER_SIZE, b"\0")


def check(data: memoryview, kind: str | None) -> Header:
    """Check a whole file: what it is, its version, kind, length and digest, in that order.

    Parameters
    ----------
    data : memoryview
        The file.
    kind : str or None
        What it must be for; ``None`` accepts any.

    Returns
    -------
    Header

    Raises
    ------
    BundleError
        Saying what the file is instead, what is newer, missing, or altered.
    """
    header = check_start(bytes(data[:HEADER_SIZE]), kind)
    check_length(header, len(data))
    if hashlib.sha256(data[HEADER_SIZE:]).hexdigest() != header.digest:
        raise BundleError(ALTERED)
    return header


def check_start(data: bytes, kind: str | None) -> Header:
    """Check the first 512 bytes alone; arguments and errors as :func:`check`."""
    version, position = _version(data)
    if version > FORMAT_VERSION:
        raise BundleError(
            f"the file has format version {version}; this n2d_framework reads up to "
            f"{FORMAT_VERSION}: upgrade n2d_framework to open it"
        )
    match = _REST.fullmatch(data, position)
    if match is None or len(data) < HEADER_SIZE:
        raise BundleError("the first 512 bytes are damaged; get the file again")
    header = Header(version, match[1].decode(), int(match[2]), match[3].decode())
    if kind is not None and header.kind != kind:
        raise BundleError(f"the file holds a {header.kind!r}, not a {kind!r}")
    return header


def check_length(header: Header, size: int) -> None:
    """Refuse a file of another size than its first 512 bytes say."""
    if size - HEADER_SIZE != header.length:
        raise BundleError(
            "the file is truncated or something was appended: "
            f"{size - HEADER_SIZE} bytes instead of {header.length}; get the file again"
        )


def _version(head: bytes) -> tuple[int, int]:
    if not head:
        raise BundleError("the file is empty")
    if not head.startswith(_MAGIC):
        other = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")
        raise BundleError(f"this is not an n2d bundle{', but ' + other if other else ''}")
    match = _VERSION.match(head, len(_MAGIC))
    if match is None:
        raise BundleError("the first 512 bytes are damaged; get the file again")
    return int(match[1]), match.end()
