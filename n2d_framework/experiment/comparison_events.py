"""Events of a comparison, besides those of its stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.analysis.result_tables import scores_of
from n2d_framework.core.events import (
    CellFinished,
    ComparisonFinished,
    ComparisonStarted,
    EventSink,
    FilesWritten,
)
from n2d_framework.core.roles import ROLE_TABLE
from n2d_framework.experiment.planning import Cell
from n2d_framework.types import ROLES

__all__ = ["Session", "cell_finished", "telling"]


@attrs.frozen(eq=False)
class Session:
    """One session of a comparison, and who is notified.

    Attributes
    ----------
    run_id : str
    sink : callable
        Gets the events.
    """

    run_id: str
    sink: EventSink = attrs.field(repr=False)

    def written(self, kind: str, path: Path) -> None:
        """Notify listeners of a file of the comparison that has been written."""
        self.sink(FilesWritten(self.run_id, {kind: (str(path),)}))


@contextmanager
def telling(
    sink: EventSink, run_id: str, folder: Path, *, n_cells: int, n_waiting: int
) -> Iterator[None]:
    """Notify that a comparison begins, and how it ended.

    Parameters
    ----------
    sink : callable
        Gets the events.
    run_id : str
        Identifies this session.
    folder : Path
        Of the results.
    n_cells, n_waiting : int
        Cells in all, and those to be done.
    """
    start = time.perf_counter()
    sink(ComparisonStarted(run_id, str(folder.absolute()), n_cells, n_waiting))
    try:
        yield
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        sink(ComparisonFinished(run_id, time.perf_counter() - start, error=text))
        raise
    sink(ComparisonFinished(run_id, time.perf_counter() - start))


def cell_finished(run_id: str, cell: Cell, record: Mapping[str, Any]) -> CellFinished:
    """The event of a cell that has ended.

    Parameters
    ----------
    run_id : str
        The comparison.
    cell : Cell
    record : mapping
        What :func:`n2d_framework.experiment.scoring.score_cell` returned.

    Returns
    -------
    CellFinished
    """
    stages = {stage.step.label: stage for stage in cell.task.clusterer.chain()}
    steps = [stage.step for stage in (*cell.task.clusterer.prepared(), *stages.values())]
    components: dict[str, Any] = {}
    for info in ROLE_TABLE:
        listed = [
            {"name": step.spec.name, **step.options} for step in steps if step.role == info.name
        ]
        if listed:
            key = info.short if info.short and len(listed) == 1 else info.name
            components[key] = listed[0] if len(listed) == 1 else listed
    seconds = {role: record.get(f"{role}_seconds") for role in ROLES}
    return CellFinished(
        run_id=run_id,
        cell=cell.task.id,
        data=cell.data,
        method=" / ".join(getattr(cell, role).label for role in ROLES),
        composition={
            **components,
            "n_clusters": cell.clusterer.n_clusters,
        },
        random_state=cell.seed,
        stages={label: stage.key for label, stage in stages.items()},
        status=str(record["status"]),
        scores=scores_of(record),
        seconds={role: value for role, value in seconds.items() if value is not None},
        error=record.get("error"),
    )
