"""Rows: one handle for arrays, sparse matrices, texts and tables of several kinds."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import Any

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from n2d_framework.core.rows import rows_of_state, state_of_rows
from n2d_framework.errors import DataError, StateError
from n2d_framework.plugin import ComponentSpec, Dataset, Field, Rows, Schema
from n2d_framework.storage import decode, encode

COLUMNS = {
    "age": [31, None, 55, 19],
    "town": ["Ulm", "Bonn", None, "Ulm"],
    "since": [dt.date(2020, 1, 2), None, dt.date(1999, 12, 31), dt.date(2020, 1, 2)],
    "paid": [True, False, None, True],
}
FRAMES = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas with its own types": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas category": lambda: pd.DataFrame(COLUMNS).astype({"town": "category"}),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "lazy polars": lambda: pl.DataFrame(COLUMNS).lazy(),
    "arrow": lambda: pa.table(COLUMNS),
    "arrow dictionary": lambda: pa.table(
        COLUMNS | {"town": pa.array(COLUMNS["town"]).dictionary_encode()}
    ),
    "mapping": lambda: dict(COLUMNS),
}


@pytest.mark.parametrize("library", FRAMES)
def test_frames_of_every_library_give_the_same_columns(library):
    rows = Rows.of(FRAMES[library]())
    assert rows.storage == "columns"
    assert [field.kind for field in rows.schema.fields] == [
        "number",
        "category",
        "date",
        "category",
    ]
    assert rows.kinds == {"number", "category", "date"}
    assert (len(rows), rows.row_shape, rows.kind) == (4, (4,), "")
    np.testing.assert_array_equal(rows.column("age"), [31.0, np.nan, 55.0, 19.0])
    assert rows.column("town").tolist() == ["Ulm", "Bonn", None, "Ulm"]
    assert rows.column("paid").tolist() == ["true", "false", None, "true"]
    dates = np.array(["2020-01-02", "NaT", "1999-12-31", "2020-01-02"], dtype="M8[us]")
    np.testing.assert_array_equal(rows.column("since"), dates)
    assert rows.column("since").dtype == dates.dtype
    assert rows.schema.fields[1].categories == ("Bonn", "Ulm")
    assert rows.missing() == (1, "age")
    assert rows.fingerprint() == Rows.of(FRAMES["polars"]()).fingerprint()


def test_a_table_of_numbers_without_gaps_is_dense_and_not_copied():
    x = np.arange(12.0).reshape(6, 2)
    assert Rows.of(x).values is x
    rows = Rows.of(pd.DataFrame(x, columns=["a", "b"], index=list("uvwxyz")))
    assert (rows.storage, rows.schema.names, rows.ids.tolist()) == (
        "dense",
        ("a", "b"),
        [*"uvwxyz"],
    )
    np.testing.assert_array_equal(rows.values, x)
    np.testing.assert_array_equal(rows.column("b"), x[:, 1])
    images = np.zeros((3, 4, 5), dtype=np.uint8)
    assert Rows.of(images).values is images
    assert Rows.of(images).row_shape == (4, 5)


def test_a_matrix_with_missing_values_has_columns():
    for x in (
        np.array([[1.0, np.nan], [2.0, 3.0]]),
        np.ma.array([[1.0, 7.0], [2.0, 3.0]], mask=[[0, 1], [0, 0]]),
        [[1.0, None], [2.0, 3.0]],
    ):
        rows = Rows.of(x)
        assert (rows.storage, rows.missing()) == ("columns", (0, "1"))
        assert not rows.schema.named
    with pytest.raises(DataError, match="X contains inf: row 0, column 1"):
        Rows.of([[1.0, np.inf], [2.0, np.nan]])


@pytest.mark.parametrize(
    "texts",
    [
        ["one", "two", None], ("one", "two", None), np.array(["one", "two", None], dtype=object),
        pd.Series(["one", "two", None]), pl.Series(["one", "two", None]),
        pa.array(["one", "two", None]),
    ],
)  # fmt: skip
def test_strings_are_texts(texts):
    rows = Rows.of(texts)
    assert (rows.storage, rows.kind, rows.row_shape) == ("columns", "text", ())
    assert rows.given.tolist() == ["one", "two", None]
    assert rows.missing()[0] == 2


def test_kinds_may_be_chosen():
    frame = pd.DataFrame({"code": [1, 2, 2], "note": ["x", "y", "z"], "when": ["2020-01-01"] * 3})
    rows = Rows.of(frame, kinds={"code": "category", "note": "text", "when": "date"})
    assert [field.kind for field in rows.schema.fields] == ["category", "text", "date"]
    assert rows.column("code").tolist() == ["1", "2", "2"]
    assert Rows.of(Rows.of(frame), kinds={"note": "text"}).schema.fields[1].kind == "text"
    # The same code, whether missing values made floats of integers or not.
    gaps = Rows.of({"code": [1.0, np.nan, 2.0]}, kinds={"code": "category"})
    assert gaps.column("code").tolist() == ["1", None, "2"]
    assert Rows.of(np.eye(3), kinds={"0": "category"}).kinds == {"category", "number"}


@pytest.mark.parametrize(
    ("columns", "kinds", "reason"),
    [
        ({"a": [1.0, 2.0, np.inf], "b": [*"xyz"]}, {}, "row 2, column 'a' is inf"),
        ({"a": [1, "x", {}]}, {}, "row 1, column 'a' is 'x' of type str, row 0 is 1"),
        ({"a": [1j, 2j, 3j]}, {}, "'a' holds complex numbers"),
        ({"a": [[1], [2, 3], [4]]}, {}, "'a'"),
        ({"a": ["x", "y", "z"]}, {"a": "number"}, "row 0, column 'a' is 'x', not numeric"),
        ({"a": ["2020-01-01", "soon", None]}, {"a": "date"}, "row 1, column 'a' is 'soon'"),
        ({"a": ["x", "\ud800", "z"]}, {}, "row 1, .*not valid Unicode"),
        ({"height": [*"xyz"]}, {"heigth": "text"}, "did you mean 'height'"),
        ({"a": [*"xyz"], "b": [*"xy"]}, {}, "'b'"),
    ],
)
def test_what_cannot_be_a_column_is_refused_with_its_place(columns, kinds, reason):
    with pytest.raises(DataError, match=reason):
        Rows.of(columns, kinds=kinds)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("family", ["matrix", "array"])
def test_sparse_matrices_stay_sparse_and_are_brought_to_one_form(kind, family):
    dense = np.array([[0, 2.0, 0], [0, 0, 0], [1.0, 0, 3.0]])
    x = getattr(sparse, f"{kind}_{family}")(dense)
    rows = Rows.of(x)
    assert (rows.storage, rows.row_shape, type(rows.values)) == ("sparse", (3,), sparse.csr_array)
    np.testing.assert_array_equal(rows.values.todense(), dense)
    np.testing.assert_array_equal(rows.column("2"), dense[:, 2])
    assert rows.fingerprint() == Rows.of(sparse.csr_array(dense)).fingerprint()


def test_sparse_rows_with_zeros_or_repeated_places_are_the_same_rows_and_the_input_stays():
    x = sparse.csr_array(([2.0, 1.0, 0.0, 3.0], [1, 1, 2, 0], [0, 3, 4]), shape=(2, 3))
    before = x.data.copy(), x.indices.copy()
    rows = Rows.of(x)
    assert rows.values.nnz == 2
    assert rows.fingerprint() == Rows.of(sparse.csr_array([[0, 3.0, 0], [3.0, 0, 0]])).fingerprint()
    np.testing.assert_array_equal(x.data, before[0])
    np.testing.assert_array_equal(x.indices, before[1])
    good = sparse.csr_array(np.eye(3))
    assert np.shares_memory(Rows.of(good).values.data, good.data)
    with pytest.raises(DataError, match="NaN: row 1, column 2"):
        Rows.of(sparse.csr_array([[0, 1.0, 0], [0, 0, np.nan]]))
    with pytest.raises(DataError, match="complex128"):
        Rows.of(sparse.csr_array(np.eye(2) * 1j))


def test_ids_and_weights_are_one_per_row():
    rows = Rows.of(np.eye(3), ids=[10, "b", 2.5], weights=[1, 0, 2])
    assert rows.ids.tolist() == ["10", "b", "2.5"]
    part = rows.take([2, 0])
    assert (part.ids.tolist(), part.weights.tolist()) == (["2.5", "10"], [2.0, 1.0])
    for wrong in ([1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1], ["x", 1, 2]):
        with pytest.raises(DataError, match="weight"):
            Rows.of(np.eye(3), weights=wrong)
    assert Rows.of(np.eye(3)).fingerprint() != rows.fingerprint()
    assert attrs.evolve(rows, ids=None).fingerprint() == rows.fingerprint()


def test_a_dataset_is_rows_as_well():
    data = Dataset(name="a", x=np.arange(6.0).reshape(3, 2), schema=Schema.of(["p", "q"]),
                   ids=np.array([*"uvw"], dtype=object))  # fmt: skip
    rows = Rows.of(data)
    assert (rows.values is data.x, rows.schema.names) == (True, ("p", "q"))
    assert rows.ids.tolist() == [*"uvw"]
    mixed = Dataset(name="a", x=Rows.of({"t": ["one", "two"]}, kinds={"t": "text"}))
    assert mixed.feature_shape == ()
    assert Rows.of(mixed).kind == "text"


#: Whatever a string may hold but a NUL, which is refused.
TEXT = st.characters(codec="utf-8", exclude_characters="\0")
KINDS = st.sampled_from(["number", "category", "text", "date"])
VALUES = {
    "number": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    "category": st.one_of(st.none(), st.sampled_from(["", "a", "b", "ä"])),
    "text": st.one_of(st.none(), st.text(TEXT, max_size=5)),
    "date": st.one_of(st.none(), st.datetimes()),
}


@st.composite
def tables(draw: Any, n: int = 6) -> tuple[dict[str, list[Any]], dict[str, str]]:
    kinds = draw(st.lists(KINDS, min_size=1, max_size=4))
    names = [f"c{position}" for position in range(len(kinds))]
    columns = {
        name: draw(st.lists(VALUES[kind], min_size=n, max_size=n))
        for name, kind in zip(names, kinds, strict=True)
    }
    return columns, dict(zip(names, kinds, strict=True))


@settings(max_examples=60, deadline=None)
@given(table=tables(), size=st.integers(1, 7), order=st.permutations(range(6)))
def test_parts_put_together_are_the_rows_again(table, size, order):
    rows = Rows.of(table[0], kinds=table[1])
    inverse = np.argsort(order)
    back = rows.take(np.array(order)).take(inverse)
    assert back.fingerprint() == rows.fingerprint()
    if rows.storage == "columns":
        parts = list(rows.blocks(size))
        joined = {name: np.concatenate([p.values[name] for p in parts]) for name in rows.values}
        assert Rows(joined, rows.schema).fingerprint() == rows.fingerprint()


@settings(max_examples=40, deadline=None)
@given(table=tables(), weights=st.booleans())
def test_rows_pass_through_a_file_and_come_back(table, weights):
    rows = Rows.of(table[0], kinds=table[1], weights=[1, 2, 0, 1, 0.5, 3] if weights else None)
    _, parts = decode(encode({}, {"rows": state_of_rows(rows)}, created=""))
    again = rows_of_state(parts["rows"])
    assert again.fingerprint() == rows.fingerprint()
    if rows.storage == "columns":
        assert again.schema.fields == rows.schema.fields


def test_sparse_rows_pass_through_a_file_and_come_back():
    rows = Rows.of(sparse.csr_array(np.eye(4)[[0, 3, 1]]))
    _, parts = decode(encode({}, {"rows": state_of_rows(rows)}, created=""))
    assert rows_of_state(parts["rows"]).fingerprint() == rows.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": np.array([0, 2, 1, 3])}, {"indptr": np.array([0, 1, 2])}, {"width": 2},
        {"indices": np.array([0, -1, 2])}, {"data": np.ones((3, 1))}, {"width": "4"},
    ],
)  # fmt: skip
def test_sparse_rows_of_a_damaged_file_are_refused(change):
    state = state_of_rows(Rows.of(sparse.csr_array(np.eye(3))))
    with pytest.raises(StateError):
        rows_of_state({"values": {**state["values"], **change}})


@settings(max_examples=60, deadline=None)
@given(table=tables(), row=st.integers(0, 5), data=st.data())
def test_fingerprints_are_equal_if_and_only_if_the_rows_are(table, row, data):
    columns, kinds = table
    rows = Rows.of(columns, kinds=kinds)
    name = data.draw(st.sampled_from(sorted(kinds)))
    changed = {key: list(values) for key, values in columns.items()}
    changed[name][row] = data.draw(VALUES[kinds[name]])
    other = Rows.of(changed, kinds=kinds)

    def same(a: Any, b: Any) -> bool:
        return (a is None and b is None) or (
            a is not None and b is not None and a == b and repr(a) == repr(b)
        )

    equal = same(changed[name][row], columns[name][row])
    assert (other.fingerprint() == rows.fingerprint()) == equal


def test_identity_is_equal_where_rows_are():
    for x in (
        {"a": ["x", "y", "x", None, None], "b": [1.0, 1.0, 1.0, np.nan, np.nan]},
        sparse.csr_array([[0, 1.0], [1.0, 0], [0, 1.0], [0, 0], [0, 0]]),
    ):
        codes = Rows.of(x).identity()
        equal = (codes[:, None] == codes[None]).all(axis=-1)
        expected = np.array([0, 1, 0, 2, 2])
        np.testing.assert_array_equal(equal, expected[:, None] == expected)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"sparse": 1}, "sparse must be true or false"),
        ({"missing": "yes"}, "missing must be true or false"),
        ({"weighted": None}, "weighted must be true or false"),
        ({"default_for": "text"}, "default_for must be a tuple"),
        ({"default_for": ("Text",)}, "default_for must be a tuple"),
        ({"role": "clusterer", "sparse": True}, "sparse must be left out but for prepare or emb"),
        ({"role": "clusterer", "missing": True}, "missing must be left out"),
    ],
)
def test_announcements_of_what_rows_a_component_takes_are_checked(given, reason):
    usual = {"role": "embedder", "name": "mine", "factory": "a:B", "summary": "."}
    with pytest.raises((TypeError, ValueError), match=reason):
        ComponentSpec(**usual | given)
    assert ComponentSpec(**usual, default_for=("text",), sparse=True, missing=True).sparse


def test_rows_refuse_columns_that_are_not_of_their_kind():
    with pytest.raises(DataError, match="cannot hold"):
        Rows({"a": np.array([1, 2])}, Schema((Field("a", "text"),)))
    with pytest.raises(DataError, match="one array for each field"):
        Rows({"a": np.array([1, 2])}, Schema())
    with pytest.raises(DataError, match="must be an array of 2 values"):
        Rows({"a": np.array([1, 2]), "b": np.array([1])}, Schema((Field("a"), Field("b"))))


def test_rows_of_arrays_import_neither_pandas_nor_scipy():
    code = (
        "import sys, numpy as np\nfrom n2d_framework.core.rows import Rows\n"
        "Rows.of(np.eye(3)).fingerprint()\n"
        "print([m for m in ('pandas', 'scipy', 'sklearn', 'pyarrow') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
