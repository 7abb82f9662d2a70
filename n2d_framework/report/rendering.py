"""The page from its templates: everything in one file, and nothing that could run besides."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from n2d_framework.config.reading import as_yaml
from n2d_framework.plots.palette import COLOURS, MARKERS
from n2d_framework.report.board import INSTEAD
from n2d_framework.report.pictures import Pictures
from n2d_framework.types import ROLES
from n2d_framework.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]

_MISSING = "\N{EN DASH}"
_STYLES = ("page.css", "tables.css", "charts.css")
_SCRIPTS = (
    "core.js",
    "table.js",
    "heatmap.js",
    "intervals.js",
    "scatter.js",
    "cells.js",
    "start.js",
)


def render(content: dict[str, Any]) -> str:
    """The page as text.

    Parameters
    ----------
    content : dict
        What :mod:`n2d_framework.report.writing` collects.

    Returns
    -------
    str
        Every text in it is escaped. A content security policy forbids the page to load
        anything, and to run anything but its own script.
    """
    script = "\n".join(map(_static, _SCRIPTS))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            **content,
            roles=ROLES,
            titles=_best_of(content),
            config_text=as_yaml(content["config"]),
            payload=_shown(_payload(content)),
            colours=COLOURS,
            style=Markup("\n".join(map(_static, _STYLES))),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            policy=(
                "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
                f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
            ),
        )
    )


def _static(name: str) -> str:
    return files("n2d_framework.report").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("n2d_framework.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_finalised,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters |= {"seconds": _seconds, "number": _number, "plain_yaml": as_yaml}
    return environment


def _finalised(value: Any) -> Any:
    """Output of a template: nothing in it hides or turns what stands beside it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _shown(value: Any) -> Any:
    """The same for what the script writes."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, (list, tuple)) else value


def _payload(content: dict[str, Any]) -> dict[str, Any]:
    """Values that the script reads."""
    drawn: Pictures = content["pictures"]
    board: dict[str, Any] = content["board"]
    return board | {
        "markers": list(MARKERS),
        "colours": len(COLOURS),
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
        best = _best(board, here, board["metric"]) or _best(board, here, INSTEAD)
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


def _seconds(value: float | None) -> str:
    """A duration for people."""
    if value is None:
        return _MISSING
    if value < 100:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _number(value: float | None) -> str:
    """A score for people."""
    if value is None:
        return _MISSING
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
