"""Check of the score and the baseline that a configuration names, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from n2d_framework.analysis.result_tables import full_table, methods
from n2d_framework.config.comparison_config import Grid
from n2d_framework.core.scores import NEED_TRUTH, is_taken
from n2d_framework.errors import ConfigError, Problem
from n2d_framework.experiment.baseline import find_method
from n2d_framework.experiment.materials import Material
from n2d_framework.metrics.of_plugins import clashes
from n2d_framework.registry import default_catalogue

__all__ = ["require_baseline", "require_score"]


def require_score(grid: Grid, materials: Sequence[Material]) -> None:
    """Refuse to rank by what needs true classes where no dataset has them, or is two metrics.

    Raises
    ------
    ConfigError
    """
    metric = grid.config.metric
    offered = default_catalogue().metrics()
    plugins = {entry.spec.name: entry.spec for entry in offered if not is_taken(entry.spec.name)}
    needed = metric in NEED_TRUTH or (metric in plugins and plugins[metric].needs_truth)
    if needed and all(material.truth is None for material in materials):
        text = f"{metric!r} needs true classes, and no dataset has them; use modularity"
        raise ConfigError([Problem("metric", text)])
    unclear = clashes(offered)
    if metric in plugins and metric in unclear:
        raise ConfigError([Problem("metric", f"{metric!r} is {unclear[metric]}")])


def require_baseline(grid: Grid, cells: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a baseline that is not one method.

    Parameters
    ----------
    grid : Grid
    cells : sequence of mappings
        Cells as they are written down.

    Raises
    ------
    ConfigError
        With the methods that it could be.
    """
    if grid.config.baseline is None:
        return
    table = full_table(cells, [{"status": "waiting"}] * len(cells))
    find_method(grid.config.baseline, cells, methods(table))
