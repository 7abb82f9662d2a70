"""Progress of a comparison on stderr: stages done, and what the last one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from n2d_framework.cli.terminal.console import err, seconds_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from n2d_framework.core.events import Event
    from n2d_framework.experiment.planning import GridPlan

__all__ = ["CompareProgress"]


class CompareProgress:
    """Shows how many stages are done; an event sink and a context manager.

    Parameters
    ----------
    plan : GridPlan
    quiet : bool
        Show nothing. Nothing is shown either where stderr is not a terminal.
    """

    def __init__(self, plan: GridPlan, *, quiet: bool = False) -> None:
        self.silent = quiet or not err().is_terminal
        self._plan = plan
        self._live: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if not self.silent:
            self._live = _display()
            self._task = self._live.add_task("stages", total=len(self._plan.stages), note="")
            self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Show a stage that has ended."""
        from n2d_framework.core.events import StageFinished

        if self._live is None or self._task is None or not isinstance(event, StageFinished):
            return
        took = "from the store" if event.cached else seconds_text(event.seconds)
        note = f"{event.role} {event.component}: {'failed' if event.error else took}"
        self._live.update(self._task, advance=1, note=note)


def _display() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        console=err(),
        transient=True,
    )
