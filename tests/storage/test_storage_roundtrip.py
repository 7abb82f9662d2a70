"""Round trip: every value that a state may hold, bit for bit."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import textwrap
from datetime import date
from enum import Enum, IntEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from n2d_framework.core.state import ARRAY_DTYPES, check_state, need
from n2d_framework.errors import StateError
from n2d_framework.storage import decode, encode, header, limits, read_manifest
from n2d_framework.storage.hdf5 import filters, layout

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)
DTYPES = st.sampled_from(sorted(ARRAY_DTYPES)).flatmap(
    lambda name: st.sampled_from([np.dtype(name), np.dtype(name).newbyteorder(">")])
)


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


def _in_another_memory_order(array: np.ndarray, how: str) -> np.ndarray:
    if how == "fortran":
        return np.asfortranarray(array)
    if how == "strided" and array.ndim:
        wide = np.zeros((array.shape[0] * 2, *array.shape[1:]), dtype=array.dtype)
        wide[::2] = array
        return wide[::2]
    return array


ARRAYS = st.builds(
    _in_another_memory_order,
    hnp.arrays(DTYPES, SHAPES),
    st.sampled_from(["c", "fortran", "strided"]),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_\-]{0,20}", fullmatch=True)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=30)
)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
STATES = st.dictionaries(NAMES, VALUES, max_size=5)


def same(one: object, other: object) -> bool:
    """Equal in type, order and every bit (byte order and tuples aside)."""
    if isinstance(one, np.ndarray):
        native = one.astype(one.dtype.newbyteorder("="))
        return (
            isinstance(other, np.ndarray)
            and other.dtype == native.dtype
            and other.shape == native.shape
            and other.tobytes() == native.tobytes()
        )
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(same(one[key], other[key]) for key in one)
        )
    if isinstance(one, (list, tuple)):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and repr(one) == repr(other)


@given(state=STATES)
@example(state={})
@example(state={"a": {}, "b": [], "c": [[], {}, [np.zeros((0, 3), np.int8), {}]]})
@example(state={"text": "a\0b", "surrogate": "\ud800", "wide": "\U0001f600ß"})
@example(state={"floats": [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1]})
@example(state={"z": np.array(2.5), "empty": np.zeros((3, 0, 2)), "b": np.array([True, False])})
@example(state={"tuple": (1, (2, np.arange(3)))})
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_states_come_back(state):
    data = encode({}, {"part": state}, created="")
    _, parts = decode(data)
    assert same(state, parts["part"])


@given(state=STATES)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_writing_again_what_was_read_gives_the_same_bytes(state):
    data = encode({"n": 1}, {"part": state}, created="now", framework_version="1.2")
    manifest, parts = decode(data)
    assert encode(manifest, parts, created="now", framework_version="1.2") == data


@given(manifest=st.dictionaries(st.text(max_size=9).filter(lambda k: k[:1] != "$"), SCALARS))
@settings(deadline=None, max_examples=50)
def test_manifests_come_back_with_names_of_any_kind(manifest):
    data = encode(manifest, {}, created="")
    assert same(manifest, read_manifest(data))


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_integers_beyond_64_bit_are_refused(value):
    with pytest.raises(StateError, match=r"/part/a/1.*64 bit"):
        encode({}, {"part": {"a": [0, value]}}, created="")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": np.zeros(2, dtype=complex)}, "/part/a.*complex"),
        ({"a": np.array(["x"])}, "/part/a"),
        ({"a": object()}, "/part/a.*object"),
        ({"a b": 1}, "'a b' is not a valid name"),
        ({"a": {"b": {3: 1}}}, "/part/a/b: 3 is not a valid name"),
        ({"a": [0, {1, 2}]}, "/part/a/1: a set cannot be stored; store a sorted list"),
        ({"a": b"x"}, "/part/a: a bytes.*frombuffer"),
        ({"a": Path("x")}, r"/part/a: a \w*Path cannot.*str\(path\)"),
        ({"a": Colour.RED}, "/part/a: a Colour cannot.*its name or value"),
        ({"a": Level.LOW}, "/part/a: a Level cannot.*its name or value"),
        ({"a": 1j}, "/part/a: a complex"),
        ({"a": np.longdouble(1)}, "/part/a: a longdouble"),
        ({"a": np.datetime64("2020-01-01")}, "/part/a: a datetime64"),
        ({"a": date(2020, 1, 1)}, "/part/a: a date.*isoformat"),
        ({"a": np.ma.masked_array([1.0], [True])}, "/part/a: masked arrays"),
        ({"a": np.array([(1, 2)], dtype="i4,i4")}, "/part/a: arrays of"),
        ({"a": np.zeros((1,) * 33)}, "33 dimensions"),
        ({"a": np.zeros((2**40, 0))}, "empty array"),
        ({"a": "x" * (limits.MAX_TEXT_BYTES + 1)}, "outside arrays"),
        ([np.zeros(1)], "must be a mapping"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_path(state, message):
    with pytest.raises(StateError, match=message):
        encode({}, {"part": state}, created="")


@pytest.mark.parametrize(
    "value",
    [np.int64(-3), np.uint64(2**64 - 1), np.int8(5), np.bool_(True), np.float32(0.1),
     np.float16(0.1), np.float64(0.1), np.float32("nan"), np.str_("text"), float("-inf"), -0.0],
)  # fmt: skip
def test_scalars_of_numpy_come_back_as_what_they_hold(value):
    state = {"a": value, "deep": [{"b": value}], "beside": np.zeros((), dtype=np.int64)}
    check_state(state)
    found = decode(encode({}, {"part": state}, created=""))[1]["part"]
    kind = type(value.item()) if isinstance(value, np.generic) else type(value)
    for back in (found["a"], found["deep"][0]["b"], need(state, "a", kind)):
        assert type(back) is kind
        assert back == value or (back != back and value != value)


def test_a_state_inside_itself_is_refused():
    state: dict = {"a": np.zeros(1)}
    state["self"] = state
    with pytest.raises(StateError, match="deeper"):
        encode({}, {"part": state}, created="")
    manifest: dict = {}
    manifest["self"] = manifest
    with pytest.raises(StateError, match="nested"):
        encode(manifest, {}, created="")


def test_the_deepest_state_that_is_allowed_is_read():
    value: object = np.arange(3)
    for _ in range(limits.MAX_DEPTH - 1):
        value = {"a": value}
    state = {"a": value}
    assert same(state, decode(encode({}, {"part": state}, created=""))[1]["part"])
    with pytest.raises(StateError, match="deeper"):
        encode({}, {"part": {"a": state}}, created="")


@pytest.mark.parametrize(
    "wrong", [{"created": "é"}, {"created": "x" * 65}, {"created": "", "kind": "Bad Kind"}]
)
def test_root_texts_are_checked(wrong):
    with pytest.raises(StateError):
        encode({}, {}, **wrong)


@pytest.mark.parametrize("name", ["manifest", "../x", "", "1"])
def test_names_of_parts_are_checked(name):
    with pytest.raises(StateError, match="not a valid name of a part"):
        encode({}, {name: {}}, created="")


def test_too_many_values_are_refused(monkeypatch):
    from n2d_framework.storage.hdf5 import writer

    monkeypatch.setattr(writer, "MAX_NODES", 10)
    with pytest.raises(StateError, match="more than 10 values"):
        encode({}, {"part": {f"a{i}": np.zeros(1) for i in range(10)}}, created="")


def test_arrays_are_owned_writable_and_contiguous():
    state = {"raw": np.arange(3), "packed": np.zeros((40, 50)), "bytes": np.zeros(999, np.uint8)}
    _, parts = decode(encode({}, {"part": state}, created=""))
    for array in parts["part"].values():
        array += 1
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_the_writer_never_makes_what_looks_like_a_bomb(monkeypatch):
    monkeypatch.setattr(limits, "DECLARED_SLACK", 1000)
    monkeypatch.setattr(filters.Packer.__init__, "__defaults__", (1000,))
    state = {f"zeros{i}": np.zeros(4000) for i in range(20)}
    data = encode({}, {"part": state}, created="")
    assert same(state, decode(data)[1]["part"])


def test_arrays_that_do_not_fit_into_one_chunk_are_stored_plainly(monkeypatch):
    monkeypatch.setattr(filters, "MAX_CHUNK_BYTES", 1000)
    state = {"a": np.zeros(200), "b": np.zeros(100)}
    data = encode({}, {"part": state}, created="")
    assert len(data) > 1600
    assert same(state, decode(data)[1]["part"])


def test_compression_is_used_where_it_helps():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 10_000)
    noise = rng.integers(0, 256, 10_000, dtype=np.uint8)
    assert len(encode({}, {"p": {"labels": labels}}, created="")) < labels.nbytes / 8
    assert len(encode({}, {"p": {"noise": noise}}, created="")) < noise.nbytes + 2000


def test_bytes_are_the_same_in_another_process():
    code = textwrap.dedent(
        """
        import hashlib, numpy as np
        from n2d_framework.storage import encode
        rng = np.random.default_rng(3)
        state = {"w": rng.normal(size=(40, 30)), "l": [rng.integers(0, 9, 500), "x", None],
                 "m": {k: 1.5 for k in {"b", "a", "c"} and ("b", "a", "c")}, "z": np.zeros(9999)}
        print(hashlib.sha256(encode({"a": [1]}, {"p": state}, created="2026")).hexdigest())
        """
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def _of_every_kind() -> bytes:
    state = {
        "a": np.arange(6, dtype=np.int32).reshape(2, 3),
        "t": [np.array([True]), "é", math.inf],
    }
    return encode({"k": 1}, {"p": state}, created="2026-01-01", framework_version="0.1.0")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, "94b5d9e740c816c3692cb4f1322fc073c1946dab18fa1758c4b12b340ff013bc"),
        (2, "a129b81859c9f839bcfffb8d83158c5eaeaa7d935b5ffce3c6ec31875cf992d9"),
    ],
)
def test_the_bytes_of_a_version_do_not_change(version, expected, monkeypatch):
    """A change here is a change of the format: raise a version and keep the old reader."""
    monkeypatch.setattr(header, "FORMAT_VERSION", version)
    assert hashlib.sha256(_of_every_kind()).hexdigest() == expected


def test_files_of_format_1_are_read_and_written_again_as_format_2(monkeypatch):
    """Format 1 gave the dimensions of compressed arrays eight bytes each."""
    arrays = {"a": np.arange(3000).reshape(30, 100), "b": np.zeros(200, np.uint8)}
    new = encode({}, {"part": arrays}, created="")
    with monkeypatch.context() as before:
        before.setattr(layout, "field_size", lambda dims: layout.WIDE_FIELD)
        before.setattr(header, "FORMAT_VERSION", 1)
        old = encode({}, {"part": arrays}, created="")
    assert old.startswith(b"n2d bundle\nformat 1\n")
    assert len(old) > len(new)
    found = decode(old)[1]["part"]
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    assert encode({}, {"part": found}, created="") == new
