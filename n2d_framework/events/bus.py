"""Delivers events to listeners and to plugins; a listener's failure is never the run's."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import attrs
import pluggy

from n2d_framework.core.events import HOOKS, Event, EventSink

__all__ = ["EventBus", "call_hook"]

logger = logging.getLogger(__name__)

#: Who has failed, by run: it gets no more events of that run.
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
    hooks. The run continues.
    """

    listeners: Sequence[EventSink] = ()
    hooks: Any = None

    def __call__(self, event: Event) -> None:
        """Deliver one event."""
        for listener in self.listeners:
            who = f"the listener {listener!r}"
            self._guarded(event, id(listener), who, partial(_run, listener, event))
        if self.hooks is None:
            return

        def guard(implementation: pluggy.HookImpl, call: Callable[[], Any]) -> Any:
            name = implementation.plugin_name
            return self._guarded(event, name, f"the plugin {name}", call)

        call_hook(getattr(self.hooks, HOOKS[type(event)]).get_hookimpls(), event, guard)

    def _guarded(self, event: Event, who: object, name: str, call: Callable[[], Any]) -> Any:
        """Return value of a call; ``None`` if it raises, or the receiver has failed in this run."""
        key = (event.run_id, who)
        if key in _silenced:
            return None
        try:
            return call()
        except (Exception, SystemExit) as error:
            _silenced.add(key)
            logger.error(
                "%s failed on %s and gets no more events of this run, which continues: %s: %s",
                name,
                type(event).__name__,
                type(error).__name__,
                error,
                exc_info=logger.isEnabledFor(logging.DEBUG),
            )
            return None


def call_hook(
    implementations: Sequence[pluggy.HookImpl],
    event: Event,
    guard: Callable[[pluggy.HookImpl, Callable[[], Any]], Any] = lambda _, call: call(),
) -> None:
    """Call the implementations of an event's hook, in pluggy's order and with its wrappers.

    Parameters
    ----------
    implementations : sequence of pluggy.HookImpl
        As pluggy keeps them: the last is called first.
    event : Event
    guard : callable
        Called as ``guard(implementation, call)`` for each piece of a plugin's code to be run;
        returns what ``call()`` returns, or ``None``. By default, whatever a plugin raises is
        raised.

    Notes
    -----
    Unlike pluggy, a plugin that raises is not in the way of the others, and no wrapper sees its
    exception: that is for `guard`.
    """
    results: list[Any] = []
    opened: list[tuple[pluggy.HookImpl, Generator[None, Any, Any]]] = []
    for implementation in reversed(implementations):
        given = {"event": event} if implementation.argnames else {}
        begin: Callable[[], Any] = partial(implementation.function, **given)
        if implementation.wrapper or implementation.hookwrapper:
            generator = guard(implementation, partial(_opened, begin))
            if generator is not None:
                opened.append((implementation, generator))
            continue
        result = guard(implementation, partial(_run, begin))
        if result is not None:
            results.append(result)
    for implementation, generator in reversed(opened):
        sent: Any = results
        if implementation.hookwrapper:
            sent = pluggy.Result(results, None)
        guard(implementation, partial(_closed, generator, sent))


def _run(function: Callable[..., Any], *given: Any) -> Any:
    """Call a receiver; one that only seems to run is an error."""
    result = function(*given)
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"it returned a {type(result).__name__}, which nothing runs")
    return result


def _opened(function: Callable[..., Generator[None, Any, Any]]) -> Generator[None, Any, Any]:
    """A wrapper, run up to its yield."""
    generator = function()
    try:
        next(generator)
    except StopIteration:
        raise RuntimeError("a wrapper must yield once, and did not") from None
    return generator


def _closed(generator: Generator[None, Any, Any], sent: Any) -> None:
    """Run a wrapper from its yield to its end."""
    try:
        generator.send(sent)
    except StopIteration:
        return
    generator.close()
    raise RuntimeError("a wrapper must yield once, and did so twice")
