"""Inputs of every kind are read right or refused; a longer run is in input_fuzzing.py."""

from __future__ import annotations

import os
import struct
from functools import partial

import input_fuzzing
import numpy as np
import pandas as pd
import pytest

from n2d_framework import data
from n2d_framework.config.reading import as_yaml, read_tree
from n2d_framework.core.rows import Rows, Schema
from n2d_framework.errors import ConfigError, DataError, DataWarning
from n2d_framework.experiment.records import RecordLog, read_records
from n2d_framework.metrics.coding import code

#: Cases of a test run, of all kinds together; the environment variable asks for more.
CASES = int(os.environ.get("N2D_INPUT_CASES", "1000"))


@pytest.mark.slow
def test_a_campaign_of_inputs(tmp_path):
    counts = input_fuzzing.shares(CASES)
    items = [(kind, number) for kind, count in counts.items() for number in range(count)]
    result = input_fuzzing.campaign(tmp_path, items)
    assert result["bad"] == []
    for kind, outcomes in result["outcomes"].items():
        assert sum(outcomes.values()) == counts[kind]
    for kind in ("file", "mixed", "matrix", "images"):
        assert set(result["outcomes"][kind]) == {"right"}
    assert set(result["outcomes"]["faulty-file"]) == {"right", "refused"}
    for kind in (
        "photos",
        "long-table",
        "damaged-file",
        "damaged-matrix",
        "damaged-image",
        "predict",
        "damaged-config",
    ):
        assert {"right", "refused"} <= set(result["outcomes"][kind])


def test_a_wrong_answer_is_reported_with_a_command_that_repeats_it(tmp_path, monkeypatch, capfd):
    def wrong(rng, folder):
        raise AssertionError("other labels")

    monkeypatch.setitem(input_fuzzing.KINDS, "fit", (lambda *_: ("a fit", lambda: wrong(0, 0)), 1))
    (tmp_path / "items.json").write_text('[["fit", 3]]')
    monkeypatch.setattr(input_fuzzing.limited, "limit_memory", lambda: None)
    input_fuzzing.work(tmp_path)
    last = capfd.readouterr().out.splitlines()[-1]
    assert "--only fit --first 3 --cases 1" in last
    assert "AssertionError: other labels" in last


# What the campaign found ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask", [{"header": True}, {"y": "label"}, {"x": ["#CHROM", "2"], "y": "label"}]
)
@pytest.mark.parametrize("first", ["#CHROM", "#1"])
def test_a_header_that_begins_like_a_comment_takes_no_row_away(tmp_path, ask, first):
    path = tmp_path / "calls.tsv"
    path.write_text(f"{first}\t2\tlabel\n1\t10\ta\n2\t20\tb\n3\t30\ta\n")
    names = [first if name == "#CHROM" else name for name in ask.get("x", ())]
    asked = {**ask, **({"x": names} if names else {}), "path": str(path)}
    read = data.load(asked)
    assert read.x[:, :2].tolist()[0] == [1, 10]
    assert len(read.x) == 3
    assert read.schema.names[0].lstrip("#") == first[1:]


@pytest.mark.parametrize("ask", [{"header": True}, {}])
def test_a_comment_with_the_names_that_are_asked_for_is_the_header(tmp_path, ask):
    path = tmp_path / "calls.csv"
    path.write_text("#1,the class,width\n3,padded,8\n3,0.5,2\n7,0x10,3\n7,inf,6\n2,inf,8\n")
    read = data.load({"path": str(path), "y": "the class", **ask})
    assert read.x.tolist() == [[3, 8], [3, 2], [7, 3], [7, 6], [2, 8]]
    assert read.y.tolist() == ["padded", "0.5", "0x10", "inf", "inf"]


def test_of_two_lines_with_names_the_comment_is_passed_over(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("# in cm, in kg\nlength,weight\n1,2\n3,4\n")
    assert data.load({"path": str(path), "header": True}).schema.names == ("length", "weight")


@pytest.mark.parametrize("like", [None, Schema()])
def test_a_row_that_begins_like_a_comment_is_not_passed_over_in_silence(tmp_path, like):
    path = tmp_path / "table.csv"
    path.write_text("#1,2,3\n4,5,6\n7,8,9\n")
    with pytest.warns(DataWarning, match="its line 1 begins with # and is passed over"):
        assert len(data.load({"path": str(path), "header": False}, like=like).x) == 2


_NUL = ("u", "u\0", "v\0w")


@pytest.mark.parametrize(
    ("name", "key"),
    [(f"t.{suffix}", key) for suffix in ("csv", "jsonl", "parquet", "npz") for key in ("y", "id")]
    + [("names.npz", "y"), ("columns.csv", "y"), ("columns.parquet", "y")],
)
def test_classes_ids_and_names_with_a_nul_are_refused_in_files(tmp_path, name, key):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "z": list(_NUL)})
    path = tmp_path / name
    if name.startswith("columns"):
        table = pd.DataFrame({"u": [1.0, 2.0], "u\0": [3.0, 4.0], "z": ["a", "b"]})
    if name == "names.npz":
        np.savez(path, x=np.eye(3), z=[0, 1, 2], class_names=list(reversed(_NUL)))
    elif path.suffix == ".npz":
        np.savez(path, x=np.eye(3), z=list(reversed(_NUL)))
    else:
        write = {".csv": table.to_csv, ".jsonl": table.to_json, ".parquet": table.to_parquet}
        how = {"orient": "records", "lines": True} if path.suffix == ".jsonl" else {"index": False}
        write[path.suffix](path, **how)
    with pytest.raises(DataError, match=rf"{name}.* has '.*\\x00.*NUL"):
        data.load({"path": str(path), key: "z"})


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame(np.eye(3), index=list(_NUL)),
        pd.DataFrame(np.eye(3), columns=list(_NUL)),
        pd.DataFrame({"a": [1, 2, 3], "b": list(_NUL)}),
        {"a": [1.0, 2.0], "b\0": [3.0, 4.0]},
        list(_NUL),
    ],
)
def test_classes_ids_and_names_with_a_nul_are_refused_in_memory(given):
    with pytest.raises(DataError, match=r"\\x00' in (row|column) 2 .*NUL"):
        Rows.of(given)


@pytest.mark.parametrize("made", [list, partial(np.array, dtype=object), pd.Series, np.array])
def test_true_classes_with_a_nul_are_refused(made):
    with pytest.raises(DataError, match=r"y has '(u\\x00' in row 2|v\\x00w' in row 3).*NUL"):
        code(made(list(_NUL)), "y")


@pytest.mark.parametrize("digits", ["٣", "\uff11\uff12", "1\u0968"])
def test_digits_of_other_scripts_are_refused_with_row_and_column(tmp_path, digits):
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,2\n3,{digits}\n")
    with pytest.raises(DataError, match=r"'b' has .* in row 2"):
        data.load(path)


@pytest.mark.parametrize("point", [0x110000, 0xFFFFFFFF, 0xD800])
@pytest.mark.parametrize("name", ["feature_names", "y"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_strings_of_numpy_that_are_not_characters_are_refused(tmp_path, point, name, order):
    words = np.array(["aa", "bb"], dtype=f"{order}U2")
    words.view(f"{order}u4")[1] = point
    np.savez(tmp_path / "table.npz", x=np.eye(2), **{name: words})
    if name == "y":
        with pytest.raises(DataError, match=r"'y'.*not valid Unicode"):
            data.load(tmp_path / "table.npz")
    else:
        with pytest.warns(match="'feature_names' does not name the columns"):
            assert data.load(tmp_path / "table.npz").schema.names == ()


def test_fields_of_strings_of_any_length_are_labels_and_ids(tmp_path):
    import h5py

    text = h5py.string_dtype()
    rows = np.array(
        [(1.5, "ä", "k0"), (2.5, "b", "k1")], dtype=[("a", "f8"), ("y", text), ("k", text)]
    )
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["table"] = rows
    read = data.load({"path": str(tmp_path / "table.h5"), "id": "k"})
    assert (read.x.tolist(), read.y.tolist(), read.ids.tolist()) == (
        [[1.5], [2.5]], ["ä", "b"], ["k0", "k1"],
    )  # fmt: skip


@pytest.mark.parametrize("text", ["line\x85break", "\u2028", "a\u2029", "emoji 😀"])
def test_strings_with_line_breaks_of_unicode_are_one_in_every_format(tmp_path, text):
    import json

    tree = {"a": text, text: [text]}
    (tmp_path / "a.yaml").write_text(as_yaml(tree))
    (tmp_path / "b.yaml").write_text(json.dumps(tree))
    (tmp_path / "c.json").write_text(json.dumps(tree))
    for path in tmp_path.iterdir():
        assert read_tree(path) == tree, path.name


@pytest.mark.parametrize("written", ['{"a": "\\ud83d"}', '{"\\ude00": 1}', '{"a": ["\\udc00x"]}'])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_halves_of_characters_are_refused(tmp_path, written, suffix):
    path = tmp_path / f"run.{suffix}"
    path.write_text(written)
    with pytest.raises(ConfigError, match="stand for no character"):
        read_tree(path)


def test_a_key_written_twice_by_its_escapes_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text('"😀": 1\n"\\ud83d\\ude00": 2\n')
    with pytest.raises(ConfigError, match="twice"):
        read_tree(path)


def test_a_flipped_bit_in_a_score_of_a_record_is_noticed(tmp_path):
    log = RecordLog(tmp_path / "records")
    log.append({"cell": "a", "status": "done", "score": 0.123456})
    log.flush()
    (path,) = (tmp_path / "records").iterdir()
    content = bytearray(path.read_bytes())
    content[content.index(struct.pack("<d", 0.123456))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=path.name):
        read_records(tmp_path / "records")
