"""Estimated duration of a plan: from short fits on few rows."""

from __future__ import annotations

import statistics
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs
import numpy as np

from n2d_framework.core.resources import Resources
from n2d_framework.experiment.materials import Material
from n2d_framework.experiment.planning import GridPlan
from n2d_framework.plan.executors.memory_watch import MemoryWatch
from n2d_framework.plan.executors.tasks import StageTask
from n2d_framework.plan.run_step import Edge, RunContext, run_step
from n2d_framework.plan.store import StageStore

__all__ = ["Estimate", "estimate"]

_ROWS = (250, 500)
_STEEPEST = 2.0
#: Of the made-up manifold that is scored for the estimate.
_DIMENSIONS = 10
_CLUSTERS = 10


@attrs.frozen
class Estimate:
    """Rough estimate of time and memory of a plan.

    Attributes
    ----------
    n_stored : int
        Stages that the store has already.
    seconds : float
        Fitting time of the others together, with one worker.
    scoring_seconds : float
        Time to score the cells whose clusterer the store does not have, with one worker.
    peak_memory : float
        Most resident memory of one stage's process, MiB.
    unknown : tuple of str
        Components for which the time was too short for a trial, or whose trial failed; they
        are not in the sums.
    """

    n_stored: int
    seconds: float
    scoring_seconds: float
    peak_memory: float
    unknown: tuple[str, ...]


@attrs.frozen
class _Trial:
    """Seconds and MiB of one fit, extrapolated to all rows."""

    seconds: float
    memory: float


def estimate(
    plan: GridPlan,
    materials: Iterable[Material],
    store: StageStore | None = None,
    *,
    budget: float = 30.0,
    n_jobs: int = 1,
) -> Estimate:
    """Estimate time and memory of what is left to do.

    Parameters
    ----------
    plan : GridPlan
    materials : iterable of Material
    store : StageStore, optional
        What it has costs nothing.
    budget : float, default 30.0
        Seconds after which no further trial is started, and one that is in progress makes do with
        the fits that it has. Components of the same name take the median of those that were
        tried.
    n_jobs : int, default 1
        Threads of a trial.

    Returns
    -------
    Estimate

    Notes
    -----
    Each distinct component is fitted on 250 and on 500 rows (once more before, so that imports
    and compilation do not count). Time grows as a power of the rows, which the two trials give,
    between constant and quadratic; memory grows in proportion to the rows. One cell of each
    dataset is scored with made-up labels, at full size. It is rough: methods that are
    quadratic in memory take more, and those that stop when they have converged vary.
    """
    have = set() if store is None else store.keys()
    left = {key: stage for key, stage in plan.stages.items() if key not in have}
    rows = {material.key: material for material in materials}
    trials: dict[str, _Trial | None] = {}
    edges: dict[str, Edge] = {}
    deadline = time.monotonic() + budget
    for stage in left.values():
        name = _name(stage)
        if name not in trials and time.monotonic() < deadline:
            trials[name] = _trial(stage, rows[stage.data], n_jobs, edges, deadline)
    tried = {name: trial for name, trial in trials.items() if trial is not None}
    found = {key: _guess(stage, tried) for key, stage in left.items()}
    known = [trial for trial in found.values() if trial is not None]
    unknown = {left[key].component for key, trial in found.items() if trial is None}
    return Estimate(
        n_stored=len(plan.stages) - len(left),
        seconds=sum(trial.seconds for trial in known),
        scoring_seconds=_scoring(plan, left, rows),
        peak_memory=max((trial.memory for trial in known), default=0.0),
        unknown=tuple(sorted(unknown)),
    )


def _name(stage: StageTask) -> str:
    """Stages of one name take about the same: seeds and stages before do not count."""
    return f"{stage.role} {stage.component} {sorted(stage.options.items())!r} {stage.data}"


def _guess(stage: StageTask, tried: Mapping[str, _Trial]) -> _Trial | None:
    exact = tried.get(_name(stage))
    if exact is not None:
        return exact
    prefix = f"{stage.role} {stage.component} "
    alike = [t for name, t in tried.items() if name.startswith(prefix) and stage.data in name]
    if not alike:
        return None
    return _Trial(
        statistics.median(trial.seconds for trial in alike), max(trial.memory for trial in alike)
    )


def _scoring(plan: GridPlan, left: Mapping[str, StageTask], rows: Mapping[str, Material]) -> float:
    """Time to score what is left: one cell of each dataset, times their number."""
    counts = Counter(
        (cell.task.clusterer.data, cell.task.truth, cell.task.dbcv_rows)
        for cell in plan.cells
        if cell.task.clusterer.key in left
    )
    once = {how: _score_once(rows[how[0]], how[1] is not None, how[2]) for how in counts}
    return sum(n * once[how] for how, n in counts.items())


def _score_once(material: Material, known: bool, dbcv_rows: int) -> float:
    from n2d_framework.metrics import assess, dbcv

    rng = np.random.default_rng(0)
    manifold = rng.normal(size=(len(material.rows), _DIMENSIONS)).astype(np.float32)
    labels = rng.integers(_CLUSTERS, size=len(manifold))
    start = 0.0
    # First with few rows: imports do not count.
    for rows in (slice(_ROWS[0]), slice(None)):
        start = time.perf_counter()
        truth = material.y[rows] if known and material.y is not None else None
        assess(truth, labels[rows], manifold[rows])
        if dbcv_rows:
            dbcv(manifold[rows], labels[rows], max_rows=dbcv_rows)
    return time.perf_counter() - start


def _trial(
    stage: StageTask,
    material: Material,
    n_jobs: int,
    edges: dict[str, Edge],
    deadline: float,
) -> _Trial | None:
    """Fit on few rows; ``None`` if that fails, as with options that need more rows."""
    sizes = [size for size in _ROWS if size < len(material.rows)] or [len(material.rows)]
    try:
        edge = _edge(stage, material, sizes[-1], n_jobs, edges)
        measured = [_fit(stage, edge.first(sizes[0]), n_jobs)]
        if time.monotonic() < deadline:
            measured = [_fit(stage, edge.first(size), n_jobs) for size in sizes]
            edges[stage.key] = measured[-1].given
    except Exception:  # noqa: BLE001  # a trial decides nothing: the real fit will show
        return None
    sizes = sizes[: len(measured)]
    seconds = _grown([fit.seconds for fit in measured], sizes, len(material.rows))
    # Every row costs its share of what grew from the smaller trial to the larger.
    last = measured[-1].memory
    grew = max(0.0, last - measured[0].memory) / max(1, sizes[-1] - sizes[0])
    return _Trial(seconds, last + grew * (len(material.rows) - sizes[-1]))


def _grown(values: list[float], sizes: list[int], n_rows: int) -> float:
    last = values[-1]
    if len(values) < 2 or values[0] <= 0 or last <= 0:
        return last * n_rows / sizes[-1]
    power = np.log(last / values[0]) / np.log(sizes[-1] / sizes[0])
    return float(last * (n_rows / sizes[-1]) ** np.clip(power, 0.0, _STEEPEST))


def _edge(
    stage: StageTask, material: Material, size: int, n_jobs: int, edges: dict[str, Edge]
) -> Edge:
    """Input of the stage for some rows; what was computed before is in `edges`."""
    picked = np.random.default_rng(0).choice(len(material.rows), size, replace=False)
    edge = Edge(material.rows.take(np.sort(picked)), stage.data)
    for before in (*stage.prepared(), *stage.chain()[:-1]):
        if before.key not in edges:
            edges[before.key] = _fit(before, edge, n_jobs).given
        edge = edges[before.key]
    return edge


@attrs.frozen(eq=False)
class _Fit:
    given: Edge
    seconds: float
    memory: float


def _fit(stage: StageTask, edge: Edge, n_jobs: int) -> _Fit:
    with warnings.catch_warnings(), MemoryWatch() as watch:
        warnings.simplefilter("ignore")
        result = run_step(stage.step, edge, stage.seed, RunContext("", _no_op, Resources(n_jobs)))
    given = edge.after(result.output, result.key, result.published)
    return _Fit(given, result.seconds, watch.peak)


def _no_op(event: object) -> None:
    """Trials have no events."""
