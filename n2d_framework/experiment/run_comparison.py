"""A comparison from its configuration to its results."""

from __future__ import annotations

import logging
import os
import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config.comparison_config import Grid, read_compare_config
from n2d_framework.core.events import EventSink
from n2d_framework.core.libraries import require_extra
from n2d_framework.errors import ConfigError, Problem, StoreWarning, attempt
from n2d_framework.events import EventBus
from n2d_framework.experiment.comparison import Comparison
from n2d_framework.experiment.comparison_dir import records_folder, require_own, write_mark
from n2d_framework.experiment.comparison_events import Session, cell_finished, telling
from n2d_framework.experiment.keep_alive import kept
from n2d_framework.experiment.mark import own_store
from n2d_framework.experiment.materials import Material, load_materials
from n2d_framework.experiment.open_results import open_comparison
from n2d_framework.experiment.planning import Cell, GridPlan, make_graph, make_plan
from n2d_framework.experiment.records import RecordLog, read_records
from n2d_framework.pipeline.fitting import usable_threads
from n2d_framework.plan.executors.dask_cluster import (
    connected,
    local_workers,
    require_shared,
    warn_of_threads,
)
from n2d_framework.plan.executors.task_graph import Graph, run_here, run_on
from n2d_framework.plan.executors.tasks import Outcome, Settings
from n2d_framework.plan.store import StageStore
from n2d_framework.registry import default_catalogue

__all__ = [
    "Planned", "compare", "failed_before", "open_store", "plan_comparison", "run_cells",
    "stage_threads",
]  # fmt: skip

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class Planned:
    """A comparison before it is run.

    Attributes
    ----------
    grid : Grid
    materials : list of Material
    plan : GridPlan
    allow_code : bool
        Whether it may import code that the configuration names.
    """

    grid: Grid
    materials: list[Material]
    plan: GridPlan
    allow_code: bool = False


def plan_comparison(
    config: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Iterable[str] = (),
    *,
    data: Mapping[str, Any] | None = None,
    allow_code: bool = False,
    select: Callable[[Any], Any] = lambda data: data,
) -> Planned:
    """Check a configuration, load the data, and work out cells and distinct stages.

    Parameters
    ----------
    config : path or mapping
    overrides : iterable of str
        Single values to change, each ``path=value``.
    data, allow_code
        As for :func:`compare`.
    select : callable, optional
        Adds what flags select to each dataset of the configuration.

    Returns
    -------
    Planned
        Nothing has been fitted or written.

    Raises
    ------
    ConfigError, DataError, CompositionError, MissingLibraryError
    """
    require_extra("compare", "comparing")
    grid = read_compare_config(config, overrides, allow_code=allow_code)
    materials = load_materials(grid.data, data, select)
    return Planned(grid, materials, make_plan(grid, materials), allow_code)


def compare(
    config: str | os.PathLike[str] | Mapping[str, Any] | Planned,
    out: str | os.PathLike[str],
    *,
    overrides: Iterable[str] = (),
    data: Mapping[str, Any] | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int = 1,
    scheduler: Any = None,
    n_jobs: int | None = None,
    retry_failed: bool = False,
    listeners: Sequence[EventSink] = (),
    allow_code: bool = False,
) -> Comparison:
    """Run every cell of a grid, each distinct stage once, and keep the results.

    Parameters
    ----------
    config : path, mapping or Planned
        A YAML, TOML or JSON file, or its content; see the page on comparisons.
    out : path
        Folder of the results. Started again with the same configuration, the comparison
        resumes where it stopped: nothing that has finished is done twice.
    overrides : iterable of str
        Single values to change, each ``path=value``.
    data : mapping, optional
        In-memory data, by name: a Dataset, rows, or ``(rows, true classes)``. They take the
        place of the configuration's data.
    store : path or URL, optional
        The stage store; ``out/stages`` by default.
    workers : int, default 1
        Processes on this machine. With 1, everything runs in this process. A script that
        asks for more must have the guard ``if __name__ == "__main__":``.
    scheduler : str, distributed.Client or a cluster object, optional
        A ``dask.distributed`` scheduler to be used instead: its address; or a client or cluster
        as dask-jobqueue, dask-kubernetes, Coiled and others make them, which stays open.
    n_jobs : int, optional
        Threads of each stage; by default the cores, divided by the workers.
    retry_failed : bool, default False
        Whether cells that failed in an earlier session are tried again. Cells that were lost
        with their worker always are.
    listeners : sequence of callables
        Called with the events of each stage when it has ended, of each cell, and of the whole.
    allow_code : bool, default False
        Whether the configuration may name code to import (``{adapt: "package.module:Class",
        …}``). Say yes only to files you trust like a program.

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError, DataError, CompositionError
        If the request or the data are wrong; nothing is fitted then.
    OutputError
        If the results or the store cannot be written. A ``table.csv`` that cannot be written
        when everything has been run is named in :attr:`Comparison.missing`.
    """
    planned = (
        config
        if isinstance(config, Planned)
        else plan_comparison(config, overrides, data=data, allow_code=allow_code)
    )
    folder = Path(out)
    require_own(folder, planned.grid, planned.materials)
    apart = workers > 1 or scheduler is not None
    stages = open_store(store, folder, planned.grid, apart=apart)
    sink = EventBus(listeners, default_catalogue().manager.hook)
    with _workers(workers, scheduler, n_jobs) as client:
        write_mark(folder, planned.grid, planned.materials, planned.plan, stages.location)
        settings = Settings(
            stages.location, stage_threads(n_jobs, workers, scheduler), planned.grid.config.timeout,
            planned.grid.config.memory_limit, uuid.uuid4().hex,
        )  # fmt: skip
        with kept(planned.materials, stages):
            if scheduler is not None:
                require_shared(client, stages, [material.key for material in planned.materials])
                warn_of_threads(client, settings)
            _run(planned.plan, settings, folder, client, retry_failed, sink)
    comparison = open_comparison(folder, store=stages, allow_code=planned.allow_code)
    comparison.session = Session(settings.run_id, sink)
    attempt("table", comparison.write_tables, comparison.missing)
    if "table" in comparison.missing:
        logger.warning("table.csv is missing: %s", comparison.missing["table"])
    return comparison


def open_store(
    store: str | os.PathLike[str] | None, out: Path, grid: Grid, *, apart: bool
) -> StageStore:
    """The stage store of a comparison.

    Parameters
    ----------
    store : path, URL or None
        As given; ``None`` for that of the folder.
    out : Path
    grid : Grid
    apart : bool
        Whether stages run in other processes, limits or none.

    Raises
    ------
    ConfigError
        If these processes would not see it.
    """
    chosen = own_store(out) if store is None else store
    stages = StageStore(chosen)
    limited = grid.config.timeout is not None or grid.config.memory_limit is not None
    if not stages.shared and (apart or limited):
        raise ConfigError(
            [
                Problem(
                    "store",
                    f"{stages.location} is seen by one process only, but stages run in others; "
                    "give a folder, or use one worker and no limits",
                )
            ]
        )
    if "://" in stages.location:
        return stages
    return StageStore(Path(os.path.expanduser(stages.location)).absolute())  # noqa: PTH111


def _workers(workers: int, scheduler: Any, n_jobs: int | None) -> AbstractContextManager[Any]:
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ConfigError([Problem("workers", f"must be a positive number, got {workers!r}")])
    if scheduler is not None:
        if workers != 1:
            raise ConfigError([Problem("workers", "cannot be combined with a scheduler")])
        return connected(scheduler)
    if workers == 1:
        return nullcontext()
    return local_workers(workers, stage_threads(n_jobs, workers, None))


def stage_threads(n_jobs: int | None, workers: int, scheduler: Any) -> int:
    """Threads of each stage, as :func:`compare` takes these arguments."""
    if n_jobs is None and scheduler is not None:
        return 1
    return usable_threads(n_jobs) if n_jobs else max(1, usable_threads(None) // workers)


def _run(
    plan: GridPlan,
    settings: Settings,
    out: Path,
    client: Any,
    retry_failed: bool,
    sink: EventSink,
) -> None:
    """Run what has no record yet."""
    before = read_records(records_folder(out))
    final = {"done"} if retry_failed else {"done", "failed"}
    ended = {key: record for key, record in before.items() if record["status"] in final}
    cells = [cell for cell in plan.cells if cell.task.id not in ended]
    if not cells:
        return
    known = failed_before(plan.cells, ended)
    with telling(sink, settings.run_id, out, n_cells=len(plan.cells), n_waiting=len(cells)):
        run_cells(cells, settings, out, client, sink, known)


def run_cells(
    cells: Sequence[Cell],
    settings: Settings,
    out: Path,
    client: Any,
    sink: EventSink,
    known: Mapping[str, Outcome] | None = None,
) -> dict[str, dict[str, Any]]:
    """Run cells, and keep their records.

    Parameters
    ----------
    cells : sequence of Cell
    settings : Settings
    out : Path
        Folder of the results.
    client : distributed.Client or None
        Whose workers run them; this process, without.
    sink : callable
        Gets the events.
    known : mapping of stage key to Outcome, optional
        Stages that need not be tried.

    Returns
    -------
    dict of cell to record

    Raises
    ------
    OutputError
    DeadlineError
        If the settings say when all work has to be done; what was done until then is kept.
    """
    graph = make_graph(cells, settings, known)
    log = RecordLog(records_folder(out))
    receiver = _Receiver(graph, log, sink, settings.run_id)
    try:
        if client is None:
            run_here(graph, receiver)
        else:
            run_on(graph, receiver, client)
    finally:
        log.flush()
    return receiver.kept


def failed_before(
    cells: Iterable[Cell], ended: Mapping[str, Mapping[str, Any]]
) -> dict[str, Outcome]:
    """Stages that failed before, by key.

    Parameters
    ----------
    cells : iterable of Cell
    ended : mapping of str to mapping
        Their records, where they have ended.
    """
    found: dict[str, Outcome] = {}
    for cell in cells:
        record = ended.get(cell.task.id, {})
        for stage in cell.task.clusterer.chain():
            if record.get("failed") == stage.key:
                found[stage.key] = Outcome(
                    stage.key, stage.role, error=record["error"],
                    traceback=record.get("traceback", ""), failed=stage.key,
                )  # fmt: skip
    return found


@attrs.define(eq=False)
class _Receiver:
    """Takes what tasks return: events to the listeners, records to the log."""

    graph: Graph
    log: RecordLog
    sink: EventSink
    run_id: str
    kept: dict[str, dict[str, Any]] = attrs.field(factory=dict, init=False)

    def __call__(self, key: str, result: Any) -> None:
        if isinstance(result, BaseException):
            if key in self.graph.cells:
                self._keep(key, _lost(self.graph.cells[key], result))
        elif isinstance(result, Outcome):
            self._report(result.reported)
            for event in result.events:
                self.sink(event)
        else:
            self._report(result["reported"])
            record = {name: value for name, value in result.items() if name != "reported"}
            self._keep(key, record)

    def _keep(self, key: str, record: dict[str, Any]) -> None:
        self.log.append(record)
        self.kept[record["cell"]] = record
        self.sink(cell_finished(self.run_id, self.graph.cells[key], record))

    @staticmethod
    def _report(texts: Iterable[str]) -> None:
        for text in texts:
            warnings.warn(text, StoreWarning, stacklevel=4)


def _lost(cell: Cell, error: BaseException) -> dict[str, Any]:
    text = f"the worker crashed repeatedly, perhaps for lack of memory: {error}"
    return {"cell": cell.task.id, "status": "lost", "error": text, "traceback": ""}
