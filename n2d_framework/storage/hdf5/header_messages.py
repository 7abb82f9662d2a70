"""The header messages of the profile, each checked to the last byte."""

from __future__ import annotations

import math
import re

import numpy as np

from n2d_framework.core.state import KEY_PATTERN
from n2d_framework.errors import BundleError
from n2d_framework.storage.hdf5 import layout
from n2d_framework.storage.hdf5.cursor import Cursor
from n2d_framework.storage.limits import MAX_CHUNK_BYTES, MAX_RANK

__all__ = [
    "attributes",
    "check_fill_value",
    "check_filters",
    "check_group",
    "dataspace",
    "declared_size",
    "dtype",
    "links",
    "place",
]

_INDEX = re.compile(r"0|[1-9][0-9]{0,6}")


def _name(raw: bytes, path: str, what: str) -> str:
    text = raw.decode("latin-1")
    if not KEY_PATTERN.fullmatch(text) and not _INDEX.fullmatch(text):
        shown = ascii(text if len(text) <= 60 else text[:60] + "...")
        raise BundleError(f"{path}: {shown} is not a valid name of {what}")
    return text


def links(bodies: list[bytes], path: str) -> dict[str, int]:
    """Names and addresses of a group's children, in the order of their creation."""
    found: list[tuple[int, str, int]] = []
    for body in bodies:
        cursor = Cursor(body, path)
        version, flags, order, length = cursor.unpack("BBQB")
        if (version, flags) != (1, 4):
            raise BundleError(
                f"{path}: only plain hard links are allowed (no soft, external or other links)"
            )
        name = _name(cursor.take(length), path, "a child")
        found.append((order, name, cursor.number("Q")))
        cursor.end("a link")
    found.sort()
    if [order for order, _, _ in found] != list(range(len(found))):
        raise BundleError(f"{path}: the order of the children is damaged")
    named = {name: address for _, name, address in found}
    if len(named) != len(found):
        raise BundleError(f"{path}: two children have the same name")
    return named


def check_group(link_info: bytes, group_info: bytes, path: str) -> None:
    """Refuse groups whose links stand anywhere else than in the header."""
    cursor = Cursor(link_info, path)
    cursor.expect(bytes((0, 1)), "the link info")
    cursor.take(8)
    if cursor.unpack("QQ") != (layout.UNDEFINED, layout.UNDEFINED):
        raise BundleError(f"{path}: links must stand in the group's header")
    cursor.end("the link info")
    if group_info != layout.GROUP_INFO:
        raise BundleError(f"{path}: unknown group info")


def attributes(bodies: list[bytes], path: str) -> dict[str, str | int]:
    """Attributes: ASCII texts of fixed length, and unsigned integers of 64 bit."""
    found: dict[str, str | int] = {}
    for body in bodies:
        cursor = Cursor(body, path)
        version, flags, label, code, space, charset = cursor.unpack("BBHHHB")
        if (version, flags, charset) != (3, 0, 0):
            raise BundleError(f"{path}: an attribute of unknown kind")
        name = _name(cursor.take(label).removesuffix(b"\0"), path, "an attribute")
        kind = cursor.take(code)
        if dataspace(cursor.take(space), path) or name in found:
            raise BundleError(f"{path}: the attribute {name!r} is not one value")
        found[name] = _attribute_value(cursor, kind, f"{path}: the attribute {name!r}")
        cursor.end(f"the attribute {name!r}")
    return found


def _attribute_value(cursor: Cursor, kind: bytes, what: str) -> str | int:
    if kind == layout.CODES["uint64"]:
        return cursor.number("Q")
    if kind != layout.string_code(cursor.left):
        raise BundleError(f"{what} is neither a text of fixed length nor an integer of 64 bit")
    try:
        return cursor.take(cursor.left).rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise BundleError(f"{what} is not ASCII") from error


def dtype(body: bytes, path: str) -> np.dtype[np.generic]:
    """Element type; only little-endian integers and IEEE floats exist."""
    found = layout.DTYPES.get(body)
    if found is None:
        raise BundleError(
            f"{path}: elements of a type that bundles do not use; allowed are "
            + ", ".join(layout.CODES)
        )
    return found


def dataspace(body: bytes, path: str) -> tuple[int, ...]:
    """Shape: fixed, with at most ``MAX_RANK`` dimensions."""
    cursor = Cursor(body, path)
    version, rank, flags, kind = cursor.unpack("4B")
    if (version, flags, kind) != (2, 0, 1 if rank else 0) or rank > MAX_RANK:
        raise BundleError(f"{path}: a shape of unknown kind")
    shape = cursor.unpack(f"{rank}Q")
    cursor.end("the shape")
    return shape


def declared_size(shape: tuple[int, ...], itemsize: int, left: int, path: str) -> int:
    """Bytes of an array, refused when they are more than what is left of the limit."""
    # Also bounds shapes such as (2**63, 0), which numpy cannot hold.
    if math.prod(max(length, 1) for length in shape) * itemsize > max(left, 1 << 32):
        raise BundleError(f"{path}: declares the shape {shape}, far more than the file holds")
    size = math.prod(shape) * itemsize
    if size > left:
        raise BundleError(
            f"{path}: declares {size} bytes, {left} are left of the limit for a file of this "
            "size; raise max_bytes if you trust where it comes from"
        )
    return size


def check_fill_value(body: bytes, path: str) -> None:
    """Refuse fill values."""
    if body != layout.FILL_VALUE:
        raise BundleError(f"{path}: unknown fill value")


def place(
    body: bytes, shape: tuple[int, ...], itemsize: int, packed: bool, path: str
) -> tuple[int, int]:
    """Address and stored size of the data: in one piece, or in one compressed chunk."""
    cursor = Cursor(body, path)
    size = math.prod(shape) * itemsize
    if not packed:
        cursor.expect(layout.CONTIGUOUS, "the storage")
        address, stored = cursor.unpack("QQ")
        cursor.end("the storage")
        if stored != size or (not size and address != layout.UNDEFINED):
            raise BundleError(f"{path}: {stored} bytes are stored, the shape needs {size}")
        return address, stored
    cursor.expect(layout.SINGLE_CHUNK, "the storage")
    wanted = (*shape, itemsize)
    rank, field = cursor.unpack("BB")
    known = field in (layout.field_size(wanted), layout.WIDE_FIELD)
    if not 0 < size < MAX_CHUNK_BYTES or rank != len(wanted) or not known:
        raise BundleError(f"{path}: a compressed array of unknown kind")
    dims = tuple(int.from_bytes(cursor.take(field), "little") for _ in wanted)
    index, stored, mask, address = cursor.unpack("BQIQ")
    cursor.end("the storage")
    if dims != wanted or (index, mask) != (1, 0) or not stored > 0:
        raise BundleError(f"{path}: compressed data must stand in one chunk")
    return address, stored


def check_filters(body: bytes, itemsize: int, path: str) -> None:
    """Allow shuffle (for elements of more than one byte), then deflate, and nothing else."""
    wanted = [(layout.SHUFFLE, itemsize)] if itemsize > 1 else []
    cursor = Cursor(body, path)
    if cursor.unpack("BB") != (2, len(wanted) + 1):
        raise BundleError(f"{path}: unknown filters")
    found = [cursor.unpack("HHHI") for _ in range(len(wanted) + 1)]
    cursor.end("the filters")
    kinds = [(kind, value) for kind, _, _, value in found]
    shapes_ok = all((flags, count) == (1, 1) for _, flags, count, _ in found)
    if not shapes_ok or kinds[:-1] != wanted or kinds[-1][0] != layout.DEFLATE:
        raise BundleError(f"{path}: only shuffle and deflate are allowed as filters")
