"""Files of known tables, whole or with one fault, and pictures: read right, or refused."""

from __future__ import annotations

import ast
import contextlib
import csv
import gzip
import io
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from truth import (
    LABEL,
    TEXT,
    TYPED,
    WORDS,
    Rng,
    Truth,
    Written,
    json_lines,
    some,
    text_table,
    truth,
    typed,
)

from n2d_framework import data
from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Rows
from n2d_framework.data.stdin import from_stdin
from n2d_framework.errors import DataError

#: Names of columns in text tables lose spaces around them.
TEXT_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

Case = tuple[str, Callable[[], str]]


def require(holds: bool, what: str) -> None:
    """Raise AssertionError, with what is wrong, unless something holds."""
    if not holds:
        raise AssertionError(what)


def same_values(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether arrays have the same values, bit for bit where these are floats."""
    if found.shape != expected.shape:
        return False
    if found.dtype.kind == "f" and found.dtype == expected.dtype.newbyteorder("="):
        return np.array_equal(np.ascontiguousarray(found).view(np.uint8),
                              expected.astype(found.dtype, order="C").view(np.uint8))  # fmt: skip
    return np.array_equal(found, expected)


def same_labels(found: np.ndarray, expected: list[str]) -> bool:
    """Return whether labels are the strings or the numbers they write, and as many different."""
    values = found.tolist()
    if len(set(values)) != len(set(expected)) or len(values) != len(expected):
        return False
    if found.dtype.kind in "iuf":
        return values == [float(text) if "." in text else int(text) for text in expected]
    return list(map(str, values)) == expected


def check(read: Dataset, table: Truth, written: Written) -> None:
    """Compare what was read with what is known.

    Raises
    ------
    AssertionError
    """
    assert same_values(read.x, table.x), f"x is {read.x.dtype} {read.x.tolist()}"
    assert (read.y is not None) == (written.y and table.y is not None), "labels"
    if read.y is not None:
        assert same_labels(read.y, table.y or []), f"labels are {read.y.tolist()}"
    assert (read.ids is not None) == (written.ids and table.ids is not None), "ids"
    if read.ids is not None:
        assert read.ids.tolist() == table.ids, f"ids are {read.ids.tolist()}"
    if written.names:
        assert read.schema is not None
        found, names = list(read.schema.names), list(table.names)
        if written.path.name.endswith(TEXT_SUFFIXES):
            names = [name.strip() for name in names]
        if found[0] != names[0]:  # the mark of a comment belongs to no name
            names[0] = names[0].removeprefix("#")
        assert found == names, f"names are {found}"


def check_chunks(written: Written, read: Dataset, size: int) -> None:
    """The same rows come piece by piece."""
    with data.open_rows(written.reference) as source:
        parts = list(source.blocks(size))
    assert max(len(part.x) for part in parts) <= size
    assert same_values(np.concatenate([part.x for part in parts]), read.x), "chunks"
    if read.ids is not None:
        ids = [key for part in parts if part.ids is not None for key in part.ids]
        assert ids == read.ids.tolist(), "ids of chunks"


def whole(rng: Rng, folder: Path) -> Case:
    """A file without a fault."""
    table, written = written_table(rng, folder)
    size = int(rng.integers(1, table.n + 2))

    def run() -> str:
        read = data.load(written.reference)
        check(read, table, written)
        check_chunks(written, read, size)
        return "right"

    return f"{written.path.name} {written.ask}", run


def written_table(rng: Rng, folder: Path) -> tuple[Truth, Written]:
    """A table, and a file with it of any format."""
    table = truth(rng)
    if rng.random() < 0.55:
        return table, some(rng, TEXT)(rng, table, folder)
    write = some(rng, TYPED)
    table = typed(rng, table)
    if write.__name__ == "parquet" and table.x.dtype == np.float16:
        table = attrs.evolve(table, x=table.x.astype(np.float32))
    return table, write(rng, table, folder)


@contextlib.contextmanager
def _stdin(content: bytes) -> Iterator[None]:
    kept, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(content))
    try:
        yield
    finally:
        sys.stdin = kept


def on_stdin(rng: Rng, folder: Path) -> Case:
    """A table that comes through a pipe, as a file would."""
    table = truth(rng)
    kind = some(rng, ["csv", "jsonl"])
    written = (text_table if kind == "csv" else json_lines)(rng, table, folder)
    content = written.path.read_bytes()
    if written.path.suffix == ".gz":
        content = gzip.decompress(content)
    as_file = attrs.evolve(written, path=folder / f"piped.{kind}")
    if ".tsv" in written.path.name and not content.removeprefix(BOM_UTF8).startswith(b"sep="):
        content = b"sep=\t\n" + content.removeprefix(BOM_UTF8)

    def run() -> str:
        with _stdin(content), from_stdin({"path": "-", **written.ask}, kind) as reference:
            check(data.load(reference), table, as_file)
        return "right"

    return f"stdin {kind} {written.ask}", run


#: What is put into a cell of a feature.
_WRONG_TEXT = ("", "NA", "nan", "?", "null", "None", "inf", "-inf", "1,5", "x", "1_000", "0x1p3",
               "1e999", "--1", "1 2", "٣", "NaN(1)", "1e", "😀", " ")  # fmt: skip
_WRONG_JSON: tuple[Any, ...] = (
    None,
    float("nan"),
    float("inf"),
    "1.5",
    "",
    [],
    [1.0],
    {},
    "x",
    10**400,
)


def _faulty_text(
    rng: Rng, table: Truth, folder: Path
) -> tuple[Path, dict[str, Any], list[str], str]:
    """A comma separated table with one fault: where it is, what to ask, what must be named."""
    names = [name.strip() for name in table.names]
    rows = [[repr(float(value)) for value in row] for row in table.x]
    row, position = int(rng.integers(table.n)), int(rng.integers(len(names)))
    named = [f"row {row + 1}"]
    kind = some(rng, ["cell", "cell", "cell", "more", "fewer", "twice", "label", "bytes"])
    classes = [some(rng, ["a", "b"]) for _ in rows]
    odd = ""
    if kind == "cell":
        odd = some(rng, _WRONG_TEXT)
        rows[row][position] = odd
        named += [repr(names[position])]
    elif kind == "more":
        rows[row].append("7")
    elif kind == "fewer":
        rows[row].pop()
    elif kind == "twice":
        names.append(names[position])
        rows = [[*cells, "1"] for cells in rows]
        named = [repr(names[position])]
    elif kind == "label":
        classes[row] = ""
        named += [repr(LABEL)]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*names, LABEL])
    writer.writerows([*cells, label] for cells, label in zip(rows, classes, strict=True))
    content = out.getvalue().encode()
    if kind == "bytes":
        lines = content.split(b"\r\n")
        lines[-2 - (table.n - 1 - row)] += b"\xff"
        content = b"\r\n".join(lines)
        named = []
    path = folder / "table.csv"
    path.write_bytes(content)
    return path, {"y": LABEL, "header": True}, named, f"{kind} {odd!r}"


def _faulty_lines(
    rng: Rng, table: Truth, folder: Path
) -> tuple[Path, dict[str, Any], list[str], str]:
    """JSON lines with one fault."""
    rows = [dict(zip(table.names, map(float, values), strict=True)) for values in table.x]
    row, name = int(rng.integers(1, table.n)), some(rng, table.names)
    kind = some(rng, ["cell", "cell", "gone", "list", "half", "twice"])
    odd = some(rng, _WRONG_JSON)
    named = [f"row {row + 1}", repr(name)]
    changed: dict[str, Any] = rows[row]
    lines = [json.dumps(cells) for cells in rows]
    if kind == "cell":
        changed[name] = odd
        lines[row] = json.dumps(changed)
    elif kind == "gone":
        del changed[name]
        lines[row] = json.dumps(changed)
    else:
        named = [f"line {row + 1}"] if kind != "twice" else [repr(name)]
        lines[row] = {
            "list": json.dumps(list(changed.values())),
            "half": lines[row][:-1],
            "twice": lines[row][:-1] + f", {json.dumps(name)}: 1}}",
        }[kind]
    path = folder / "table.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path, {"y": False}, named, f"{kind} {odd!r}"


def faulty(rng: Rng, folder: Path) -> Case:
    """A text table or JSON lines with one fault, which has to be named with its place."""
    table = truth(rng, words=[word for word in WORDS if not word.startswith("#")])
    write = _faulty_text if rng.random() < 0.6 else _faulty_lines
    path, ask, named, what = write(rng, table, folder)

    def run() -> str:
        try:
            # All are chosen, so that none is left out as an id.
            read = data.load({"path": str(path), "x": "*", **ask})
        except DataError as error:
            text = str(error)
            require(text.startswith(str(path)), f"the file is not named: {text}")
            missing = [name for name in named if name not in text]
            require(not missing, f"{missing} not named: {text}")
            return "refused"
        require(what.startswith(("cell", "gone")), f"read as {read.x}")
        row, name = int(named[0].removeprefix("row ")) - 1, ast.literal_eval(named[1])
        check_other_kind(Rows.of(read), table, row, name, what)
        return "right"

    return f"{path.name} {what}", run


def check_other_kind(found: Rows, table: Truth, row: int, odd: str, what: str) -> None:
    """A cell of a column of numbers is a gap, a number, or a category as all are then."""
    for at, name in enumerate(found.schema.names):
        values, expected = found.column(name), table.x[:, at]
        others = np.arange(table.n) != row if name == odd else slice(None)
        if values.dtype.kind == "O":
            assert name == odd, f"{name} has categories"
            assert values[others].tolist() == [repr(float(one)) for one in expected[others]]
            continue
        assert same_values(values[others], expected[others]), f"{name} is {values}"
        if name == odd:
            number = np.array(1.5 if what == "cell '1.5'" else np.nan)
            assert np.array_equal(values[row], number, equal_nan=True), f"{what} is {values[row]}"


def _picture(rng: Rng, mode: str, size: tuple[int, int]) -> tuple[Any, np.ndarray]:
    """An image of Pillow, and the pixels that it has when it is read."""
    from PIL import Image

    shape = size[::-1]
    if mode == "1":
        bits = rng.random(shape) > 0.5
        return Image.fromarray(bits), bits.astype(np.uint8)
    if mode == "I;16":
        deep = rng.integers(0, 2**16, shape, dtype=np.uint16)
        return Image.fromarray(deep), deep
    if mode == "P":
        image = Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).quantize(8)
        return image, np.asarray(image.convert("RGB"))
    bands = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    pixels = rng.integers(0, 256, (*shape, *bands), dtype=np.uint8)
    return Image.fromarray(pixels), pixels


#: Without loss, so that every pixel is known.
_LOSSLESS = {
    "1": (".png", ".tif", ".bmp"), "L": (".png", ".pgm", ".tif", ".bmp"), "LA": (".png",),
    "I;16": (".png", ".tif"), "P": (".png", ".gif"), "RGB": (".png", ".ppm", ".tif", ".bmp"),
    "RGBA": (".png", ".tif"),
}  # fmt: skip
_FOLDERS = ("cat", "Dog", "a b", "é", "日本", "0", "10", "9", "=x", "-1", "x.png")


def image_folder(rng: Rng, folder: Path) -> Case:
    """Images, in sub-folders if there are classes."""
    mode = some(rng, list(_LOSSLESS))
    size = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    classes = bool(rng.integers(2))
    top = folder / "pictures"
    top.mkdir()
    expected: dict[str, tuple[np.ndarray, str]] = {}
    for number in range(int(rng.integers(1, 7))):
        image, pixels = _picture(rng, mode, size)
        label = some(rng, _FOLDERS) if classes else ""
        deeper = some(rng, ["", "", "more/"]) if classes else ""
        suffix = some(rng, _LOSSLESS[mode])
        name = f"{label}/{deeper}{some(rng, _FOLDERS)}{number}{suffix}".lstrip("/")
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(top / name)
        expected[name] = pixels, label
    if rng.random() < 0.3:
        (top / some(rng, ["notes.txt", ".DS_Store", ".hidden.png"])).write_bytes(b"x")

    def run() -> str:
        read = data.load(top)
        assert read.ids is not None
        assert sorted(read.ids.tolist()) == sorted(expected), f"ids are {read.ids.tolist()}"
        for row, key in enumerate(read.ids):
            pixels, label = expected[key]
            assert same_values(read.x[row], pixels), f"pixels of {key}"
            assert not classes or read.names[read.y[row]] == label, f"class of {key}"  # type: ignore[index]
        assert classes or read.y is None
        return "right"

    return f"{mode} {size} classes={classes}", run
