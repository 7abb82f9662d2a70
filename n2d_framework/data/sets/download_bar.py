"""A bar that shows how far a download is; only for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from n2d_framework.data.sets.downloading import Watcher
from n2d_framework.visible import one_line

__all__ = ["terminal_bar"]


@contextmanager
def terminal_bar(wanted: bool | None = None) -> Iterator[Watcher]:
    """Give a function to report to; the bar appears with the first report.

    Parameters
    ----------
    wanted : bool, optional
        Whether to draw at all; by default if stderr is a terminal.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield _no_one
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, TaskID] = {}

    def watch(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(one_line(name), total=total)
        bar.update(tasks[name], completed=done, total=total)

    with bar:
        yield watch


def _no_one(name: str, done: int, total: int | None) -> None:
    """No one watches."""
