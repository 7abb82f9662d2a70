"""``n2d report``: the HTML report of a comparison, again or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.terminal.console import out, print_json
from n2d_framework.errors import ConfigError, Problem, did_you_mean

__all__ = ["report"]


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Output folder of a comparison, finished or not.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; by default report.html in the folder."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What to rank by; that of the comparison by default.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, help="Cells per dataset that are drawn; 0 draws none.")
    ] = 6,
    max_points: Annotated[
        int, typer.Option(min=1, help="Rows per dataset in these pictures, drawn at random.")
    ] = 2000,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where the fitted stages are, if not in a local folder that the comparison names: "
            "a URL that it names is not opened.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write everything a comparison found as one HTML file that needs no network."""
    from n2d_framework.experiment import open_comparison

    comparison = open_comparison(folder, store=store)
    if metric is not None:
        if metric not in comparison.metrics:
            hint = did_you_mean(metric, comparison.metrics, noun="metric")
            raise ConfigError([Problem("--metric", f"unknown metric {metric!r}; {hint}")])
        comparison.config["metric"] = metric
    written = comparison.report(output, pictures=pictures, max_points=max_points)
    if json:
        print_json({"report": str(written), "bytes": written.stat().st_size})
    else:
        out().print(f"report: {written}", soft_wrap=True)
