"""``n2d edit``: merge, rename and delete the clusters of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables
from n2d_framework.cli.terminal.console import bare_table, out, print_json
from n2d_framework.errors import ConfigError, Problem

__all__ = ["edit"]


def edit(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    merge: Annotated[
        list[str] | None,
        typer.Option(metavar="ID,ID", help="Clusters to make one of; the first id stays."),
    ] = None,
    delete: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="A cluster to make noise of.")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="ID=NAME", help="A name for a cluster.")
    ] = None,
    undo: Annotated[
        int, typer.Option(min=0, help="How many of the last edits to take back, before any other.")
    ] = 0,
    by: Annotated[str, typer.Option(help="Who edits; written next to each edit.")] = "",
    note: Annotated[str, typer.Option(help="Why; written next to each edit.")] = "",
    at: Annotated[str, typer.Option(help="When; written next to each edit.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Bundle to write; BUNDLE by default.")
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Edit the clusters of a bundle: merge, then delete, then rename; or show its edits."""
    from n2d_framework.bundle import load

    merged, named = [_ids(text) for text in merge or ()], dict(map(_named, rename or ()))
    changes = bool(merged or delete or named or undo)
    model = load(bundle, trusted=trust or ())
    editor = model.edit(by=by, at=at)
    if undo:
        editor.undo(undo)
    for ids in merged:
        editor.merge(ids, note=note)
    for label in delete or ():
        editor.delete([label], note=note)
    if named:
        editor.rename(named, note=note)
    target = output or bundle
    if changes or output is not None:
        # Golden arrays without the rows themselves: the bundle was saved so on purpose. A model
        # that cannot place rows has no golden arrays at all.
        golden = model.to_snapshot().parts["golden"]
        model.save(target, keep_rows=not golden or "x" in golden)
    if json:
        print_json({"bundle": str(target), "journal": list(editor.journal)})
        return
    console = out()
    shown = bare_table("edit", "clusters", "name", "by", "at", "note")
    for done in editor.journal:
        clusters = ", ".join(map(str, done["ids"]))
        shown.add_row(done["kind"], clusters, *(done[key] for key in ("name", "by", "at", "note")))
    console.print(shown if editor.journal else "no edits")
    if changes or output is not None:
        console.print(f"bundle   {target}", soft_wrap=True)


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError([Problem("--merge", f"must be ids such as 3,5; got {text!r}")]) from None


def _named(text: str) -> tuple[int, Any]:
    label, separator, name = text.partition("=")
    if not separator or not label.strip().isdigit() or not name.strip():
        raise ConfigError([Problem("--rename", f"must be ID=NAME, as in 3=cats; got {text!r}")])
    return int(label), name.strip()
