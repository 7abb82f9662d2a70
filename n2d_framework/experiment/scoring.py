"""One cell on a worker: its labels, scored."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.analysis.missing_scores import as_text
from n2d_framework.core.scores import has_bic
from n2d_framework.errors import DataError, MetricWarning, N2DError, OutputError, StoreWarning
from n2d_framework.experiment.materials import truth_of
from n2d_framework.plan.executors.inline import ALONE, output_of, rows_into
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.entries import read_entry, with_state
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.core.rows import Rows
    from n2d_framework.metrics.neighbor_graph import NeighborGraph

__all__ = ["CellTask", "score_cell"]


@attrs.frozen(eq=False)
class CellTask:
    """One cell to be scored.

    Attributes
    ----------
    id : str
        Identifies the cell, by content.
    clusterer : StageTask
        The last stage, with those before it.
    truth : str or None
        Key of the true classes in the store.
    dbcv_rows : int
        Rows sampled for DBCV; 0 leaves it out.
    """

    id: str
    clusterer: StageTask
    truth: str | None
    dbcv_rows: int


def score_cell(task: CellTask, settings: Settings, *outcomes: Outcome) -> dict[str, Any]:
    """The record of a cell.

    Parameters
    ----------
    task : CellTask
    settings : Settings
    *outcomes : Outcome
        How its stages went, in order.

    Returns
    -------
    dict
        ``cell``, ``status`` (``done`` or ``failed``), what the stages took, ``error`` and
        ``traceback``, and every score by name.

    Raises
    ------
    OutputError
        If the store cannot be read or written.
    """
    record = {"cell": task.id, "status": "done"} | _costs(outcomes)
    failed = next((outcome for outcome in outcomes if outcome.error is not None), None)
    with ALONE, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if failed is None:
            try:
                record = _scores(task, settings) | _losses(outcomes) | record
            except OutputError:
                raise
            except Exception as error:  # noqa: BLE001  # a cell's failure is a result
                failed = attrs.evolve(Outcome.of_failure(task.clusterer, error), failed="scores")
    if failed is not None:
        record |= {
            "status": "failed",
            "error": failed.error,
            "traceback": failed.traceback,
            "failed": failed.failed,
        }
    reported = [str(w.message) for w in caught if issubclass(w.category, StoreWarning)]
    noted = [as_text(w.message) for w in caught if issubclass(w.category, MetricWarning)]
    texts = [*([record["warnings"]] if record["warnings"] else []), *dict.fromkeys(noted)]
    return record | {"reported": reported, "warnings": "\n".join(texts) or None}


def _costs(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for role in dict.fromkeys(outcome.role for outcome in outcomes):
        of_role = [outcome for outcome in outcomes if outcome.role == role]
        known = all(outcome.error is None for outcome in of_role)
        seconds = sum(outcome.seconds for outcome in of_role)
        memory = max(outcome.peak_memory for outcome in of_role)
        record[f"{role}_seconds"] = seconds if known else None
        record[f"{role}_peak_memory"] = memory if known else None
    for outcome in outcomes:
        versions |= outcome.versions
    texts = [text for outcome in outcomes for text in outcome.warnings]
    record["warnings"] = "\n".join(dict.fromkeys(texts)) or None
    record["versions"] = json.dumps(versions, sort_keys=True)
    return record


def _losses(outcomes: tuple[Outcome, ...]) -> dict[str, float]:
    return {f"{o.role}_{name}": value for o in outcomes for name, value in o.losses.items()}


def _scores(task: CellTask, settings: Settings) -> dict[str, float]:
    from n2d_framework.metrics import assess, dbcv

    *_, before, stage = task.clusterer.chain()
    labels = output_of(stage, settings)
    manifold = output_of(before, settings)
    truth = None if task.truth is None else truth_of(settings.store, task.truth)
    scores = assess(truth, labels, manifold, extra=default_catalogue().metrics())
    scores["n_clusters_found"] = scores.pop("n_clusters")
    graph = _graph(task, settings)
    if graph is not None:
        scores["modularity"] = graph.modularity(labels)
    if task.dbcv_rows:
        scores["dbcv"] = dbcv(manifold, labels, max_rows=task.dbcv_rows)
    bic = _bic(task, settings)
    return scores if bic is None else scores | {"bic": bic}


#: By store and key of the rows: all cells of a dataset have the same.
_graphs: dict[str, NeighborGraph | None] = {}
_MOST_GRAPHS = 4


def _graph(task: CellTask, settings: Settings) -> NeighborGraph | None:
    """Graph of the rows that the embedder gets; ``None`` of columns, which have no distances."""
    first = task.clusterer.chain()[0]
    key = f"{settings.store} {first.before}"
    if key not in _graphs:
        if len(_graphs) >= _MOST_GRAPHS:
            _graphs.clear()
        _graphs[key] = _graph_of(rows_into(first, settings))
    return _graphs[key]


def _graph_of(rows: Rows) -> NeighborGraph | None:
    from n2d_framework.metrics.neighbor_graph import NeighborGraph

    if rows.storage == "columns":
        return None
    try:
        return NeighborGraph.of(rows.values)
    except DataError as error:
        warnings.warn(f"modularity: {error}", MetricWarning, stacklevel=2)
        return None


def _bic(task: CellTask, settings: Settings) -> float | None:
    """Bayesian information criterion, of clusterers that know their likelihood."""
    step = task.clusterer.step
    # Of a component that imports code the store has no state.
    if step.spec.imports_code or not has_bic(type(step.prototype)):
        return None
    found = StageStore(settings.store).read(task.clusterer.key)
    if found is None:
        raise N2DError(f"{settings.store}: an entry was removed while it was read")
    return float(with_state(step.prototype, read_entry(found, step.spec).state or {}).bic_)
