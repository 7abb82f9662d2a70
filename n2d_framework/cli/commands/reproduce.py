"""``n2d reproduce``: published tables, measured again, and methods ranked over datasets."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from n2d_framework.cli.flags import InsteadOfTables, Quiet
from n2d_framework.cli.terminal.console import err, print_json, say_error, say_warning

if TYPE_CHECKING:
    from n2d_framework.core.events import EventSink
    from n2d_framework.experiment.run_comparison import Planned
    from n2d_framework.reproduce import Report

__all__ = ["reproduce"]


def reproduce(
    study: Annotated[
        str,
        typer.Argument(
            metavar="paper|thesis|tabular",
            help="The tables of the N2D paper; tables 12.1, 12.2 and 13.1 of the thesis; or "
            "methods ranked over tables of numbers.",
        ),
    ],
    data: Annotated[
        str, typer.Option(metavar="NAME,...", help="Datasets of the tables; all by default.")
    ] = "",
    methods: Annotated[
        str,
        typer.Option(
            metavar="NAME,...", help="Rows of the tables, such as n2d,kmeans; all by default."
        ),
    ] = "",
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs of every autoencoder, in place of the published number."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, counted from 0.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; by default n2d-out/STUDY.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    n_jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads of each stage; by default cores/workers.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed in an earlier session.")
    ] = False,
    quiet: Quiet = False,
    json: InsteadOfTables = False,
) -> None:
    """Measure published tables again, and set both numbers side by side. Started again, it resumes.

    Data that are neither on this machine nor to be downloaded are skipped by name.
    """
    from n2d_framework.reproduce import reproduce as run

    def watch(name: str, planned: Planned) -> AbstractContextManager[EventSink]:
        from n2d_framework.cli.terminal.compare_progress import CompareProgress

        if not quiet:
            _announce(name, planned)
        return CompareProgress(planned.plan, quiet=quiet)

    report = run(
        study, out if out is not None else Path("n2d-out") / study, data=_names(data),
        methods=_names(methods), epochs=epochs, seeds=seeds, workers=workers, n_jobs=n_jobs,
        retry_failed=retry_failed, watch=watch,
    )  # fmt: skip
    _show(report, as_json=json)
    for name, reason in report.missing.items():
        say_error(reason, label=f"{name} is missing")
    if not report.measured_anything:
        say_warning("nothing could be measured")
    if report.missing or not report.measured_anything:
        raise typer.Exit(1)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _announce(name: str, planned: Planned) -> None:
    cells, stages = len(planned.plan.cells), len(planned.plan.stages)
    err().print(f"{name}: {cells} results from {stages} distinct stages", style="dim")


def _show(report: Report, *, as_json: bool) -> None:
    from n2d_framework.cli.reproduce_tables import print_report

    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report)
