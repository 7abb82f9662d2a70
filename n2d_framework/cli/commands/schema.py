"""``n2d schema``: JSON Schema of configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from n2d_framework.cli.terminal.console import as_json, print_json

__all__ = ["schema"]


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Of comparisons, as n2d compare takes them.")
    ] = False,
) -> None:
    """Print the JSON Schema of configurations, with every installed component's options."""
    from n2d_framework.config import run_schema
    from n2d_framework.config.compare_schema import compare_schema
    from n2d_framework.storage import write_atomic

    described = compare_schema() if compare else run_schema()
    if output is None:
        print_json(described)
    else:
        write_atomic(output, (as_json(described) + "\n").encode())
