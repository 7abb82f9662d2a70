"""Numbers and fixed byte strings of the profile (HDF5 File Format Specification 3.0)."""

from __future__ import annotations

import struct
from types import MappingProxyType

import numpy as np

__all__ = [
    "ALIGNMENT",
    "BASE",
    "CODES",
    "CONTIGUOUS",
    "DEFLATE",
    "DTYPES",
    "FILL_VALUE",
    "GROUP_INFO",
    "HEADER_MAGIC",
    "MSG_ATTRIBUTE",
    "MSG_DATASPACE",
    "MSG_DATATYPE",
    "MSG_FILL_VALUE",
    "MSG_FILTERS",
    "MSG_GROUP_INFO",
    "MSG_LAYOUT",
    "MSG_LINK",
    "MSG_LINK_INFO",
    "SHUFFLE",
    "SINGLE_CHUNK",
    "STRING_CODE",
    "SUPERBLOCK",
    "SUPERBLOCK_MAGIC",
    "UNDEFINED",
    "WIDE_FIELD",
    "field_size",
    "string_code",
]

#: HDF5 addresses count from here: the block before it belongs to the bundle.
BASE = 512
ALIGNMENT = 8
UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF

SUPERBLOCK_MAGIC = b"\x89HDF\r\n\x1a\n\x02\x08\x08\x00"
#: Magic with version and sizes; base, extension, end and root addresses. A checksum follows.
SUPERBLOCK = struct.Struct("<12s4Q")
HEADER_MAGIC = b"OHDR\x02\x02"

MSG_DATASPACE = 0x01
MSG_LINK_INFO = 0x02
MSG_DATATYPE = 0x03
MSG_FILL_VALUE = 0x05
MSG_LINK = 0x06
MSG_LAYOUT = 0x08
MSG_GROUP_INFO = 0x0A
MSG_FILTERS = 0x0B
MSG_ATTRIBUTE = 0x0C

#: All links stay in the group's header, whatever their number.
GROUP_INFO = struct.pack("<BBHH", 0, 1, 0xFFFF, 0)
FILL_VALUE = bytes((3, 0x0A))
CONTIGUOUS = bytes((4, 1))
SINGLE_CHUNK = bytes((4, 2, 2))
#: Bytes of the field of each dimension of a chunk in files of format 1.
WIDE_FIELD = 8
SHUFFLE = 2
DEFLATE = 1


def _integer(size: int, signed: bool) -> bytes:
    return struct.pack("<BBHIHH", 0x10, 8 * signed, 0, size, 0, 8 * size)


def _float(size: int, exponent: int, mantissa: int) -> bytes:
    bits = 8 * size
    head = struct.pack("<BBBBI", 0x11, 0x20, bits - 1, 0, size)
    bias = (1 << (exponent - 1)) - 1
    return head + struct.pack("<HHBBBBI", 0, bits, mantissa, exponent, 0, mantissa, bias)


#: Element types of arrays: numpy's name to the bytes of HDF5's datatype message.
CODES = MappingProxyType(
    {
        **{f"int{8 * size}": _integer(size, True) for size in (1, 2, 4, 8)},
        **{f"uint{8 * size}": _integer(size, False) for size in (1, 2, 4, 8)},
        "float16": _float(2, 5, 10),
        "float32": _float(4, 8, 23),
        "float64": _float(8, 11, 52),
    }
)
DTYPES = MappingProxyType({code: np.dtype(name).newbyteorder("<") for name, code in CODES.items()})

#: Fixed-length ASCII text, padded with NUL; its length follows.
STRING_CODE = bytes((0x13, 1, 0, 0))


def field_size(dims: tuple[int, ...]) -> int:
    """Bytes of the field of each dimension of a chunk: as few as the largest one needs.

    HDF5 2.0 refuses any other number; 1.10 to 1.14 read any.
    """
    return (max(dims).bit_length() + 7) // 8


def string_code(size: int) -> bytes:
    """Datatype message of a text of `size` bytes."""
    return STRING_CODE + struct.pack("<I", size)
