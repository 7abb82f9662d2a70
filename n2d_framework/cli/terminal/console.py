"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from n2d_framework.cli.terminal.streams import is_utf8, results
from n2d_framework.visible import hidden_to_json, one_line, visible

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
    "styled",
]

#: Width of tables that no one looks at on a terminal: nothing is cut for the next program.
_WIDE = 200


class _Console(Console):
    """A console for strings that may come from files.

    They are not markup, whatever acts on a terminal is shown as an escape, and what follows a line
    feed is indented, so that it does not pass for a line of ours. Style is given by
    :class:`rich.text.Text` and by the argument ``style``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **settings)

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print strings and whatever rich can render."""
        super().print(*map(_hanging, objects), **settings | {"markup": False})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Segments to be written; here is the last word on what reaches the terminal."""
        for segment in super().render(renderable, options):
            plain = segment.control or segment.text == "\n"
            yield segment if plain else Segment(visible(segment.text), segment.style)


def _hanging(value: Any) -> Any:
    """Text whose further lines are indented; anything else as it is."""
    if isinstance(value, str):
        value = Text(visible(value))
    if not isinstance(value, Text) or "\n" not in value.plain:
        return value
    lines, started = [], False
    for line in value.split("\n", allow_blank=True):
        further = started and line.plain.strip() and not line.plain[0].isspace()
        lines.append(Text("  ") + line if further else line)
        started = started or bool(line.plain.strip())
    return Text("\n").join(lines)


def out() -> Console:
    """Console of results."""
    stream = results()
    return _Console(file=stream, width=_width(stream), soft_wrap=False)


_stderr = _Console(stderr=True)


def err() -> Console:
    """Console of progress and messages; the same one each time, so that they can mix."""
    return _stderr


def _width(stream: Any) -> int | None:
    if stream.isatty() or "COLUMNS" in os.environ:
        return None
    return _WIDE


def styled(*parts: str | tuple[str, str]) -> Text:
    """Text of several parts, some with a style: ``styled(("digits", "bold"), ": 10 clusters")``."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((visible(text), style) for text, style in pairs))


def say_error(text: str, label: str = "error") -> None:
    """One message on stderr, never wrapped or read as markup."""
    err().print(styled((f"{label}: ", "bold red"), text), soft_wrap=True)


def say_warning(text: str) -> None:
    """One warning on stderr."""
    err().print(styled(("warning: ", "bold yellow"), text), soft_wrap=True)


class _Table(Table):
    """A table whose cells may come from files: each is one line, and no markup."""

    def add_row(self, *cells: RenderableType | None, **settings: Any) -> None:
        """Add a row; strings are shown as they are."""
        super().add_row(*map(_cell, cells), **settings)


def _cell(value: RenderableType | None) -> RenderableType | None:
    return Text(one_line(value)) if isinstance(value, str) else value


def bare_table(*columns: str, title: str = "") -> Table:
    """A table with a rule under its head and nothing else."""
    from rich import box

    table = _Table(
        box=box.SIMPLE_HEAD, title=Text(one_line(title)) if title else None,
        title_justify="left", title_style="bold", show_edge=False, pad_edge=False,
    )  # fmt: skip
    for column in columns:
        table.add_column(Text(one_line(column)), overflow="fold")
    return table


def print_json(value: Any) -> None:
    """Print plain values as JSON on stdout, in escapes where it cannot take every character."""
    stream = results()
    text = as_json(value)
    stream.write((text if is_utf8(stream) else json.dumps(json.loads(text), indent=2)) + "\n")


def as_json(value: Any, indent: int | None = 2) -> str:
    """Plain values as JSON text; what is not a number or infinite becomes null.

    Characters that act on a terminal are escapes, as JSON has them; so are names of files that
    are not UTF-8. A JSON reader gives them back.
    """
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), indent=indent)
    return hidden_to_json(text)


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
    """A duration for people: ``0.42 s``, ``12.3 s``, ``3 min 20 s``; ``-`` if it is not known."""
    if not math.isfinite(seconds):
        return "-"
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
