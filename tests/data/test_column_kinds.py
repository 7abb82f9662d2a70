"""Kinds of columns, found in what is written, and read again by the kinds of a fit."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Rows
from n2d_framework.data import inspect_table, load, open_rows
from n2d_framework.errors import DataError, DataWarning

MANY = [f"{n / 7:.3f}" for n in range(60)]
CODES = [f"K{n:02d}" for n in range(12)]
SENTENCES = [f"the cat sat on mat {n}" for n in range(12)]


def read(folder: Path, columns: dict[str, list[Any]], **reference: Any) -> Dataset:
    """Load columns that are written as text."""
    path = folder / "t.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load({"path": path, "y": False, **reference})


@pytest.mark.parametrize(
    ("written", "kind", "values"),
    [
        (["1", " 2", "3.5"], "number", [1, 2, 3.5]),
        (["1", "", "NA"], "number", [1, np.nan, np.nan]),
        (["true", "FALSE", "True"], "number", [1, 0, 1]),
        (["true", "", "false"], "category", ["true", None, "false"]),
        (["a", " a ", "b"], "category", ["a", "a", "b"]),
        (["a", "?", "n/a"], "category", ["a", None, None]),
        (["None", "a", "missing"], "category", ["None", "a", "missing"]),
        (["0", "1", "3+", "1", "0", "0"], "category", ["0", "1", "3+", "1", "0", "0"]),
        (["2024-01-02", "2024-02-29T10:30", ""], "date", ["2024-01-02", "2024-02-29T10:30", "NaT"]),
        (["2024-01-02 10:00:00+02:00"], "date", ["2024-01-02T08:00"]),
        (["2.1.2024", "13.12.2024"], "date", ["2024-01-02", "2024-12-13"]),
        (["02/01/2024", "13/12/2024"], "date", ["2024-01-02", "2024-12-13"]),
        (["01/02/2024", "12/13/2024 7:05"], "date", ["2024-01-02", "2024-12-13T07:05"]),
        (["2024/01/02"], "date", ["2024-01-02"]),
        (["01/02/2024", "03/04/2024"], "category", ["01/02/2024", "03/04/2024"]),
        (["10:30", "11:00"], "category", ["10:30", "11:00"]),
    ],
)
def test_kinds_are_what_is_written(
    tmp_path: Path, written: list[str], kind: str, values: list[Any]
) -> None:
    other = ["u", "v"] * len(written)  # so that the table is not one of numbers
    data = read(tmp_path, {"c": written, "other": other[: len(written)]}, x="*", header=True)
    field = data.x.schema.fields[0]
    assert field.kind == kind
    found = data.x.column("c")
    if kind == "number":
        np.testing.assert_array_equal(found.astype(float), values)
    elif kind == "date":
        np.testing.assert_array_equal(found, np.array(values, dtype="datetime64[us]"))
    else:
        assert found.tolist() == values
        assert field.categories == tuple(sorted({value for value in values if value}))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([*MANY, "abc"], "column 'c' has 'abc' in row 61 .*not a number .*kinds: {c: category}"),
        (["2024-01-02", "2024-02-30"], "'2024-02-30' in row 2 .*not a date"),
        (["2024-01-02"] * 9 + ["soon"], "'soon' in row 10 .*not a date"),
        (["1,5", "2,5"], "decimal comma"),
        (["1", "inf"], "'inf' in row 2 .*infinite"),
        (["1", "1e999"], "1e999 is too large"),
        (["1", "1e-999"], "1e-999 is too close to 0"),
    ],
)
def test_mixed_columns_are_refused_with_their_place(
    tmp_path: Path, written: list[str], said: str
) -> None:
    other = ["u", "v"] * len(written)
    with pytest.raises(DataError, match=said) as caught:
        read(tmp_path, {"c": written, "other": other[: len(written)]}, header=True)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "written", "values"),
    [
        ("category", ["1", "2", "1"], ["1", "2", "1"]),
        ("text", ["a b", "", "c"], ["a b", None, "c"]),
        ("number", ["1", "x", "2"], None),
        ("date", ["1", "2", "2"], None),
        ("category", [*MANY[:3]], [*MANY[:3]]),
    ],
)
def test_kinds_that_are_given_win(
    tmp_path: Path, kind: str, written: list[str], values: list[Any] | None
) -> None:
    columns = {"c": written, "d": ["1", "2", "3"]}
    if values is None:
        with pytest.raises(DataError, match="give the column another kind"):
            read(tmp_path, columns, kinds={"c": kind})
        return
    data = read(tmp_path, columns, kinds={"[c]": kind})
    assert data.x.column("c").tolist() == values
    assert data.x.schema.fields[0].kind == kind


@pytest.mark.parametrize("kinds", [{"c": "numbers"}, {"e": "number"}, ["c"]])
def test_kinds_that_do_not_exist(tmp_path: Path, kinds: Any) -> None:
    with pytest.raises(DataError, match=r"did you mean 'number'|no column 'e'|must map names"):
        read(tmp_path, {"c": ["1", "2"], "d": ["1", "2"]}, kinds=kinds)


def test_ids_texts_and_blanks_are_left_out(tmp_path: Path) -> None:
    columns = {
        "key": CODES, "note": SENTENCES, "blank": [""] * 12, "size": MANY[:12],
        "shape": ["round", "flat"] * 6,
    }  # fmt: skip
    path = tmp_path / "t.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    with pytest.warns(DataWarning) as caught:
        data = load(path)
    assert data.x.schema.names == ("size", "shape")
    assert data.ids is not None
    assert data.ids.tolist() == CODES
    said = "\n".join(str(one.message) for one in caught)
    for expected in (
        "'key' is taken for the ids of the rows: all its values are different",
        "'note' holds texts and is left out; to cluster them, say text: note, or --text note",
        "'blank' has no values and is left out",
    ):
        assert expected in said
    chosen = read(tmp_path, columns, x=["key", "size"])
    assert chosen.x.schema.names == ("key", "size")
    assert chosen.ids is None
    assert read(tmp_path, columns, kinds={"key": "category"}).x.schema.names == (
        "key", "size", "shape",
    )  # fmt: skip


def test_texts_alone_or_beside_other_columns(tmp_path: Path) -> None:
    columns = {"key": CODES, "note": SENTENCES, "size": MANY[:12]}
    alone = read(tmp_path, columns, text="note", id="key")
    assert (alone.x.kind, alone.x.row_shape) == ("text", ())
    assert alone.x.column("note").tolist() == SENTENCES
    both = read(tmp_path, columns, text="note", x="size")
    assert both.x.schema.names == ("size", "note")
    found = read(tmp_path, {"key": CODES, "note": SENTENCES})
    assert found.x.kind == "text"
    with pytest.raises(DataError, match=r"no column is left .*'a' holds texts; 'b' holds texts"):
        read(tmp_path, {"a": SENTENCES, "b": SENTENCES})


def test_tables_of_numbers_stay_arrays(tmp_path: Path) -> None:
    """Also where what is not a number is an id or a class."""
    columns = {"key": CODES, "a": MANY[:12], "b": ["1"] * 12}
    for reference in ({}, {"id": "key"}, {"drop": "key"}):
        x = read(tmp_path, columns, **reference).x
        assert isinstance(x, np.ndarray)
        np.testing.assert_array_equal(x[:, 0], np.array(MANY[:12], dtype=float))


def test_formats_agree(tmp_path: Path) -> None:
    """A table has the same kinds and values, whichever format it is read from."""
    table = pd.DataFrame(
        {
            "size": [1.5, np.nan, 2.25] * 4,
            "shape": ["round", None, "flat"] * 4,
            "day": pd.to_datetime(["2024-01-02", None, "2023-12-31"] * 4),
            "new": [True, False, True] * 4,
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    table.to_parquet(tmp_path / "t.parquet", index=False)
    table.to_feather(tmp_path / "t.feather")
    lines = table.assign(day=table["day"].dt.strftime("%Y-%m-%d"))
    lines.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    expected = load(tmp_path / "t.csv").x
    assert [field.kind for field in expected.schema.fields] == [
        "number", "category", "date", "number",
    ]  # fmt: skip
    for name in ("t.tsv", "t.parquet", "t.feather", "t.jsonl"):
        found = load(tmp_path / name).x
        assert found.fingerprint() == expected.fingerprint(), name
    assert Rows.of(table).fingerprint() == expected.fingerprint()


def test_new_rows_have_the_kinds_of_the_fit(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        {"size": ["1", "", "3"], "shape": ["a", "b", "a"], "day": ["13.1.2024", "", "1.2.2024"]},
    ).x.schema
    new = tmp_path / "new.csv"

    def rows(text: str) -> Rows:
        new.write_text(text)
        with open_rows(new, like=schema) as source:
            return next(iter(source.blocks(100))).x

    found = rows("day,shape,size\n1.2.2024,new,7\n2.2.2024,,NA\n")
    assert found.schema.names == ("size", "shape", "day")
    assert found.column("shape").tolist() == ["new", None]
    np.testing.assert_array_equal(found.column("size"), [7, np.nan])
    assert found.column("day")[0] == np.datetime64("2024-02-01")
    for text, said in (
        ("day,shape,size\n,a,x\n", "'size' has 'x' in row 1 .*not a number, as the model"),
        ("day,shape,size\n2024-02-01,a,1\n", "'day' has '2024-02-01' in row 1 .*not a date, as"),
        ("day,shape\n,a\n", "lacks 1 of the 3 columns .*'size'"),
    ):
        with pytest.raises(DataError, match=said):
            rows(text)


@given(
    values=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6),
        min_size=1, max_size=12,
    ),
    seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_strings_become_values_or_are_refused(
    values: list[str], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No row is lost, and a string comes back as it is, but for spaces around it."""
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    lines = [{"c": value, "d": "u" if n % 2 else "v"} for n, value in enumerate(values)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        rows = Rows.of(load({"path": path, "x": "*", "y": False}))
    except DataError as error:
        if "column 'c' has" not in str(error):
            raise
        return
    column = rows.column("c")
    assert len(column) == len(values)
    if rows.schema.fields[0].kind == "category":
        for value, found in zip(values, column, strict=True):
            assert found is None or found == value.strip() or found == value.strip().lower()


def test_tables_of_many_columns_are_read_by_their_kinds(tmp_path: Path) -> None:
    n, d = 30, 2_000
    names = ",".join(f"c{i}" for i in range(d))
    cells = ["red" if i % 7 == 0 else "1.5" for i in range(d)]
    rows = [",".join(cells), ",".join(["blue" if c == "red" else "" for c in cells])] * (n // 2)
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([names, *rows]) + "\n")
    kinds = [field.kind for field in load(path).x.schema.fields]
    assert kinds == ["category" if cell == "red" else "number" for cell in cells]


def test_examination_shows_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame(
        {
            "c": [*MANY, "abc"],
            "d": ["u", "v", "w"] * 20 + ["u"],
            "class": ["1", "2", "1"] * 20 + ["1"],
        }
    ).to_csv(path, index=False)
    table = inspect_table({"path": path, "drop": "d"})
    assert table is not None
    assert [(column.name, column.use) for column in table.columns] == [
        ("c", "feature"), ("d", ""), ("class", "label"),
    ]  # fmt: skip
    assert "'abc' in row 61" in table.columns[0].problem


PLAIN = [f"{n}.5" for n in range(40)]
KEYS = [f"K{n}" for n in range(40)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([f"${n % 7}.00" for n in range(40)], "'$0.00' looks like a number with a unit"),
        ([f"{n % 7} kg" for n in range(40)], "'0 kg' looks like a number with a unit"),
        ([f"({n % 7}.5)" for n in range(40)], "looks like a number with a unit or marks"),
        (["12"] * 20 + ["1_000"] * 20, "'1_000' looks like a number with a unit or marks"),
        ([f"\u2212{n % 7}" for n in range(40)], "looks like a number with a unit or marks"),
        ([f"{n % 9 + 1:02} Jan 2024" for n in range(40)], "'01 Jan 2024' looks like a date"),
        ([f"March {n % 9 + 1}, 2024" for n in range(40)], "'March 1, 2024' looks like a date"),
        ([f"2024-0{n % 9 + 1}" for n in range(40)], "'2024-01' looks like a date"),
        ([f"1/{n % 9 + 1}/2024 3:00 PM" for n in range(40)], "looks like a date"),
        ([f"202401{n % 20 + 10}" for n in range(40)], "20240110 looks like a date"),
        (["-999"] * 9 + PLAIN[:31], "9 values are -999, far from all others"),
        (["99999"] * 2 + PLAIN[:38], "2 values are 99999, far from all others"),
        ([f"{10**17 + n}" for n in range(40)], "numbers of more than 16 digits"),
        (KEYS[:30] + KEYS[:10], "30 different values in 40 rows; if they are ids"),
        (["", *KEYS[1:]], "all its values are different, and 1 are missing"),
    ],
)
def test_what_may_be_meant_otherwise_is_pointed_out(
    tmp_path: Path, written: list[str], said: str
) -> None:
    path = tmp_path / "t.csv"
    other = ["u", "v"] * 20
    pd.DataFrame({"c": written, "other": other}).to_csv(path, index=False)
    with pytest.warns(DataWarning) as caught:
        load(path)
    assert any(said in str(one.message) and "'c'" in str(one.message) for one in caught)
    table = inspect_table(path)
    assert table is not None
    assert any(said in text for text in (*table.columns[0].remarks, table.columns[0].why))
    assert not table.columns[1].remarks
    kind = {"text": "c"} if "different" in said else {"drop": "c", "x": "other"}
    assert not inspect_table({"path": path, **kind}).columns[0].remarks


@pytest.mark.parametrize(
    "written",
    [
        ["S12", "M3", "L4", "S1"], ["10:30", "9:15"], ["A-1", "B-2"], ["12A", "12B"],
        ["0x1", "0x2"], ["1.2.3", "1.2.4"], ["3+", "5"], ["97", "98", "99"],
    ],
)  # fmt: skip
def test_codes_are_not_pointed_out(tmp_path: Path, written: list[str]) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"c": written * 10, "d": ["u"] * (10 * len(written))}).to_csv(path, index=False)
    table = inspect_table(path)
    assert table is not None
    assert not table.columns[0].remarks


@pytest.mark.parametrize("length", [5, 60, 300])
def test_long_texts_of_which_some_are_repeated_are_not_ids(tmp_path: Path, length: int) -> None:
    path = tmp_path / "t.csv"
    words = [f"{key} " + "said " * length for key in KEYS[:30]]
    pd.DataFrame({"c": [*words, *words[:10]], "d": ["u"] * 40}).to_csv(path, index=False)
    table = inspect_table(path)
    assert table is not None
    assert bool(table.columns[0].remarks) == (length == 5)


@pytest.mark.parametrize("beside", ["u", "1.5"])
@pytest.mark.parametrize("name", ["n", "y"])
def test_an_examination_says_what_loading_does(tmp_path: Path, beside: str, name: str) -> None:
    """Columns that count rows are ids, but used among numbers alone; what is dropped is not y."""
    path = tmp_path / "t.csv"
    frame = pd.DataFrame({name: np.arange(3, 23), "a": [beside, "2.5"] * 10, "b": PLAIN[:20]})
    frame.to_csv(path, index=False)
    for reference in ({"path": path}, {"path": path, "drop": name}, {"path": path, "drop": "a"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            data, table = load(reference), inspect_table(reference)
        assert table is not None
        assert data.schema.names == tuple(facts.field.name for facts in table.features)
        assert (
            (data.y is None) == (table.y is None) == (name != "y" or reference.get("drop") == "y")
        )
        assert (data.ids is None) == (table.ids is None)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".feather"])
def test_rows_read_in_blocks_are_numbers_or_are_refused_by_their_column(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "c": [3, 4]})
    path = tmp_path / f"t{suffix}"
    write = {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(path),
        ".feather": lambda: frame.to_feather(path),
    }
    write[suffix]()
    with open_rows(path) as rows, pytest.raises(DataError, match=r"column 'b' h(as|olds)"):
        list(rows.blocks(10))
    with open_rows({"path": path, "x": ["a", "c"]}) as rows:
        assert [block.x.tolist() for block in rows.blocks(10)] == [[[1.0, 3.0], [2.0, 4.0]]]
