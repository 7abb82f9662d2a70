"""``n2d drift``: whether rows are still like those of the fit."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json

__all__ = ["DRIFTED", "drift", "row_names", "verdict_of"]

#: Exit code where there is drift, or what else ``--fail-on`` names.
DRIFTED = 3


class FailOn(StrEnum):
    """Reasons for the exit code :data:`DRIFTED`."""

    DRIFT = "drift"
    NEW_CLUSTERS = "new-clusters"
    TOO_FEW = "too-few"


@selecting
def drift(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[str, typer.Argument(help="New rows.")],
    select: Callable[[Any], Any] = lambda data: data,
    old: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="OLD", help="Rows to compare with, instead of those of the fit."
        ),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option(
            help="What ends the command with exit code 3: drift, which is the default, candidates "
            "for new clusters, or too few rows to say; repeatable.",
        ),
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Say whether rows are still like those of the fit, and change nothing; exit code 3 if not."""
    from n2d_framework.bundle import load
    from n2d_framework.data import load as load_rows

    model = load(bundle, trusted=trust or ())
    rows = load_rows(select(data), like=model.schema_)
    before = None if old is None else load_rows(select(old), like=model.schema_)
    found = model.drift(rows, before)
    ids = row_names(rows)
    holds = {
        FailOn.DRIFT: found.verdict == "drift",
        FailOn.NEW_CLUSTERS: bool(found.candidates),
        FailOn.TOO_FEW: found.verdict == "unknown",
    }
    failed = [str(what) for what in dict.fromkeys(fail_on or [FailOn.DRIFT]) if holds[what]]
    if json:
        candidates = [[ids[i] for i in one] for one in found.candidates]
        print_json(found.as_dict() | {"candidates": candidates, "failed_on": failed})
    else:
        _show(found, model.cluster_names_ | {-1: "noise"}, ids)
    if failed:
        raise typer.Exit(DRIFTED)


def row_names(rows: Any) -> list[str]:
    """Ids of rows as strings; their numbers, where they have none."""
    return [str(i) for i in range(rows.n_rows)] if rows.ids is None else list(map(str, rows.ids))


def verdict_of(found: Any) -> list[str]:
    """Lines that say what was found, the most telling tests first."""
    verdict = "cannot tell from so few" if found.verdict == "unknown" else found.verdict
    return [
        *(
            f"{test.what}: p {test.p:.2g}, {test.p_adjusted:.2g} for all tests"
            for test in found.tests[:5]
        ),
        f"{found.n_rows:,} rows: {verdict}",
    ]


def _show(found: Any, names: dict[int, str], ids: list[str]) -> None:
    """Print shares, candidates for new clusters, and the verdict."""
    console = out()
    shown = bare_table("cluster", "share at fit", "share now")
    for label, (share, now) in found.shares.items():
        shown.add_row(names.get(label, f"cluster {label}"), f"{share:.1%}", f"{now:.1%}")
    console.print(shown)
    console.print(f"farther from every cluster than 99 % of the fit: {found.far:.1%}")
    for one in found.candidates:
        typical = ", ".join(ids[i] for i in one[:5])
        console.print(f"perhaps a new cluster: {len(one)} rows, such as {typical}")
    for line in verdict_of(found):
        console.print(line)
