"""``n2d datasets``: data that are known by name."""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from n2d_framework.cli.console import bare_table, out, print_json, shape_text

__all__ = ["datasets"]


def datasets(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List data sets that can be named instead of a path."""
    from n2d_framework.data import SUFFIXES
    from n2d_framework.registry import default_catalogue

    entries = default_catalogue().datasets()
    if json:
        print_json(
            [
                attrs.asdict(entry.spec, recurse=False)
                | {"distribution": entry.distribution, "version": entry.version}
                for entry in entries
            ]
        )
        return
    table = bare_table("name", "rows", "row", "classes", "licence", "summary")
    for entry in entries:
        spec = entry.spec
        table.add_row(
            spec.name,
            str(spec.n_rows),
            shape_text(spec.row_shape),
            "" if spec.n_classes is None else str(spec.n_classes),
            spec.licence,
            spec.summary,
        )
    console = out()
    console.print(table)
    console.print(
        f"\nAny path will do as well: {' '.join(SUFFIXES)}, or a folder of images.", style="dim"
    )
