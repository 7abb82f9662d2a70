"""Text tables as people write them: headers, comments, classes, encodings, sizes."""

from __future__ import annotations

import gzip
import math
import os
import time
import warnings
from decimal import Decimal
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from n2d_framework.core.dataset import Dataset
from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError, DataWarning

ROWS = ["5.1,3.5", "4.9,3.0", "6.3,2.9", "5.8,2.7"]


def read(folder: Path, content: str | bytes, name: str = "t.csv", **reference: object) -> Dataset:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load({"path": path, **reference})


def names(data: Dataset) -> list[str]:
    return [] if data.schema is None or not data.schema.named else list(data.schema.names)


@pytest.mark.parametrize(
    "classes",
    ["y n y n", "n y n n", "y y y y", "p e p e", "yes no no yes", "label a label a", "t f f t"],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_first_row_of_data_is_not_a_header(tmp_path: Path, classes: str, first: bool) -> None:
    """As in files of UCI, which have no header and classes such as y and n."""
    pairs = zip(ROWS, classes.split(), strict=True)
    text = "".join(f"{label},{row}\n" if first else f"{row},{label}\n" for row, label in pairs)
    column = "0" if first else "2"
    data = read(tmp_path, text, y=column)
    assert data.x.shape == (4, 2)
    assert list(data.y) == classes.split()
    found = read(tmp_path, text)
    assert list(found.x.column(column)) == classes.split()


@pytest.mark.parametrize(
    ("text", "features", "classes"),
    [
        ("a,b,class\n1,2,dog\n3,4,cat\n", ["a", "b"], ["dog", "cat"]),
        ("a,b,y\n1,2,n\n3,4,m\n", ["a", "b"], ["n", "m"]),
        ("name,2019,2020\n1,2,3\n4,5,7\n", ["name", "2019", "2020"], None),
        ("a\n1\noops_\n2\n3\n".replace("oops_", "9"), ["a"], None),
        ("400,402,404,class\n1,5,2,u\n2,1,3,v\n", ["400", "402", "404"], ["u", "v"]),
        ("nan,b\n1,2\n3,4\n", ["nan", "b"], None),
        ('"a\nb","c,d","e ""f"""\n1,2,3\n4,5,7\n', ["a\nb", "c,d", 'e "f"'], None),
        ('"line\r\nbreak";"x"\n1,5;2\n', None, None),
        ('"a\n\n\nb";c\n1;2\n3;5\n', ["a\n\n\nb", "c"], None),
        ("\n\n  \na,b\n1,2\n", ["a", "b"], None),
        ("# made by hand\n#\n\na,b\n1,2\n", ["a", "b"], None),
        ("# made, by hand\na,b\n1,2\n", ["a", "b"], None),
        ("# a,b,class\n1,2,0\n3,4,1\n", ["a", "b"], [0, 1]),
        ("#,a,b\n1,2,4\n2,2,4\n", ["#", "a", "b"], None),
        ("# 1,2,3\n4,5,7\n1,2,3\n", [], None),
        ("# nothing\n1,2\n3,4\n", [], None),
        ("sep=;\na;b\n1;2\n", ["a", "b"], None),
        ("\ufeff# c\na,b\n1,2\n", ["a", "b"], None),
        ("a|b\n1|2\n", ["a", "b"], None),
        ('"a, b";c\n1;2\n3;4\n', ["a, b", "c"], None),
        ("a,b\r1,2\r3,4\r", ["a", "b"], None),
        ('"0"\t"c;"\n1.5\t1.5\n2.5\t2.5\n', ["0", "c;"], None),
    ],
)
def test_headers_are_found_where_they_are(
    tmp_path: Path, text: str, features: list[str] | None, classes: list[object] | None
) -> None:
    if features is None:
        with pytest.raises(DataError, match="decimal comma"):
            read(tmp_path, text)
        return
    for name, content in (("t.csv", text.encode()), ("t.csv.gz", gzip.compress(text.encode()))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            data = read(tmp_path, content, name)
        assert (data.name, names(data)) == ("t", features)
        assert (None if data.y is None else list(data.y)) == classes


@given(
    header=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6),
        min_size=2, max_size=4, unique_by=str.strip,
    ),
    above=st.sampled_from(["", "\n", "# remark\n", "\n# remark\n\n"]),
    mark=st.sampled_from([",", ";", "\t", "|"]),
)  # fmt: skip
@example(header=["0", ";"], above="", mark="\t")
@settings(max_examples=80, deadline=None)
def test_any_names_come_back(
    header: list[str], above: str, mark: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(header)
    out.write(mark.join(["1.5"] * len(header)) + "\n" + mark.join(["2.5"] * len(header)) + "\n")
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes((above + out.getvalue()).encode())
    data = load({"path": path, "header": True, "y": False})
    assert data.x.shape[0] == 2
    found = data.schema.names if data.schema is not None else ()
    index = [header[0].strip()] if header[0].strip() in ("", "Unnamed: 0") else []
    assert [*index, *found] == [name.strip() for name in header]


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("0,1,2\n4,5,9\n", "counts 0 to 2"),
        ("name,2019,2020\n1,2,3\n4,5,1\n", "taken for names of columns, among them '2019', '2020'"),
        ("1,oaps,3\n4,5,6\n7,8,1\n", "taken for names of columns, among them '1', '3'"),
        ("400,402,404\n.1,.5,.2\n.4,.3,.1\n", "increases from column to column"),
        ("400,401.5,410,420,444\n1,5,2,1,1\n4,3,1,1,1\n", "increases from column to column"),
    ],
)
@pytest.mark.parametrize("settled", [True, False])
def test_headers_of_numbers_are_pointed_out(
    tmp_path: Path, text: str, remark: str, settled: bool
) -> None:
    with pytest.warns(DataWarning, match=remark + r".*header: true") as caught:
        read(tmp_path, text)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if settled or "a" not in text:
            read(tmp_path, text, header=settled)


@pytest.mark.parametrize("text", ["1,2,3\n2,3,4\n", "1,2\n3,1\n", "5.1,3.5,1.4\n4.9,3.0,1.4\n"])
def test_ordinary_rows_are_not_pointed_out(tmp_path: Path, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read(tmp_path, text).x) == 2


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_the_rows_is_pointed_out(
    tmp_path: Path, suffix: str, start: int
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"number": np.arange(start, start + 30), "a": rng.normal(size=30)})
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    with pytest.warns(DataWarning, match="column 'number' counts the rows .*id: number") as caught:
        assert load(path).x.shape == (30, 2)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load({"path": path, "id": "number"}).x.shape == (30, 1)


COUNTERS = [
    np.arange(30)[::-1], 7 + np.arange(30), 1000 - 10 * np.arange(30), -np.arange(30),
    np.random.default_rng(1).permutation(30), 1 + np.random.default_rng(1).permutation(30),
]  # fmt: skip


@pytest.mark.parametrize("numbers", COUNTERS, ids=lambda numbers: str(numbers[:3]))
def test_other_counters_of_rows_are_pointed_out(tmp_path: Path, numbers: np.ndarray) -> None:
    values = np.random.default_rng(0).normal(size=30)
    pd.DataFrame({"a": values, "n": numbers}).to_json(
        tmp_path / "t.jsonl", orient="records", lines=True
    )
    with pytest.warns(DataWarning, match="column 'n' counts the rows"):
        load(tmp_path / "t.jsonl")


@pytest.mark.parametrize(
    "column",
    [np.arange(30) / 2, np.arange(30) % 15, np.full(30, 5), np.r_[np.arange(29), 40]],
    ids=["halves", "twice", "constant", "gap"],
)
def test_columns_that_do_not_count_the_rows_are_not_pointed_out(
    tmp_path: Path, column: np.ndarray
) -> None:
    values = np.random.default_rng(0).normal(size=30)
    pd.DataFrame({"a": values, "n": column}).to_csv(tmp_path / "t.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("start", [2**53, 10**17, -(2**60), 2**62])
def test_features_that_float64_rounds_are_pointed_out(
    tmp_path: Path, suffix: str, start: int
) -> None:
    frame = pd.DataFrame({"key": start + np.arange(30) * 3 % 31, "a": np.arange(30) % 7})
    path = tmp_path / f"t{suffix}"
    if suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    with pytest.warns(DataWarning, match="column 'key' has numbers of more than 16 digits"):
        load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(set(load({"path": path, "id": "key"}).ids)) == 30
        frame["key"] = (np.arange(30) % 3) * 1e300
        frame.to_csv(tmp_path / "large.csv", index=False)
        load(tmp_path / "large.csv")


def test_keys_of_later_objects_that_are_not_used_are_named(tmp_path: Path) -> None:
    rows = '{"a": 1, "b": 2}\n{"b": 3, "a": 4, "c": 5}\n{"a": 6, "b": 7, "d": 8}\n'
    with pytest.warns(DataWarning, match="not used: 'c', 'd' .from row 2 on.") as caught:
        assert read(tmp_path, rows, "t.jsonl").x.shape == (3, 2)
    assert len(caught) == 1


@pytest.mark.parametrize("digits", ["\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT TWO}", "1_0"])
def test_numbers_in_other_digits_are_refused_by_their_place(tmp_path: Path, digits: str) -> None:
    with pytest.raises(DataError, match=f"column 'a' has '{digits}' in row 2"):
        read(tmp_path, f"a,b\n1,2\n{digits},3\n")


@pytest.mark.parametrize("content", ["name,kind\nbob,cat\nann,dog\n", "a;b\n1:5;2:5\n3:5;4:1\n"])
def test_a_first_row_without_numbers_may_be_a_header(tmp_path: Path, content: str) -> None:
    with pytest.warns(DataWarning, match=r"is taken for a row, not for names; say .*header: true"):
        assert len(read(tmp_path, content).x) == 3
    for header in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(read(tmp_path, content, header=header).x) == 3 - header


@pytest.mark.parametrize("last", ["", ",class"])
def test_a_header_of_categories_is_found_where_they_repeat(tmp_path: Path, last: str) -> None:
    ends = [",p", ",e"] if last else ["", ""]
    rows = "".join(f"{'xyz'[n % 3]},{'ab'[n % 2]}{ends[n % 2]}\n" for n in range(12))
    data = read(tmp_path, f"shape,odor{last}\n{rows}")
    assert names(data) == ["shape", "odor"]
    assert len(data.x) == 12
    assert len(read(tmp_path, rows, y="2" if last else False).x) == 12


@pytest.mark.parametrize("odd", ["", "   ", "Great!", "the", "so good"])
def test_a_name_above_texts_is_a_header_though_some_are_short(tmp_path: Path, odd: str) -> None:
    texts = [f"it came {n} days late and was broken" for n in range(30)]
    texts[7] = texts[19] = f'"{odd}"'
    data = read(tmp_path, "review\n" + "\n".join(texts) + "\n")
    assert names(data) == ["review"]
    assert len(data.x) == 30
    with pytest.warns(DataWarning, match="is taken for a row, not for names"):
        assert len(read(tmp_path, "\n".join(["Great!", *texts[:3], "Fine", "Bad"]) + "\n").x) == 6


CLASSES = [
    ("1", "1.0", "01"), ("1", "1.0"), ("01", "02"), ("1", " 1"), ("0", "-0"), ("1e3", "1000"),
    ("0.5", "0.50"), ("nan", "1"), ("inf", "1"), ("+1", "1"), ("1_0", "10"), ("true", "True"),
    ("NA", "1"), ("null", "None"), ("nan", "NaN"), ("NA", "N/A", "?", "-"), ("a", "a "),
    ("9007199254740993", "9007199254740992.0"), ("é", "e\u0301"), ("0x10", "16"),
    ("99999999999999999999", "1"), ("\N{FULLWIDTH DIGIT ONE}", "1"),
]  # fmt: skip


def stored(folder: Path, suffix: str, classes: list[str]) -> Path:
    x, path = np.arange(2.0 * len(classes)).reshape(-1, 2) % 7, folder / f"t{suffix}"
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=classes)
    match suffix:
        case ".csv" | ".csv.gz" | ".tsv":
            frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
        case ".parquet":
            frame.to_parquet(path)
        case ".npz":
            np.savez(path, x=x, y=np.array(classes))
        case ".h5":
            with h5py.File(path, "w") as file:
                file["x"] = x
                file.create_dataset("y", data=classes, dtype=h5py.string_dtype())
        case ".jsonl" | ".jsonl.gz":
            frame.to_json(path, orient="records", lines=True)
        case ".feather" | ".arrow":
            frame.to_feather(path)
    return path


@pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning")
@pytest.mark.parametrize(
    "suffix",
    [".csv", ".csv.gz", ".tsv", ".parquet", ".npz", ".h5", ".jsonl", ".jsonl.gz", ".feather"],
)
@pytest.mark.parametrize("classes", CLASSES)
def test_classes_that_are_different_strings_stay_different(
    tmp_path: Path, suffix: str, classes: tuple[str, ...]
) -> None:
    given_as = list(classes) * 4
    data = load(stored(tmp_path, suffix, given_as))
    assert [str(label) for label in data.y] == given_as
    distinct, codes = np.unique(data.y, return_inverse=True)
    assert len(distinct) == len(classes)
    np.testing.assert_array_equal(codes[: len(classes)], codes[-len(classes) :])


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".h5", ".parquet"])
@pytest.mark.parametrize(
    ("classes", "kind"), [(["7", "-1", "10"], np.int64), (["0.5", "7"], np.float64)]
)
def test_classes_that_are_numbers_become_numbers(
    tmp_path: Path, suffix: str, classes: list[str], kind: type
) -> None:
    data = load(stored(tmp_path, suffix, classes * 2))
    assert data.y.dtype == kind
    np.testing.assert_array_equal(data.y, np.array(classes * 2, dtype=float))


def test_a_class_called_as_missing_values_are_is_pointed_out(tmp_path: Path) -> None:
    with pytest.warns(DataWarning, match="2 rows are of the class 'NA', 'null'"):
        data = read(tmp_path, "a,y\n1,NA\n2,b\n3,null\n")
    assert list(data.y) == ["NA", "b", "null"]
    data = read(tmp_path, 'a,y\n1,""\n2,b\n3," "\n')
    assert list(data.y) == ["", "b", " "]
    with pytest.raises(DataError, match="column 'y' has no value in row 2"):
        read(tmp_path, "a,y\n1,u\n3,\n")


@pytest.mark.parametrize("mark", ["NA", "nan", "?", "null", "NULL", "None", "#N/A", ""])
def test_features_without_a_value_have_gaps(tmp_path: Path, mark: str) -> None:
    data = read(tmp_path, f"a,b,y\n1,2,u\n3,{mark},NA\n")
    np.testing.assert_array_equal(data.x.column("b"), [2, np.nan])


@pytest.mark.parametrize("mark", ["inf", "-Infinity"])
def test_infinite_features_are_refused(tmp_path: Path, mark: str) -> None:
    with pytest.raises(DataError, match=rf"t\.csv: column 'b' has '{mark}' in row 2 .*infinite"):
        read(tmp_path, f"a,b,y\n1,2,u\n3,{mark},NA\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "no number|columns"),
        ("größe,b\n1,2\n".encode("latin-1"), "line 1 has bytes that are not UTF-8"),
        ("a,b,y\n1,2,u\n1,2,gr\xfcn\n".encode("latin-1"), "not UTF-8"),
        (b"a,b\n" + b"1,2\n" * 2000 + b"1,\xff\n", "row 2001 .*not UTF-8"),
        (b"a,b\n1,\x002\n", "column 'b' has '.x002' in row 1 .*NUL"),
        (b"\0" * 100, "no rows"),
        ('a,b\n"1,2\n', "row 1 "),
        ("a,b\n1,2\n3,4,5\n", "row 2 .*Expected 2 columns, got 3"),
        ("a,b\n" + "1,2\n" * 3000 + "1\n", "row 3001 .*Expected 2 columns, got 1"),
        ("# nothing but a comment\n", "no rows"),
        ("1,5;2,5\n2,5;3,5\n", "decimal comma"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "compressed with gzip"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path, content)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize("cut", [5, 40, 200])
def test_truncated_and_false_gzip(tmp_path: Path, cut: int) -> None:
    content = gzip.compress("\n".join(["a,b", *(f"{i}.123,{i * i}" for i in range(500))]).encode())
    with pytest.raises(DataError, match=r"t\.csv\.gz"):
        read(tmp_path, content[:-cut], "t.csv.gz")
    with pytest.raises(DataError, match=r"t\.csv\.gz"):
        read(tmp_path, "a,b\n1,2\n", "t.csv.gz")


def test_one_line_without_end_is_not_read_whole(tmp_path: Path) -> None:
    content = gzip.compress(b"1" * (80 << 20), compresslevel=1)
    with pytest.raises(DataError, match="longer than"):
        read(tmp_path, content, "t.csv.gz")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_many_columns_cost_linear_time(tmp_path: Path, suffix: str) -> None:
    """Tables of genes have 20,000 of them."""
    seconds = {}
    for n in (2_000, 8_000):
        frame = pd.DataFrame(np.ones((2, n)), columns=[f"gene {i}" for i in range(n)])
        path = tmp_path / f"{n}{suffix}"
        if suffix == ".csv":
            frame.to_csv(path, index=False)
        elif suffix == ".parquet":
            frame.to_parquet(path)
        else:
            frame.to_json(path, orient="records", lines=True)
        start = time.process_time()
        data = load(path)
        assert load(path, like=data.schema).x.shape == (2, n)
        with open_rows({"path": path, "drop": ["gene 0"]}) as source:
            assert sum(len(rows) for rows in source.chunks(1)) == 2
        seconds[n] = time.process_time() - start
    assert seconds[8_000] < 8 * seconds[2_000] + 1


@pytest.mark.parametrize("library", ["pandas", "polars", "Arrow"])
def test_frames_of_many_columns_cost_linear_time(library: str) -> None:
    import polars as pl
    import pyarrow as pa

    from n2d_framework.core.rows.checked_arrays import dense_rows
    from n2d_framework.core.rows.frames import as_frame

    turn = {"pandas": lambda frame: frame, "polars": pl.DataFrame, "Arrow": pa.Table.from_pandas}
    seconds = {}
    for n in (2_000, 16_000):
        frame = turn[library](pd.DataFrame({f"gene {i}": [1.0, 2.0] for i in range(n)}))
        start = time.process_time()
        columns = as_frame(frame)
        assert dense_rows(columns, list(range(n))[::-1]).shape == (2, n)
        seconds[n] = time.process_time() - start
    assert seconds[16_000] < 20 * seconds[2_000] + 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", "column 'a' has '1,5' in row 1"),
        ("a;b\n1;2\n3;4,5\n", "column 'b' has '4,5' in row 2"),
        ("1,5;2,5\n3,5;4,5\n", "'3,5' in row|'1,5' in row"),
        ('a,b\n"1,5","2"\n"3,5","4"\n', "column 'a' has '1,5' in row 1"),
        ('a,b\n"1,234",2\n"3,456",4\n', "column 'a' has '1,234' in row 1"),
        ("a;b\n1.234,5;2\n1;4\n", "column 'a' has '1.234,5' in row 1"),
        ("a;b\n1 234,5;2\n1;4\n", "column 'a' has '1 234,5' in row 1"),
        ("a\tb\n-,5E+03\t2\n,5\t4\n", "column 'a' has '-,5E"),
    ],
)
def test_decimal_commas_are_refused_with_their_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=f"({place}).*decimal comma"):
        load(path)


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes")
@pytest.mark.parametrize(
    "suffix", [".csv", ".csv.gz", ".tsv", ".jsonl", ".parquet", ".npy", ".h5", ""]
)
def test_files_whose_names_are_not_utf8_are_read(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [5.0, 6.0, 8.0]})
    path = tmp_path / os.fsdecode(b"\xff\xfe" + suffix.encode())
    plain = tmp_path / f"plain{suffix}"
    match suffix:
        case ".jsonl":
            frame.to_json(plain, orient="records", lines=True)
        case ".parquet":
            frame.to_parquet(plain)
        case ".npy":
            np.save(plain, frame.to_numpy())
        case ".h5":
            with h5py.File(plain, "w") as file:
                file["x"] = frame.to_numpy()
        case "":
            plain.mkdir()
            frame.to_parquet(plain / "0.parquet")
        case _:
            frame.to_csv(plain, index=False, sep="\t" if suffix == ".tsv" else ",")
    plain.rename(path)
    np.testing.assert_array_equal(load(path).x, frame.to_numpy())


@pytest.mark.parametrize(("one", "other"), [("2", '"2"'), ('"true"', "true"), ("1.5", '"1.5"')])
@pytest.mark.parametrize("far", [0, 5000])
def test_a_json_string_and_the_value_that_it_spells_are_not_one_class(
    tmp_path: Path, one: str, other: str, far: int
) -> None:
    path = tmp_path / "t.jsonl"
    lines = [f'{{"a": {i}, "y": {one}}}' for i in range(far + 2)]
    path.write_text("\n".join([*lines, f'{{"a": 1, "y": {other}}}']))
    with pytest.raises(DataError, match=rf"(?s)'y' has the string .* as in row {far + 3} "):
        load(path)
    path.write_text("\n".join(lines))
    assert len(load(path).x) == far + 2


TEXTS = [".csv", ".tsv", ".csv.gz", ".jsonl", ".jsonl.gz"]


def written(folder: Path, suffix: str, values: list[str]) -> Path:
    """A file with columns a (these values) and b (0, 1, ...)."""
    path = folder / f"t{suffix}"
    if "jsonl" in suffix:
        text = "".join(f'{{"a": {value}, "b": {i}}}\n' for i, value in enumerate(values))
    else:
        mark = "\t" if "tsv" in suffix else ","
        text = f"a{mark}b\n" + "".join(f"{value}{mark}{i}\n" for i, value in enumerate(values))
    data = text.encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("suffix", TEXTS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sign=st.sampled_from(["", "-"]),
    digits=st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?", fullmatch=True),
    exponent=st.one_of(st.just(""), st.integers(-500, 500).map(lambda e: f"e{e}"),
                       st.sampled_from(["E-0400", "e+0400", "e-99999", "E99999"])),
    row=st.integers(0, 3),
)  # fmt: skip
@example("", "1", "e-400", 3)
@example("-", "0.000", "e-999", 0)
@example("", "0." + "0" * 330 + "7", "", 1)
@example("", "1" + "0" * 400, "", 2)
@example("-", "4.9", "e-324", 1)
@example("", "2", "e-324", 1)
@example("", "1.7976931348623157", "e308", 0)
@example("", "1.7976931348623159", "e308", 0)
def test_a_number_is_read_to_its_last_digit_or_refused_with_its_row(
    tmp_path: Path, suffix: str, sign: str, digits: str, exponent: str, row: int
) -> None:
    values = ["1", "2", "3", "5"]
    values[row] = sign + digits + exponent
    path, exact = written(tmp_path, suffix, values), Decimal(values[row])
    held = float(exact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        if math.isinf(held) or (held == 0 and exact != 0):
            with pytest.raises(DataError, match=rf"row {row + 1} .*float64.*another unit"):
                load(path)
        else:
            assert load(path).x[row, 0] == held


def test_a_tiny_number_is_found_where_it_lies_between_two_blocks(tmp_path: Path) -> None:
    lines = [f"{i % 7},{i}" for i in range(200_000)]
    for row in (90_000, 199_999):
        changed = [*lines]
        changed[row] = "3.5e-400,1"
        with pytest.raises(DataError, match=rf"'a', row {row + 1} .*3.5e-400 is too close to 0"):
            read(tmp_path, "a,b\n" + "\n".join(changed))


@pytest.mark.parametrize(("encoding", "name"), [("utf-32", "UTF-32"), ("utf-16", "UTF-16")])
@pytest.mark.parametrize("order", ["-le", "-be"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_other_encodings_are_called_by_their_names(
    tmp_path: Path, encoding: str, name: str, order: str, suffix: str
) -> None:
    content = ("\ufeffa\tb\n" + "\n".join(ROWS)).encode(encoding + order)
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    with pytest.raises(DataError, match=f"it is {name}, not UTF-8; save it as UTF-8"):
        load(path)


@pytest.mark.parametrize("marks", [1, 2, 3])
@pytest.mark.parametrize("suffix", TEXTS)
def test_byte_order_marks_belong_to_no_name(tmp_path: Path, suffix: str, marks: int) -> None:
    path = written(tmp_path, suffix, ["1", "2.5", "4"])
    opened = gzip.open if suffix.endswith(".gz") else open
    with opened(path, "rb") as file:
        content = file.read()
    with opened(path, "wb") as file:
        file.write(b"\xef\xbb\xbf" * marks + content)
    found = load(path)
    assert found.schema.names == ("a", "b")
    assert found.x.tolist() == [[1, 0], [2.5, 1], [4, 2]]


@pytest.mark.parametrize(
    "lines", ["1,5\n2,05\n3,125\n", "-1,05\n2,5\n", "1,5\r\n12,75\r\n0,005\r\n"]
)
def test_commas_that_may_be_decimal_are_pointed_out(tmp_path: Path, lines: str) -> None:
    with pytest.warns(DataWarning, match="two columns; if their commas are decimal"):
        assert read(tmp_path, lines).x.shape[1] == 2
    for settled in ({"header": False}, {"y": "1"}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(tmp_path, lines, **settled)


@pytest.mark.parametrize(
    "lines", ["1,5\n2,25.5\n3,1\n", "1,05,6\n2,5,6\n", "1;05\n2;5\n", "1,-05\n2,5\n", "1,5\n2,25\n"]
)
def test_other_tables_have_no_decimal_commas(tmp_path: Path, lines: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tmp_path, lines)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz"])
@pytest.mark.parametrize(
    ("rows", "place"),
    [
        (['1,"2', "3,4"], 1), (["1,2", '3,"4'], 2), (["1,2", '"3,4', "5,6"], 2),
        (["1,x", '2,"y', "3,z", "4,z"], 2), (['1,"a"', '2,"a ""b""', "3,c"], 2),
    ],
)  # fmt: skip
def test_a_quote_that_is_not_closed_takes_no_rows_away(
    tmp_path: Path, name: str, rows: list[str], place: int
) -> None:
    content = "\n".join(["a,b", *rows])
    content = content.replace(",", "\t") if ".tsv" in name else content
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    with pytest.raises(DataError, match=f"row {place} .* has a quote that is not closed"):
        load(path)


@pytest.mark.parametrize("width", [3, 20_000])
def test_a_quote_that_is_not_closed_in_the_head_is_said(tmp_path: Path, width: int) -> None:
    """It takes in all rows, which are not missing."""
    names, row = [f"f{number}" for number in range(width)], ",".join(["1.5"] * width)
    (tmp_path / "t.csv").write_text("\n".join([",".join(names[:-1]) + ',"last', row, row]))
    with pytest.raises(DataError, match=r"t\.csv: line 1 has a quote that is not closed"):
        load(tmp_path / "t.csv")


def test_a_quote_within_a_field_is_part_of_it(tmp_path: Path) -> None:
    found = read(tmp_path, 'a,b\n1,5" pipe\n2,"6"" pipe"\n3,x\n', y="b")
    assert found.y.tolist() == ['5" pipe', '6" pipe', "x"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_head_beyond_the_limit_of_the_module_csv_is_read(tmp_path, delimiter):
    """As of tables of genes: by marks that do not separate it, the line is one long field."""
    names = [f"ENSG{number:011d}" for number in range(9000)]
    rows = [delimiter.join(names), *[delimiter.join(["1", "2.5", "7"] * 3000)] * 3]
    (tmp_path / "genes.csv").write_text("\n".join(rows))
    assert load(tmp_path / "genes.csv").schema.names == tuple(names)
