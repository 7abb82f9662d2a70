"""Options that several commands have in common."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AllowCode", "InsteadOfTables", "Json", "Quiet"]

AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Let the configuration name code to import; only for files you trust.",
    ),
]
InsteadOfTables = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
