"""A plan as a Dask graph: stages keyed by their content, cells behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from n2d_framework.experiment.planning import Cell
from n2d_framework.experiment.scoring import score_cell
from n2d_framework.plan.executors.inline import fit_stage
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask

__all__ = ["Graph", "Result", "make_graph"]

Result: TypeAlias = "Outcome | dict[str, Any]"


@attrs.frozen(eq=False)
class Graph:
    """A Dask graph.

    Attributes
    ----------
    tasks : dict
        Graph as Dask specifies it.
    cells : dict of key to Cell
        Keys of the cells' records.
    stages : dict of key to StageTask
        Keys of the stages' outcomes.
    """

    tasks: dict[str, Any]
    cells: dict[str, Cell]
    stages: dict[str, StageTask]

    @property
    def keys(self) -> list[str]:
        """Everything whose end is to be heard of."""
        return [*self.stages, *self.cells]


def make_graph(
    cells: Sequence[Cell], settings: Settings, known: Mapping[str, Outcome] | None = None
) -> Graph:
    """The graph of some cells.

    Parameters
    ----------
    cells : sequence of Cell
    settings : Settings
    known : mapping of stage key to Outcome, optional
        Stages that need not be tried, such as those that failed in an earlier session.

    Returns
    -------
    Graph
        No array is in it, and none passes along it: arrays are in the stage store.
    """
    known = known or {}
    # On a shared scheduler, another store is another result.
    mark = hashlib.sha256(settings.store.encode()).hexdigest()[:8]
    graph = Graph({}, {}, {})

    def name(key: str) -> str:
        return f"stage-{mark}-{key}"

    for cell in cells:
        stages = cell.task.clusterer.chain()
        for stage in stages:
            if name(stage.key) not in graph.tasks:
                graph.stages[name(stage.key)] = stage
                graph.tasks[name(stage.key)] = _stage_node(stage, settings, known, name)
        key = f"cell-{mark}-{cell.task.id}"
        graph.cells[key] = cell
        graph.tasks[key] = (score_cell, cell.task, settings, *(name(s.key) for s in stages))
    return graph


def _stage_node(
    stage: StageTask,
    settings: Settings,
    known: Mapping[str, Outcome],
    name: Callable[[str], str],
) -> tuple[Any, ...]:
    if stage.key in known:
        return (_known, known[stage.key])
    before = [name(earlier.key) for earlier in stage.chain()[:-1]][-1:]
    return (fit_stage, stage, settings, *before)


def _known(outcome: Outcome) -> Outcome:
    return outcome
