"""``n2d inspect-data``, and the guesses that a run shows before it trains."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from PIL import Image
from typer.testing import CliRunner

from n2d_framework.cli import app
from n2d_framework.data import load
from n2d_framework.errors import DataWarning


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A table of every kind, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 60
    found = pd.DataFrame(
        {
            "key": [f"K{row:03d}" for row in range(n)],
            "age": rng.normal(40, 5, n).round(1),
            "wealth": np.exp(rng.normal(size=n) * 3),
            "rooms": np.arange(n) % 4 + 1,
            "plan": np.array(["free", "basic", "gold"])[np.arange(n) % 3],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(n), unit="D"),
            "note": [f"called {row} times about the bill" for row in range(n)],
            "same": "x",
            "blank": np.nan,
            "class": np.arange(n) % 2,
        }
    )
    found.loc[3:5, "age"] = np.nan
    found["plan"] = found["plan"].where(np.arange(n) != 7, "NA")
    found.to_csv("t.csv", index=False)
    return found


def shown(*arguments: str, width: int = 120, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["inspect-data", *arguments], env={"COLUMNS": str(width)})
    assert done.exit_code == code, done.output
    return done.output


def test_every_column_and_what_becomes_of_it(table: pd.DataFrame) -> None:
    record = json.loads(shown("t.csv", "--json"))
    columns = {column["name"]: column for column in record["columns"]}
    assert {name: (column["kind"], column["use"]) for name, column in columns.items()} == {
        "key": ("category", "id"), "age": ("number", "feature"), "wealth": ("number", "feature"),
        "rooms": ("number", "feature"), "plan": ("category", "feature"),
        "since": ("date", "feature"), "note": ("text", ""), "same": ("category", "feature"),
        "blank": ("number", ""), "class": ("number", "label"),
    }  # fmt: skip
    assert (columns["age"]["gaps"], columns["plan"]["gap_words"]) == (3, ["NA"])
    assert columns["same"]["constant"]
    assert columns["wealth"]["values"]["skewness"] > 2
    assert record["classes"] == {"0": 30, "1": 30}
    text = shown("t.csv")
    for line in (
        "60 rows, 10 columns", "2020-01-01 to 2020-02-29", "ids of the rows", "true classes",
        "left out: has no values", "feature, though constant", "skewed", "1 (NA)",
        "--text note", "few integers: rooms; if they are codes: --kind rooms=category",
        "--kind key=category",
    ):  # fmt: skip
        assert line in text, line


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_narrow_terminals_lose_nothing(table: pd.DataFrame, width: int) -> None:
    text = shown("t.csv", width=width)
    assert max(map(len, text.splitlines())) <= width
    joined = "".join(text.split())
    for name in table:
        assert name in joined


def test_flags_are_those_of_a_run(table: pd.DataFrame) -> None:
    flags = ["--drop", "no*", "--kind", "rooms=category", "--id", "key", "--x", "/^[rpn]/"]
    record = json.loads(shown("t.csv", "--json", *flags))
    uses = {column["name"]: column["use"] for column in record["columns"]}
    assert [name for name, use in uses.items() if use == "feature"] == ["rooms", "plan"]
    assert (uses["key"], uses["note"], uses["class"]) == ("id", "", "label")
    kinds = {column["name"]: column["kind"] for column in record["columns"]}
    assert kinds["rooms"] == "category"
    said = shown("t.csv", "--kind", "rooms=categories", code=2)
    assert "did you mean 'category'" in said
    assert "must be COLUMN=KIND" in shown("t.csv", "--kind", "rooms", code=2)
    assert "did you mean 'plan'" in shown("t.csv", "--x", "plam", code=2)


def test_a_column_of_two_kinds_is_shown_with_its_place(table: pd.DataFrame) -> None:
    table["age"] = table["age"].astype(object).where(table["age"] != table["age"][10], "old")
    table.to_csv("t.csv", index=False)
    text = shown("t.csv")
    assert "refused" in text
    assert "column 'age' has 'old' in row 11" in text


def test_what_is_wrong_with_ids_and_texts_is_shown(table: pd.DataFrame) -> None:
    table.loc[3, "key"], table.loc[4, "key"], table.loc[5, "note"] = "K001", None, " "
    table.to_csv("t.csv", index=False)
    record = json.loads(shown("t.csv", "--id", "key", "--text", "note", "--json"))
    columns = {column["name"]: column for column in record["columns"]}
    assert "id 'K001' of row 1 comes again in row 3, and 1 more such rows" in record["ids"]
    assert columns["note"]["gaps"] == 1
    text = " ".join(shown("t.csv", "--id", "key", "--text", "note").split())
    assert "key: id 'K001' of row 1 comes again in row 3" in text
    assert "texts of 6 words, at most 6" in text


def test_columns_that_hold_no_values_of_a_table(table: pd.DataFrame) -> None:
    nested = table[["age"]].assign(pair=[[1, 2]] * len(table))[["pair", "age"]]
    nested.to_parquet("nested.parquet")
    text = shown("nested.parquet")
    assert "60 rows, 2 columns" in text
    assert "column 'pair' holds list" in text
    for flags in (["--drop", "pair"], ["--x", "age"]):
        text = shown("nested.parquet", *flags)
        assert "left out" in text
        assert "refused" not in text
        assert "holds list" not in text


def test_arrays_and_known_datasets(table: pd.DataFrame) -> None:
    np.save("rows.npy", np.zeros((5, 3, 2), dtype=np.uint8))
    assert "5 rows of 3 x 2 uint8 (image)" in shown("rows.npy")
    assert "10 classes: 3 (183)" in shown("digits")
    rows = np.arange(12.0).reshape(6, 2)
    rows[2, 1] = np.nan
    np.savez("several.npz", x=rows, y=np.arange(6) % 2)
    said = shown("several.npz")
    assert "arrays for --x, --y and --id: x, y" in said
    assert "missing or infinite values: 1; a run refuses them" in said


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_rows_cannot_have_are_shown_with_the_file(
    table: pd.DataFrame, value: float
) -> None:
    rows = np.eye(6)
    rows[2, 2] = value
    sp.save_npz("few.npz", sp.csr_array(rows))
    assert re.search(r"few: X contains (NaN|inf): row 2, column 2", shown("few.npz", code=2))
    np.save("rows.npy", rows)
    said = shown("rows.npy", code=0 if np.isnan(value) else 2)
    assert "missing or infinite values: 1" in said or "error: rows: X" in said


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".npz"])
def test_labels_that_are_hardly_classes_are_pointed_out_and_changed_by_a_flag(
    table: pd.DataFrame, suffix: str
) -> None:
    """A column called target may be what a regression is for."""
    rng = np.random.default_rng(0)
    found = pd.DataFrame({"a": rng.normal(size=40), "b": 1.0, "target": rng.normal(size=40)})
    path = Path(f"t{suffix}")
    if suffix == ".npz":
        np.savez(path, x=found[["a", "b"]], target=found["target"])
    elif suffix == ".jsonl":
        found.to_json(path, orient="records", lines=True)
    else:
        getattr(found, f"to_{suffix[1:]}")(path, index=False)
    said = " ".join(shown(str(path)).split())
    assert "40 different classes in 40 rows; if they are none" in said
    with pytest.warns(DataWarning, match="40 different classes in 40 rows"):
        load(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        record = json.loads(shown(str(path), "--y", "false", "--json"))
    assert record["classes"] == {}
    assert record["about_classes"] == ""


def test_folders_of_images_need_not_be_classes(table: pd.DataFrame) -> None:
    for n in range(4):
        Path("photos", str(n % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), n, np.uint8)).save(f"photos/{n % 2}/{n}.png")
    assert "2 classes" in shown("photos")
    assert "classes" not in shown("photos", "--y", "false")


@pytest.mark.parametrize("far", [["9999-12-31"], ["0001-01-01"], ["2202-05-03", "2202-05-03"], []])
def test_dates_far_from_the_others_are_pointed_out(table: pd.DataFrame, far: list[str]) -> None:
    written = table["since"].dt.strftime("%Y-%m-%d")
    written[3 : 3 + len(far)] = far
    table["since"] = written
    table.to_csv("t.csv", index=False)
    text = shown("t.csv")
    assert ("far from the others" in text) == bool(far)
    if far:
        wanted = f"the date {far[0]} is" if len(far) == 1 else f"2 dates such as {far[0]} are"
        assert f"since: {wanted} far from the others" in text
    record = json.loads(shown("t.csv", "--json"))
    [since] = [column for column in record["columns"] if column["name"] == "since"]
    assert since["values"]["far"] == len(far)


def test_wide_tables_show_what_is_noteworthy(table: pd.DataFrame) -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 300))).add_prefix("c")
    wide["odd"] = ["a", "b", "a"] * 4
    wide.to_csv("wide.csv", index=False)
    text = shown("wide.csv")
    assert "odd" in text
    assert "and 241 further columns; --all lists them" in text
    assert "c299" in shown("wide.csv", "--all")


def test_nothing_in_a_file_acts_on_the_terminal(table: pd.DataFrame) -> None:
    bad = pd.DataFrame({"\x1b[31mred": ["\x1b[2J", "a", "b"] * 5, "[bold]x": ["u", "v", "w"] * 5})
    bad.to_csv("bad.csv", index=False)
    text = shown("bad.csv")
    assert "\x1b[2J" not in text
    assert "\x1b[31m" not in text
    assert "[bold]x" in text


def test_flags_of_photos_and_of_long_tables(table: pd.DataFrame) -> None:
    for kind, size in (("a", (9, 7)), ("b", (6, 8))):
        Path("photos", kind).mkdir(parents=True)
        Image.new("RGB", size).save(f"photos/{kind}/1.png")
        Path("photos", kind, "2.png").touch()
    flags = ["--resize", "5x4", "--mode", "grey", "--on-error", "skip"]
    said = shown("photos", "--json", *flags)
    record = json.loads(said[said.index("{") :])
    assert (record["rows"], record["row_shape"]) == (2, [5, 4])
    assert record["classes"] == {"a": 1, "b": 1}
    assert "[height, width] in pixels" in shown("photos", "--resize", "5", code=2)
    flags = ["--id", "rooms", "--time", "since", "--steps", "6", "--x", "age", "--x", "wealth"]
    assert "series '1' has several classes" in shown("t.csv", *flags, "--y", "plan", code=2)
    table["note"] = table["rooms"]
    table.to_csv("t.csv", index=False)
    assert "4 rows of 6 x 2 float64 (sequence)" in shown("t.csv", *flags, "--y", "note")
