"""``n2d check-plugin``: the conformance kit on what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer
from rich.text import Text

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import bare_table, err, out, print_json, seconds_text
from n2d_framework.cli.terminal.streams import results
from n2d_framework.errors import UnknownComponentError
from n2d_framework.visible import visible

if TYPE_CHECKING:
    from n2d_framework.testing.check_results import Report

__all__ = ["check_plugin"]


def check_plugin(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[ROLE/NAME | DISTRIBUTION]",
            help="One entry, or all of a distribution; by default all but the framework's own.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a table for a README.")
    ] = False,
    json: Json = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="An option of the one entry, such as model=PATH; repeatable.",
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds a fit on the small options may take.")
    ] = 20.0,
) -> None:
    """Run the conformance kit on installed plugins; exit code 1 if a check fails."""
    if markdown and json:
        raise typer.BadParameter("choose one of --markdown and --json")
    if settings and (which is None or "/" not in which):
        raise typer.BadParameter("--set is for one entry: name it as ROLE/NAME")
    from n2d_framework.config.reading import apply_overrides
    from n2d_framework.testing import run_checks

    options = apply_overrides({}, settings or ())
    reports = []
    for entry in _chosen(which):
        err().print(f"checking {entry.qualified_name} …", style="dim")
        reports.append(run_checks(entry, time_limit=time_limit, options=options))
    if json:
        print_json([_plain(report) for report in reports])
    elif markdown:
        results().write(visible("\n".join(_markdown(report) for report in reports)))
    else:
        for report in reports:
            _print(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _chosen(which: str | None) -> list[Any]:
    from n2d_framework.testing.kit import entries_of, find, find_all

    if which is not None:
        return [find(which)] if "/" in which else entries_of(which)
    others = [entry for entry in find_all() if entry.distribution != "n2d_framework"]
    if not others:
        raise UnknownComponentError(
            "no plugin is installed; n2d check-plugin n2d_framework checks the built-ins"
        )
    return others


_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("·", "dim")}


def _title(report: Report) -> str:
    counts = ", ".join(
        f"{report.count(status)} {status}" for status in _MARKS if report.count(status)
    )
    return f"{report.entry} ({report.distribution} {report.version}): {counts}"


def _print(report: Report) -> None:
    table = bare_table("", "check", "promise", "time", title=_title(report))
    first: dict[str, str] = {}
    for outcome in report.outcomes:
        mark, style = _MARKS[outcome.status]
        text = Text(outcome.promise)
        same = first.setdefault(outcome.detail, outcome.check)
        if outcome.status != "passed" and same != outcome.check:
            text.append(f"\nas {same}", style=style)
        elif outcome.detail:
            text.append(f"\n{outcome.detail}", style=style)
        seconds = seconds_text(outcome.seconds) if outcome.status != "skipped" else ""
        table.add_row(Text(mark, style), outcome.check, text, seconds)
    console = out()
    console.print(table)
    console.print()


def _markdown(report: Report) -> str:
    lines = [f"**{_title(report)}**", "", "| | check | promise |", "|---|---|---|"]
    for outcome in report.outcomes:
        detail = f" ({outcome.detail})" if outcome.detail else ""
        cell = (outcome.promise + detail).replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {_MARKS[outcome.status][0]} | `{outcome.check}` | {cell} |")
    return "\n".join(lines) + "\n"


def _plain(report: Report) -> dict[str, Any]:
    return {**attrs.asdict(report), "ok": report.ok}
