"""Results of a run, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from n2d_framework.cli.terminal.console import bare_table, out, seconds_text, shape_text, styled
from n2d_framework.config.reading import as_yaml
from n2d_framework.core.rows import Rows
from n2d_framework.core.rows.columns import missing_in

if TYPE_CHECKING:
    from n2d_framework.core.dataset import Dataset

__all__ = ["LOADING", "OTHER", "STARTING", "kinds_lines", "print_summary"]

#: Names of the steps before those of the model: importing and checking, and loading the data.
STARTING, LOADING = "start", "load the data"
#: Name of everything that is not a step.
OTHER = "all else"


def kinds_lines(data: Dataset, source: str) -> list[str]:
    """Which columns are taken for what, for people who may know better.

    Parameters
    ----------
    data : Dataset
    source : str
        What the user called the data.

    Returns
    -------
    list of str
        Empty for rows of numbers alone.
    """
    rows = data.x
    if not isinstance(rows, Rows) or rows.storage != "columns":
        return []
    gaps = {name: int(missing_in(rows.column(name)).sum()) for name in rows.schema.names}
    found = {
        kind: [field.name for field in rows.schema.fields if field.kind == kind]
        for kind in sorted(rows.kinds)
    }
    found["gaps in"] = [name for name, missing in gaps.items() if missing]
    for title, name in (("ids", rows.schema.id), ("classes", rows.schema.y)):
        found[title] = [] if name is None else [name]
    used = "1 column is a feature" if len(gaps) == 1 else f"{len(gaps)} columns are features"
    lines = [f"{data.name}: {len(rows)} rows, {used}"]
    lines += [f"  {title:<9} {_few(names)}" for title, names in found.items() if names]
    return [
        *lines,
        f"  to change that: --kind, --x, --drop, --id, --y; see n2d inspect-data {source}",
    ]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


def print_summary(record: Mapping[str, Any]) -> None:
    """Print scores, seconds per stage and paths on stdout.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    """
    console = out()
    data = record["data"]
    console.print(
        styled(
            (str(record["name"]), "bold"),
            f": {data['n_rows']} {_rows_of(data['row_shape'])}, "
            f"{record['n_clusters_found']} clusters, seed {record['random_state']}\n",
        )
    )
    if record["numbers_of_clusters"]:
        numbers = record["numbers_of_clusters"]
        alone = ", ".join(f"{name} {k}" for name, k in numbers["best"].items())
        console.print(f"{numbers['n_clusters']} clusters by {numbers['by']}; alone: {alone}\n")
    if record["scores"]:
        console.print(_scores(record["scores"]))
        console.print()
    console.print(_stages(record))
    console.print()
    for name, described in record["descriptions"].items():
        console.print(styled((f"{name}\n", "bold"), as_yaml(described)))
    _print_paths(console, record["paths"])


def _rows_of(row_shape: Sequence[int]) -> str:
    return f"rows of {shape_text(row_shape)}" if row_shape else "texts"


def _scores(scores: Mapping[str, float]) -> Any:
    """Scores; where some rows are noise, with a second column for the rows in clusters."""
    from n2d_framework.metrics.directions import announced, less_is_better

    of_plugins = announced()
    noisy = scores.get("coverage", 1.0) < 1.0
    table = bare_table("score", *(("all rows", "rows in clusters") if noisy else ("value",)))
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in scores.items():
        if name.endswith(_CLUSTERED) and name.removesuffix(_CLUSTERED) in scores:
            continue
        shown = f"{name} (less is better)" if less_is_better(name, of_plugins) else name
        second = scores.get(name + _CLUSTERED)
        table.add_row(shown, _number(value), *([_number(second)] if noisy else []))
    return table


_CLUSTERED = "_clustered"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int) or (value > 1 and float(value).is_integer()):
        return str(int(value))
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"


def _stages(record: Mapping[str, Any]) -> Any:
    table = bare_table("step", "component", "time")
    steps = dict(record["seconds"])
    total = steps.pop("total")
    for name in (STARTING, LOADING):
        table.add_row(name, "", seconds_text(steps.pop(name)))
    for role, stage in record["stages"].items():
        took = seconds_text(stage["seconds"])
        table.add_row(role, stage["component"], f"{took}, stored" if stage["cached"] else took)
    for name, seconds in steps.items():
        table.add_row(name, "", seconds_text(seconds))
    table.add_section()
    table.add_row("in all", "", seconds_text(total))
    return table


def _print_paths(console: Any, paths: Mapping[str, Any]) -> None:
    for name in (name for name in ("report", "bundle", "labels", "config", "run") if name in paths):
        console.print(f"{name:<8} {paths[name]}", soft_wrap=True)
    plots = paths.get("plots", [])
    if plots:
        folder, count = plots[0].rpartition("/")[0], len(plots)
        console.print(f"{'plots':<8} {folder} ({count} pictures)", soft_wrap=True)
