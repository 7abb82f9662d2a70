"""Plan and results of a comparison, as plain values and as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from n2d_framework.cli.terminal.console import (
    bare_table,
    out,
    say_warning,
    seconds_text,
    size_text,
    styled,
)
from n2d_framework.types import ROLES

if TYPE_CHECKING:
    from n2d_framework.experiment import Comparison
    from n2d_framework.experiment.estimate import Estimate
    from n2d_framework.experiment.run_comparison import Planned

__all__ = ["plan_record", "print_plan", "print_result", "result_record"]

_MIB = 1 << 20
_MOST = 20


def plan_record(planned: Planned, found: Estimate, threads: int) -> dict[str, Any]:
    """A plan as plain values.

    Parameters
    ----------
    planned : Planned
    found : Estimate
    threads : int
        Of each stage, with which the estimate was made.
    """
    plan = planned.plan
    fits = {role: plan.count(role) for role in ROLES}
    return {
        "data": [material.describe() for material in planned.materials],
        "cells": len(plan.cells),
        "excluded": plan.excluded,
        "fits": fits | {"total": len(plan.stages), "stored": found.n_stored},
        "without_sharing": 3 * len(plan.cells),
        "estimate": {
            "seconds": found.seconds,
            "scoring_seconds": found.scoring_seconds,
            "peak_memory": found.peak_memory,
            "threads": threads,
            "unknown": list(found.unknown),
        },
        "planned": [cell.describe() for cell in plan.cells],
        "illegal": [_illegal(item) for item in plan.illegal],
        "notes": plan.notes,
    }


def _illegal(item: Any) -> dict[str, Any]:
    names = ("data", *ROLES, "n_clusters", "reason")
    return {name: getattr(item, name) for name in names}


def print_plan(record: Mapping[str, Any]) -> None:
    """Print a plan on stdout."""
    console, fits = out(), record["fits"]
    console.print(
        styled(
            (f"{record['cells']} cells", "bold"),
            f" on {len(record['data'])} datasets ({record['excluded']} left out by rules)\n",
        )
    )
    _print_cells(record["planned"])
    table = bare_table("stage", "distinct fits")
    for role in ROLES:
        table.add_row(role, str(fits[role]))
    table.add_section()
    table.add_row("in all", f"{fits['total']} instead of {record['without_sharing']}")
    table.add_row("in the store", str(fits["stored"]))
    console.print(table)
    guess = record["estimate"]
    console.print(
        f"\nabout {seconds_text(guess['seconds'])} of fitting and "
        f"{seconds_text(guess['scoring_seconds'])} of scoring with one worker of "
        f"{guess['threads']} threads, at most {size_text(guess['peak_memory'] * _MIB)} for a stage "
        "(rough)"
    )
    if guess["unknown"]:
        console.print(f"not in the estimate: {', '.join(guess['unknown'])}")
    _print_left_out(record)


def _print_cells(cells: Sequence[Mapping[str, Any]]) -> None:
    """The first cells: trio and seed, and what else differs between cells."""
    others = ("data", "scaler", "n_clusters")
    varied = {name for name in others if len({cell[name] for cell in cells}) > 1}
    columns = [name for name in (*others[:2], *ROLES, others[2]) if name in (*ROLES, *varied)]
    table = bare_table(*columns, "seed")
    for cell in cells[:_MOST]:
        reported = ["" if cell[name] is None else str(cell[name]) for name in columns]
        table.add_row(*reported, str(cell["seed"]))
    console = out()
    console.print(table)
    if len(cells) > _MOST:
        console.print(f"… and {len(cells) - _MOST} more: --json lists them all")
    console.print("")


def _print_left_out(record: Mapping[str, Any]) -> None:
    for note in record["notes"]:
        say_warning(note)
    if not record["illegal"]:
        return
    table = bare_table("data", "trio", "cannot be run, for", title="Left out")
    for item in record["illegal"]:
        trio = " / ".join(item[role] for role in ROLES)
        table.add_row(item["data"], trio, item["reason"])
    out().print("")
    out().print(table)


def result_record(comparison: Comparison) -> dict[str, Any]:
    """The results as plain values."""
    from n2d_framework.analysis.intervals import seed_warnings
    from n2d_framework.analysis.missing_scores import score_warnings

    board = comparison.leaderboard()
    return {
        "folder": str(comparison.out),
        "metric": comparison.metric,
        "less_is_better": comparison.less_is_better(comparison.metric),
        "cells": len(comparison.table),
        "leaderboard": board.astype(object).where(board.notna(), None).to_dict("records"),
        "failures": comparison.failures[["cell", *ROLES, "seed", "error"]].to_dict("records"),
        "illegal": comparison.illegal,
        "notes": comparison.notes,
        "warnings": [
            *seed_warnings(comparison.table),
            *score_warnings(comparison.table, comparison.metric),
        ],
    }


def print_result(record: Mapping[str, Any]) -> None:
    """Print the leaderboard on stdout, warnings on stderr."""
    console = out()
    board = record["leaderboard"]
    score = f"{record['metric']} (less is better)" if record["less_is_better"] else record["metric"]
    for data in dict.fromkeys(row["data"] for row in board):
        rows = [row for row in board if row["data"] == data]
        table = bare_table("method", score, "95 % interval", "seeds", title=str(data))
        for row in rows[:_MOST]:
            table.add_row(row["method"], _number(row["mean"]), _interval(row), str(row["seeds"]))
        console.print(table)
        if len(rows) > _MOST:
            console.print(f"... and {len(rows) - _MOST} more in table.csv")
        console.print("")
    _print_left_out(record)
    for text in record["warnings"]:
        say_warning(text)
    if record["failures"]:
        first = record["failures"][0]["error"]
        say_warning(f"{len(record['failures'])} of {record['cells']} cells failed; first: {first}")
    if record["report"] is not None:
        console.print(f"report: {record['report']}", soft_wrap=True)
    console.print(f"results: {record['folder']}", soft_wrap=True)


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"


def _interval(row: Mapping[str, Any]) -> str:
    return f"{_number(row['low'])} to {_number(row['high'])}" if row["low"] is not None else ""
