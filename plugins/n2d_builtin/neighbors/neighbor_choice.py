"""Which search finds the neighbours of a fit: the exact one, or the one in cells."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
from numpy.typing import NDArray

from n2d_builtin.neighbors.cells import BY_CELLS, CellNeighbors, Cells
from n2d_builtin.neighbors.neighbors import TREE_WIDTH, ExactNeighbors
from n2d_builtin.neighbors.row_metrics import Metric
from n2d_builtin.neighbors.shared_neighbors import shared_neighbors
from n2d_framework.plugin import AnyArray, FitContext, IntArray, Problem, derive_seed

__all__ = [
    "ALGORITHM_HELP", "MANY_ROWS", "Found", "NeighborsAlgorithm", "algorithm_problems",
    "find_neighbors", "recall_of", "stored_search",
]  # fmt: skip

log = logging.getLogger(__name__)

NeighborsAlgorithm: TypeAlias = Literal["auto", "exact", "approximate"]

#: Rows beyond which ``auto`` searches in cells.
MANY_ROWS = 100_000

ALGORITHM_HELP = (
    f"Search of neighbours: auto is exact up to {MANY_ROWS} rows. approximate searches the "
    "nearest cells of rows, as many as find 99 % of the neighbours of a sample; neighbor_recall_ "
    "is the share. It is for euclidean, cosine, correlation, hellinger and haversine; other "
    "metrics are searched exactly."
)


@attrs.frozen(eq=False)
class Found:
    """Neighbours of the rows of a fit, and the search that found them.

    Attributes
    ----------
    search : ExactNeighbors
    cells : Cells or None
        Of an approximate search.
    indices : int64 array of shape (n, k)
    distances : float64 array of shape (n, k)
    """

    search: ExactNeighbors
    cells: Cells | None
    indices: IntArray
    distances: NDArray[Any]


def algorithm_problems(algorithm: NeighborsAlgorithm, metric: Metric) -> list[Problem]:
    """Problems of an option ``neighbors_algorithm`` with that metric."""
    if algorithm != "approximate" or metric in BY_CELLS:
        return []
    text = f"'approximate' is for metric {', '.join(sorted(BY_CELLS))}, got {metric!r}; take 'auto'"
    return [Problem("neighbors_algorithm", text)]


def find_neighbors(
    points: AnyArray, metric: Metric, x: AnyArray, k: int, context: FitContext, *,
    algorithm: NeighborsAlgorithm, name: str, leaves: bool = False, narrow_exact: bool = False,
    chosen: Mapping[str, Any] = MappingProxyType({}),
) -> Found:  # fmt: skip
    """The `k` nearest of all points of each of them, itself first.

    Parameters
    ----------
    points : float32 array of shape (n, d)
    metric : Metric
    x : array of shape (m, d)
        The rows of the stage.
    k : int
    context : FitContext
    algorithm : NeighborsAlgorithm
    name : str
        Of the component, for the log.
    leaves : bool
        As for :class:`ExactNeighbors`.
    narrow_exact : bool
        Whether ``auto`` is exact for narrow rows, however many.
    chosen : mapping
        How the points were chosen from the rows of the stage, as for :func:`shared_neighbors`.

    Returns
    -------
    Found
    """
    many = len(points) > MANY_ROWS and not (narrow_exact and points.shape[1] <= TREE_WIDTH)
    wanted = algorithm == "approximate" or (algorithm == "auto" and many)
    if wanted and metric in BY_CELLS and k > 1:
        seed = derive_seed(context.seed, "neighbors", "cells")
        search = CellNeighbors(points, metric)
        cells = search.learn(k, seed=seed, n_jobs=context.n_jobs, check=context.resources.check)
        if cells is not None:
            log.info(
                "%s: neighbours from %d of %d cells; found %.2f %% of those of a sample",
                name, cells.probes, len(cells.centres), 100 * cells.recall,
            )  # fmt: skip
            how = {**chosen, "cells": len(cells.centres), "probes": cells.probes}
            return Found(search, cells, *shared_neighbors(search, k, context, **how))
        log.info("%s: rows have no cells that help to find neighbours; the search is exact", name)
    exact = ExactNeighbors(points, metric, x, leaves=leaves)
    return Found(exact, None, *shared_neighbors(exact, k, context, **chosen))


def recall_of(cells: Cells | None) -> float:
    """Share of the nearest rows that a fit with these cells found: 1 without any."""
    return 1.0 if cells is None else cells.recall


def stored_search(
    points: AnyArray, metric: Metric, cells: Cells | None, *, leaves: bool = False
) -> ExactNeighbors:
    """The search among the points of a state, as the fit had it."""
    if cells is None:
        return ExactNeighbors(points, metric, leaves=leaves)
    return CellNeighbors(points, metric, cells)
