"""Curves for choosing the number of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.analysis.result_tables import AXES
from n2d_framework.errors import DataError
from n2d_framework.plots.canvas import literal
from n2d_framework.plots.palette import COLOURS, MARKERS
from n2d_framework.report.statistics import MOST_READ
from n2d_framework.report.svg import svg
from n2d_framework.types import ROLES

if TYPE_CHECKING:
    import pandas as pd


__all__ = ["numbers_of_clusters"]

_CRITERIA = {
    "bic": "BIC (less is better)",
    "silhouette": "silhouette",
    "dbcv": "DBCV",
    "stability": "stability over seeds",
}
_MOST_LINES = 4


def numbers_of_clusters(comparison: ComparisonView) -> dict[str, Any] | None:
    """Criteria over the number of clusters, for comparisons that tried several.

    Parameters
    ----------
    comparison : ComparisonView

    Returns
    -------
    dict or None
        ``figures``, one per dataset: its name, the drawing, and the numbers that criteria
        choose; or a ``reason`` why there are none. ``None`` with one number.
    """
    table = comparison.table
    if table["n_clusters"].nunique() < 2:
        return None
    done = int((table["status"] == "done").sum())
    if done > MOST_READ:
        return {
            "reason": f"{done:,} cells: labels of so many are not read here (at most "
            f"{MOST_READ:,}); call Comparison.numbers_of_clusters()"
        }
    try:
        found = comparison.numbers_of_clusters()
    except DataError as error:
        return {"reason": str(error)}
    figures = [
        _figure(str(data), group, number)
        for number, (data, group) in enumerate(found.groupby("data", sort=False))
    ]
    return {"figures": figures}


def _figure(data: str, group: pd.DataFrame, number: int) -> dict[str, Any]:
    lines = _lines(group)
    label = f"criteria for the number of clusters of {data}"
    chosen = [
        {"method": name, "number": int(row["n_clusters"]), "by": row["best_by"]}
        for name, rows in lines.items()
        for row in rows[rows["best_by"] != ""].to_dict("records")
    ]
    drawn = dict(list(lines.items())[:_MOST_LINES])
    return {
        "data": data,
        "drawing": svg(lambda: _draw(drawn), f"numbers-{number}", label),
        "chosen": chosen,
        "left_out": len(lines) - len(drawn),
    }


def _lines(group: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each trio by its name, the best silhouette first."""
    fixed = [axis for axis in AXES[1:] if axis != "n_clusters"]
    several = group["scaler"].nunique() > 1
    found = []
    for key, rows in group.groupby(fixed, sort=False):
        about = dict(zip(fixed, key, strict=True))
        name = " / ".join(str(about[role]) for role in ROLES)
        found.append((f"{about['scaler']} / {name}" if several else name, rows))
    found.sort(key=lambda item: -item[1]["silhouette"].fillna(-2.0).max())
    return dict(found)


def _draw(lines: dict[str, pd.DataFrame]) -> Any:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    known = [name for name in _CRITERIA if any(rows[name].notna().any() for rows in lines.values())]
    figure = Figure(figsize=(7.2, 2.8 * -(-len(known) // 2)), layout="constrained")
    grid = figure.subplots(-(-len(known) // 2), 2, squeeze=False)
    for place, criterion in zip(grid.flat, known, strict=False):
        for number, (name, rows) in enumerate(lines.items()):
            place.plot(
                rows["n_clusters"].to_numpy(dtype=float), rows[criterion].to_numpy(dtype=float),
                color=COLOURS[(0, 4, 2, 3)[number]], marker=MARKERS[number], markersize=4,
                linewidth=1.5, label=literal(name),
            )  # fmt: skip
        place.set_title(_CRITERIA[criterion], fontsize=10, loc="left")
        place.set_xlabel("number of clusters")
        place.xaxis.set_major_locator(MaxNLocator(integer=True))
        place.grid(visible=True, alpha=0.2)
    for place in grid.flat[len(known) :]:
        place.set_axis_off()
    if known:
        handles, names = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower left", frameon=False, fontsize=9)
    return figure
