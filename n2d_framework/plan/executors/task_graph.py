"""Running a graph: here, one task after the other, or by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import attrs

from n2d_framework.errors import N2DError
from n2d_framework.experiment.graph import Graph, Result

__all__ = ["Deliver", "run_here", "run_on"]

#: Called with the key of each task that has ended, and its result or the error of its workers.
Deliver: TypeAlias = Callable[[str, "Result | BaseException"], None]


_CELLS_AT_A_TIME = 1000


def run_here(graph: Graph, deliver: Deliver) -> None:
    """Run all tasks in this process.

    Parameters
    ----------
    graph : Graph
    deliver : callable

    Raises
    ------
    OutputError
        If the store fails.
    """
    from dask.local import get_sync

    def ended(key: Any, result: Any, *_: Any) -> None:
        deliver(str(key), result)

    # As (start, start_state, pretask, posttask, finish): dask.callbacks.Callback would be active
    # in every thread of this process.
    get_sync(graph.tasks, graph.keys, callbacks=[(None, None, None, ended, None)])


def run_on(graph: Graph, deliver: Deliver, client: Any) -> None:
    """Run all tasks by the workers of a cluster.

    Parameters
    ----------
    graph : Graph
    deliver : callable
        Gets an exception for a task whose worker crashed repeatedly.
    client : distributed.Client

    Raises
    ------
    OutputError
        If the store fails.
    """
    from distributed import as_completed

    held: dict[str, Any] = {}
    try:
        for window in _windows(graph):
            with _all_futures(window, client) as futures:
                for future in as_completed(futures):
                    _take(future, deliver)
                    futures.remove(future)
                    if future.key in window.later:
                        held[future.key] = future
                    else:
                        future.release()
            for key in held.keys() - window.later:
                held.pop(key).release()
    finally:
        for future in held.values():
            future.release()


def _take(future: Any, deliver: Deliver) -> None:
    from distributed import KilledWorker

    key = str(future.key)
    if future.status == "finished":
        deliver(key, future.result())
    elif future.status == "cancelled":
        raise N2DError(
            "the scheduler gave up the work (it was stopped, or the connection was lost); "
            "start the comparison again: it resumes where it stopped"
        )
    else:
        error = future.exception()
        if not isinstance(error, KilledWorker):
            raise error
        deliver(key, error)


@attrs.frozen(eq=False)
class _Window:
    """A part of a graph: its tasks, the keys that are new, the stages that later parts need."""

    tasks: dict[str, Any]
    keys: list[str]
    later: set[str]


def _windows(graph: Graph) -> Iterator[_Window]:
    """Cells some at a time: a scheduler keeps many KB of each task that it has been given."""
    cells = list(graph.cells)
    stages = {key: [name for name in graph.tasks[key] if name in graph.stages] for key in cells}
    last = {name: i for i, key in enumerate(cells) for name in stages[key]}
    seen: set[str] = set()
    for begin in range(0, len(cells), _CELLS_AT_A_TIME):
        end = begin + _CELLS_AT_A_TIME
        needed = dict.fromkeys(name for key in cells[begin:end] for name in stages[key])
        new = [name for name in needed if name not in seen]
        seen.update(new)
        wanted = [*new, *cells[begin:end]]
        tasks = {key: graph.tasks[key] for key in (*needed, *wanted)}
        yield _Window(tasks, wanted, {name for name in seen if last[name] >= end})


@contextmanager
def _all_futures(window: _Window, client: Any) -> Iterator[set[Any]]:
    futures = set(client.get(window.tasks, window.keys, sync=False))
    try:
        yield futures
    finally:
        if futures:
            client.cancel(list(futures))
