"""``n2d new-plugin``: a package that works, to be changed into one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import out, print_json

__all__ = ["new_plugin"]


def new_plugin(
    name: Annotated[
        str, typer.Argument(help="Name of the distribution, such as n2d-pacmap.", metavar="NAME")
    ],
    role: Annotated[
        str,
        typer.Option(
            help="prepare, embedder, manifolder, clusterer, refine, describe, dataset, metric or "
            "tracker."
        ),
    ],
    folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the package's folder is made.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Make a complete plugin package that installs and passes its own tests."""
    from n2d_framework.cli.scaffold import create, plan

    chosen = plan(name, role)
    made = create(chosen, folder)
    files = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    if json:
        print_json({"folder": made, "role": role, "name": chosen.name, "files": files})
        return
    console = out()
    console.print(str(made), style="bold")
    for file in files:
        console.print(f"  {file}")
    steps = [
        f'pip install -e "{_to_install(made)}[test]"',
        f"python -m pytest -q {_word(made)}",
        f"n2d check-plugin {role}/{chosen.name}",
    ]
    console.print("\nNext:", *(f"  {step}" for step in steps), sep="\n", soft_wrap=True)


def _to_install(folder: Path) -> str:
    """The folder as pip takes it, which would look for a mere name on an index."""
    return str(folder) if folder.is_absolute() or folder.parts[0] == ".." else f"./{folder}"


def _word(folder: Path) -> str:
    return f'"{folder}"' if " " in str(folder) else str(folder)
