"""Rows from standard input, kept in a temporary file while they are read."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
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
        If nothing comes; or whatever reading raises, with ``stdin`` for the file's name, as in
        warnings.
    """
    if sys.stdin is None:
        raise DataError("stdin: it is closed; pipe a table into the command")
    with tempfile.TemporaryDirectory(prefix="n2d-") as folder:
        path = Path(folder) / f"stdin.{kind}"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        if not path.stat().st_size:
            raise DataError("stdin: there are no rows on it; pipe a table into the command")
        try:
            with _shown_as(str(path), "stdin"):
                yield {**({} if isinstance(reference, str) else reference), "path": str(path)}
        except DataError as error:
            hint = "; rows of JSON objects need --format jsonl" if _json_in(path) else ""
            raise DataError(str(error).replace(str(path), "stdin") + hint) from error


def _json_in(path: Path) -> bool:
    """Return whether what should be a text table begins like a JSON object."""
    with path.open("rb") as file:
        return path.suffix == ".csv" and file.read(64).lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{")


@contextmanager
def _shown_as(name: str, other: str) -> Iterator[None]:
    """Within the block, warnings have another name for a file."""
    show = warnings.showwarning

    def renamed(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        show(str(message).replace(name, other), category, *rest)

    warnings.showwarning = renamed  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = show
