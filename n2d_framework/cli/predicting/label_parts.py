"""Labels of blocks of rows, kept beside the output until all are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.errors import OutputError
from n2d_framework.storage import read_file, replacing, write_atomic
from n2d_framework.types import AnyArray

__all__ = ["LabelParts", "label_parts"]

_ABOUT, _LOCK, _SUFFIX = "about.json", "lock", ".parquet"
_MOST_BYTES = 1_000_000


class LabelParts:
    """The folder ``OUTPUT.parts``: a file for each block, written whole or not at all.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Numbers of blocks that are there.
        self.done = {int(path.stem) for path in folder.glob(f"*{_SUFFIX}")}

    def write(self, number: int, columns: Mapping[str, AnyArray]) -> None:
        """Keep the columns of a block.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with replacing(self._path(number)) as temporary, temporary.open("wb") as file:
            pq.write_table(pa.table(dict(columns)), file)
        self.done.add(number)

    def blocks(self) -> Iterator[dict[str, AnyArray]]:
        """The columns of all blocks, in the order of their rows."""
        import pyarrow.parquet as pq

        for number in sorted(self.done):
            with self._path(number).open("rb") as file:
                table = pq.read_table(file)
            yield {name: np.asarray(table.column(name)) for name in table.column_names}

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:010d}{_SUFFIX}"


@contextmanager
def label_parts(output: Path, about: Mapping[str, Any]) -> Iterator[LabelParts]:
    """Open the parts of an output, as far as an interrupted command got; gone at a good end.

    Parameters
    ----------
    output : Path
        What the parts are of.
    about : mapping
        What the labels depend on, as JSON: parts of the same are gone on with.

    Yields
    ------
    LabelParts

    Raises
    ------
    OutputError
        If there are parts of something else, another process is at work on them, or the folder
        cannot be written. After any error the parts stay.
    """
    from filelock import FileLock, Timeout

    folder = output.with_name(f"{output.name}.parts")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(f"{folder}: another process is writing these labels") from error
    try:
        _begin(folder, dict(about))
        yield LabelParts(folder)
        shutil.rmtree(folder)
    finally:
        lock.release()


def _begin(folder: Path, about: dict[str, Any]) -> None:
    """Write down what the parts are of, or refuse those of something else."""
    place = folder / _ABOUT
    if not place.exists():
        for left in folder.glob(f"*{_SUFFIX}"):
            raise OutputError(f"{left}: it is not known what it is of; remove the folder")
        write_atomic(place, json.dumps(about, indent=1).encode())
        return
    try:
        known = dict(json.loads(read_file(place, max_bytes=_MOST_BYTES)))
    except (ValueError, TypeError) as error:
        raise OutputError(f"{place}: it cannot be read ({error}); remove the folder") from error
    other = sorted(
        name for name in about.keys() | known.keys() if about.get(name) != known.get(name)
    )
    if other:
        raise OutputError(
            f"{folder} has labels of a command that was interrupted, with another "
            f"{' and '.join(other)}; start that one again to finish it, or remove the folder"
        )
