"""``n2d explain``: why rows are in their clusters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import out, print_json, styled
from n2d_framework.types import NOISE

__all__ = ["explain"]


@selecting
def explain(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[
        str, typer.Argument(help="Rows, among which are those to explain: of the fit, or others.")
    ],
    row: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="A row, by its id or, without ids, its position; by default, with --among, all.",
        ),
    ] = None,
    among: Annotated[
        str | None,
        typer.Option(
            help="Rows to compare them with, such as those of the fit; by default all of DATA.",
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    exemplars: Annotated[int, typer.Option(min=1, help="Nearest rows of each cluster.")] = 3,
    features: Annotated[int, typer.Option(min=1, help="Changes that would move the row.")] = 5,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Say why rows are in their clusters: nearest rows, margin, and what would move them."""
    from n2d_framework.bundle import load
    from n2d_framework.data import load as load_rows

    model = load(bundle, trusted=trust or ())
    rows = load_rows(select(data), like=model.schema_)
    others = None if among is None else load_rows(select(among), like=model.schema_)
    counts = {"n_exemplars": exemplars, "n_features": features}
    found = model.explain(rows, row or None, among=others, **counts)
    if json:
        print_json(found)
        return
    console = out()
    for about in found:
        console.print(styled((f"row {about['row']}", "bold"), f": {about['name']}"))
        for line in _lines(about):
            console.print(f"  {line}", soft_wrap=True)
        console.print()


def _lines(about: Mapping[str, Any]) -> list[str]:
    lines = []
    if about["strength"] is not None:
        lines.append(f"strength: {about['strength']:.2f}")
    second = about["second"]
    if about["margin"] is not None:
        lines.append(f"margin: {about['margin']:+.2f} to {second['name']}")
    elif second is not None:
        lines.append(f"nearest: {second['name']}")
    if about["exemplars"]:
        lines.append(f"nearest rows of its cluster: {', '.join(map(str, about['exemplars']))}")
    if about["exemplars_of_second"]:
        near = ", ".join(map(str, about["exemplars_of_second"]))
        lines.append(f"nearest rows of {second['name']}: {near}")
    if second is None:
        no = "cluster" if about["label"] == NOISE else "other cluster to compare with"
        lines.append(f"there is no {no}")
    elif about["moves"] is None:
        lines.append("no change is tried: values of other rows are not known; give some, --among")
    for move in about["moves"] or ():
        values = "" if move["becomes"] is None else f" {_said(move['value'])} as "
        values += "" if move["becomes"] is None else _said(move["becomes"])
        margin = f" gives margin {move['margin']:+.2f}" if "margin" in move else " is tried"
        other = "" if move["label"] == about["label"] else f", label {move['label']}"
        lines.append(f"{move['what']}{values}{margin}{other}")
    return lines


def _said(value: Any) -> str:
    from n2d_framework.readable import readable_number

    if value is None:
        return "missing"
    return readable_number(value) if isinstance(value, float) else str(value)
