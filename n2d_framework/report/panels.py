"""The thesis's four panels, where the grid has the cells that they need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework import plots
from n2d_framework.metrics import match_clusters
from n2d_framework.plots.palette import styles
from n2d_framework.registry import default_catalogue
from n2d_framework.report.figures import Figure
from n2d_framework.report.fitted_stages import CellStages
from n2d_framework.report.svg import svg
from n2d_framework.types import NOISE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["four_panels", "siblings"]

_TITLE = "Before and after the manifold"
_POINTS = 1500
_FIXED = ("data", "scaler", "embedder", "clusterer", "n_clusters", "seed")


def siblings(table: pd.DataFrame, cell: Any) -> tuple[Any, Any] | None:
    """The cells that cluster the same latent without a manifold, and on one of two dimensions.

    Parameters
    ----------
    table : DataFrame
    cell : Series
        A row of it.

    Returns
    -------
    (prior, flat) or None
        Rows of the table that are done: the first has a manifolder that passes its rows on
        unchanged (``identity``), the second the same manifolder and options as `cell` but
        ``n_components`` of two. ``None`` if one of them is not there, or the cell is itself
        without a manifold.
    """
    import pandas as pd

    name = _name(cell)
    if _is_neutral(name):
        return None
    alike = table[table["status"] == "done"]
    for column in _FIXED:
        missing = pd.isna(cell[column])
        alike = alike[alike[column].isna() if missing else alike[column] == cell[column]]
    prior = next((row for _, row in alike.iterrows() if _is_neutral(_name(row))), None)
    wanted = _options(cell) | {"n_components": 2}
    flat = next(
        (row for _, row in alike.iterrows() if _name(row) == name and _options(row) == wanted), None
    )
    return None if prior is None or flat is None else (prior, flat)


def four_panels(cell: CellStages, prior: CellStages, flat: CellStages, name: str) -> Figure | None:
    """Draw them on the map of two dimensions; ``None`` without true classes."""
    truth, called = cell.truth, cell.classes
    if truth is None:
        return None
    values = dict.fromkeys(called, NOISE) | {c: n for c, n in called.items() if c != NOISE}
    classes = np.array([values[code] for code in truth.tolist()], dtype=object)
    look = {values[code]: style for code, style in styles(truth).items()}
    before, on_plane, after = (stages.output("clusterer") for stages in (prior, flat, cell))

    def draw() -> Any:
        return plots.four_panels(
            flat.output("manifolder"), truth=classes, prior=before, posterior_2d=on_plane,
            posterior=after, max_points=_POINTS, look=look,
            stands_for={
                "prior": match_clusters(classes, before),
                "posterior_2d": match_clusters(classes, on_plane),
                "posterior": match_clusters(classes, after),
            },
        )  # fmt: skip

    return Figure(_TITLE, svg(draw, name, _TITLE), light=True)


def _name(row: Any) -> str:
    return str(row["manifolder_component"])


def _is_neutral(name: str) -> bool:
    """Return whether a manifolder leaves the latent rows as they are."""
    found = (e for e in default_catalogue().components("manifolder") if e.spec.passes_on)
    return any(name in (entry.spec.name, entry.qualified_name) for entry in found)


def _options(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["manifolder_options"])
    return found
