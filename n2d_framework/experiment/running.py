"""Running a graph: here, one task after the other, or by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from n2d_framework.errors import N2DError
from n2d_framework.experiment.graph import Graph, Result

__all__ = ["Deliver", "run_here", "run_on"]

#: Called with the key of each task that has ended, and its result or what the workers died of.
Deliver: TypeAlias = Callable[[str, "Result | BaseException"], None]


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
        Gets an exception for a task whose worker died again and again.
    client : distributed.Client

    Raises
    ------
    OutputError
        If the store fails.
    """
    from distributed import KilledWorker, as_completed

    with _all_futures(graph, client) as futures:
        for future in as_completed(futures):
            key = str(future.key)
            if future.status == "finished":
                deliver(key, future.result())
            elif future.status == "cancelled":
                raise N2DError(
                    "the scheduler gave up the work (it was stopped, or the connection was lost); "
                    "start the comparison again: it goes on where it stopped"
                )
            else:
                error = future.exception()
                if not isinstance(error, KilledWorker):
                    raise error
                deliver(key, error)
            futures.remove(future)
            future.release()


@contextmanager
def _all_futures(graph: Graph, client: Any) -> Iterator[set[Any]]:
    futures = set(client.get(graph.tasks, graph.keys, sync=False))
    try:
        yield futures
    finally:
        if futures:
            client.cancel(list(futures))
