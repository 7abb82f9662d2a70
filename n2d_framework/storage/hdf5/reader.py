"""Read the profile of HDF5 that bundles use into an inert tree, and refuse anything else.

Pure Python on purpose: the HDF5 library is not made for files from untrusted sources. Nothing here
allocates what a file declares before the declaration has been checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from n2d_framework.errors import BundleError
from n2d_framework.storage.hdf5 import header_messages, layout
from n2d_framework.storage.hdf5.cursor import Cursor
from n2d_framework.storage.hdf5.data import Place, read_place
from n2d_framework.storage.hdf5.extents import Extents
from n2d_framework.storage.limits import MAX_DEPTH, MAX_NODES, declared_limit
from n2d_framework.storage.state_tree import Branch, Leaf, Node

__all__ = ["read_tree"]

_Messages: TypeAlias = Mapping[int, list[bytes]]

_GROUP = (layout.MSG_LINK_INFO, layout.MSG_GROUP_INFO)
_DATASET = (
    layout.MSG_DATASPACE,
    layout.MSG_DATATYPE,
    layout.MSG_FILL_VALUE,
    layout.MSG_LAYOUT,
)


def read_tree(image: memoryview, *, file_size: int, max_bytes: int) -> Branch:
    """Read an HDF5 image of the profile.

    Parameters
    ----------
    image : memoryview
        The bytes behind the block of 512.
    file_size : int
        Size of the whole file, from which the limit on declared sizes follows.
    max_bytes : int
        Further limit on declared sizes.

    Returns
    -------
    Branch
        The root group. Arrays are read when asked for.

    Raises
    ------
    BundleError
        If anything is not as the profile says, with the path.
    """
    cursor = Cursor(image, "/")
    cursor.expect(layout.SUPERBLOCK_MAGIC, "the superblock")
    base, extension, end, root = cursor.unpack("4Q")
    cursor.take(4)
    if (base, extension, end) != (layout.BASE, layout.UNDEFINED, layout.BASE + len(image)):
        raise BundleError("/: the addresses in the superblock do not fit the file")
    reader = _Reader(image, Extents(len(image)), declared_limit(file_size, max_bytes))
    reader.extents.claim(0, cursor.position, "/")
    tree = reader.node(root, "", 0)
    if not isinstance(tree, Branch):
        raise BundleError("/: the root is not a group")
    return tree


@attrs.define
class _Reader:
    image: memoryview
    extents: Extents
    declared_left: int
    nodes: int = 0

    def node(self, address: int, path: str, depth: int) -> Node:
        name = path or "/"
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise BundleError(f"{name}: more than {MAX_NODES} groups and datasets")
        # The root and the parts stand above the first level of a state.
        if depth > MAX_DEPTH + 2:
            raise BundleError(f"{name}: nested deeper than {MAX_DEPTH} levels")
        found = self.messages(address, name)
        attributes = header_messages.attributes(found.pop(layout.MSG_ATTRIBUTE, []), name)
        if layout.MSG_LINK_INFO in found:
            return self.branch(found, attributes, path, depth)
        return self.leaf(found, attributes, name)

    def messages(self, address: int, path: str) -> dict[int, list[bytes]]:
        """All messages of an object header, by kind."""
        if address > len(self.image):
            raise BundleError(f"{path}: points behind the end of the file")
        head = Cursor(self.image[address:], path)
        head.expect(layout.HEADER_MAGIC, "an object header")
        size = head.number("I")
        # The checksum of four bytes behind a header is covered by the file's digest.
        self.extents.claim(address, head.position + size + 4, path)
        body = Cursor(bytes(self.image[address + head.position :][:size]), path)
        found: dict[int, list[bytes]] = defaultdict(list)
        while body.left:
            kind, length, flags = body.unpack("BHB")
            if flags:
                raise BundleError(f"{path}: a header message has the unknown flags {flags}")
            found[kind].append(body.take(length))
        return dict(found)

    def branch(
        self, found: _Messages, attributes: Mapping[str, str | int], path: str, depth: int
    ) -> Branch:
        name = path or "/"
        _check_kinds(found, _GROUP, name)
        links = header_messages.links(found.get(layout.MSG_LINK, []), name)
        header_messages.check_group(
            found[layout.MSG_LINK_INFO][0], found[layout.MSG_GROUP_INFO][0], name
        )
        children = {
            link: self.node(address, f"{path}/{link}", depth + 1) for link, address in links.items()
        }
        return Branch(path=name, attributes=attributes, children=children)

    def leaf(self, found: _Messages, attributes: Mapping[str, str | int], path: str) -> Leaf:
        _check_kinds(found, _DATASET, path, optional=layout.MSG_FILTERS)
        dtype = header_messages.dtype(found[layout.MSG_DATATYPE][0], path)
        shape = header_messages.dataspace(found[layout.MSG_DATASPACE][0], path)
        header_messages.check_fill_value(found[layout.MSG_FILL_VALUE][0], path)
        size = header_messages.declared_size(shape, dtype.itemsize, self.declared_left, path)
        self.declared_left -= size
        filters = found.get(layout.MSG_FILTERS)
        address, stored = header_messages.place(
            found[layout.MSG_LAYOUT][0], shape, dtype.itemsize, filters is not None, path
        )
        if filters is not None:
            header_messages.check_filters(filters[0], dtype.itemsize, path)
        if stored:
            self.extents.claim(address, stored, path)
        data = self.image[address : address + stored] if stored else self.image[:0]
        where = Place(data=data, dtype=dtype, shape=shape, packed=filters is not None, path=path)
        return Leaf(
            path=path,
            attributes=attributes,
            dtype=dtype,
            shape=shape,
            stored=stored,
            read=lambda: read_place(where),
        )


def _check_kinds(
    found: _Messages, needed: tuple[int, ...], path: str, *, optional: int | None = None
) -> None:
    """Refuse missing, repeated and foreign header messages."""
    for kind in needed:
        if kind not in found:
            raise BundleError(f"{path}: the header message {kind:#x} is missing")
    for kind, bodies in found.items():
        known = kind in needed or kind == optional
        if kind == layout.MSG_LINK and layout.MSG_LINK_INFO in needed:
            continue
        if not known:
            raise BundleError(f"{path}: header messages of kind {kind:#x} do not belong here")
        if len(bodies) > 1:
            raise BundleError(f"{path}: the header message {kind:#x} occurs {len(bodies)} times")
