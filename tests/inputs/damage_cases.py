"""Damaged files of every format: read as the format's own library reads them, or refused."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np
import pyarrow.parquet as pq
from table_cases import Case, require
from truth import TYPED, Rng, Truth, Written, json_lines, some, text_table, typed

sys.path[:0] = [str(Path(__file__).parents[1] / "security")]

import fuzzing  # noqa: E402

from n2d_framework import data  # noqa: E402
from n2d_framework.core.rows import Rows as DataRows  # noqa: E402
from n2d_framework.errors import DataError  # noqa: E402

WORDS = ("a", "b", "c d", "länge", "w,x")
CLASSES = ("u", "v", "w w", "1", "y,z")

#: Pieces of text that mean something to some reader.
_PIECES = (
    b"\n", b"\r", b"\r\n", b"\0", b'"', b"'", b",", b";", b"\t", b"|", b"#", b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe", b"nan", b"inf", b"1e999", b"[" * 500, b"{", b"}", b"]", b":", b"- ",
    b"&a ", b"*a", b"!!x ",
    b"<<: ", b"1_0", b"0x1", b"true", b"null", b"\\u0000", b"\\ud800", b" " * 50,
    b"9" * 400, b"-", b"=", b"%",
)  # fmt: skip


def mutate(rng: Rng, content: bytes, *, text: bool = False) -> bytes:
    """A file with one to three changes: those of bytes, and for text pieces that mean something."""
    changed = bytearray(content)
    while bytes(changed) == content:
        for _ in range(int(rng.integers(1, 4))):
            if not changed:
                break
            if text and rng.random() < 0.6:
                start = int(rng.integers(len(changed) + 1))
                changed[start : start + int(rng.integers(3))] = some(rng, _PIECES)
            else:
                some(rng, fuzzing.GENTLE + fuzzing.ROUGH)(rng, changed)
    return bytes(changed)


def small(rng: Rng) -> Truth:
    """A table whose cells do not look like anything else, so that only the damage is odd."""
    n, d = int(rng.integers(2, 9)), int(rng.integers(1, 4))
    names = tuple(map(str, rng.choice(np.array(WORDS, dtype=object), d, replace=False)))
    y = [some(rng, CLASSES) for _ in range(n)] if rng.random() < 0.6 else None
    return Truth(np.round(rng.normal(size=(n, d)), 3), names, y)


# What the libraries of the formats read ---------------------------------------------------------

Rows = tuple[np.ndarray, list[str] | None]


def _read_npy(written: Written) -> Iterator[Rows]:
    yield np.load(written.path, allow_pickle=False, max_header_size=1 << 20), None


def _of_arrays(arrays: dict[str, Any], path: Path) -> Iterator[Rows]:
    del path
    lower = {name.lower(): values for name, values in arrays.items()}
    labels = [
        lower[name]
        for name in ("y", "label", "labels", "target", "targets", "class")
        if name in lower
    ]
    for name, x in arrays.items():
        beside = lower.get("y" + name.lower()[1:]) if name.lower().startswith("x") else None
        for y in (*labels, *([] if beside is None else [beside]), None):
            yield x, None if y is None else _strings(y)
    parts = [part for part in ("train", "val", "valid", "validation", "dev", "test")
             if f"x_{part}" in lower]  # fmt: skip
    if parts:
        x = np.concatenate([lower[f"x_{part}"] for part in parts])
        yield x, None
        if all(f"y_{part}" in lower for part in parts):
            yield x, _strings(np.concatenate([lower[f"y_{part}"] for part in parts]))


def _strings(values: Any) -> list[str]:
    found = np.ravel(values).tolist()
    return [value.decode() if isinstance(value, bytes) else str(value) for value in found]


def _read_npz(written: Written) -> Iterator[Rows]:
    with np.load(written.path, allow_pickle=False) as archive:
        arrays = {}
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except Exception:  # one that is damaged may not be used
                continue
    yield from _of_arrays(arrays, written.path)


def _read_hdf5(written: Written) -> Iterator[Rows]:
    arrays: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.size < 1 << 20:
            try:
                arrays[name] = item[()]
            except Exception:  # one that is damaged may not be used
                return

    with h5py.File(written.path, "r") as file:
        file.visititems(visit)
    yield from _of_arrays(arrays, written.path)
    for values in arrays.values():
        if values.dtype.names:
            yield from _of_columns({name: values[name] for name in values.dtype.names})


def _read_zarr(written: Written) -> Iterator[Rows]:
    import zarr

    root: Any = zarr.open(written.path, mode="r", use_consolidated=False)
    arrays: dict[str, Any] = {}
    for name in sorted(path.parent.name for path in written.path.glob("*/*")):
        try:
            arrays[name] = root[name][...]
        except Exception:  # one that is damaged may not be used
            continue
    yield from _of_arrays(arrays, written.path)


def _of_columns(columns: dict[str, Any]) -> Iterator[Rows]:
    """Any features in their order, beside any label."""
    names = list(columns)
    numeric = []
    for name in names:
        try:
            numeric.append((name, np.asarray(columns[name], dtype=np.float64)))
        except (ValueError, TypeError, OverflowError):
            continue
    for label in (None, *names):
        y = None if label is None else _strings(np.asarray(columns[label], dtype=object))
        rest = [values for name, values in numeric if name != label]
        for number in range(len(rest), 0, -1):
            for chosen in itertools.combinations(rest, number):
                yield np.stack(chosen, axis=1), y


def _read_parquet(written: Written) -> Iterator[Rows]:
    folder = written.path.is_dir()
    paths = list(written.path.rglob("*.parquet")) if folder else [written.path]
    paths.sort(key=lambda path: (len(path.parts), path.name))  # sub-folders follow
    files = [pq.ParquetFile(path) for path in paths]
    columns: dict[str, Any] = {}
    for name in files[0].schema_arrow.names:
        try:
            tables = [file.read(columns=[name]) for file in files]
            columns[name] = [value for table in tables for value in table.column(0).to_pylist()]
        except (OSError, ValueError, IndexError):  # one that is damaged may not be used
            continue
    yield from _of_columns(columns)


def _read_arrow(written: Written) -> Iterator[Rows]:
    import pyarrow as pa

    stream = written.path.read_bytes()[:6] != b"ARROW1"
    make = pa.ipc.open_stream if stream else pa.ipc.open_file
    with pa.OSFile(str(written.path)) as file, make(file) as reader:
        table = reader.read_all()
    yield from _of_columns({name: table[name].to_pylist() for name in table.column_names})


def _read_text(written: Written) -> Iterator[Rows]:
    content = written.path.read_bytes()
    if written.path.suffix == ".gz":
        content = gzip.decompress(content)
    kept = io.StringIO(content.decode("utf-8-sig"), newline="").readlines()
    for mark, first, start in itertools.product(",;\t|", range(min(6, len(kept))), (0, 1)):
        try:
            records = [record for record in csv.reader(kept[first:], delimiter=mark) if record]
        except csv.Error:
            continue
        body = records[start:]
        width = len(body[0]) if body else 0
        if not width or any(len(record) != width for record in body):
            continue
        yield from _of_columns({str(i): [r[i] for r in body] for i in range(width)})


def _read_lines(written: Written) -> Iterator[Rows]:
    content = written.path.read_bytes()
    if written.path.suffix == ".gz":
        content = gzip.decompress(content)
    lines = content.decode("utf-8-sig").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    for name, values in columns.items():
        if any(isinstance(value, (bool, dict, list)) for value in values):
            columns[name] = [value if value is None or (isinstance(value, (str, int, float))
                             and not isinstance(value, bool))
                             else json.dumps(value) for value in values]  # fmt: skip
            numbers = [float(v) if isinstance(v, bool) else v for v in values]
            yield from _of_columns(columns | {name: numbers})
    yield from _of_columns(columns)


_READERS = {
    ".npy": _read_npy, ".npz": _read_npz, ".h5": _read_hdf5, ".hdf5": _read_hdf5,
    ".parquet": _read_parquet, "": _read_parquet, ".csv": _read_text, ".tsv": _read_text,
    ".csv.gz": _read_text, ".tsv.gz": _read_text, ".jsonl": _read_lines,
    ".jsonl.gz": _read_lines, ".arrow": _read_arrow, ".feather": _read_arrow,
    ".zarr": _read_zarr,
}  # fmt: skip


def _equal(found: np.ndarray, expected: np.ndarray) -> bool:
    try:
        return found.shape == np.shape(expected) and np.array_equal(
            np.asarray(found, dtype=np.float64),
            np.asarray(expected, dtype=np.float64),
            equal_nan=True,
        )
    except (TypeError, ValueError):
        return False


def agrees(read: Any, written: Written) -> bool:
    """Return whether the format's own library finds these rows and labels in the file too."""
    y = None if read.y is None else list(map(str, read.y.tolist()))
    for x, labels in _READERS["".join(written.path.suffixes)](written):
        if _equal(read.x, x) and (y is None or y == labels or _same_numbers(read.y, labels)):
            return True
    return False


def _same_numbers(y: np.ndarray, labels: list[str] | None) -> bool:
    if labels is None or y.dtype.kind not in "iuf" or len(labels) != len(y):
        return False
    try:
        return [float(label) for label in labels] == y.tolist()
    except ValueError:
        return False


def damaged(rng: Rng, folder: Path) -> Case:
    """One file of any format with changed bytes."""
    table = small(rng)
    write = some(rng, [text_table, text_table, json_lines, *TYPED, *TYPED])
    if write in TYPED:
        table = typed(rng, table)
        if table.x.dtype == np.float16:
            table = attrs.evolve(table, x=table.x.astype(np.float32))
    written = write(rng, table, folder)
    # Asked as most people do: by the path alone, and by what the file needs.
    if rng.random() < 0.3:
        written = attrs.evolve(written, ask={})
    path = written.path
    if path.is_dir():
        path = some(rng, sorted(file for file in path.rglob("*") if file.is_file()))
    content = path.read_bytes()
    inside = path.suffix == ".gz" and rng.random() < 0.7
    text = path.suffix in (".csv", ".tsv", ".jsonl") or inside
    if inside:
        path.write_bytes(gzip.compress(mutate(rng, gzip.decompress(content), text=True), 1))
    elif path.suffix == ".npz" and rng.random() < 0.6:
        mutate_member(rng, path)
    else:
        path.write_bytes(mutate(rng, content, text=text))

    def run() -> str:
        return judge(written)

    return f"{written.path.name} {written.ask}", run


def judge(written: Written) -> str:
    """Read a file, whole and in pieces, and compare with the format's own library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = data.load(written.reference)
        except DataError as error:
            text = str(error)
            assert written.path.name in text or written.path.stem in text, f"not named: {text}"
            assert len(text) < 5000, "the message is too long"
            return "refused"
        if isinstance(read.x, DataRows):
            return _judge_columns(read, written)
        with data.open_rows(written.reference) as source:
            chunks = list(source.chunks(2))
        assert _equal(np.concatenate(chunks), read.x), "chunks"
        assert agrees(read, written), f"read {read.x.tolist()} {read.y}"
    return "right"


def _judge_columns(read: Any, written: Written) -> str:
    """Damage made other values than numbers of a column: by kinds it is read, in blocks refused."""
    kinds = {field.kind for field in read.x.schema.fields}
    assert kinds != {"number"} or any(
        np.isnan(np.asarray(read.x.column(name), dtype=np.float64)).any()
        for name in read.x.schema.names
    ), "columns of numbers without gaps are not dense"
    try:
        with data.open_rows(written.reference) as source:
            list(source.chunks(2))
    except DataError as error:
        require(written.path.name in str(error), f"not named: {error}")
        return "right"
    raise AssertionError("read in blocks as numbers, and whole as columns of kinds")


def mutate_member(rng: Rng, path: Path) -> None:
    """Damage in one array of an archive, whose sums are right again."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = some(rng, list(members))
    members[name] = mutate(rng, members[name])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def picture(rng: Rng, folder: Path) -> Case:
    """A folder with one damaged image: its pixels as Pillow reads them, or refused."""
    from PIL import Image

    top = folder / "pictures"
    top.mkdir()
    suffix = some(rng, [".png", ".jpg", ".gif", ".tif", ".bmp", ".pgm", ".webp", ".ppm"])
    shape = (5, 4) if suffix in (".pgm", ".gif") else (5, 4, 3)
    for number in range(2):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(top / f"{number}{suffix}")
    path = top / f"{int(rng.integers(2))}{suffix}"
    path.write_bytes(mutate(rng, path.read_bytes()))

    def run() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read = data.load(top)
            except DataError as error:
                require(suffix in str(error), f"not named: {error}")
                return "refused"
            for row, file in enumerate(sorted(top.iterdir())):
                with Image.open(file) as image:
                    turned = image.convert("RGB") if image.mode in ("P", "PA") else image
                    expected = np.asarray(turned)
                if expected.shape == read.x[row].shape:
                    assert np.array_equal(read.x[row], expected), f"pixels of {file.name}"
        return "right"

    return suffix, run
