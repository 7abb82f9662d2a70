"""Rows from standard input, kept in a temporary file while they are read."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from n2d_framework.errors import DataError

__all__ = ["STDIN", "StdinFormat", "from_stdin"]

#: What stands for standard input where data can be named.
STDIN = "-"
#: Formats of rows on standard input.
StdinFormat: TypeAlias = Literal["csv", "jsonl"]


@contextmanager
def from_stdin(reference: str | Mapping[str, Any], kind: StdinFormat) -> Iterator[dict[str, Any]]:
    """Copy standard input to a temporary file, for readers that look twice.

    Parameters
    ----------
    reference : str or mapping
        ``"-"`` or ``{path: "-", ...}``, as :func:`n2d_framework.data.load` takes other paths.
    kind : {"csv", "jsonl"}

    Yields
    ------
    dict
        The reference to the file, which is gone in the end.

    Raises
    ------
    DataError
        If nothing comes; or whatever reading raises, with ``stdin`` for the file's name.
    """
    with tempfile.TemporaryDirectory(prefix="n2d-") as folder:
        path = Path(folder) / f"stdin.{kind}"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        if not path.stat().st_size:
            raise DataError("stdin: there are no rows on it; pipe a table into the command")
        try:
            yield {**({} if isinstance(reference, str) else reference), "path": str(path)}
        except DataError as error:
            raise DataError(str(error).replace(str(path), "stdin")) from error
