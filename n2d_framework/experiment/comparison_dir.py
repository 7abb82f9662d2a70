"""The output folder of a comparison: what it belongs to, and what it holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.config.comparison_config import Grid
from n2d_framework.core.options import options_dict
from n2d_framework.errors import ConfigError, OutputError, Problem
from n2d_framework.experiment.mark import MARK, VERSION, own_file, own_store, read_mark
from n2d_framework.experiment.materials import Material
from n2d_framework.experiment.planning import GridPlan
from n2d_framework.metrics.directions import announced
from n2d_framework.storage import write_atomic
from n2d_framework.storage.unfinished import is_hidden

__all__ = ["records_folder", "require_own", "write_mark"]

#: Settings that change how the work is done, not its results.
_FREE = ("timeout", "memory_limit", "metric", "baseline")


def records_folder(out: Path) -> Path:
    """Where the records of cells are."""
    return out / "records"


def _identity(grid: Grid, materials: list[Material]) -> str:
    """Hash of everything in a configuration on which results depend."""
    config = options_dict(grid.config)
    kept = {key: value for key, value in config.items() if key not in _FREE and key != "data"}
    kept["data"] = [material.name for material in materials]
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def require_own(out: Path, grid: Grid, materials: list[Material]) -> None:
    """Refuse a folder that belongs to something else.

    Raises
    ------
    ConfigError
        If it has the results of another configuration, or other files.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError([Problem("--out", f"{out} is not a directory; choose another")])
    if (out / MARK).exists():
        if read_mark(out)["identity"] != _identity(grid, materials):
            raise ConfigError(
                [
                    Problem(
                        "--out",
                        f"{out} has the results of another configuration; choose another folder "
                        f"(with --store {out / 'stages'} nothing finished is fitted again)",
                    )
                ]
            )
    elif out.is_dir() and not all(map(_ours, out.iterdir())):
        raise ConfigError(
            [Problem("--out", f"{out} has other files and no {MARK}; choose another folder")]
        )


def _ours(path: Path) -> bool:
    """Return whether a comparison has that before its mark: stages, or what is being written."""
    hidden = path.name.startswith(f".{MARK}.") or is_hidden(path, path.parent / path.parent.name)
    return path.name == "stages" or hidden


def write_mark(
    out: Path, grid: Grid, materials: list[Material], plan: GridPlan, store: str
) -> dict[str, Any]:
    """Write down what the folder's comparison is; the same plan gives the same file.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    mark: dict[str, Any] = {
        "version": VERSION,
        "identity": _identity(grid, materials),
        "config": options_dict(grid.config),
        # A folder that is moved keeps its own stages.
        "store": None if store == str(own_store(out)) else store,
        "data": [material.describe() for material in materials],
        "illegal": [attrs.asdict(item) for item in plan.illegal],
        "excluded": plan.excluded,
        "notes": plan.notes,
        "less_is_better": _directions(out),
        "cells": [cell.describe() | cell.detail() for cell in plan.cells],
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {out}: {error.strerror}; choose another folder") from error
    write_atomic(own_file(out, MARK), json.dumps(mark, default=str).encode())
    return mark


def _directions(out: Path) -> dict[str, bool | None]:
    """Of which metrics of plugins less is better, also where a plugin is there no more."""
    before = read_mark(out).get("less_is_better", {}) if (out / MARK).exists() else {}
    return dict(sorted({**before, **announced()}.items()))
