"""Write a tree as one HDF5 image with deterministic bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import attrs

from n2d_framework.errors import StateError
from n2d_framework.storage.hdf5 import layout
from n2d_framework.storage.hdf5.checksum import lookup3
from n2d_framework.storage.hdf5.filters import LEVEL, Packer
from n2d_framework.storage.limits import MAX_NODES, MAX_RANK
from n2d_framework.storage.state_tree import Branch, Leaf, Node
from n2d_framework.types import AnyArray

__all__ = ["write_tree"]


def write_tree(root: Branch) -> bytes:
    """Write `root` as an HDF5 image to be put behind a block of 512 bytes.

    Parameters
    ----------
    root : Branch
        The root group.

    Returns
    -------
    bytes
        The same tree gives the same bytes, in any process and on any machine.

    Raises
    ------
    StateError
        If there are more nodes or dimensions than the format allows.
    """
    image = _Image()
    address = image.node(root)
    end = layout.BASE + image.size
    block = layout.SUPERBLOCK.pack(
        layout.SUPERBLOCK_MAGIC, layout.BASE, layout.UNDEFINED, end, address
    )
    image.parts[0] = _sealed(block)
    return b"".join(image.parts)


def _sealed(block: bytes) -> bytes:
    return block + struct.pack("<I", lookup3(block))


@attrs.define
class _Image:
    """The image so far; addresses count from its beginning."""

    parts: list[bytes] = attrs.field(factory=lambda: [bytes(layout.SUPERBLOCK.size + 4)])
    size: int = layout.SUPERBLOCK.size + 4
    nodes: int = 0
    packer: Packer = attrs.field(factory=Packer)

    def append(self, data: bytes) -> int:
        """Put `data` at the end, aligned, and return its address."""
        gap = -self.size % layout.ALIGNMENT
        address = self.size + gap
        self.parts += (bytes(gap), data)
        self.size = address + len(data)
        return address

    def node(self, node: Node) -> int:
        """Write a node after all its children and return its address."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise StateError(
                f"state {node.path}: more than {MAX_NODES} values; "
                "join small arrays into larger ones"
            )
        body = self._branch(node) if isinstance(node, Branch) else self._leaf(node)
        messages = b"".join(_message(kind, data) for kind, data in (*body, *_attributes(node)))
        head = layout.HEADER_MAGIC + struct.pack("<I", len(messages))
        return self.append(_sealed(head + messages))

    def _branch(self, node: Branch) -> list[tuple[int, bytes]]:
        links = [
            (layout.MSG_LINK, _link(index, name, self.node(child)))
            for index, (name, child) in enumerate(node.children.items())
        ]
        info = struct.pack("<BBQQQ", 0, 1, len(links), layout.UNDEFINED, layout.UNDEFINED)
        return [(layout.MSG_LINK_INFO, info), (layout.MSG_GROUP_INFO, layout.GROUP_INFO), *links]

    def _leaf(self, node: Leaf) -> list[tuple[int, bytes]]:
        array = node.read()
        if array.ndim > MAX_RANK:
            raise StateError(
                f"state {node.path}: {array.ndim} dimensions; at most {MAX_RANK} can be stored"
            )
        return [
            (layout.MSG_DATASPACE, _dataspace(array.shape)),
            (layout.MSG_DATATYPE, layout.CODES[array.dtype.name]),
            (layout.MSG_FILL_VALUE, layout.FILL_VALUE),
            *self._storage(array),
        ]

    def _storage(self, array: AnyArray) -> list[tuple[int, bytes]]:
        packed = self.packer.pack(array) if array.ndim else None
        if packed is not None:
            chunk = _single_chunk(array, len(packed), self.append(packed))
            return [(layout.MSG_LAYOUT, chunk), (layout.MSG_FILTERS, _filters(array.itemsize))]
        address = self.append(array.tobytes()) if array.size else layout.UNDEFINED
        place = layout.CONTIGUOUS + struct.pack("<QQ", address, array.nbytes)
        return [(layout.MSG_LAYOUT, place)]


def _message(kind: int, data: bytes) -> bytes:
    return struct.pack("<BHB", kind, len(data), 0) + data


def _link(index: int, name: str, address: int) -> bytes:
    text = name.encode("ascii")
    return struct.pack("<BBQB", 1, 4, index, len(text)) + text + struct.pack("<Q", address)


def _dataspace(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f"<4B{len(shape)}Q", 2, len(shape), 0, 1 if shape else 0, *shape)


def _single_chunk(array: AnyArray, stored: int, address: int) -> bytes:
    dims = (*array.shape, array.itemsize)
    size = layout.field_size(dims)
    head = layout.SINGLE_CHUNK + bytes((len(dims), size))
    fields = b"".join(extent.to_bytes(size, "little") for extent in dims)
    return head + fields + struct.pack("<BQIQ", 1, stored, 0, address)


def _filters(itemsize: int) -> bytes:
    used = [(layout.SHUFFLE, itemsize)] if itemsize > 1 else []
    used.append((layout.DEFLATE, LEVEL))
    head = struct.pack("<BB", 2, len(used))
    return head + b"".join(struct.pack("<HHHI", kind, 1, 1, value) for kind, value in used)


def _attributes(node: Node) -> Iterable[tuple[int, bytes]]:
    for name, value in node.attributes.items():
        if isinstance(value, int):
            code, data = layout.CODES["uint64"], struct.pack("<Q", value)
        else:
            data = value.encode("ascii") or b"\0"
            code = layout.string_code(len(data))
        label = name.encode("ascii") + b"\0"
        space = _dataspace(())
        head = struct.pack("<BBHHHB", 3, 0, len(label), len(code), len(space), 0)
        yield layout.MSG_ATTRIBUTE, head + label + code + space + data
