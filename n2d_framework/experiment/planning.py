"""From a configuration to cells and the distinct stages they need, without fitting anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import attrs

from n2d_framework.config.alternatives import joined_name, joined_options
from n2d_framework.config.comparison_config import Grid
from n2d_framework.errors import CompositionError, DataError
from n2d_framework.experiment.grid.ranking_checks import require_baseline, require_score
from n2d_framework.experiment.grid.selection import Selection, Trio
from n2d_framework.experiment.grid.variants import Variant, make_variants, prepare_variants
from n2d_framework.experiment.materials import Material
from n2d_framework.experiment.scoring import CellTask, score_cell
from n2d_framework.plan.compatibility import (
    component_reasons,
    kind_reasons,
    needs_reasons,
    refuse_missing,
    weight_reasons,
)
from n2d_framework.plan.executors.task_graph import Graph
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask
from n2d_framework.plan.steps import Step
from n2d_framework.types import ROLES, Role

__all__ = ["Cell", "GridPlan", "Illegal", "make_graph", "make_plan"]


@attrs.frozen(eq=False)
class Cell:
    """One combination of the grid.

    Attributes
    ----------
    data, scaler : str
    embedder, manifolder, clusterer : Variant
    seed : int
    task : CellTask
    """

    data: str
    scaler: str
    embedder: Variant
    manifolder: Variant
    clusterer: Variant
    seed: int
    task: CellTask

    def describe(self) -> dict[str, Any]:
        """Columns that say what the cell is."""
        row: dict[str, Any] = {"cell": self.task.id, "data": self.data, "scaler": self.scaler}
        row |= {role: getattr(self, role).label for role in ROLES}
        return row | {"n_clusters": self.clusterer.n_clusters, "seed": self.seed}

    def detail(self) -> dict[str, Any]:
        """Columns with everything that is needed to build it again."""
        row: dict[str, Any] = {}
        for role, stages in self.task.clusterer.by_role().items():
            row[f"{role}_key"] = stages[-1].key
            row[f"{role}_component"] = joined_name(stage.component for stage in stages)
            options = joined_options(stage.options for stage in stages)
            row[f"{role}_options"] = json.dumps(options, sort_keys=True)
        row["data_key"] = self.task.clusterer.data
        steps = [stage.step for stage in self.task.clusterer.prepared()]
        options = {
            "name": joined_name(step.entry.written_name for step in steps),
            **joined_options(step.options for step in steps),
        }
        row["scaler_options"] = json.dumps(options, sort_keys=True)
        return row


@attrs.frozen
class Illegal:
    """A trio that cannot be run on a dataset, and why."""

    data: str
    embedder: str
    manifolder: str
    clusterer: str
    n_clusters: int | None
    reason: str


@attrs.frozen(eq=False)
class GridPlan:
    """Components that are to be run.

    Attributes
    ----------
    cells : list of Cell
    stages : dict of key to StageTask
        Distinct, each after the one before it.
    illegal : list of Illegal
    excluded : int
        Cells that the rules left out.
    notes : list of str
    """

    cells: list[Cell]
    stages: dict[str, StageTask]
    illegal: list[Illegal]
    excluded: int
    notes: list[str]

    def count(self, role: Role) -> int:
        """Number of distinct fits of a role."""
        return sum(stage.role == role for stage in self.stages.values())


def make_plan(grid: Grid, materials: Sequence[Material]) -> GridPlan:
    """Work out cells and distinct stages.

    Parameters
    ----------
    grid : Grid
    materials : sequence of Material

    Returns
    -------
    GridPlan

    Raises
    ------
    ConfigError
        If no cell can have the score to rank by, or the baseline is not one method.
    CompositionError
        If nothing is left to run, with the reasons.
    """
    require_score(grid, materials)
    selection = Selection(grid, [material.name for material in materials])
    variants, notes = make_variants(grid)
    plan = GridPlan([], {}, [], 0, notes)
    excluded = 0
    for material in materials:
        preparing = prepare_variants(grid, variants["prepare"], material.rows)
        _refuse_missing(material, preparing)
        for scaler in preparing:
            legal = _legal(material, scaler, variants, plan.illegal)
            prepared = {seed: _prepared(plan, scaler, material, seed) for seed in grid.seeds}
            for trio, seed in product(legal, grid.seeds):
                if not selection.keeps(material.name, scaler, trio, seed):
                    excluded += 1
                    continue
                _add(plan, grid, material, scaler, prepared[seed], trio, seed)
    if not plan.cells:
        raise CompositionError(_nothing_left(plan, excluded, selection.notes()))
    require_baseline(grid, [cell.describe() | cell.detail() for cell in plan.cells])
    return attrs.evolve(plan, excluded=excluded, notes=[*notes, *selection.notes()])


def _nothing_left(plan: GridPlan, excluded: int, notes: Sequence[str]) -> str:
    reasons = list(dict.fromkeys(f"{item.data}: {item.reason}" for item in plan.illegal))
    text = f"nothing is left to compare: {excluded} cells are left out by include and exclude"
    text += f", {len(plan.illegal)} trios cannot be run"
    return "; ".join([text, *reasons[:10], *notes[:10]])


def _refuse_missing(material: Material, preparing: Sequence[Variant]) -> None:
    """Refuse data with missing values that no alternative of the first steps takes."""
    for variant in preparing:
        if variant.steps and variant.steps[0].spec.missing:
            return
    for variant in preparing:
        if variant.steps:
            try:
                refuse_missing(variant.steps[0].spec, material.rows)
            except DataError as error:
                raise DataError(f"{material.name}: {error}") from error


def _legal(
    material: Material,
    scaler: Variant,
    variants: dict[Role, list[Variant]],
    illegal: list[Illegal],
) -> list[Trio]:
    """Trios that can be run on the prepared data; the others are noted with their reasons."""
    before = [step.spec for step in scaler.steps]
    reasons = {
        id(variant): _reasons(variant, material) for role in ROLES for variant in variants[role]
    }
    found: list[Trio] = []
    for embedder, manifolder, clusterer in product(*(variants[role] for role in ROLES)):
        trio = (embedder, manifolder, clusterer)
        against = [r for v in trio for r in reasons[id(v)]]
        specs = [spec for variant in trio for spec in variant.choice.specs]
        against += needs_reasons(specs) + kind_reasons([*before, *specs], material.rows)
        if material.rows.weights is not None:
            against += weight_reasons([*before, *specs])
        if not against:
            found.append(trio)
            continue
        labels = (embedder.label, manifolder.label, clusterer.label)
        found_before = {attrs.astuple(item) for item in illegal}
        item = Illegal(material.name, *labels, clusterer.n_clusters, "; ".join(against))
        if attrs.astuple(item) not in found_before:
            illegal.append(item)
    return found


def _reasons(variant: Variant, material: Material) -> list[str]:
    shape = material.rows.row_shape if material.rows.storage == "dense" else None
    return [
        reason
        for step in variant.steps
        for reason in component_reasons(step.spec, step.prototype, len(material.rows), shape)
    ]


def _prepared(plan: GridPlan, scaler: Variant, material: Material, seed: int) -> StageTask | None:
    found: StageTask | None = None
    for step in scaler.steps:
        found = _stage(plan, step, material, found, seed)
    return found


def _add(
    plan: GridPlan,
    grid: Grid,
    material: Material,
    scaler: Variant,
    prepared: StageTask | None,
    trio: Trio,
    seed: int,
) -> None:
    stage = prepared
    for variant in trio:
        for step in variant.steps:
            stage = _stage(plan, step, material, stage, seed)
    assert stage is not None
    rows = grid.config.dbcv_rows
    text = f"{material.name} {stage.key} {material.truth} {rows}"
    identity = hashlib.sha256(text.encode()).hexdigest()[:20]
    task = CellTask(identity, stage, material.truth, rows)
    plan.cells.append(Cell(material.name, scaler.label, *trio, seed, task))


def _stage(
    plan: GridPlan, step: Step, material: Material, before: StageTask | None, seed: int
) -> StageTask:
    derived = step.seed(seed)
    key = step.key(material.key if before is None else before.key, derived)
    if key in plan.stages:
        return plan.stages[key]
    task = StageTask(key, step, derived, before, material.key)
    if not step.prepares:
        plan.stages[key] = task
    return task


def make_graph(
    cells: Iterable[Cell], settings: Settings, known: Mapping[str, Outcome] | None = None
) -> Graph:
    """The graph of some cells: their steps, and the scoring of each.

    Parameters
    ----------
    cells : iterable of Cell
    settings : Settings
    known : mapping of stage key to Outcome, optional
        Stages that need not be tried, such as those that failed in an earlier session.
    """
    graph = Graph(settings, known or {})
    for cell in cells:
        graph.add(cell.task.id, cell, cell.task.clusterer, score_cell, cell.task)
    return graph
