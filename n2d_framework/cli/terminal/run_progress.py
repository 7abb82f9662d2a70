"""Progress of a run on stderr: stages with durations, epochs with loss and remaining time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from n2d_framework.cli.terminal.console import err, seconds_text, styled

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from n2d_framework.core.events import EpochFinished, Event

__all__ = ["RunProgress", "step"]


class RunProgress:
    """Shows a run during the run; an event sink and a context manager.

    Parameters
    ----------
    quiet : bool
        Show nothing. Nothing is shown either where stderr is not a terminal.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.silent = quiet or not err().is_terminal
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if not self.silent:
            self._live = _display()
            self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live is not None:
            self._clear()
            self._live.stop()
            self._live.console.print()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        from n2d_framework.core.events import EpochFinished, StageFinished, StageStarted

        if self._live is None:
            return
        if isinstance(event, StageStarted):
            self._begin(f"{event.role} {event.component}")
        elif isinstance(event, EpochFinished) and self._task is not None:
            self._live.update(
                self._task,
                completed=event.epoch,
                total=event.epochs,
                note=_values(event),
                left="left",
            )
        elif isinstance(event, StageFinished):
            self._clear()
            if event.error is None:
                took = "from the store" if event.cached else seconds_text(event.seconds)
                self._done(f"{event.role} {event.component}", took)

    def count(self, done: int, total: int | None, note: str = "") -> None:
        """Show how many rows of the current step are done."""
        if self._live is not None and self._task is not None:
            self._live.update(
                self._task, completed=done, total=total, note=note, left="left" if total else ""
            )

    def say(self, lines: Iterable[str]) -> None:
        """Show lines that stay; on any stderr, unless the user wants it quiet."""
        if not self.quiet:
            for line in lines:
                err().print(line, soft_wrap=True)

    def begin(self, what: str) -> None:
        """Show a step that is not a stage."""
        if self._live is not None:
            self._begin(what)

    def end(self, what: str, seconds: float) -> None:
        """Show that the step has ended."""
        if self._live is not None:
            self._clear()
            self._done(what, seconds_text(seconds))

    def _begin(self, what: str) -> None:
        assert self._live is not None
        self._clear()
        self._task = self._live.add_task(what, total=None, note="", left="")

    def _done(self, what: str, took: str) -> None:
        assert self._live is not None
        self._live.console.print(styled(("done", "green"), f"  {what:<{_WIDTH}}  {took}"))

    def _clear(self) -> None:
        if self._live is not None and self._task is not None:
            self._live.remove_task(self._task)
            self._task = None


_WIDTH = 28


def _values(event: EpochFinished) -> str:
    losses = [f"{name} {value:.4g}" for name, value in event.metrics.items() if "loss" in name]
    return f"epoch {event.epoch}/{event.epochs}  {'  '.join(losses)}"


def _display() -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=err(),
        transient=True,
    )


@contextmanager
def step(progress: RunProgress, what: str, seconds: dict[str, float]) -> Iterator[None]:
    """Show and time a step that is not a stage.

    Parameters
    ----------
    progress : RunProgress
    what : str
    seconds : dict
        Gets the duration under `what`.
    """
    from n2d_framework.plan.timing import timed

    progress.begin(what)
    with timed(what, seconds):
        yield
    progress.end(what, seconds[what])
