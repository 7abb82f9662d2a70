"""``n2d drift``: whether rows are still like those of the fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json

__all__ = ["DRIFTED", "drift"]

#: Exit code where there is drift.
DRIFTED = 3


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
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Say whether rows are still like those of the fit; exit code 3 if they are not."""
    from n2d_framework.bundle import load
    from n2d_framework.data import load as load_rows

    model = load(bundle, trusted=trust or ())
    rows = load_rows(select(data), like=model.schema_)
    before = None if old is None else load_rows(select(old), like=model.schema_)
    found = model.drift(rows, before)
    ids = [str(i) for i in range(found.n_rows)] if rows.ids is None else list(map(str, rows.ids))
    if json:
        said = found.as_dict()
        print_json(said | {"candidates": [[ids[i] for i in one] for one in found.candidates]})
    else:
        names = model.cluster_names_ | {-1: "noise"}
        shown = bare_table("cluster", "share at fit", "share now")
        for label, (share, now) in found.shares.items():
            shown.add_row(names.get(label, f"cluster {label}"), f"{share:.1%}", f"{now:.1%}")
        console = out()
        console.print(shown)
        for test in found.tests[:5]:
            console.print(f"{test.what}: p {test.p:.2g}, {test.p_adjusted:.2g} for all tests")
        console.print(f"farther from every cluster than 99 % of the fit: {found.far:.1%}")
        for one in found.candidates:
            typical = ", ".join(ids[i] for i in one[:5])
            console.print(f"perhaps a new cluster: {len(one)} rows, such as {typical}")
        verdict = "cannot tell from so few" if found.verdict == "unknown" else found.verdict
        console.print(f"{found.n_rows:,} rows: {verdict}")
    if found.verdict == "drift":
        raise typer.Exit(DRIFTED)
