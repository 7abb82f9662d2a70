"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "as_json",
    "bare_table",
    "err",
    "out",
    "print_json",
    "say_error",
    "say_warning",
    "seconds_text",
    "shape_text",
    "size_text",
]

#: Width of tables that nobody looks at on a terminal: nothing is cut for the next program.
_WIDE = 200


def out() -> Console:
    """Console of results."""
    return Console(width=_width(sys.stdout), highlight=False, soft_wrap=False)


_stderr = Console(stderr=True, highlight=False)


def err() -> Console:
    """Console of progress and messages; the same one each time, so that they can mix."""
    return _stderr


def _width(stream: Any) -> int | None:
    if stream.isatty() or "COLUMNS" in os.environ:
        return None
    return _WIDE


def say_error(text: str, label: str = "error") -> None:
    """One message on stderr, never wrapped or read as markup."""
    err().print(Text.assemble((f"{label}: ", "bold red"), text), soft_wrap=True)


def say_warning(text: str) -> None:
    """One warning on stderr."""
    err().print(Text.assemble(("warning: ", "bold yellow"), text), soft_wrap=True)


def bare_table(*columns: str, title: str = "") -> Table:
    """A table with a rule under its head and nothing else."""
    from rich import box

    table = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold",
        show_edge=False, pad_edge=False,
    )  # fmt: skip
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_json(value: Any) -> None:
    """Print plain values as JSON on stdout."""
    sys.stdout.write(as_json(value) + "\n")


def as_json(value: Any, indent: int | None = 2) -> str:
    """Plain values as JSON text; what is no number or infinite becomes null."""
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def seconds_text(seconds: float) -> str:
    """A duration for people: ``0.42 s``, ``12.3 s``, ``3 min 20 s``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def size_text(size: float) -> str:
    """A size in bytes for people: ``12.3 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def shape_text(shape: Iterable[int]) -> str:
    """A shape for people: ``8 x 8``."""
    return " x ".join(str(extent) for extent in shape)
