"""Common parts of all readers: errors that name the file, ``.npz`` files, and the finished set."""

from __future__ import annotations

import bz2
import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from n2d_builtin.datasets.value_checks import Span, in_span, integers, real_numbers
from n2d_framework.plugin import AnyArray, DataError, Dataset, DatasetSpec

__all__ = [
    "DIGIT_NAMES",
    "Rows",
    "join",
    "make_set",
    "npz_of",
    "open_packed",
    "read_npz",
    "reading",
]

#: Names of the classes of all sets of digits.
DIGIT_NAMES = tuple("0123456789")

#: Rows and their classes.
Rows = tuple[AnyArray, AnyArray]

#: What readers of damaged, locked or wrong files raise.
_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    RuntimeError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Report a failure to read `path` as one kind of error that names the file.

    Parameters
    ----------
    path : Path
    kind : str
        What it should be, such as ``"an IDX file"``.
    """
    try:
        yield
    except DataError:
        raise
    except _FAULTS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read as {kind} ({reason}); it may be truncated, damaged or of "
            "another format; put the right file there"
        ) from error


def open_packed(path: Path) -> bytes:
    """Content of a file, unpacked if its name ends in ``.gz`` or ``.bz2``."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".bz2":
        return bz2.decompress(data)
    return data


def read_npz(path: Path, part: str = "") -> Rows:
    """Rows and labels of an ``.npz`` file.

    Parameters
    ----------
    path : Path
        It holds ``x, y``; or ``x_train, y_train, x_test, y_test``, joined in this order.
    part : {"", "test"}
        ``"test"`` takes the test rows alone, where there are any.
    """
    with reading(path, "a NumPy archive (.npz)"), np.load(path, allow_pickle=False) as archive:
        if {"x_test", "y_test"} <= set(archive) and (part or "x_train" in archive):
            parts = [part] if part else ["train", "test"]
            return join([(archive[f"x_{name}"], archive[f"y_{name}"]) for name in parts])
        return join([(archive["x"], archive["y"])])


def join(parts: Sequence[Rows]) -> Rows:
    """Parts one after the other; labels in one column."""
    x = np.concatenate([x for x, _ in parts])
    y = np.concatenate([np.asarray(y).reshape(-1) for _, y in parts])
    if len(x) != len(y):
        raise ValueError(f"{len(x)} rows but {len(y)} labels")
    return x, y


def make_set(
    spec: DatasetSpec,
    rows: Rows,
    names: Sequence[str],
    files: Mapping[str, Path],
    span: Span | None = None,
) -> Dataset:
    """The finished dataset; flat rows get the shape of the spec.

    Parameters
    ----------
    spec : DatasetSpec
    rows : tuple of two arrays
        Labels may be of any type of number.
    names : sequence of str
        Of the classes.
    files : mapping of str to Path
        Where the rows came from, for messages.
    span : tuple of two floats, optional
        Range of the values, see :func:`~n2d_builtin.datasets.value_checks.in_span`.

    Raises
    ------
    DataError
        If values are in another range or no finite real numbers, or labels are not classes of
        this set.
    """
    where = ", ".join(str(path) for path in files.values())
    x, y = real_numbers(rows[0], where, "rows"), integers(rows[1], where)
    if span is not None:
        x = in_span(x, where, spec.name, span)
    if x.ndim == 2 and int(np.prod(spec.row_shape)) == x.shape[1]:
        x = x.reshape(len(x), *spec.row_shape)
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < len(names):
        raise DataError(
            f"{where}: labels go from {y.min()} to {y.max()}, but those of {spec.name} go "
            f"from 0 to {len(names) - 1}; put the right file there"
        )
    return Dataset(
        name=spec.name,
        x=x,
        y=y,
        names=tuple(names),
        modality=spec.modality,
        licence=spec.licence,
        citation=spec.citation,
        source=spec.source,
    )


def npz_of(files: Mapping[str, Path]) -> Path | None:
    """The ``.npz`` file among the files of a set, if that is how it came."""
    return next((path for name, path in files.items() if name.endswith(".npz")), None)
