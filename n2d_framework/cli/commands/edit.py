"""``n2d edit``: merge, split, rename and delete the clusters of a bundle, reassign noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from operator import methodcaller
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json
from n2d_framework.errors import ConfigError, Problem

__all__ = ["edit"]


@selecting
def edit(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    merge: Annotated[
        list[str] | None,
        typer.Option(metavar="ID,ID", help="Clusters to make one of; the first id stays."),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[=NUMBER]",
            help="A cluster to split by where its rows are, into so many parts, or as many as are "
            "found; the largest keeps the id.",
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="With --split: fit manifolder and clusterer again on the rows of the cluster "
            "alone; needs --data.",
        ),
    ] = False,
    delete: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="A cluster to make noise of.")
    ] = None,
    reassign_noise: Annotated[
        bool,
        typer.Option("--reassign-noise", help="Give noise to clusters."),
    ] = False,
    reassign_by: Annotated[
        Literal["propagation", "density", "nearest", "probability", "classifier"] | None,
        typer.Option(
            help="With --reassign-noise: to the cluster that a random walk over near rows is most "
            "likely to meet first, which is the default; that to which a row is connected through "
            "the densest rows; that of the nearest row; the likeliest, if each cluster is a "
            "Gaussian; or that for which the 15 nearest rows vote.",
        ),
    ] = None,
    max_distance: Annotated[
        float | None,
        typer.Option(help="With --reassign-noise: rows farther than this from clusters stay."),
    ] = None,
    min_probability: Annotated[
        float | None,
        typer.Option(
            help="With --reassign-noise by propagation, probability or classifier: rows whose "
            "cluster has less than this probability stay.",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="ID=NAME", help="A name for a cluster.")
    ] = None,
    must_link: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW,ROW", help="Ids of rows that belong into one cluster."),
    ] = None,
    cannot_link: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW,ROW", help="Ids of rows of which no two are in one cluster."),
    ] = None,
    undo: Annotated[
        int, typer.Option(min=0, help="How many of the last edits to take back, before any other.")
    ] = 0,
    by: Annotated[str, typer.Option(help="Who edits; written next to each edit.")] = "",
    note: Annotated[str, typer.Option(help="Why; written next to each edit.")] = "",
    at: Annotated[
        str, typer.Option(help="When; written next to each edit. Now, if not given.")
    ] = "",
    data: Annotated[
        str | None,
        typer.Option(
            help="The rows of the fit: needed to split, reassign or link for the first time; then "
            "the describe components describe the edited clusters, too."
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Bundle to write; BUNDLE by default.")
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Edit a bundle: merge, split, delete, reassign noise, link rows, rename, in this order.

    Without an edit, show those that were made.
    """
    from n2d_framework.bundle import load, save_again
    from n2d_framework.data import load as load_rows

    if refit and not split:
        raise ConfigError([Problem("--refit", "is for --split; add it")])
    how = _how(
        reassign_noise,
        {
            "--reassign-by": ("method", reassign_by),
            "--max-distance": ("max_distance", max_distance),
            "--min-probability": ("min_probability", min_probability),
        },
    )
    arguments: dict[str, Iterable[tuple[Any, ...]]] = {
        "merge": [(_ids(text),) for text in merge or ()],
        "split": [],
        "delete": [([label],) for label in delete or ()],
        "must_link": [(text.split(","),) for text in must_link or ()],
        "cannot_link": [(text.split(","),) for text in cannot_link or ()],
        "rename": [(dict(map(_named, rename)),)] if rename else [],
    }
    steps: list[Callable[[Any], Any]] = []
    for kind, several in arguments.items():
        steps += [methodcaller(kind, *given, note=note) for given in several]
        if kind == "split":
            parted = map(_parted, split or ())
            steps += [methodcaller(kind, *given, refit=refit, note=note) for given in parted]
        if kind == "delete" and reassign_noise:
            steps.append(lambda editor: editor.reassign_noise(**how, note=note))
    changes = bool(steps or undo)
    model = load(bundle, trusted=trust or ())
    selected = select(data)
    rows = None if selected is None else load_rows(selected, like=model.schema_)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    editor = model.edit(rows, by=by, at=at or now)
    if undo:
        editor.undo(undo)
    for step in steps:
        step(editor)
    target = output or bundle
    if changes or output is not None:
        save_again(model, target)
    if json:
        said: dict[str, Any] = {"bundle": str(target), "journal": list(editor.journal)}
        print_json(said | {"confidence_is_unused": editor.confidence_is_unused})
        return
    _show(editor)
    if changes or output is not None:
        out().print(f"bundle   {target}", soft_wrap=True)


def _show(editor: Any) -> None:
    """Print the edits that were made, and what no longer holds."""
    console = out()
    shown = bare_table("edit", "clusters or rows", "name", "by", "at", "note")
    for done in editor.journal:
        clusters = ", ".join(map(str, done["ids"] or done.get("rows", ())))
        kind = done["kind"] + (" by a refit" if done.get("refit") else "")
        if "becomes" in done:
            clusters += " \N{RIGHTWARDS ARROW} " + ", ".join(map(str, done["becomes"]))
        shown.add_row(kind, clusters, *(done[key] for key in ("name", "by", "at", "note")))
    console.print(shown if editor.journal else "no edits")
    if editor.confidence_is_unused:
        console.print(
            "confidence was measured for other labels: it is not used until these edits are undone "
            "or n2d stability --keep measures it again"
        )


def _how(wanted: bool, flags: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Options of a reassignment that were given, which need one."""
    given = [flag for flag, (_, value) in flags.items() if value is not None]
    if given and not wanted:
        raise ConfigError([Problem(flag, "is for --reassign-noise; add it") for flag in given])
    return dict(flags[flag] for flag in given)


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError([Problem("--merge", f"must be ids such as 3,5; got {text!r}")]) from None


def _parted(text: str) -> tuple[int, int | None]:
    label, separator, number = text.partition("=")
    if not label.strip().isdigit() or (separator and not number.strip().isdigit()):
        raise ConfigError([Problem("--split", f"must be ID or ID=NUMBER, as 3=2; got {text!r}")])
    return int(label), int(number) if separator else None


def _named(text: str) -> tuple[int, Any]:
    label, separator, name = text.partition("=")
    if not separator or not label.strip().isdigit() or not name.strip():
        raise ConfigError([Problem("--rename", f"must be ID=NAME, as in 3=cats; got {text!r}")])
    return int(label), name.strip()
