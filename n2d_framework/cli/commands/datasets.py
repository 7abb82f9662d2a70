"""``n2d datasets``: data that are known by name; ``n2d datasets fetch NAME`` downloads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import bare_table, out, print_json, shape_text

if TYPE_CHECKING:
    from n2d_framework.core.dataset import DatasetSpec
    from n2d_framework.registry import Entry

__all__ = ["datasets"]


def datasets(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[fetch NAME...]",
            help="Download the files of datasets now, and print where they are.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List datasets that can be named instead of a path, or fetch some of them."""
    if words:
        _fetch(words, json)
        return
    from n2d_framework.registry import default_catalogue

    entries = default_catalogue().datasets()
    if json:
        print_json([_described(entry) for entry in entries])
    else:
        _print_table([entry.spec for entry in entries])


def _fetch(words: Sequence[str], json: bool) -> None:
    from n2d_framework.data import fetch
    from n2d_framework.errors import ConfigError, Problem

    action, *names = words
    if action != "fetch" or not names:
        text = f"expected 'fetch' and names of datasets, got {' '.join(words)!r}"
        raise ConfigError([Problem("datasets", text)])
    # Reported one by one: a later failure does not hide what has come.
    found: dict[str, list[str]] = {}
    for name in names:
        found[name] = [str(path) for path in fetch(name)]
        if not json:
            for path in found[name] or [f"{name}: embedded, needs no files"]:
                out().print(path, soft_wrap=True)
    if json:
        print_json(found)


def _described(entry: Entry[DatasetSpec]) -> dict[str, Any]:
    from n2d_framework.data.sets import whereabouts

    about = {"distribution": entry.distribution, "version": entry.version}
    return attrs.asdict(entry.spec) | about | {"whereabouts": whereabouts(entry.spec)}


def _print_table(specs: Sequence[DatasetSpec]) -> None:
    from n2d_framework.data import SUFFIXES
    from n2d_framework.data.sets import whereabouts

    table = bare_table("name", "rows", "row", "classes", "where", "licence", "summary")
    for spec in specs:
        table.add_row(
            spec.name,
            str(spec.n_rows),
            shape_text(spec.row_shape),
            "" if spec.n_classes is None else str(spec.n_classes),
            whereabouts(spec),
            spec.licence,
            spec.summary,
        )
    console = out()
    console.print(table)
    console.print(
        "\nwhere: embedded; local (in N2D_DATA); cached; or remote: `n2d datasets fetch NAME`.\n"
        f"Any path will do as well: {' '.join(SUFFIXES)}, or a folder of images.",
        style="dim",
    )
