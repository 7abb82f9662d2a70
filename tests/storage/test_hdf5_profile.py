"""The HDF5 library, as an independent reader, sees what was written."""

from __future__ import annotations

import io
import json
import math
import struct

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.core.state import ARRAY_DTYPES
from n2d_framework.errors import BundleError
from n2d_framework.storage import decode, encode, open_image
from n2d_framework.storage.elements import CODECS, Codec, Codecs, Reading, Writing
from n2d_framework.storage.hdf5.checksum import lookup3
from n2d_framework.storage.state_tree import Branch


def _open(data: bytes) -> h5py.File:
    return h5py.File(io.BytesIO(data), "r")


def _in_order(group: h5py.Group) -> list[str]:
    """Names of the children as they were created; some versions of h5py list them by name."""
    names: list[bytes] = []
    group.id.links.iterate(names.append, idx_type=h5py.h5.INDEX_CRT_ORDER)
    return [name.decode() for name in names]


def _random(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.asarray(rng.normal(size=shape) * 100).astype(dtype)


@pytest.mark.parametrize("dtype", sorted(ARRAY_DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (40, 50), (2, 3, 4, 5)])
def test_the_hdf5_library_reads_every_array(dtype, shape):
    array = _random(dtype, shape)
    with _open(encode({}, {"part": {"a": array}}, created="")) as file:
        found = file["part/a"][()]
        if dtype == "bool":
            assert file["part/a"].attrs["type"] == b"bool-array"
            found = np.asarray(found).astype(bool)
        assert found.dtype == array.dtype
        assert found.tobytes() == array.tobytes()


#: Around each change of the number of bytes that the dimensions of a chunk take.
_EXTENTS = st.sampled_from([1, 2, 127, 128, 254, 255, 256, 257, 65_535, 65_536, 65_537])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_EXTENTS, min_size=1, max_size=4).filter(lambda shape: math.prod(shape) < 1 << 18),
    st.sampled_from(["uint8", "int16", "float32", "float64"]),
)
def test_the_hdf5_library_reads_compressed_arrays_of_any_extent(shape, dtype):
    """HDF5 2.0 refuses a chunk whose dimensions take more bytes than needed."""
    array = (np.arange(math.prod(shape)) % 7).astype(dtype).reshape(shape)
    data = encode({}, {"part": {"a": array}}, created="")
    with _open(data) as file:
        packed = array.nbytes >= 128
        assert (file["part/a"].compression == "gzip") == packed
        assert file["part/a"].chunks == (tuple(shape) if packed else None)
        assert np.array_equal(file["part/a"][()], array)
    assert np.array_equal(decode(data)[1]["part"]["a"], array)


def test_the_hdf5_library_sees_names_order_and_texts():
    names = [f"n{i}" for i in range(300, 0, -1)]
    state = {name: np.array([i]) for i, name in enumerate(names)} | {"t": {"a": [1.5, None]}}
    data = encode({"x": "é"}, {"part": state, "empty": {}}, created="2026", kind="stage")
    with _open(data) as file:
        assert file.userblock_size == 512
        assert dict(file.attrs) == {
            "format": b"n2d bundle",
            "format_version": 2,
            "kind": b"stage",
            "framework_version": b"",
            "created": b"2026",
        }
        assert _in_order(file) == ["manifest", "part", "empty"]
        assert _in_order(file["part"]) == [*names, "t"]
        assert json.loads(file["manifest"][:].tobytes()) == {"x": "é"}
        assert json.loads(file["part/t"][:].tobytes()) == {"a": [1.5, None]}
        assert all(file["part"][name][0] == i for i, name in enumerate(names))
        assert len(file["empty"]) == 0


def test_the_hdf5_library_can_copy_a_bundle(tmp_path):
    """Every object is whole enough for tools that rewrite files."""
    rng = np.random.default_rng(0)
    state = {"w": rng.normal(size=(30, 20)), "l": [np.zeros((99, 9)), "x", np.array(1)]}
    with (
        _open(encode({}, {"part": state}, created="")) as file,
        h5py.File(tmp_path / "copy.h5", "w") as copy,
    ):
        file.copy("part", copy)
        assert copy["part/w"].compression == "gzip"
        assert np.array_equal(copy["part/w"][:], state["w"])
        assert np.array_equal(copy["part/l/0"][:], state["l"][0])


def test_the_checksum_is_that_of_the_hdf5_library():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        file.attrs["a"] = 1
    data = buffer.getvalue()
    (stored,) = struct.unpack("<I", data[44:48])
    assert lookup3(data[:44]) == stored
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.zeros(3), ("array", 1)),
        (np.zeros(3, bool), ("bool-array", 1)),
        ({"a": np.zeros(1)}, ("mapping", 1)),
        ([np.zeros(1)], ("list", 1)),
        ((np.zeros(1), 2), ("list", 1)),
        ({"a": 1}, ("plain", 1)),
        ([1, 2], ("plain", 1)),
        ("text", ("plain", 1)),
        (1, ("plain", 1)),
        (1.5, ("plain", 1)),
        (True, ("plain", 1)),
        (None, ("plain", 1)),
    ],
)
def test_which_codec_writes_what(value, expected):
    node = CODECS.write(value, "/x", Writing(child=CODECS.write))
    assert (node.attributes["type"], node.attributes["version"]) == expected


def test_every_codec_ever_released_is_still_there():
    released = {("mapping", 1), ("list", 1), ("array", 1), ("bool-array", 1), ("plain", 1)}
    assert set(CODECS.known()) == released


def test_a_second_codec_for_one_type_and_version_is_refused():
    codecs = Codecs()
    codec = Codec(type="t", version=1, read=lambda node, reading: None)
    codecs.register(codec)
    with pytest.raises(ValueError, match="'t' version 1 exists already"):
        codecs.register(codec)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"type": "array", "version": 2}, "/a/b: version 2 of 'array' is newer than 1"),
        ({"type": "array", "version": 0}, "/a/b: the type 'array', version 0, is unknown"),
        ({"type": "object", "version": 1}, "/a/b: the type 'object', version 1, is unknown"),
        ({"type": "array"}, "/a/b: does not say"),
        ({"type": 1, "version": 1}, "/a/b: does not say"),
        ({"type": "mapping", "version": 1, "more": 1}, "/a/b: does not say"),
    ],
)
def test_unknown_elements_are_refused_with_their_path(attributes, message):
    node = Branch(path="/a/b", attributes=attributes, children={})
    with pytest.raises(BundleError, match=message):
        CODECS.read(node, Reading(child=CODECS.read))


def test_reading_does_not_load_the_hdf5_library():
    import subprocess
    import sys

    data = encode({}, {"p": {"a": np.zeros(99)}}, created="")
    code = (
        "import sys; from n2d_framework.storage import decode\n"
        "decode(sys.stdin.buffer.read()); assert 'h5py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], input=data, check=True)


def test_nothing_is_read_before_it_is_asked_for():
    big = np.random.default_rng(0).normal(size=1000)
    opened = open_image(encode({"m": 1}, {"p": {"a": big}}, created=""))
    leaf = opened.parts["p"].children["a"]
    assert (leaf.shape, leaf.dtype, opened.manifest) == ((1000,), np.dtype("<f8"), {"m": 1})
    assert 0 < leaf.stored <= big.nbytes
    assert np.array_equal(opened.states()["p"]["a"], big)


def test_max_bytes_limits_what_arrays_take():
    data = encode({}, {"p": {"a": np.zeros(10_000)}}, created="")
    with pytest.raises(BundleError, match=r"/p/a: declares 80000 bytes.*max_bytes"):
        decode(data, max_bytes=50_000)
    assert decode(data, max_bytes=81_000)
