"""Tables of numbers with classes, from ``.npz`` or from their original text files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from n2d_builtin.datasets.shared_reading import Rows, join, npz_of, open_packed, read_npz, reading
from n2d_builtin.datasets.table_specs import TABLES
from n2d_builtin.datasets.value_checks import integers, real_numbers
from n2d_framework.plugin import AnyArray, DataError, Dataset, DatasetSpec

__all__ = ["load_table"]


def load_table(files: Mapping[str, Path]) -> Dataset:
    """Rows as float64, and classes from 0 on in the order of their values.

    Parameters
    ----------
    files : mapping of str to Path
        One of the groups of files of a set of :data:`~n2d_builtin.datasets.table_specs.TABLES`.

    Raises
    ------
    DataError
        If they cannot be read as numbers, or have other columns or more classes than this set.
    """
    spec = _spec_of(files)
    where = ", ".join(str(path) for path in files.values())
    npz = npz_of(files)
    x, y = read_npz(npz) if npz is not None else _read(spec, files)
    x = real_numbers(x, where, "rows").astype(np.float64)
    classes = np.unique(y if y.dtype.kind in "US" else integers(y, where), return_inverse=True)
    found = len(classes[0])
    if spec.n_classes is not None and found > spec.n_classes:
        raise DataError(
            f"{where}: {found} different classes, but {spec.name} has {spec.n_classes}; put the "
            "right file there"
        )
    return Dataset(
        name=spec.name,
        x=x,
        y=classes[1].astype(np.int64),
        modality=spec.modality,
        licence=spec.licence,
        citation=spec.citation,
        source=spec.source,
    )


def _spec_of(files: Mapping[str, Path]) -> DatasetSpec:
    names = set(files)
    for spec in TABLES:
        groups = (*spec.alternatives, tuple(file.name for file in spec.files))
        if names in [{PurePosixPath(name).name for name in group} for group in groups]:
            return spec
    raise DataError(f"{', '.join(sorted(names))}: no files of a known table")


def _read(spec: DatasetSpec, files: Mapping[str, Path]) -> Rows:
    first, where = next(iter(files.values())), ", ".join(str(path) for path in files.values())
    tables = {name: _fields(path) for name, path in files.items()}
    labels = [table for name, table in tables.items() if ".labels" in name]
    parts = [table for name, table in tables.items() if ".labels" not in name]
    width = spec.row_shape[0] + (not labels)
    wrong = [part.shape[1] for part in parts if part.shape[1] != width]
    if wrong:
        raise DataError(
            f"{where}: {wrong[0]} columns, but {spec.name} has {width}"
            f"{'' if labels else ', of which one is the class'}; put the right file there"
        )
    with reading(first, f"{spec.name}, lines of numbers with a class"):
        if labels:
            return join([(parts[0].astype(np.float64), labels[0][:, 0].astype(np.float64))])
        return join([_apart(part) for part in parts])


def _apart(table: AnyArray) -> Rows:
    """Rows and classes: letters in the first column, or numbers in the last."""
    if not _is_number(str(table[0, 0])):
        return table[:, 1:].astype(np.float64), table[:, 0]
    return table[:, :-1].astype(np.float64), table[:, -1].astype(np.float64)


def _fields(path: Path) -> AnyArray:
    """Fields of a text table as strings."""
    with reading(path, "a table of numbers"):
        text = open_packed(path).decode("ascii")
        separator = "," if "," in text.partition("\n")[0] else None
        found: AnyArray = np.loadtxt(
            io.StringIO(text), dtype=np.str_, delimiter=separator, ndmin=2, comments=None
        )
        if not found.size:
            raise ValueError("it is empty")
        return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
