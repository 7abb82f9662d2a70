"""Rungs of a search: the same data with fewer rows, and with all of them."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import numpy as np

from n2d_framework.config.comparison_config import Grid
from n2d_framework.errors import CompositionError
from n2d_framework.experiment.materials import Material, part_of
from n2d_framework.experiment.planning import Cell, GridPlan, make_plan

__all__ = ["FACTOR", "Rung", "Trio", "rung_sizes", "rungs_of"]

#: Of rows from one rung to the next, and of trios that are left out there.
FACTOR = 3
#: Of fewer rows neighbours and clusters say little about those of all.
_FEWEST = 500

#: Labels of scaler, embedder, manifolder and clusterer, and the number of clusters.
Trio = tuple[str, str, str, str, int | None]


@attrs.frozen(eq=False)
class Rung:
    """The cells of a search on some of the rows.

    Attributes
    ----------
    material : Material
    plan : GridPlan
    cells : dict of trio to list of Cell
        One for each seed; only trios that such rows can have.
    """

    material: Material
    plan: GridPlan
    cells: dict[Trio, list[Cell]]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.material.rows)

    def tried(self, trios: Iterable[Trio]) -> GridPlan:
        """The plan, with the cells of some trios only."""
        return attrs.evolve(self.plan, cells=[c for trio in trios for c in self.cells[trio]])


def rung_sizes(n_rows: int) -> list[int]:
    """Numbers of rows of the rungs, the least first: thirds of thirds, at least 500, and all."""
    sizes = [n_rows]
    while sizes[0] // FACTOR >= _FEWEST:
        sizes.insert(0, sizes[0] // FACTOR)
    return sizes


def rungs_of(grid: Grid, material: Material, seed: int) -> list[Rung]:
    """Plan every rung; nothing is fitted.

    Parameters
    ----------
    grid : Grid
    material : Material
        All rows. Those of a rung are drawn, and are among those of the next one.
    seed : int
        Of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(material.rows))
    found = []
    for size in rung_sizes(len(material.rows)):
        chosen = np.sort(order[:size])
        rows = material if size == len(order) else part_of(material, chosen)
        try:
            plan = make_plan(grid, [rows])
        except CompositionError:
            if rows is material:
                raise
            continue  # so few rows are too few for every trio
        cells: dict[Trio, list[Cell]] = {}
        for cell in plan.cells:
            cells.setdefault(_trio(cell), []).append(cell)
        found.append(Rung(rows, plan, cells))
    return found


def _trio(cell: Cell) -> Trio:
    trio = (cell.embedder.label, cell.manifolder.label, cell.clusterer.label)
    return (cell.scaler, *trio, cell.clusterer.n_clusters)
