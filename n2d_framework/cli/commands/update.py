"""``n2d update`` and ``n2d refit``: follow newer rows, with clusters as they were known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from n2d_framework.cli.commands.drift import DRIFTED, row_names, verdict_of
from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, numbers_written, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json

__all__ = ["refit", "update"]

_Bundle: TypeAlias = Annotated[Path, typer.Argument(help="A bundle (.n2d).")]
_New: TypeAlias = Annotated[str, typer.Argument(help="New rows.")]
_Old: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="OLD",
        help="Rows to fit together with them, such as those of the fit, by which clusters are "
        "matched; without, the new rows are fitted alone.",
    ),
]
_Numbers: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--choose-k",
        metavar="FROM:TO|K,K,...",
        help="Numbers of clusters to choose from in the refit, so that new clusters have room; "
        "by default that of the model.",
    ),
]
_Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Bundle to write if fitted again; BUNDLE by default."),
]
_Report: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="HTML", help="Write what changed to this page.")
]
_Trust: TypeAlias = Annotated[list[str] | None, TRUST]


def _following(
    name: str, summary: str, *, refit: Literal["drift", "always"]
) -> Callable[..., None]:
    """A command that follows new rows, and fits again if they drifted or always."""

    def command(
        bundle: _Bundle,
        data: _New,
        select: Callable[[Any], Any] = lambda data: data,
        old: _Old = None,
        choose_k: _Numbers = None,
        output: _Output = None,
        report: _Report = None,
        trust: _Trust = None,
        json: InsteadOfTables = False,
    ) -> None:
        from n2d_framework.bundle import load, save_again
        from n2d_framework.data import load as load_rows
        from n2d_framework.pages.update_report import write_update_report
        from n2d_framework.storage import check_target

        target = output or bundle
        for place in filter(None, (output, report)):
            check_target(place)
        candidates = numbers_written(choose_k, "--choose-k")
        model = load(bundle, trusted=trust or ())
        rows = load_rows(select(data), like=model.schema_)
        before = None if old is None else load_rows(select(old), like=model.schema_)
        found = model.update(rows, before, refit=refit, candidates=candidates)
        ids = row_names(rows)
        if found.refitted:
            save_again(found.model, target, like=model)
        said = found.as_dict()
        if report is not None:
            write_update_report(report, said, title=bundle.stem, ids=ids)
        if json:
            said["drift"]["candidates"] = [[ids[i] for i in one] for one in found.drift.candidates]
            print_json(said | {"bundle": str(target) if found.refitted else None})
        else:
            _show(found)
            console = out()
            if found.refitted:
                console.print(f"bundle   {target}", soft_wrap=True)
            if report is not None:
                console.print(f"report   {report}", soft_wrap=True)
        if refit == "drift" and found.drift.verdict == "drift":
            raise typer.Exit(DRIFTED)

    command.__name__, command.__doc__ = name, summary
    return selecting(command)


update = _following(
    "update",
    "Compare new rows with those of the fit, and fit again if they drifted; exit code 3 then.",
    refit="drift",
)
refit = _following(
    "refit",
    "Fit a model again on new rows, with the ids, names and edits of its clusters.",
    refit="always",
)


def _show(found: Any) -> None:
    """Print what changed."""
    console = out()
    for line in verdict_of(found.drift):
        console.print(line)
    if not found.refitted:
        console.print("not fitted again")
        return
    shown = bare_table("change", "before", "now", "rows", "shared")
    for one in found.succession.transitions:
        names = [", ".join(map(found.cluster_name, part)) for part in (one.before, one.after)]
        shown.add_row(one.kind, *names, f"{one.rows:,}", f"{one.shared:.1%}" if all(names) else "")
    console.print(shown)
    for text in found.lost:
        console.print(f"not made again: {text}")
