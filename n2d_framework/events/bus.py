"""Delivers events to listeners and to plugins; a listener's failure is never the run's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs

from n2d_framework.core.events import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    EventSink,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)

__all__ = ["HOOKS", "EventBus"]

logger = logging.getLogger(__name__)

#: The hook each event is delivered to.
HOOKS: dict[type[Any], str] = {
    RunStarted: "n2d_run_started",
    RunFinished: "n2d_run_finished",
    RunAssessed: "n2d_run_assessed",
    FilesWritten: "n2d_files_written",
    StageStarted: "n2d_stage_started",
    StageFinished: "n2d_stage_finished",
    EpochFinished: "n2d_epoch_finished",
    ComparisonStarted: "n2d_comparison_started",
    CellFinished: "n2d_cell_finished",
    ComparisonFinished: "n2d_comparison_finished",
}


#: Who has failed, by run: it hears nothing more of that run.
_silenced: set[tuple[str, object]] = set()


@attrs.define(eq=False)
class EventBus:
    """Where the events of one run go.

    Parameters
    ----------
    listeners : iterable of callables
        Called with each event, in order.
    hooks : object, optional
        pluggy's ``manager.hook``: plugins that implement the event hooks.

    Notes
    -----
    An exception raised by a listener or a plugin is logged once, in one line (with its traceback
    where the level is DEBUG); that receiver gets no further events of this run, in none of its
    hooks. The run goes on.
    """

    listeners: Sequence[EventSink] = ()
    hooks: Any = None

    def __call__(self, event: Event) -> None:
        """Deliver one event."""
        for who, name, deliver in self._receivers(event):
            key = (event.run_id, who)
            if key in _silenced:
                continue
            try:
                deliver()
            except (Exception, SystemExit) as error:
                _silenced.add(key)
                logger.error(
                    "%s failed on %s and gets no more events of this run, which goes on: %s: %s",
                    name,
                    type(event).__name__,
                    type(error).__name__,
                    error,
                    exc_info=logger.isEnabledFor(logging.DEBUG),
                )

    def _receivers(self, event: Event) -> Iterator[tuple[object, str, Callable[[], Any]]]:
        for listener in self.listeners:
            yield id(listener), f"the listener {listener!r}", partial(listener, event)
        if self.hooks is None:
            return
        caller = getattr(self.hooks, HOOKS[type(event)])
        for implementation in caller.get_hookimpls():
            given = {"event": event} if implementation.argnames else {}
            name = implementation.plugin_name
            yield name, f"the plugin {name}", partial(implementation.function, **given)
