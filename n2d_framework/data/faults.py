"""Failures of reading, reported as one kind of error that names the file and the remedy."""

from __future__ import annotations

import csv
import shlex
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from n2d_framework.core.rows import listed
from n2d_framework.errors import DataError, DataWarning, did_you_mean

__all__ = [
    "check_declared",
    "check_memory",
    "keys_or_flags",
    "no_such_name",
    "point_out",
    "reading",
    "refuse_links",
    "refuse_other_files",
]

_FAULTS = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    SystemError,  # of compiled readers, such as numcodecs' of a negative size
    NotImplementedError,
    MemoryError,
    OverflowError,
    TypeError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn what readers raise into :class:`~n2d_framework.errors.DataError`.

    Parameters
    ----------
    path : Path
        The file being read, for the message.
    kind : str
        What the file should be, such as ``"a NumPy array (.npy)"``.
    """
    try:
        yield
    except DataError:
        raise
    except PermissionError as error:
        raise DataError(f"{path}: it may not be read; check its permissions") from error
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file or folder; check the path") from error
    except _FAULTS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read as {kind} ({reason}); it may be truncated, damaged or "
            "have the wrong suffix; write it again or name the right file"
        ) from error


def no_such_name(path: Path, what: str, name: str, known: list[str]) -> DataError:
    """The error for a name that the file does not have."""
    hint = did_you_mean(name, known)
    shown = f"{hint} it has" if hint.startswith("did you mean") else "it has"
    names = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return DataError(f"{path}: it has no {what} {name!r}; {shown} {names or 'none'}")


def keys_or_flags(**keys: str | list[str]) -> str:
    """Both ways to say what of the data is used: in a reference, and on the command line.

    Parameters
    ----------
    **keys : str or list of str
        A key of references and what it says: ``x=["NAMES"]``.

    Returns
    -------
    str
        Such as ``{path: ..., x: [NAMES]} or --x NAMES``.
    """
    said = {
        key: (value, value) if isinstance(value, str) else (f"[{', '.join(value)}]", *value)
        for key, value in keys.items()
    }
    inside = ", ".join(f"{key}: {value[0]}" for key, value in said.items())
    flags = [f"--{key} {shlex.quote(one)}" for key, value in said.items() for one in value[1:]]
    return f"{{path: ..., {inside}}} or {' '.join(flags)}"


#: Compression makes values of more bytes than that at most 1,032 times smaller.
_MOST_DECLARED, _MOST_TIMES = 1 << 28, 1100


def check_declared(where: str, declared: int, stored: int) -> None:
    """Refuse a file that declares far more values than its bytes can hold, before memory is taken.

    Parameters
    ----------
    where : str
        File and array, for the message.
    declared : int
        Bytes of the values that it declares.
    stored : int
        Bytes that are there for them.
    """
    if declared > _MOST_DECLARED and declared > _MOST_TIMES * max(stored, 1):
        raise DataError(
            f"{where}: it declares {declared} bytes of values, but has {stored}; it is damaged "
            "or made to fill the memory, write it again"
        )


def refuse_other_files(where: str, dataset: Any) -> None:
    """Refuse a dataset of HDF5 that has its values elsewhere.

    Parameters
    ----------
    where : str
        File and dataset, for the message.
    dataset : h5py.Dataset
    """
    if dataset.is_virtual or dataset.external:
        raise DataError(
            f"{where} takes its values from other files (HDF5's "
            f"{'virtual datasets' if dataset.is_virtual else 'external storage'}), which are not "
            "opened; copy the values into one file"
        )


def refuse_links(path: Path, group: Any) -> None:
    """Refuse a group of HDF5 with links into other files."""
    import h5py

    foreign = [
        f"{group.name}/{key}".lstrip("/")
        for key in group
        if isinstance(group.get(key, getlink=True), h5py.ExternalLink)
    ]
    if foreign:
        raise DataError(
            f"{path}: {listed(foreign)} is a link into another file, which is not opened; copy "
            "the values into one file"
        )


def check_memory(where: str, needed: int) -> None:
    """Refuse rows that do not fit into the memory that is free.

    Parameters
    ----------
    where : str
        What has the rows, for the message.
    needed : int
        Their bytes.
    """
    import psutil

    available = psutil.virtual_memory().available
    if needed > available:
        raise DataError(
            f"{where} do not fit into memory: they need {needed} bytes, {available} are free; "
            "use fewer of them"
        )


def point_out(path: Path, text: str) -> None:
    """Warn in one line of how a file was read."""
    warnings.warn(f"{path}: {text}", DataWarning, stacklevel=2)
