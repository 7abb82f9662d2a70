"""Steps of many plans as a Dask graph, run here one after the other, or by workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import attrs

from n2d_framework.errors import N2DError
from n2d_framework.plan.executors.inline import fit_stage
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask

__all__ = ["Deliver", "Graph", "Result", "run_here", "run_on"]

Result: TypeAlias = "Outcome | dict[str, Any]"
#: Called with the key of each task that has ended, and its result or the error of its workers.
Deliver: TypeAlias = Callable[[str, "Result | BaseException"], None]


_CELLS_AT_A_TIME = 1000


@attrs.frozen(eq=False)
class Graph:
    """A Dask graph: steps by their content keys, and what is made of them behind them.

    No array is in it, and none passes along it: arrays are in the stage store.

    Attributes
    ----------
    settings : Settings
    known : mapping of key to Outcome
        Steps that need not be tried, such as those that failed in an earlier session.
    tasks : dict
        Graph as Dask specifies it.
    cells : dict of key to object
        What is made of the steps.
    stages : dict of key to StageTask
        Keys of the steps' outcomes.
    """

    settings: Settings
    known: Mapping[str, Outcome] = attrs.field(factory=dict)
    tasks: dict[str, Any] = attrs.field(factory=dict, init=False)
    cells: dict[str, Any] = attrs.field(factory=dict, init=False)
    stages: dict[str, StageTask] = attrs.field(factory=dict, init=False)

    @property
    def keys(self) -> list[str]:
        """Everything of which the end is reported."""
        return [*self.stages, *self.cells]

    def add(
        self, name: str, cell: Any, last: StageTask, make: Callable[..., Any], *about: Any
    ) -> None:
        """Add what is made of the steps up to one, and those steps.

        Parameters
        ----------
        name : str
            Unique in the graph.
        cell : object
            Description of it.
        last : StageTask
        make : callable
            Called with `about`, the settings and the outcome of each step.
        """
        before: list[str] = []
        for stage in last.chain():
            key = self._key("stage", stage.key)
            if key not in self.tasks:
                self.stages[key] = stage
                self.tasks[key] = (
                    (_known, self.known[stage.key])
                    if stage.key in self.known
                    else (fit_stage, stage, self.settings, *before[-1:])
                )
            before.append(key)
        self.cells[self._key("cell", name)] = cell
        self.tasks[self._key("cell", name)] = (make, *about, self.settings, *before)

    def _key(self, kind: str, name: str) -> str:
        # On a shared scheduler, another store is another result.
        mark = hashlib.sha256(self.settings.store.encode()).hexdigest()[:8]
        return f"{kind}-{mark}-{name}"


def _known(outcome: Outcome) -> Outcome:
    return outcome


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
                ended = as_completed(futures)
                for future in ended:
                    if not _take(future, deliver):
                        ended.add(future)
                        continue
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


def _take(future: Any, deliver: Deliver) -> bool:
    """Deliver what a task has ended with; false if that was lost with a worker since."""
    from distributed import KilledWorker

    if future.status in ("pending", "lost"):
        return False
    if future.status == "cancelled":
        raise N2DError(
            "the scheduler gave up the work (it was stopped, or the connection was lost); "
            "start the comparison again: it resumes where it stopped"
        )
    result: Result | BaseException
    try:
        result = future.result()
    except KilledWorker as error:
        result = error
    deliver(str(future.key), result)
    return True


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
