"""Structured arrays of HDF5: a table of columns of any kind, as from every other format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from n2d_framework import N2D
from n2d_framework import load as load_bundle
from n2d_framework.core.rows import Rows
from n2d_framework.data import inspect_table, load
from n2d_framework.errors import DataError

TEXT = h5py.string_dtype()
COLOUR = h5py.enum_dtype({"red": 1, "green": 2, "blue": 7}, "i1")
N = 30
WORDS = np.array(["small", "große", "mid"], dtype=object)[np.arange(N) % 3]


def written(path: Path, fields: dict[str, tuple[Any, Any]], name: str = "table") -> Path:
    rows = np.empty(N, dtype=[(field, dtype) for field, (dtype, _) in fields.items()])
    for field, (_, values) in fields.items():
        rows[field] = values
    with h5py.File(path, "w") as file:
        file[name] = rows
    return path


NUMBERS = np.arange(N) % 4 + 0.5


@pytest.mark.parametrize("dtype", [TEXT, "S12", h5py.string_dtype("utf-8", 12)])
@pytest.mark.parametrize("name", ["table", "deep/er/table"])
def test_strings_are_categories(tmp_path: Path, dtype: Any, name: str) -> None:
    values = [word.encode() for word in WORDS]
    path = written(tmp_path / "a.h5", {"w": (dtype, values), "v": ("f4", NUMBERS)}, name)
    rows = Rows.of(load(path))
    assert [field.kind for field in rows.schema.fields] == ["category", "number"]
    assert rows.column("w").tolist() == WORDS.tolist()
    np.testing.assert_array_equal(rows.column("v"), NUMBERS)
    kinds = {column.name: column.facts.field.kind for column in inspect_table(path).columns}
    assert kinds == {"w": "category", "v": "number"}


def test_every_field_that_is_a_value_is_one(tmp_path: Path) -> None:
    fields = {
        "flag": ("?", np.arange(N) % 2 == 0),
        "colour": (COLOUR, np.array([1, 2, 7])[np.arange(N) % 3]),
        "when": (TEXT, [f"2024-01-{1 + row % 28:02d}" for row in range(N)]),
        "big": (">i8", np.arange(N) % 5),
        "long": (np.longdouble, NUMBERS),
        "half": ("f2", NUMBERS),
        "spectrum": (("f4", (3,)), np.outer(NUMBERS, [1, 2, 3])),
        "gap": ("f8", np.where(np.arange(N) % 7, NUMBERS, np.nan)),
        "key": ("S4", [f"k{row}".encode() for row in range(N)]),
    }
    path = written(tmp_path / "a.h5", fields)
    data = load(path)
    rows = Rows.of(data)
    assert {field.name: field.kind for field in rows.schema.fields} == {
        "flag": "number", "colour": "category", "when": "date", "big": "number", "long": "number",
        "half": "number", "spectrum/0": "number", "spectrum/1": "number", "spectrum/2": "number",
        "gap": "number",
    }  # fmt: skip
    assert rows.column("colour").tolist() == ["red", "green", "blue"] * 10
    np.testing.assert_array_equal(rows.column("spectrum/2"), 3 * NUMBERS)
    assert data.ids.tolist()[:2] == ["k0", "k1"]
    chosen = load({"path": path, "x": "spectrum/*", "y": "colour", "id": "key"})
    assert chosen.x.shape == (N, 3)
    assert chosen.y.tolist() == ["red", "green", "blue"] * 10


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (("V3", np.zeros(N, "V3")), "column 'odd' holds .*leave it out"),
        (([("a", "f4"), ("b", "f4")], np.zeros(N, "f4,f4")), "column 'odd' holds .*leave it out"),
        (("c8", np.zeros(N, "c8")), "column 'odd' holds .*leave it out"),
        ((("f4", (2, 2)), np.zeros((N, 2, 2))), "column 'odd' holds .*leave it out"),
        (("S3", np.array([b"\xff\xfe"] * N)), "column 'odd' is not UTF-8 text in row 1"),
        ((COLOUR, np.full(N, 3)), "column 'odd' has 3, which its enumeration does not name"),
        (("f4", np.full(N, np.inf)), "column 'odd' has inf in row 1"),
    ],
)
def test_what_a_table_cannot_have_is_refused_with_its_column(
    tmp_path: Path, field: tuple[Any, Any], reason: str
) -> None:
    path = written(tmp_path / "a.h5", {"v": ("f8", NUMBERS), "odd": field, "w": (TEXT, WORDS)})
    with pytest.raises(DataError, match=reason):
        load(path)
    assert load({"path": path, "drop": "odd"}).x.schema.names == ("v", "w")


def test_new_rows_have_the_kinds_of_the_fit(tmp_path: Path) -> None:
    fields = {"w": (TEXT, WORDS), "v": ("f8", NUMBERS)}
    path = written(tmp_path / "a.h5", fields, "other")
    data = load({"path": path, "x": ["w", "v"]})
    model = N2D("identity", "identity", "kmeans", n_clusters=3, random_state=0).fit(data)
    model.save(tmp_path / "m.n2d")
    again = load_bundle(tmp_path / "m.n2d")
    swapped = written(tmp_path / "b.h5", dict(reversed(fields.items())), "other")
    found = load(swapped, like=again.schema_)
    assert again.predict(found).tolist() == model.labels_.tolist()
    wrong = written(tmp_path / "c.h5", {"w": (TEXT, WORDS), "v": (TEXT, WORDS)})
    with pytest.raises(DataError, match="'v' has 'small' in row 1"):
        load(wrong, like=again.schema_)


def test_a_long_table_may_be_one(tmp_path: Path) -> None:
    fields = {
        "who": ("S1", [b"abc"[row % 3 : row % 3 + 1] for row in range(N)]),
        "at": ("i4", np.arange(N) // 3),
        "v": ("f8", NUMBERS),
    }
    path = written(tmp_path / "a.h5", fields)
    data = load({"path": path, "id": "who", "time": "at"})
    assert (data.x.shape, data.ids.tolist()) == ((3, 10), ["a", "b", "c"])


def test_labels_of_an_enumeration_are_its_names(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.eye(3)
        file.create_dataset("y", data=[7, 1, 2], dtype=COLOUR)
    assert load(tmp_path / "a.h5").y.tolist() == ["blue", "red", "green"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.npz", {"a": np.eye(3), "b": np.eye(3)}, "x: NAME} or --x NAME"),
        ("t.jsonl", '{"a b": [1], "c": 1}\n{"a b": [2], "c": 2}\n', "drop: a b} or --drop 'a b'"),
        ("t.csv", "label,class,a\nu,v,1\nw,v,2\n", "y: NAME} or --y NAME"),
    ],
)
def test_remedies_name_keys_and_flags(tmp_path, name, content, said):
    """Whoever asked on the command line has no reference to write keys into."""
    if isinstance(content, dict):
        np.savez(tmp_path / name, **content)
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=re.escape("{path: ..., " + said)):
        load(tmp_path / name)
