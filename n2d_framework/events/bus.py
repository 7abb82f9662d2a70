"""Delivers events to listeners and to plugins; a listener's failure is never the run's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from n2d_framework.core.events import (
    EpochFinished,
    Event,
    EventSink,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)

__all__ = ["EventBus"]

logger = logging.getLogger(__name__)

_HOOKS: dict[type[Any], str] = {
    RunStarted: "n2d_run_started",
    RunFinished: "n2d_run_finished",
    StageStarted: "n2d_stage_started",
    StageFinished: "n2d_stage_finished",
    EpochFinished: "n2d_epoch_finished",
}


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
    An exception raised by a listener or a plugin is logged once with its traceback; that
    receiver gets no further events of this run. The run goes on.
    """

    listeners: Sequence[EventSink] = ()
    hooks: Any = None
    _silenced: set[int] = attrs.field(factory=set, init=False)

    def __call__(self, event: Event) -> None:
        """Deliver one event."""
        for receiver, keywords in self._receivers(event):
            if id(receiver) in self._silenced:
                continue
            try:
                receiver(event=event) if keywords else receiver(event)
            except Exception:
                self._silenced.add(id(receiver))
                logger.exception(
                    "a listener failed on %s and gets no more events of this run: %r",
                    type(event).__name__,
                    receiver,
                )

    def _receivers(self, event: Event) -> Iterable[tuple[Any, bool]]:
        for listener in self.listeners:
            yield listener, False
        if self.hooks is not None:
            caller = getattr(self.hooks, _HOOKS[type(event)])
            for implementation in caller.get_hookimpls():
                yield implementation.function, bool(implementation.argnames)
