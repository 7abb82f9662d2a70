"""Tables of which everything is known, and every kind of file that can hold them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Rng = np.random.Generator

#: Names of columns and classes that readers have stumbled over.
WORDS = (
    "a", "b", "length", "petal width", "Größe", "体重", "emoji 😀", "a,b", "a;b", "a\tb", 'say "x"',
    "it's", "two\nlines", " padded ", "x.1", "-", "NULL", "NA", "nan", "None", "true", "=1+1",
    "Unnamed: 3", "__class__", "a/b", "a|b", "#1", "e\u0301", "é", "\u200b", "x" * 300, "inf",
)  # fmt: skip
CLASSES = (
    "yes", "no", "NA", "nan", "null", "None", "01", "1", "1.0", "1e3", "-0", "0x10", "True", "ä",
    "a,b", 'q"q', "two\nlines", " padded", "padded ", "😀",
    "1_000", "٣", "+1", "inf", "#", "\u00a0",
    "2", "3", "-7", "0.5", "9007199254740993", "99999999999999999999", "?", ";", "|", "\t",
)  # fmt: skip


@attrs.frozen
class Truth:
    """Content of a table.

    Attributes
    ----------
    x : array of shape (n, d)
        Values of the features, finite.
    names : tuple of str
        Names of the features, all different.
    y, ids : list of str or None
        Class and id of each row; classes and ids are never empty.
    """

    x: np.ndarray
    names: tuple[str, ...]
    y: list[str] | None = None
    ids: list[str] | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.x)


def some(rng: Rng, choices: Sequence[Any]) -> Any:
    """One of the choices."""
    return choices[int(rng.integers(len(choices)))]


def column(rng: Rng, n: int) -> np.ndarray:
    """Values of float64 of one of the kinds that tables have, or that are hard to write."""
    kind = int(rng.integers(9))
    if kind == 0:
        return rng.normal(size=n)
    if kind == 1:
        return rng.integers(0, 9, n).astype(np.float64)
    if kind == 2:
        return np.round(rng.normal(size=n), 2)
    if kind == 3:
        return rng.normal(size=n) * 10.0 ** float(rng.integers(-300, 300))
    if kind == 4:
        return rng.integers(0, 2**53, n).astype(np.float64)
    if kind == 5:
        return np.full(n, rng.normal())
    if kind == 6:
        return np.array([some(rng, [0.0, -0.0, 5e-324, 1e308, 0.1]) for _ in range(n)])
    if kind == 7:
        return np.arange(n) + float(rng.integers(2))
    return rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)  # any bits


def truth(rng: Rng, *, words: Sequence[str] = WORDS, most: int = 12) -> Truth:
    """A small table of float64."""
    n, d = int(rng.integers(2, most + 1)), int(rng.integers(1, 6))
    x = np.stack([column(rng, n) for _ in range(d)], axis=1)
    x = np.where(np.isfinite(x), x, 1.5)
    names = tuple(str(name) for name in rng.choice(np.array(words, dtype=object), d, replace=False))
    y = [some(rng, CLASSES) for _ in range(n)] if rng.random() < 0.6 else None
    if y is not None and rng.random() < 0.5:
        y = [str(int(code)) for code in rng.integers(-2, 12, n)]
    ids = None
    if rng.random() < 0.4:
        ids = [f"{some(rng, WORDS)}-{row}" for row in range(n)]
    return Truth(x, names, y, ids)


def typed(rng: Rng, table: Truth) -> Truth:
    """The same table with values of another type, for formats that keep it."""
    dtype = np.dtype(some(rng, ["f8", "f4", "i8", "i4", "u1", "i2", "u8", "f2", "?", ">f4", ">i8"]))
    info: Any
    if dtype.kind == "f":
        info = np.finfo(dtype)
        with np.errstate(over="ignore"):
            x = np.clip(table.x, float(info.min), float(info.max)).astype(dtype)
    elif dtype.kind == "b":
        x = table.x > 0
    else:
        info = np.iinfo(dtype)
        x = rng.integers(
            info.min, info.max, table.x.shape, dtype=dtype.newbyteorder("="), endpoint=True
        )
        x = x.astype(dtype)
    return attrs.evolve(table, x=x)


@attrs.frozen
class Written:
    """A file, and how to ask for it.

    Attributes
    ----------
    path : Path
    ask : dict
        Keys beside ``path`` that say what is what.
    names, ids, y : bool
        Whether the file keeps them.
    """

    path: Path
    ask: dict[str, Any] = attrs.Factory(dict)
    names: bool = True
    ids: bool = True
    y: bool = True

    @property
    def reference(self) -> dict[str, Any]:
        """Requests to :func:`n2d_framework.data.load`."""
        return {"path": str(self.path), **self.ask}


LABEL, ID = "the class", "the id"


def _columns(rng: Rng, table: Truth) -> tuple[list[str], list[list[Any]], dict[str, Any]]:
    """All columns in any order, the features among each other in theirs, and what to ask for."""
    found: list[tuple[str, list[Any]]] = [
        (name, table.x[:, position].tolist()) for position, name in enumerate(table.names)
    ]
    ask: dict[str, Any] = {"y": False}
    for name, values, key in ((LABEL, table.y, "y"), (ID, table.ids, "id")):
        if values is not None:
            found.insert(int(rng.integers(len(found) + 1)), (name, list(values)))
            ask[key] = name
    names = [name for name, _ in found]
    if rng.random() < 0.3:
        position = int(rng.integers(len(found) + 1))
        names.insert(position, "of no use")
        found.insert(position, ("of no use", [some(rng, WORDS) for _ in range(table.n)]))
        if rng.random() < 0.5:
            ask["drop"] = ["of no use"]
        else:
            ask["x"] = list(table.names)
    return names, [values for _, values in found], ask


#: Ways to write a number that give it back exactly.
_NUMBERS: tuple[Callable[[float], str], ...] = (
    repr, "{:.17g}".format, "{:.16e}".format, "{:.16E}".format,
    lambda value: str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value),
)  # fmt: skip


def _signed(number: Callable[[float], str]) -> Callable[[float], str]:
    """Minus zero is written as such even by those who write integers."""
    return lambda value: repr(value) if value == 0 else number(value)


#: Names that might be values, so that only the user can say that they are names.
_AMBIGUOUS = {"NULL", "NA", "nan", "None", "inf", "-"}


def text_table(rng: Rng, table: Truth, folder: Path, *, plain: bool = False) -> Written:
    """A text table with any delimiter, quotes, line ends, head and compression."""
    table = attrs.evolve(table, names=tuple(name.strip() for name in table.names))
    names, columns, ask = _columns(rng, table)
    suffix = some(rng, [".csv", ".csv", ".tsv", ".csv.gz", ".tsv.gz"])
    delimiter = "\t" if suffix.startswith(".tsv") else some(rng, [",", ",", ";", "\t", "|"])
    if len(names) == 1 and delimiter in ";|":
        delimiter = ","  # of one column nothing says which mark would separate it from others
    header = plain or rng.random() < 0.8
    number = _signed(some(rng, _NUMBERS))
    ends = some(rng, ["\n", "\n", "\r\n"])
    out = io.StringIO(newline="")
    quoting = some(rng, [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    if header:
        writer.writerow(names)
    else:
        position = {name: str(place) for place, name in enumerate(names)}
        ask = {
            key: [position[name] for name in value] if isinstance(value, list)
            else position.get(value, value)
            for key, value in ask.items()
        }  # fmt: skip
    for cells in zip(*columns, strict=True):
        writer.writerow([number(cell) if isinstance(cell, float) else cell for cell in cells])
    text = out.getvalue()
    if not header and text.startswith("#"):
        return text_table(rng, table, folder, plain=True)  # it would be a comment
    if rng.random() < 0.2:
        text = text.removesuffix(ends)
    if not plain and rng.random() < 0.2:
        text = some(rng, ["# a comment", "", "  ", f"sep={delimiter}"]) + ends + text
    unclear = set(table.names) <= _AMBIGUOUS or names[0].startswith("#")
    if not header or unclear or rng.random() < 0.5:
        ask["header"] = header
    content = (b"\xef\xbb\xbf" if rng.random() < 0.2 else b"") + text.encode()
    path = folder / f"table{suffix}"
    path.write_bytes(gzip.compress(content, 1) if suffix.endswith(".gz") else content)
    return Written(path, ask, names=header)


def json_lines(rng: Rng, table: Truth, folder: Path) -> Written:
    """One JSON object a line, with its keys in any order from the second on."""
    names, columns, ask = _columns(rng, table)
    lines = []
    for row, cells in enumerate(zip(*columns, strict=True)):
        pairs = list(zip(names, cells, strict=True))
        if row:
            rng.shuffle(pairs)
        lines.append(json.dumps(dict(pairs), ensure_ascii=bool(rng.integers(2))))
    path = folder / some(rng, ["table.jsonl", "table.jsonl", "table.jsonl.gz"])
    ends = some(rng, ["\n", "\r\n", "\n\n"])
    content = (ends.join(lines) + ends).encode()
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return Written(path, ask)


def _arrow(names: Sequence[str], columns: Sequence[list[Any]], table: Truth) -> pa.Table:
    dtype = table.x.dtype.newbyteorder("=")
    arrays = {
        name: pa.array(np.array(values, dtype=dtype)) if name in table.names else pa.array(values)
        for name, values in zip(names, columns, strict=True)
    }
    return pa.table(arrays)


def parquet(rng: Rng, table: Truth, folder: Path) -> Written:
    """A Parquet file, or a folder of parts."""
    names, columns, ask = _columns(rng, table)
    whole = _arrow(names, columns, table)
    options: dict[str, Any] = {
        "compression": some(rng, ["snappy", "zstd", "gzip", "none"]),
        "use_dictionary": bool(rng.integers(2)),
        "row_group_size": int(rng.integers(1, table.n + 1)),
        "data_page_version": some(rng, ["1.0", "2.0"]),
    }
    if rng.random() < 0.3:
        path = folder / "parts"
        cut = int(rng.integers(1, table.n))
        for number, part in enumerate((whole.slice(0, cut), whole.slice(cut))):
            place = path / some(rng, ["", "", "more"]) if number else path
            place.mkdir(parents=True, exist_ok=True)
            # Sub-folders come after the files of a folder.
            pq.write_table(part, place / f"part-{number}.parquet", **options)
        return Written(path, ask)
    path = folder / "table.parquet"
    pq.write_table(whole, path, **options)
    return Written(path, ask)


def arrow(rng: Rng, table: Truth, folder: Path) -> Written:
    """An Arrow file or stream, of one batch or several."""
    names, columns, ask = _columns(rng, table)
    whole = _arrow(names, columns, table)
    path = folder / some(rng, ["table.arrow", "table.feather"])
    stream = path.suffix == ".arrow" and rng.random() < 0.4
    options = pa.ipc.IpcWriteOptions(compression=some(rng, [None, "lz4", "zstd"]))
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(path, whole.schema, options=options) as writer:
        writer.write_table(whole, max_chunksize=int(rng.integers(1, table.n + 1)))
    return Written(path, ask)


def npy(rng: Rng, table: Truth, folder: Path) -> Written:
    """The rows alone."""
    path = folder / "rows.npy"
    np.save(path, np.asfortranarray(table.x) if rng.random() < 0.4 else table.x)
    return Written(path, names=False, ids=False, y=False)


def _strings(values: list[str], rng: Rng) -> np.ndarray:
    found = np.array(values)
    return np.char.encode(found, "utf-8") if rng.random() < 0.3 else found


def _arrays(rng: Rng, table: Truth) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays as files of them have, one or several parts, under names that are looked for."""
    ask: dict[str, Any] = {}
    order = "F" if rng.random() < 0.3 else "C"
    x = np.asarray(table.x, order=order)
    arrays: dict[str, np.ndarray] = {}
    if table.ids is None and rng.random() < 0.3:
        cut = int(rng.integers(1, table.n))
        for part, rows in (("train", slice(0, cut)), ("test", slice(cut, None))):
            arrays[f"x_{part}"] = x[rows]
            if table.y is not None:
                arrays[f"y_{part}"] = np.array(table.y)[rows]
    else:
        arrays["x"] = x
        if table.y is not None:
            name = some(rng, ["y", "labels", "Target"])
            arrays[name] = _strings(table.y, rng)
        if table.ids is not None:
            arrays["key"] = _strings(table.ids, rng)
            ask["id"] = "key"
    arrays["feature_names"] = np.array(table.names)
    if rng.random() < 0.3:
        arrays["notes"] = np.zeros(3)
    return dict(sorted(arrays.items(), key=lambda _: rng.random())), ask


def npz(rng: Rng, table: Truth, folder: Path) -> Written:
    """An archive of arrays."""
    arrays, ask = _arrays(rng, table)
    path = folder / "table.npz"
    (np.savez_compressed if rng.random() < 0.5 else np.savez)(path, **arrays)  # type: ignore[arg-type]
    return Written(path, ask)


def hdf5(rng: Rng, table: Truth, folder: Path) -> Written:
    """An HDF5 file with its arrays at the top."""
    arrays, ask = _arrays(rng, table)
    path = folder / f"table{some(rng, ['.h5', '.hdf5'])}"
    libver = some(rng, ["earliest", "latest"])
    with h5py.File(path, "w", libver=libver) as file:
        for name, values in arrays.items():
            options: dict[str, Any] = {}
            if values.dtype.kind in "US":
                values = values.astype(object)
                options["dtype"] = h5py.string_dtype()
            elif rng.random() < 0.5 and values.ndim == 2:
                options = {"compression": "gzip", "shuffle": True, "chunks": True}
            file.create_dataset(name, data=values, **options)
    return Written(path, ask)


def structured(rng: Rng, table: Truth, folder: Path) -> Written:
    """A structured array in HDF5."""
    names, columns, ask = _columns(rng, table)
    kinds = {name: h5py.string_dtype() for name in names} | dict.fromkeys(
        table.names, table.x.dtype
    )
    rows = np.empty(table.n, dtype=[(name, kinds[name]) for name in names])
    for name, values in zip(names, columns, strict=True):
        rows[name] = values
    path = folder / "table.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("table", data=rows)
    return Written(path, ask)


def zarr_store(rng: Rng, table: Truth, folder: Path) -> Written:
    """A folder of arrays, of either version of the format, in pieces of any size."""
    import zarr

    arrays, ask = _arrays(rng, table)
    path, version = folder / "table.zarr", some(rng, [2, 3])
    with warnings.catch_warnings():  # of version 3, which does not define strings of fixed width
        warnings.filterwarnings("ignore", "The data type")
        root = zarr.open_group(path, mode="w", zarr_format=version)
        for name, values in arrays.items():
            chunks = tuple(int(rng.integers(1, size + 1)) for size in values.shape)
            root.create_array(name, data=values, chunks=chunks)
        if rng.random() < 0.3:
            zarr.consolidate_metadata(path)
    return Written(path, ask)


#: Formats whose values are float64 whatever they were, and those that keep the type.
TEXT: tuple[Callable[..., Written], ...] = (text_table, text_table, text_table, json_lines)
TYPED: tuple[Callable[..., Written], ...] = (
    parquet, parquet, arrow, npy, npz, npz, hdf5, structured, zarr_store,
)  # fmt: skip
