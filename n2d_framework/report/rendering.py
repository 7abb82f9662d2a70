"""The page of a comparison."""

from __future__ import annotations

from typing import Any

from n2d_framework.config.reading import as_yaml
from n2d_framework.pages.html_page import html_page
from n2d_framework.plots.palette import MARKERS, fifty_further_colours
from n2d_framework.report.pictures import Pictures
from n2d_framework.types import ROLES

__all__ = ["render"]

_SCRIPTS = (
    "table.js",
    "heatmap.js",
    "intervals.js",
    "scatter.js",
    "cells.js",
    "start.js",
)


def render(content: dict[str, Any]) -> str:
    """The page as a string.

    Parameters
    ----------
    content : dict
        What :mod:`n2d_framework.report.writing` collects.

    Returns
    -------
    str
        See :func:`n2d_framework.pages.html_page.html_page`.
    """
    return html_page(
        "page.html.j2",
        content
        | {
            "roles": ROLES,
            "titles": _best_of(content),
            "config_text": as_yaml(content["config"]),
        },
        _payload(content),
        scripts=_SCRIPTS,
        package="n2d_framework.report",
    )


def _payload(content: dict[str, Any]) -> dict[str, Any]:
    """Values that the script reads."""
    drawn: Pictures = content["pictures"]
    board: dict[str, Any] = content["board"]
    return board | {
        "markers": list(MARKERS),
        "further_colours": [
            f"light-dark({light}, {dark})" for light, dark in fifty_further_colours().items()
        ],
        "pictured": drawn.cells,
        "sets": {
            name: {"rows": about["rows"], "ids": about["ids"], "sprite": about["sprite"]}
            for name, about in drawn.sets.items()
        },
    }


def _best_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """For each dataset its best method, for the head of the page."""
    board = content["board"]
    names = board["names"]["data"]
    found = []
    for about in content["data"]:
        here = [p for p, d in enumerate(board["methods"]["data"]) if names[d] == about["name"]]
        ranking = (board["metric"], *board["instead"])
        best = next((one for name in ranking if (one := _best(board, here, name))), {})
        found.append({"about": about, "method": None} | best)
    return found


def _best(board: dict[str, Any], here: list[int], metric: str) -> dict[str, Any]:
    """The best of some methods by a score that one of them has; empty if none has."""
    columns = board["methods"]
    values = columns["mean"].get(metric)
    known = [place for place in here if values and values[place] is not None]
    if not known:
        return {}
    less = next(item["less"] for item in board["metrics"] if item["name"] == metric)
    place = min(known, key=lambda p: (values[p] if less else -values[p], p))
    return {
        "method": columns["name"][place],
        "metric": metric,
        "mean": values[place],
        "low": columns["low"][metric][place],
        "high": columns["high"][metric][place],
    }
