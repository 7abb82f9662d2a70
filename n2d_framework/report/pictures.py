"""The pictures of the best cells, as many as a page can carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.analysis.result_tables import methods
from n2d_framework.core.kinds import guess_image_shape
from n2d_framework.core.scores import WITHOUT_CLASSES
from n2d_framework.pages.thumbnails import Images, sprite
from n2d_framework.plots.row_sample import sample_rows
from n2d_framework.report.board import metric_for
from n2d_framework.report.figures import Figure, figures_of
from n2d_framework.report.fitted_stages import CellStages, forget
from n2d_framework.report.panels import four_panels, siblings
from n2d_framework.report.scatter import points
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["Pictures", "best_cells", "draw_pictures"]

_POINT_BYTES = 24
_SUBJECTS = {
    "rows": "images of rows",
    "points": "the manifold",
    "loss": "the loss",
    "again": "reconstructions",
    "means": "cluster means",
    "scree": "the variance per component",
    "tree": "the condensed tree",
    "panels": "the four panels",
}


@attrs.define(eq=False)
class Pictures:
    """Pictures of single cells.

    Attributes
    ----------
    cells : list of dict
        Places in the table, names, points, keys of figures, and what could not be drawn.
    sets : dict of name to dict
        For each dataset the rows that are shown, and their images.
    figures : dict of key to Figure
    left_out : int
        Cells that would have made the page too large.
    """

    cells: list[dict[str, Any]] = attrs.field(factory=list)
    sets: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    figures: dict[str, Figure] = attrs.field(factory=dict)
    left_out: int = 0
    size: int = 0


def draw_pictures(
    comparison: ComparisonView, per_data: int, max_points: int, max_bytes: int
) -> Pictures:
    """Draw the best cell of each of the best methods, on each dataset.

    Parameters
    ----------
    comparison : ComparisonView
    per_data : int
        Methods per dataset.
    max_points : int
        Rows per dataset, drawn at random.
    max_bytes : int
        What all pictures may take together, nearly.

    Returns
    -------
    Pictures
        What cannot be drawn, because the store has lost a stage or a component refuses, is
        there with the reason.
    """
    found = Pictures()
    names = methods(comparison.table)
    abouts = {str(about["name"]): about for about in comparison.data}
    for place in best_cells(comparison, per_data):
        if found.size > max_bytes:
            found.left_out += 1
            continue
        about = abouts[str(comparison.table["data"].iloc[place])]
        _add(found, comparison, place, names[place], about, max_points)
    forget()
    return found


def best_cells(comparison: ComparisonView, per_data: int) -> list[int]:
    """Places in the table: the first of each dataset, then the second of each, and so on."""
    table, names = comparison.table, methods(comparison.table)
    lists = []
    for about in comparison.data:
        mine = table[(table["data"] == about["name"]) & (table["status"] == "done")]
        metric = metric_for(mine, comparison.metric)
        better = 1.0 if comparison.less_is_better(metric) else -1.0
        order = (better * mine[metric]).dropna().sort_values(kind="stable").index
        chosen: dict[str, int] = {}
        for place in order:
            if len(chosen) < per_data:
                chosen.setdefault(names[place], int(place))
        lists.append(list(chosen.values()))
    return [places[rank] for rank in range(per_data) for places in lists if rank < len(places)]


def _add(
    found: Pictures,
    comparison: ComparisonView,
    place: int,
    method: str,
    about: dict[str, Any],
    max_points: int,
) -> None:
    cell = comparison.table.iloc[place]
    stages = CellStages(cell, comparison, about["truth"], _class_names(about))
    name = str(cell["data"])
    entry: dict[str, Any] = _named(comparison, place, cell, method)
    found.cells.append(entry)
    with _reported(entry, "rows"):
        chosen = np.sort(sample_rows(len(stages.rows), max_points, 0))
        if name not in found.sets:
            ids = _ids_of(comparison, about, chosen)
            found.sets[name] = {"ids": ids, **_rows_of(stages, about, chosen)}
            found.size += len((found.sets[name]["sprite"] or {}).get("src", ""))
    with _reported(entry, "points"):
        chosen = np.sort(sample_rows(len(stages.output("clusterer")), max_points, 0))
        entry["points"] = points(stages, chosen)
        found.size += _POINT_BYTES * len(chosen)
    images = found.sets.get(name, {}).get("images")
    for key, make in _figures(comparison, stages, images):
        with _reported(entry, key.partition("-")[0]):
            if key not in found.figures:
                figure = make(re.sub(r"\W", "", key))
                if figure is None:
                    continue
                found.figures[key] = figure
                found.size += figure.size
            entry["figures"].append(key)


def _named(
    comparison: ComparisonView, place: int, cell: pd.Series[Any], method: str
) -> dict[str, Any]:
    scores = {
        name: float(f"{cell[name]:.5g}") for name in comparison.metrics if np.isfinite(cell[name])
    }
    ranking = (comparison.metric, *WITHOUT_CLASSES)
    metric = next((one for one in ranking if one in scores), WITHOUT_CLASSES[-1])
    value = scores.get(metric)
    return {
        "cell": place,
        "data": str(cell["data"]),
        "method": method,
        "seed": int(cell["seed"]),
        "metric": metric,
        "value": value,
        "scores": scores,
        "points": None,
        "figures": [],
        "problems": [],
    }


def _figures(
    comparison: ComparisonView, stages: CellStages, images: Images | None
) -> Iterator[tuple[str, Any]]:
    yield from figures_of(stages, images).items()
    around = siblings(comparison.table, stages.cell)
    if around is not None:
        prior, flat = (attrs.evolve(stages, cell=cell) for cell in around)
        key = f"panels-{stages.key('clusterer')}"
        yield key, lambda name: four_panels(stages, prior, flat, name)


def _rows_of(stages: CellStages, about: dict[str, Any], chosen: AnyArray) -> dict[str, Any]:
    """Numbers of the rows that are shown, and their images where they are images."""
    shape = None if about.get("modality") == "sequence" else guess_image_shape(about["row_shape"])
    if shape is None:
        return {"rows": chosen.tolist(), "sprite": None, "images": None}
    rows = stages.rows.values
    images = Images.of(rows, tuple(shape))
    drawn = sprite(images.bytes_of(rows[chosen]))
    return {"rows": chosen.tolist(), "sprite": drawn, "images": images}


def _ids_of(
    comparison: ComparisonView, about: dict[str, Any], chosen: AnyArray
) -> list[str] | None:
    """Ids of the rows that are shown; ``None`` where the data have none."""
    if about.get("ids") is None:
        return None
    ids = comparison.ids(about["ids"])
    return [ids[row] for row in chosen]


def _class_names(about: dict[str, Any]) -> list[str]:
    names = [str(name) for name in about.get("class_names") or ()]
    return names if len(names) == about["n_classes"] else []


@contextmanager
def _reported(entry: dict[str, Any], what: str) -> Iterator[None]:
    """A picture that cannot be drawn costs only itself: the page says why."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever a component does wrong is reported
        reason = f"{_SUBJECTS[what]} cannot be drawn: {type(error).__name__}: {error}"
        if reason not in entry["problems"]:
            entry["problems"].append(reason)
