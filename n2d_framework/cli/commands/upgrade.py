"""``n2d upgrade``: a bundle in the newest format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import out, print_json, size_text

__all__ = ["upgrade"]


def upgrade(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d) of this or an older version.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to; by default the bundle itself is replaced."),
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: Json = False,
) -> None:
    """Write a bundle of an older version in the newest one."""
    from n2d_framework.bundle import upgrade as rewrite

    info = rewrite(bundle, output or bundle, trusted=trust or ())
    if json:
        print_json(info.to_dict())
    else:
        out().print(
            f"{info.path}: format version {info.format_version}, {size_text(info.file_size)}",
            markup=False,
        )
