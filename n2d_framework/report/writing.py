"""A comparison written as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.analysis.result_tables import methods
from n2d_framework.errors import ConfigError, OutputError, Problem
from n2d_framework.report.board import MOST_CELLS, board
from n2d_framework.report.costs import costs
from n2d_framework.report.further_panels import panels_of_plugins
from n2d_framework.report.numbers import numbers_of_clusters
from n2d_framework.report.pictures import Pictures, draw_pictures
from n2d_framework.report.reasons import failures, illegal, versions
from n2d_framework.report.rendering import render
from n2d_framework.report.statistics import statistics
from n2d_framework.storage import write_atomic

__all__ = ["REPORT_NAME", "write_report"]

#: Name of the report in the output folder of a comparison.
REPORT_NAME = "report.html"
#: What pictures may take, so that the file stays below twenty megabytes.
_MOST_BYTES = 14_000_000


def write_report(
    comparison: ComparisonView,
    path: str | os.PathLike[str] | None = None,
    *,
    pictures: int = 6,
    max_points: int = 2000,
) -> Path:
    """Write everything a comparison found as one HTML file.

    Parameters
    ----------
    comparison : ComparisonView
        Finished or not.
    path : path, optional
        Where to; ``report.html`` in the folder of the comparison by default.
    pictures : int, default 6
        Cells per dataset of which pictures are drawn: the best cell of each of so many
        methods. Enough to look at, and a page that a phone opens. 0 draws none, and reads no
        stage.
    max_points : int, default 2000
        Rows per dataset in these pictures, drawn at random; the same in all of them.

    Returns
    -------
    Path
        What was written. It needs no other file and no network; the same comparison gives
        the same bytes. Listeners of the comparison that was just run are notified.

    Raises
    ------
    ConfigError
        If an option is out of range.
    OutputError
        If it cannot be written; what was there before is unchanged.
    """
    _check("pictures", pictures, 0)
    _check("max_points", max_points, 1)
    target = comparison.own_file(REPORT_NAME) if path is None else Path(path)
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {target}: there is no folder {target.parent}; make it")
    drawn = draw_pictures(comparison, pictures, max_points, _MOST_BYTES)
    page = render(_content(comparison, drawn, pictures, max_points))
    # Texts of data and errors may hold what is not a character: such a thing becomes a mark.
    write_atomic(target, page.encode("utf-8", "replace"))
    comparison.written("report", target)
    return target


def _check(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError([Problem(name, f"must be an integer from {least}, got {value!r}")])


def _content(
    comparison: ComparisonView, drawn: Pictures, pictures: int, max_points: int
) -> dict[str, Any]:
    table = comparison.table
    counts = {status: int((table["status"] == status).sum()) for status in table["status"].unique()}
    return {
        "data": comparison.data,
        "counts": counts,
        "n_cells": len(table),
        "n_methods": len(set(methods(table))),
        "n_seeds": int(table["seed"].nunique()),
        "only_means": len(table) > MOST_CELLS,
        "board": board(comparison),
        "costs": costs(table),
        "statistics": statistics(comparison),
        "numbers": numbers_of_clusters(comparison),
        "failures": failures(table),
        "illegal": illegal(comparison.illegal),
        "notes": comparison.notes,
        "versions": versions(table),
        "config": comparison.config,
        "warnings": sorted(set(table["warnings"].dropna())),
        "pictures": drawn,
        "panels": panels_of_plugins(comparison),
        "most_pictures": pictures,
        "max_points": max_points,
    }
