"""Tools of an attacker: images with correct digests whose structure is wrong."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable
from typing import Any

import attrs
import h5py
import numpy as np

from n2d_framework.storage import header
from n2d_framework.storage.elements import CODECS, Writing
from n2d_framework.storage.hdf5 import layout, writer
from n2d_framework.storage.hdf5.checksum import lookup3
from n2d_framework.storage.state_tree import Branch, Leaf, Node

Message = tuple[int, bytes]
Edit = Callable[[Node, list[Message]], list[Message]]

ROOT = {
    "format": "n2d bundle",
    "format_version": header.FORMAT_VERSION,
    "kind": "bundle",
    "framework_version": "",
    "created": "",
}


def sealed(payload: bytes, kind: str = "bundle") -> bytes:
    """`payload` behind a header with its correct digest."""
    return header.pack(kind, payload) + payload


def reseal(image: bytes) -> bytes:
    """Repair the digest of a mutated image, and all checksums of HDF5's headers."""
    payload = bytearray(image[header.HEADER_SIZE :])
    starts = [0, *(match.start() for match in re.finditer(layout.HEADER_MAGIC, payload))]
    for start in starts:
        size = layout.SUPERBLOCK.size if not start else 10 + _field(payload, start + 6)
        if start + size + 4 <= len(payload) and size < 1 << 16:
            block = bytes(payload[start : start + size])
            struct.pack_into("<I", payload, start + size, lookup3(block))
    return sealed(bytes(payload))


def _field(payload: bytearray, start: int) -> int:
    return int.from_bytes(payload[start : start + 4], "little")


def node(value: Any, path: str = "/x") -> Node:
    """A value as the framework would store it."""
    return CODECS.write(value, path, Writing(child=CODECS.write))


def leaf(array: np.ndarray, path: str = "/x", **attributes: str | int) -> Leaf:
    """A dataset with any attributes."""
    found = attributes or {"type": "array", "version": 1}
    return Leaf(
        path=path, attributes=found, dtype=array.dtype, shape=array.shape, read=lambda: array
    )


def text(content: str | bytes) -> Leaf:
    """A JSON text that is stored as it is."""
    raw = content.encode() if isinstance(content, str) else content
    return leaf(np.frombuffer(raw, np.uint8), "/t", type="plain", version=1)


def branch(children: dict[str, Node], **attributes: str | int) -> Branch:
    """A group with any attributes."""
    found = attributes or {"type": "mapping", "version": 1}
    return Branch(path="/g", attributes=found, children=children)


def root(children: dict[str, Node] | None = None, **attributes: str | int) -> Branch:
    """A root with a manifest, unless `children` says otherwise."""
    inside: dict[str, Node] = {"manifest": text("{}")} if children is None else children
    return Branch(path="/", attributes=ROOT | attributes, children=inside)


def with_part(child: Node) -> Branch:
    """A root with a manifest and the part ``p``, which holds `child` as ``x``."""
    return root({"manifest": text("{}"), "p": branch({"x": child})})


@attrs.define
class Forge(writer._Image):
    """The framework's writer, with every node's header messages passing an editor."""

    edit: Edit = lambda node, messages: messages

    def _branch(self, node: Branch) -> list[Message]:
        return self.edit(node, writer._Image._branch(self, node))

    def _leaf(self, node: Leaf) -> list[Message]:
        return self.edit(node, writer._Image._leaf(self, node))


def forge(tree: Branch, edit: Edit | None = None) -> bytes:
    """Write a tree with edited messages, correct checksums and a correct digest."""
    image = Forge() if edit is None else Forge(edit=edit)
    address = image.node(tree)
    block = layout.SUPERBLOCK.pack(
        layout.SUPERBLOCK_MAGIC,
        layout.BASE,
        layout.UNDEFINED,
        layout.BASE + image.size,
        address,
    )
    image.parts[0] = writer._sealed(block)
    return sealed(b"".join(image.parts))


def root_address(image: bytes) -> int:
    """Address of the root group."""
    return int(struct.unpack_from("<Q", image, header.HEADER_SIZE + 12 + 24)[0])


def at(path: str, kind: int, change: Callable[[bytes], bytes | None]) -> Edit:
    """Change (or, with ``None``, remove) the messages of one kind in the node at `path`."""

    def edit(found: Node, messages: list[Message]) -> list[Message]:
        if found.path != path:
            return messages
        changed = [(number, change(data) if number == kind else data) for number, data in messages]
        return [(number, data) for number, data in changed if data is not None]

    return edit


def adding(path: str, *more: Message) -> Edit:
    """Add messages to the node at `path`."""
    return lambda found, messages: [*messages, *(more if found.path == path else ())]


def h5py_image(make: Callable[[h5py.File], None], **options: Any) -> bytes:
    """An image that the HDF5 library wrote, behind a correct header."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512, **options) as file:
        for name, value in ROOT.items():
            file.attrs[name] = np.bytes_(value) if isinstance(value, str) else np.uint64(value)
        manifest = file.create_dataset("manifest", data=np.frombuffer(b"{}", np.uint8))
        _label(manifest, "plain")
        part = file.create_group("p")
        _label(part, "mapping")
        make(file)
    return sealed(buffer.getvalue()[512:])


def _label(item: Any, kind: str) -> None:
    item.attrs["type"] = np.bytes_(kind)
    item.attrs["version"] = np.uint64(1)
