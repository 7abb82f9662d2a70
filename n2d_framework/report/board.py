"""Methods and cells as columns of numbers: what the page's tables and charts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.analysis.intervals import bootstrap_intervals
from n2d_framework.analysis.result_tables import AXES, methods
from n2d_framework.core.scores import WITHOUT_CLASSES
from n2d_framework.types import ROLES, AnyArray

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["MOST_CELLS", "STATUSES", "board", "metric_for", "total_seconds"]

STATUSES = ("done", "failed", "lost", "waiting")
#: With more cells, the report has only their means over seeds.
MOST_CELLS = 30_000
#: Scores that get an interval; the rest have their mean.
_CENTRAL = ("acc", "nmi", "ari", "ami", *WITHOUT_CLASSES)
_DIGITS = 5
_COUNTED = "n_clusters"


def board(comparison: ComparisonView) -> dict[str, Any]:
    """Everything that the page knows about methods and cells.

    Parameters
    ----------
    comparison : ComparisonView

    Returns
    -------
    dict
        Plain values: ``metrics``, the ranking ``metric``, what ranks ``instead`` where nothing
        has it, the distinct ``names`` of each axis,
        and the columns of ``methods`` (one per dataset and method) and ``cells``; names are
        numbers that point into ``names``, missing numbers are ``None``.
    """
    table = comparison.table
    metrics = [name for name in comparison.metrics if table[name].notna().any()]
    metrics = metrics or [comparison.metric]
    first = comparison.metric if comparison.metric in metrics else metrics[0]
    names = {axis: list(dict.fromkeys(map(str, table[axis]))) for axis in AXES if axis != _COUNTED}
    places = _places(table)
    return {
        "metric": first,
        "instead": list(WITHOUT_CLASSES),
        "metrics": [_metric(comparison, name, first) for name in metrics],
        "names": names,
        "statuses": list(STATUSES),
        "methods": _method_columns(table, names, places, metrics, first),
        "cells": _cell_columns(table, places, metrics) if len(table) <= MOST_CELLS else None,
    }


def metric_for(cells: pd.DataFrame, metric: str) -> str:
    """The ranking score, or what takes its place where none of these cells has it."""
    ranking = (metric, *WITHOUT_CLASSES)
    known = [name for name in ranking if name in cells and cells[name].notna().any()]
    return known[0] if known else WITHOUT_CLASSES[-1]


def total_seconds(table: pd.DataFrame) -> AnyArray:
    """Seconds of fitting that each cell stands for; ``nan`` where none is known."""
    seconds = table[[f"{role}_seconds" for role in ROLES]]
    total: AnyArray = seconds.sum(axis="columns", min_count=1).to_numpy(dtype=np.float64)
    return total


def _metric(comparison: ComparisonView, name: str, first: str) -> dict[str, Any]:
    return {
        "name": name,
        "less": comparison.less_is_better(name),
        "interval": name in _CENTRAL or name == first,
    }


def _places(table: pd.DataFrame) -> AnyArray:
    """For each cell, the number of its method on its dataset, in the order of the plan."""
    numbers: dict[tuple[str, str], int] = {}
    pairs = zip(table["data"], methods(table), strict=True)
    found = [numbers.setdefault(pair, len(numbers)) for pair in pairs]
    return np.array(found, dtype=np.int64)


def _method_columns(
    table: pd.DataFrame,
    names: dict[str, list[str]],
    places: AnyArray,
    metrics: Sequence[str],
    first: str,
) -> dict[str, Any]:
    _, starts = np.unique(places, return_index=True)
    heads = table.iloc[starts]
    count = len(starts)
    failed = table["status"].isin(("failed", "lost")).to_numpy()
    found: dict[str, Any] = {axis: _codes(heads[axis], known) for axis, known in names.items()}
    found[_COUNTED] = [None if value != value else int(value) for value in _floats(heads[_COUNTED])]
    found["name"] = [str(value) for value in np.array(methods(table), dtype=object)[starts]]
    found["cells"] = np.bincount(places, minlength=count).tolist()
    found["done"] = np.bincount(places, (table["status"] == "done"), count).astype(int).tolist()
    found["failed"] = np.bincount(places, failed, count).astype(int).tolist()
    found["seconds"] = _numbers(_means(total_seconds(table), places, count))
    found["mean"], found["low"], found["high"] = {}, {}, {}
    for name in metrics:
        values = _floats(table[name])
        found["mean"][name] = _numbers(_means(values, places, count))
        if name in _CENTRAL or name == first:
            low, high = _intervals(values, places, count)
            found["low"][name], found["high"][name] = _numbers(low), _numbers(high)
    return found


def _cell_columns(table: pd.DataFrame, places: AnyArray, metrics: Sequence[str]) -> dict[str, Any]:
    memory = table[[f"{role}_peak_memory" for role in ROLES]].max(axis="columns")
    return {
        "method": places.tolist(),
        "seed": [int(seed) for seed in table["seed"]],
        "status": _codes(table["status"], list(STATUSES)),
        "seconds": _numbers(total_seconds(table)),
        "memory": _numbers(_floats(memory)),
        "scores": {name: _numbers(_floats(table[name])) for name in metrics},
    }


def _codes(values: Iterable[Any], known: Sequence[str]) -> list[int]:
    numbers = {name: number for number, name in enumerate(known)}
    return [numbers[str(value)] for value in values]


def _floats(values: pd.Series[Any]) -> AnyArray:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _means(values: AnyArray, places: AnyArray, count: int) -> AnyArray:
    known = ~np.isnan(values)
    sums = np.bincount(places[known], values[known], count)
    with np.errstate(invalid="ignore"):
        means: AnyArray = sums / np.bincount(places[known], minlength=count)
    return means


def _intervals(values: AnyArray, places: AnyArray, count: int) -> tuple[AnyArray, AnyArray]:
    """Bootstrap intervals, computed together for all methods with as many values."""
    low, high = np.full((2, count), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    known = known[np.argsort(places[known], kind="stable")]
    sizes = np.bincount(places[known], minlength=count)
    groups = np.split(values[known], np.cumsum(sizes)[:-1])
    for size in np.unique(sizes[sizes > 1]):
        chosen = np.flatnonzero(sizes == size)
        samples = np.stack([groups[number] for number in chosen])
        low[chosen], high[chosen] = bootstrap_intervals(samples)
    return low, high


def _numbers(values: AnyArray) -> list[float | None]:
    """Rounded to what can be read, for a small file; missing ones are ``None``."""
    return [float(f"{v:.{_DIGITS}g}") if np.isfinite(v) else None for v in values]
