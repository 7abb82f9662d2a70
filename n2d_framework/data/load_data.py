"""Opening whatever a user names: a dataset, a file by its suffix, or a folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.core.dataset import Dataset
from n2d_framework.core.libraries import require_extra
from n2d_framework.core.rows import Schema, left_out, written_by_pandas
from n2d_framework.data.adapters import adapted_file, adapted_suffixes
from n2d_framework.data.apart import SourceApart
from n2d_framework.data.collect import Progress, collect
from n2d_framework.data.faults import point_out
from n2d_framework.data.formats.arrow_ipc import ArrowSource
from n2d_framework.data.formats.hdf5 import hdf5_rows
from n2d_framework.data.formats.image_folder import IMAGE_SUFFIXES, ImageFolder
from n2d_framework.data.formats.jsonl import JsonLinesSource
from n2d_framework.data.formats.npy import NpySource, NpzSource
from n2d_framework.data.formats.parquet import ParquetSource, is_parquet_folder
from n2d_framework.data.formats.text import TextSource
from n2d_framework.data.formats.zarr_store import is_zarr_folder, zarr_rows
from n2d_framework.data.reference import Reference, parse_reference
from n2d_framework.data.row_pictures import with_thumbnails, without_thumbnails
from n2d_framework.data.series_rows import read_series
from n2d_framework.data.sets import load_set
from n2d_framework.data.source import ArraySource, RowSource
from n2d_framework.data.table_reading import TableReading, examine_table, read_table
from n2d_framework.errors import DataError, DataWarning, did_you_mean
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.registry import Catalogue

__all__ = ["SUFFIXES", "inspect_table", "load", "open_rows"]

_SOURCES: dict[str, Callable[[Reference], RowSource]] = {
    ".arrow": partial(SourceApart, ArrowSource),
    ".csv": TextSource,
    ".csv.gz": TextSource,
    ".feather": partial(SourceApart, ArrowSource),
    ".h5": partial(SourceApart, hdf5_rows),
    ".h5ad": partial(SourceApart, hdf5_rows),
    ".hdf5": partial(SourceApart, hdf5_rows),
    ".jsonl": JsonLinesSource,
    ".jsonl.gz": JsonLinesSource,
    ".npy": NpySource,
    ".npz": NpzSource,
    ".parquet": partial(SourceApart, ParquetSource),
    ".tsv": TextSource,
    ".tsv.gz": TextSource,
    ".zarr": partial(SourceApart, zarr_rows),
}
#: Extras without which files of a suffix cannot be read.
_NEEDS = {".zarr": "zarr", "": "images"} | dict.fromkeys(
    (".arrow", ".csv", ".csv.gz", ".feather", ".jsonl", ".jsonl.gz", ".parquet", ".tsv", ".tsv.gz"),
    "tables",
)
#: Suffixes of files that can be read; a folder of images has none.
SUFFIXES: tuple[str, ...] = tuple(_SOURCES)


def load(
    ref: Any,
    *,
    catalogue: Catalogue | None = None,
    like: Schema | None = None,
    progress: Progress | None = None,
    scratch: Callable[[RowSource], Scratch | None] = lambda _: None,
) -> Dataset:
    """Load rows and, where there are any, their labels.

    Parameters
    ----------
    ref : str, path-like or mapping
        Name of a known dataset; path of a file whose suffix is in :data:`SUFFIXES`, or of a
        folder of images; or a mapping of ``path`` and whatever else
        :class:`~n2d_framework.config.DataConfig` has. A known name wins over a file of the same
        name; write ``./name`` for the file.
    catalogue : Catalogue, optional
        Where names are looked up; that of the installed plugins by default.
    like : Schema, optional
        Columns that are wanted, such as ``model.schema_``: the table's columns are chosen by these
        names and put in their order, and a line names the others. Images of a folder are read as
        they were for the model.
    progress : callable, optional
        Called with the number of rows that are read and that of all, for arrays and images.
    scratch : callable, optional
        Called with the opened source, before its rows are read: what it returns is where rows are
        kept that do not fit into memory.

    Returns
    -------
    Dataset
        ``x`` of shape ``(n, *row_shape)`` in the type of the source: integers stay integers
        and are never scaled here; text tables give float64.

    Raises
    ------
    DataError
        If it cannot be found or read, or is not what it should be; with the place and the
        remedy.

    Notes
    -----
    Labels are looked for under the names y, label, labels, target, targets and class, in any
    case of letters. A file with ``x_train, y_train, x_test, y_test`` is joined in that order.
    Nothing is ever unpickled.
    """
    parsed = parse_reference(ref, _names(ref, catalogue)[0])
    with open_rows(parsed, catalogue=catalogue, like=like) as source:
        place = scratch(source)
        if isinstance(source, ArraySource):
            found = source.held
        elif place is not None:
            found = collect(source, progress, place)
        elif source.columns is not None and like is None:
            found = read_table(source)
        else:
            found = collect(source, progress)
    if isinstance(parsed, str):
        return found
    return with_thumbnails(found, parsed, partial(load, catalogue=catalogue))


def inspect_table(ref: Any, *, catalogue: Catalogue | None = None) -> TableReading | None:
    """Read a table with all its columns, and decide what each would be used for.

    Parameters
    ----------
    ref, catalogue
        As for :func:`load`.

    Returns
    -------
    TableReading or None
        ``None`` for data that are not a table of columns of their own.

    Raises
    ------
    DataError
        If it cannot be read; not for a column whose values are of no one kind.
    """
    parsed = parse_reference(ref, _names(ref, catalogue)[0])
    if isinstance(parsed, Reference):
        parsed = attrs.evolve(parsed, every=True)
    with open_rows(parsed, catalogue=catalogue) as source:
        return None if source.columns is None else examine_table(source, tolerant=True)


def open_rows(
    ref: Any,
    *,
    catalogue: Catalogue | None = None,
    like: Schema | None = None,
    n_features: int | None = None,
    by_kind: bool | None = None,
    shown: str = "",
) -> RowSource:
    """Open rows to be read piece by piece.

    Parameters
    ----------
    ref, catalogue, like
        As for :func:`load`.
    n_features : int, optional
        Number of features of the fitted model that `like` is of, which may have had no names.
    by_kind : bool, optional
        Whether that model takes rows of columns, which may have gaps; by default, if it has a
        column of another kind than number.
    shown : str, optional
        What to call the data in warnings; by default their path.

    Returns
    -------
    RowSource
        A context manager. Its chunks, joined, equal ``load(ref).x``; memory is bounded by
        the chunk, save for arrays in Fortran order in ``.npy`` and ``.npz`` and for datasets
        given by name.

    Raises
    ------
    DataError
        As for :func:`load`.
    MissingLibraryError
        If files of that kind are read by a library that is not installed.
    """
    known, find = _names(ref, catalogue)
    parsed = parse_reference(ref, known)
    if isinstance(parsed, Reference):
        parsed = without_thumbnails(parsed)
    if not isinstance(parsed, str) and not (parsed.path.is_dir() or parsed.path.is_file()):
        raise DataError(
            f"{parsed.path}: it is not a regular file (a pipe or a device); write the rows to one, "
            "or pipe them into n2d predict BUNDLE -"
        )
    if isinstance(parsed, str):
        source: RowSource = ArraySource(load_set(find(parsed)))
    elif (adapted := adapted_file(parsed.path, catalogue or default_catalogue())) is not None:
        _refuse_keys(parsed, parsed.given, "a file of tables or arrays")
        source = ArraySource(adapted)
    elif (suffix := _readable(parsed.path)) == "":
        _refuse_keys(parsed, parsed.for_tables, "tables of named columns")
        source = ImageFolder(attrs.evolve(parsed, like=like))
    else:
        source = _of_file(parsed, suffix, like, n_features, by_kind)
    if like is not None:
        name = parsed if isinstance(parsed, str) else str(parsed.path)
        _report_matching(source, like, shown or name)
    return source


def _of_file(
    ref: Reference,
    suffix: str,
    like: Schema | None,
    n_features: int | None,
    by_kind: bool | None,
) -> RowSource:
    """Open a file by its suffix."""
    series = None if like is None else like.series
    if like is not None and series is not None:
        ref = attrs.evolve(ref, x=series.values, time=series.time, id=ref.id or like.id, y=False)
    elif like is not None:
        n = len(like.fields) if n_features is None else n_features
        if by_kind is None:
            by_kind = any(field.kind != "number" for field in like.fields)
        ref = attrs.evolve(ref, like=like, n_features=n, by_kind=by_kind)
    _refuse_keys(ref, ref.for_images, "folders of images")
    source = _SOURCES[suffix](ref)
    try:
        if source.columns is None:
            _refuse_keys(ref, ref.for_tables, "tables of named columns")
        if ref.header is not None and not isinstance(source, TextSource):
            _refuse_keys(ref, ["header"], "text tables")
    except DataError:
        source.close()
        raise
    if ref.time is None:
        return source
    with source:
        return ArraySource(read_series(source, ref, series))


def _refuse_keys(ref: Reference, keys: Sequence[str], what: str) -> None:
    """Refuse what the user says of other data than these."""
    if keys:
        raise DataError(f"{ref.path}: {', '.join(keys)}: for {what} only; drop it")


def _report_matching(source: RowSource, like: Schema, where: str) -> None:
    """Say which columns are left out, or that names play no part."""
    named = source.schema is not None and source.schema.named
    without_id = source.columns is not None and source.columns.id is None and like.series is None
    if like.id is not None and without_id and not written_by_pandas([like.id]):
        point_out(Path(where), f"it has no column {like.id!r} of ids; rows have numbers alone")
    if source.others:
        text = left_out(source.others)
    elif like.named and not named:
        text = "it has no names of columns; they are taken in the order of the fit"
    elif named and not like.named:
        text = "the model knows no names of columns; they are taken in the order of the file"
    else:
        return
    warnings.warn(f"{where}: {text}", DataWarning, stacklevel=3)


def _names(ref: Any, catalogue: Catalogue | None) -> tuple[list[str], Callable[[str], Any]]:
    """Names of known datasets, plain and qualified; only text can be one."""
    text = ref.get("path") if isinstance(ref, Mapping) else ref
    if not isinstance(text, str):
        return [], lambda name: name
    book = catalogue or default_catalogue()
    entries = book.datasets()
    names = [e.spec.name for e in entries] + [e.qualified_name for e in entries]
    return names, lambda name: book.dataset(name).spec


def _readable(path: Path) -> str:
    """The suffix by which a file or folder is read, if what it is read by is installed."""
    suffix = _suffix(path)
    if suffix in _NEEDS:
        require_extra(_NEEDS[suffix], f"{path}: to be read, it")
    return suffix


def _suffix(path: Path) -> str:
    """The suffix by which a file or folder is read; empty for a folder of images."""
    if path.is_dir():
        if is_zarr_folder(path):
            return ".zarr"
        return ".parquet" if is_parquet_folder(path) else ""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = Path(path.stem).suffix.lower() + suffix
    if suffix in _SOURCES:
        return suffix
    if suffix in IMAGE_SUFFIXES:
        raise DataError(f"{path}: one image is one row; give the folder with all images")
    known = [*SUFFIXES, *adapted_suffixes(default_catalogue())]
    hint = did_you_mean(suffix, known, noun="suffix")
    raise DataError(f"{path}: files with suffix {suffix!r} cannot be read; {hint}")
