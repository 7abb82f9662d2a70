"""Structural attacks, each with a correct digest; every one must end in BundleError."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator

import forging as f
import h5py
import numpy as np

from n2d_framework.storage import header
from n2d_framework.storage.hdf5 import layout, writer

Attack = tuple[str, Callable[[], bytes]]

_DATA = np.arange(2000, dtype=np.float32)  # compressed
_FEW = np.arange(4, dtype=np.float32)  # contiguous
_BIG = 1 << 62


def attacks() -> Iterator[Attack]:
    """All structural attacks, by name."""
    yield from _shapes()
    yield from _bombs()
    yield from _links()
    yield from _messages()
    yield from _datatypes()
    yield from _attributes()
    yield from _texts()
    yield from _elements()
    yield from _roots()
    yield from _library_files()


def _packed() -> f.Branch:
    return f.with_part(f.leaf(_DATA))


def _plain() -> f.Branch:
    return f.with_part(f.leaf(_FEW))


def _shapes() -> Iterator[Attack]:
    for name, shape in {
        "huge": (1 << 40,),
        "overflowing": (_BIG, _BIG),
        "largest": (2**64 - 1,) * 3,
        "larger than the chunk": (4000,),
        "empty but huge": (_BIG, 0),
        "2 GiB": (1 << 29,),
    }.items():
        space = writer._dataspace(shape)
        for tree in (_packed, _plain):
            edit = f.at("/x", layout.MSG_DATASPACE, lambda _, space=space: space)
            yield f"shape {name} {tree.__name__}", lambda tree=tree, e=edit: f.forge(tree(), e)
    for name, space in {
        "maximal sizes": struct.pack("<4B2Q", 2, 1, 1, 1, 4, 4),
        "null": bytes((2, 0, 0, 2)),
        "version 1": struct.pack("<4B4xQ", 1, 1, 0, 0, 4),
        "rank 255": bytes((2, 255, 0, 1)),
        "too short": bytes((2, 1, 0, 1)),
        "too long": writer._dataspace((4,)) + b"\0",
        "empty": b"",
    }.items():
        edit = f.at("/x", layout.MSG_DATASPACE, lambda _, space=space: space)
        yield f"dataspace {name}", lambda e=edit: f.forge(_plain(), e)


def _chunk(data: bytes, size: int) -> bytes:
    """A file whose one array of `size` bytes is stored as the compressed `data`."""
    tree = f.with_part(f.leaf(np.zeros(400, np.uint8)))

    def place(self: f.Forge, array: np.ndarray) -> list[f.Message]:
        address = self.append(data)
        head = layout.SINGLE_CHUNK + bytes((2, 8))
        chunk = head + struct.pack("<2QBQIQ", size, 1, 1, len(data), 0, address)
        return [(layout.MSG_LAYOUT, chunk), (layout.MSG_FILTERS, writer._filters(1))]

    class Bomb(f.Forge):
        def _storage(self, array: np.ndarray) -> list[f.Message]:
            return place(self, array) if len(array) == 400 else super()._storage(array)

    original, f.Forge = f.Forge, Bomb
    try:
        space = writer._dataspace((size,))
        return f.forge(tree, f.at("/x", layout.MSG_DATASPACE, lambda _: space))
    finally:
        f.Forge = original


def _bombs() -> Iterator[Attack]:
    zeros = zlib.compress(bytes(200 << 20), 9)
    yield "bomb that says so", lambda: _chunk(zeros, 200 << 20)
    yield "bomb that lies", lambda: _chunk(zeros, 1000)
    yield "stream too short", lambda: _chunk(zlib.compress(bytes(999)), 1000)
    yield "stream one too long", lambda: _chunk(zlib.compress(bytes(1001)), 1000)
    yield "stream with a tail", lambda: _chunk(zlib.compress(bytes(1000)) + b"x", 1000)
    yield "stream without an end", lambda: _chunk(zlib.compress(bytes(1000))[:-2], 1000)
    yield "no stream", lambda: _chunk(b"nonsense", 1000)


def _links() -> Iterator[Attack]:
    def link(raw: bytes) -> Callable[[], bytes]:
        return lambda: f.forge(_plain(), f.at("/g", layout.MSG_LINK, lambda _: raw))

    yield "soft link", link(struct.pack("<BBBQB", 1, 0x0C, 1, 0, 1) + b"x" + b"\x02\0/p")
    yield "soft link without order", link(bytes((1, 8, 1, 1)) + b"x" + b"\x02\0/p")
    yield "external link", link(struct.pack("<BBBQB", 1, 0x0C, 64, 0, 1) + b"x\x06\0\0a.h5\0x")
    names = [
        b"../../x",
        b"..",
        b".",
        b"a/b",
        b"/etc/passwd",
        b"",
        b"a\0b",
        b"\xff",
        b"a b",
        b"x" * 255,
    ]
    for name in names:
        yield (
            f"name {name[:12]!r}",
            link(struct.pack("<BBQB", 1, 4, 0, len(name)) + name + bytes(8)),
        )
    yield "name longer than the message", link(struct.pack("<BBQB", 1, 4, 0, 200) + b"x")
    for address in (layout.UNDEFINED, 1 << 40, 0, 1, 7):
        yield f"link to {address:#x}", link(writer._link(0, "x", address))
    yield "wrong order", link(writer._link(5, "x", 48))
    yield "cycle to the root", _cycle
    yield "one object by two names", _shared
    yield (
        "two children of one name",
        lambda: f.forge(
            f.with_part(f.branch({"a": f.text("1"), "b": f.text("2")})),
            lambda node, messages: [
                (kind, data.replace(b"\x01b", b"\x01a") if kind == layout.MSG_LINK else data)
                for kind, data in messages
            ],
        ),
    )
    yield "too deep", lambda: f.forge(f.with_part(_nested(40)))
    yield (
        "heap of links",
        lambda: f.forge(
            _plain(),
            f.at("/g", layout.MSG_LINK_INFO, lambda _: struct.pack("<BBQQQ", 0, 1, 1, 48, 48)),
        ),
    )


def _nested(depth: int) -> f.Node:
    found: f.Node = f.leaf(_FEW)
    for _ in range(depth):
        found = f.branch({"a": found})
    return found


def _cycle() -> bytes:
    address = f.root_address(f.forge(_plain()))
    change = f.at("/g", layout.MSG_LINK, lambda _: writer._link(0, "x", address))
    return f.forge(_plain(), change)


def _shared() -> bytes:
    tree = f.with_part(f.branch({"a": f.text("1"), "b": f.text("2")}))

    def edit(node: f.Node, messages: list[f.Message]) -> list[f.Message]:
        links = [data for kind, data in messages if kind == layout.MSG_LINK]
        if len(links) != 2 or node.path == "/":
            return messages
        again = links[1][:-8] + links[0][-8:]
        return [(kind, again if data == links[1] else data) for kind, data in messages]

    return f.forge(tree, edit)


def _single_chunk(field: int) -> bytes:
    """Layout of one compressed chunk whose dimensions take `field` bytes each."""
    dims = b"".join((4).to_bytes(field, "little") if field else b"" for _ in range(2))
    return layout.SINGLE_CHUNK + bytes((2, field)) + dims + struct.pack("<BQIQ", 1, 9, 0, 48)


def _messages() -> Iterator[Attack]:
    for kind, name in {
        0x00: "nil",
        0x07: "external file list",
        0x0D: "comment",
        0x0F: "shared message table",
        0x10: "continuation",
        0x11: "symbol table",
        0x12: "modification time",
        0x15: "attribute info",
        0xEE: "unknown",
    }.items():
        for path in ("/", "/g", "/x"):
            edit = f.adding(path, (kind, bytes(16)))
            yield f"message {name} in {path}", lambda e=edit: f.forge(_plain(), e)
    for kind in (1, 3, 5, 8, 11):
        gone = f.at("/x", kind, lambda _: None)
        twice = f.adding("/x", (kind, b""))
        yield f"message {kind} missing", lambda e=gone: f.forge(_packed(), e)
        yield f"message {kind} twice", lambda e=twice: f.forge(_packed(), e)
    contiguous = layout.CONTIGUOUS
    for name, raw in {
        "compact": bytes((4, 0, 4, 0)) + bytes(4),
        "virtual": struct.pack("<BBQI", 4, 3, 48, 0),
        "version 3 chunked": struct.pack("<BBBQ2I", 3, 2, 2, 48, 4, 4),
        "dimensions of 3 bytes": _single_chunk(3),
        "dimensions of 0 bytes": _single_chunk(0),
        "dimensions of 255 bytes": _single_chunk(255),
        "version 5": b"\5" + _single_chunk(1)[1:],
        "fixed array of chunks": bytes((4, 2, 0, 2, 8)) + struct.pack("<2QBBQ", 4, 4, 3, 10, 48),
        "too small": contiguous + struct.pack("<QQ", 48, 15),
        "too large": contiguous + struct.pack("<QQ", 48, 1 << 40),
        "behind the end": contiguous + struct.pack("<QQ", 1 << 40, 16),
        "wrapping around": contiguous + struct.pack("<QQ", 2**64 - 8, 16),
        "in the superblock": contiguous + struct.pack("<QQ", 0, 16),
        "in a header": contiguous + struct.pack("<QQ", 70, 16),
        "undefined": contiguous + struct.pack("<QQ", layout.UNDEFINED, 16),
    }.items():
        edit = f.at("/x", layout.MSG_LAYOUT, lambda _, raw=raw: raw)
        yield f"layout {name}", lambda e=edit: f.forge(_plain(), e)
    one = struct.Struct("<HHHI")
    for name, raw in {
        "szip": b"\2\1" + one.pack(4, 1, 1, 4),
        "scale-offset": b"\2\1" + one.pack(6, 1, 1, 4),
        "a plugin": b"\2\1" + struct.pack("<HHHHI", 32000, 0, 1, 1, 4),
        "none": b"\2\0",
        "deflate before shuffle": b"\2\2" + one.pack(1, 1, 1, 4) + one.pack(2, 1, 1, 4),
        "wrong shuffle": b"\2\2" + one.pack(2, 1, 1, 3) + one.pack(1, 1, 1, 4),
        "many": b"\2\xff" + one.pack(1, 1, 1, 4) * 255,
        "version 1": b"\1\2" + bytes(6) + one.pack(2, 1, 1, 4) + one.pack(1, 1, 1, 4),
    }.items():
        edit = f.at("/x", layout.MSG_FILTERS, lambda _, raw=raw: raw)
        yield f"filters {name}", lambda e=edit: f.forge(_packed(), e)
    edit = f.at("/x", layout.MSG_FILL_VALUE, lambda _: b"\3\x2a\4\0\0\0abcd")
    yield "fill value", lambda: f.forge(_plain(), edit)


def _datatypes() -> Iterator[Attack]:
    made = {
        "big-endian": struct.pack("<BBHIHH", 0x10, 9, 0, 4, 0, 32),
        "3-byte integer": struct.pack("<BBHIHH", 0x10, 8, 0, 3, 0, 24),
        "0-byte integer": struct.pack("<BBHIHH", 0x10, 8, 0, 0, 0, 0),
        "bit field": struct.pack("<BBHIHH", 0x14, 0, 0, 4, 0, 32),
        "odd float": layout.CODES["float32"][:-1] + b"\1",
        "string": layout.string_code(4),
        "time": struct.pack("<BBHIH", 0x12, 0, 0, 4, 32),
        "empty": b"",
        "half": layout.CODES["float32"][:8],
    }
    library = {
        "vlen text": h5py.string_dtype(),
        "vlen numbers": h5py.vlen_dtype(np.int32),
        "compound": np.dtype([("a", "<i4"), ("b", "<f8")]),
        "object reference": h5py.ref_dtype,
        "region reference": h5py.regionref_dtype,
        "enum": h5py.enum_dtype({"a": 1}),
        "opaque": np.dtype("V4"),
        "array": np.dtype(("<i4", (4,))),
        "complex": np.dtype("<c8"),
    }
    for name, raw in made.items():
        edit = f.at("/x", layout.MSG_DATATYPE, lambda _, raw=raw: raw)
        yield f"datatype {name}", lambda e=edit: f.forge(_plain(), e)
    for name, dtype in library.items():
        # What H5Tencode gives is two bytes and then the datatype message.
        raw = h5py.h5t.py_create(dtype, logical=True).encode()[2:]
        edit = f.at("/x", layout.MSG_DATATYPE, lambda _, raw=raw: raw)
        yield f"datatype {name}", lambda e=edit: f.forge(_plain(), e)


def _attributes() -> Iterator[Attack]:
    for name, labels in {
        "nothing": {"version": 1},
        "no version": {"type": "array"},
        "numeric type": {"type": 1, "version": 1},
        "text version": {"type": "array", "version": "1"},
        "version 0": {"type": "array", "version": 0},
        "newer version": {"type": "array", "version": 2},
        "largest version": {"type": "array", "version": 2**64 - 1},
        "unknown type": {"type": "pickle", "version": 1},
        "python type": {"type": "builtins.eval", "version": 1},
        "one more": {"type": "array", "version": 1, "more": "x"},
        "bool type on floats": {"type": "bool-array", "version": 1},
        "plain type on floats": {"type": "plain", "version": 1},
        "mapping type on a dataset": {"type": "mapping", "version": 1},
    }.items():
        tree = f.with_part(f.leaf(_FEW, **labels))
        yield f"attributes: {name}", lambda tree=tree: f.forge(tree)
    space, int_code = writer._dataspace(()), layout.CODES["uint64"]
    head = struct.Struct("<BBHHHB")
    vlen = h5py.h5t.py_create(h5py.string_dtype(), logical=True).encode()[2:]
    for name, raw in {
        "vlen text": head.pack(3, 0, 5, len(vlen), 4, 0) + b"more\0" + vlen + space + bytes(16),
        "array": head.pack(3, 0, 5, 12, 12, 0)
        + b"more\0"
        + int_code
        + writer._dataspace((9,))
        + bytes(72),
        "shared type": head.pack(3, 1, 5, 12, 4, 0) + b"more\0" + int_code + space + bytes(8),
        "version 1": head.pack(1, 0, 5, 12, 4, 0) + b"more\0" + int_code + space + bytes(8),
        "too short": head.pack(3, 0, 5, 12, 4, 0) + b"more\0" + int_code + space,
        "too long": head.pack(3, 0, 5, 12, 4, 0) + b"more\0" + int_code + space + bytes(9),
        "bad name": head.pack(3, 0, 5, 12, 4, 0) + b"../a\0" + int_code + space + bytes(8),
        "twice": head.pack(3, 0, 8, 12, 4, 0) + b"version\0" + int_code + space + bytes(8),
        "huge name": head.pack(3, 0, 65535, 12, 4, 0) + b"x",
        "empty": b"",
        "not ASCII": head.pack(3, 0, 5, 8, 4, 0)
        + b"more\0"
        + layout.string_code(1)
        + space
        + b"\xff",
    }.items():
        edit = f.adding("/x", (layout.MSG_ATTRIBUTE, raw))
        yield f"attribute {name}", lambda e=edit: f.forge(_plain(), e)


def _texts() -> Iterator[Attack]:
    for name, content in {
        "empty": "",
        "not JSON": "hello",
        "half": '{"a": ',
        "two": "{} {}",
        "NaN": '{"a": NaN}',
        "Infinity": '{"a": [-Infinity]}',
        "unknown number": '{"a": {"$float": "1.5"}}',
        "unhashable number": '{"a": {"$float": []}}',
        "dollar": '{"$class": "os.system", "b": 1}',
        "name twice": '{"a": 1, "a": 2}',
        "65 bit": '{"a": 18446744073709551616}',
        "many digits": '{"a": ' + "9" * 100_000 + "}",
        "deep lists": '{"a": ' + "[" * 200_000 + "]" * 200_000 + "}",
        "deep mappings": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "beyond ASCII": '{"a": "é"}',
        "not UTF-8": b'{"a": "\xff"}',
        "a list": "[]",
        "a number": "1",
        "a number as mapping": '{"$float": "inf"}',
    }.items():
        tree = f.root({"manifest": f.text(content)})
        yield f"manifest {name}", lambda tree=tree: f.forge(tree)
    for name, content in {
        "deeper than states": json.dumps({"a": _deep(20)}),
        "name of a state": '{"../a": 1}',
        "long name of a state": '{"' + "a" * (1 << 20) + '": 1}',
    }.items():
        tree = f.with_part(f.text(content))
        yield f"state {name}", lambda tree=tree: f.forge(tree)
    long = np.full(17 << 20, 32, np.uint8)
    yield (
        "17 MiB of text",
        lambda: f.forge(
            f.root(
                {
                    "manifest": f.text("{}"),
                    "p": f.branch({"x": f.leaf(long, type="plain", version=1)}),
                }
            )
        ),
    )
    wide = f.leaf(np.zeros((2, 2), np.uint8), type="plain", version=1)
    yield "text of two dimensions", lambda: f.forge(f.with_part(wide))


def _deep(depth: int) -> list:
    return [_deep(depth - 1)] if depth else []


def _elements() -> Iterator[Attack]:
    twos = f.leaf(np.full(9, 2, np.uint8), type="bool-array", version=1)
    yield "truth value 2", lambda: f.forge(f.with_part(twos))
    gap = f.branch({"0": f.text("1"), "2": f.text("2")}, type="list", version=1)
    yield "list with a gap", lambda: f.forge(f.with_part(gap))
    order = f.branch({"1": f.text("1"), "0": f.text("2")}, type="list", version=1)
    yield "list out of order", lambda: f.forge(f.with_part(order))
    named = f.branch({"a": f.text("1")}, type="list", version=1)
    yield "list with names", lambda: f.forge(f.with_part(named))
    digits = f.branch({"0": f.text("1")})
    yield "mapping with indices", lambda: f.forge(f.with_part(digits))
    group = f.branch({}, type="array", version=1)
    yield "array that is a group", lambda: f.forge(f.with_part(group))
    many = {f"a{index}": f.text("1") for index in range(17_000)}
    yield "17,000 nodes", lambda: _many(many)


def _many(children: dict[str, f.Node]) -> bytes:
    original, writer.MAX_NODES = writer.MAX_NODES, 1 << 30
    try:
        return f.forge(f.with_part(f.branch(children)))
    finally:
        writer.MAX_NODES = original


def _roots() -> Iterator[Attack]:
    yield "no manifest", lambda: f.forge(f.root({}))
    yield "manifest is a group", lambda: f.forge(f.root({"manifest": f.branch({})}))
    yield (
        "part is a dataset",
        lambda: f.forge(f.root({"manifest": f.text("{}"), "p": f.text("{}")})),
    )
    part = f.branch({}, type="list", version=1)
    yield "part is a list", lambda: f.forge(f.root({"manifest": f.text("{}"), "p": part}))
    for name, more in {
        "format": {"format": "n2d bundel"},
        "version": {"format_version": header.FORMAT_VERSION + 1},
        "kind": {"kind": "stage"},
        "number as creation time": {"more": 1},
    }.items():
        yield f"root: other {name}", lambda more=more: f.forge(f.root(**more))
    image = f.forge(_plain())
    for name, offset, value in (
        ("base address", 12, 0),
        ("extension", 20, 48),
        ("end", 28, 1 << 40),
        ("root address", 36, layout.UNDEFINED),
        ("root in the middle", 36, 100),
        ("root is a dataset", 36, 48),
    ):
        changed = bytearray(image)
        struct.pack_into("<Q", changed, 512 + offset, value)
        yield f"superblock: {name}", lambda raw=bytes(changed): f.reseal(raw)
    yield "no payload", lambda: f.sealed(b"")
    yield "half a superblock", lambda: f.reseal(image[:540])


def _library_files() -> Iterator[Attack]:
    def virtual(file: h5py.File) -> None:
        source = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
        shape = h5py.VirtualLayout(shape=(4,), dtype="f4")
        shape[:] = source
        file["p"].create_virtual_dataset("x", shape)

    def cycle(file: h5py.File) -> None:
        file["p/again"] = file["p"]

    makers: dict[str, Callable[[h5py.File], object]] = {
        "plain file": lambda file: None,
        "soft link": lambda file: file["p"].__setitem__("x", h5py.SoftLink("/manifest")),
        "external link": lambda file: file["p"].__setitem__("x", h5py.ExternalLink("a.h5", "/x")),
        "virtual dataset": virtual,
        "external storage": lambda file: file["p"].create_dataset(
            "x", (4,), "f4", external=[("/etc/passwd", 0, 16)]
        ),
        "cycle": cycle,
        "huge dataset": lambda file: file["p"].create_dataset(
            "x", (1 << 40,), "f8", chunks=(1000,)
        ),
        "vlen texts": lambda file: file["p"].create_dataset("x", data=["a", "b"]),
        "name of 1 MB": lambda file: file["p"].create_group("x" * (1 << 20)),
        "name with dots": lambda file: file["p"].create_group("a").create_group("..x"),
        "committed type": lambda file: file.__setitem__("t", np.dtype("f4")),
    }
    for version in ("earliest", "v110", "latest"):
        for name, make in makers.items():
            yield (
                f"HDF5 library, {version}: {name}",
                lambda make=make, version=version: f.h5py_image(make, libver=version),
            )
