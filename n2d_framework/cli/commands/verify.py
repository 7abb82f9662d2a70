"""``n2d verify``: does a bundle still give what it gave?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import out, print_json, styled

__all__ = ["TRUST", "verify"]

TRUST = typer.Option(
    "--trust",
    metavar="TYPE",
    help="Full name of a foreign type that an adapted component may construct; repeatable.",
)


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    trust: Annotated[list[str] | None, TRUST] = None,
    json: Json = False,
) -> None:
    """Check a bundle's digest and replay its golden rows; exit code 1 if a stage moved."""
    from n2d_framework.bundle import verify as check

    report = check(bundle, trusted=trust or ())
    if json:
        print_json({"ok": report.ok, **attrs.asdict(report)})
    else:
        console = out()
        for stage in report.stages:
            console.print(str(stage))
        if not report.stages:
            console.print("no golden rows to replay: a component cannot place new rows")
        for name, (then, now) in sorted(report.changed.items()):
            console.print(f"{name}: {then} then, {now or 'not installed'} now")
        word = ("the same answers", "green") if report.ok else ("other answers", "red")
        console.print(styled("digest right, ", word, " as when it was saved"))
    if not report.ok:
        raise typer.Exit(1)
