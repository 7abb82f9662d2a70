"""Options that several commands have in common."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from n2d_framework.errors import ConfigError, Problem

__all__ = [
    "AllowCode",
    "Dropped",
    "Features",
    "InsteadOfTables",
    "Json",
    "Labels",
    "Quiet",
    "RowIds",
    "selected",
]

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
Features = Annotated[
    list[str] | None,
    typer.Option(
        "--x",
        metavar="NAME|PATTERN",
        help="Array with the rows, or columns that are features: a name, a glob (price_*) or "
        "/regex/; repeatable.",
    ),
]
Dropped = Annotated[
    list[str] | None,
    typer.Option(
        "--drop",
        metavar="NAME|PATTERN",
        help="Columns that are not features: a name, a glob or /regex/; repeatable.",
    ),
]
RowIds = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="Column or array with the ids of rows, which come out beside the labels.",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option("--y", metavar="NAME", help="Column or array with the true classes."),
]


def selected(
    data: Any,
    x: list[str] | None = None,
    drop: list[str] | None = None,
    row_id: str | None = None,
    y: str | None = None,
) -> Any:
    """Data with what the flags select in it.

    Parameters
    ----------
    data : str or mapping
        A path or name, or ``{path, ...}`` as a configuration has it.
    x, drop : list of str, optional
    row_id, y : str, optional

    Returns
    -------
    str or dict
        As it came if no flag was given; each flag wins over what the configuration says.
    """
    chosen = x[0] if x is not None and len(x) == 1 else x or None
    given = {"x": chosen, "drop": drop or None, "id": row_id, "y": y}
    given = {key: value for key, value in given.items() if value is not None}
    if not given:
        return data
    if data is None:
        flags = ", ".join(f"--{key}" for key in given)
        raise ConfigError([Problem(flags, "there are no data to select from; name them")])
    return {**({"path": data} if isinstance(data, str) else data), **given}
