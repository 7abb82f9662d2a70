"""``n2d search``: the best trio that a stated time allows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from n2d_framework.cli.flags import (
    AllowCode,
    InsteadOfTables,
    Quiet,
    duration,
    numbers_written,
    selecting,
)
from n2d_framework.cli.terminal.console import err, print_json, say_error, say_warning, seconds_text
from n2d_framework.errors import attempt

if TYPE_CHECKING:
    from n2d_framework.experiment.search.run_search import SearchResult, Trial

__all__ = ["search"]


@selecting
def search(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG|DATA",
            help="The configuration of a comparison (.yaml, .toml, .json), whose grid is searched; "
            "or data: then every installed component with its defaults.",
        ),
    ],
    time: Annotated[
        str, typer.Option("--time", metavar="AMOUNT", help="How long it may take: 90s, 10m, 2h.")
    ],
    select: Callable[[Any], Any] = lambda data: data,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; by default n2d-out/NAME-search.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change one value, such as seeds=3; repeatable."
        ),
    ] = None,
    n_clusters: Annotated[
        str | None,
        typer.Option(
            "--n-clusters",
            "-k",
            metavar="K|FROM:TO|K,K,...",
            help="Numbers of clusters. Without it and without a configuration: the number of "
            "classes in the data, if there are any.",
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What to rank by; by default without classes: modularity.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws of trios and of rows.")] = 0,
    n_jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads of each stage; by default all cores.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Where fitted stages are kept; by default in the folder of the results."),
    ] = None,
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Whether report.html is written.")
    ] = True,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    json: InsteadOfTables = False,
) -> None:
    """Look for the best trio within a time: many on few rows, the best of them on all."""
    began, seconds = monotonic(), duration(time, "--time")
    numbers = numbers_written(n_clusters, "--n-clusters")
    overrides = [
        *(settings or ()),
        *([] if metric is None else [f"metric={metric}"]),
        *([] if not numbers else [f"n_clusters={numbers[0] if len(numbers) == 1 else numbers}"]),
    ]

    from n2d_framework.cli.request import read_search_request
    from n2d_framework.experiment.search.run_search import search as run

    planned, name = read_search_request(source, overrides, allow_code=allow_code, select=select)
    target = out if out is not None else Path("n2d-out") / f"{name}-search"
    found = run(
        planned, target, seconds=seconds, began=began, seed=seed, store=store, n_jobs=n_jobs,
        watch=None if quiet else _show_trial,
    )  # fmt: skip
    missing = found.comparison.missing
    bundle = target / "best.n2d"
    attempt("bundle", lambda: found.best().save(bundle), missing)
    in_time = monotonic() - began < seconds
    if with_report and not in_time:
        say_warning(f"the time is over; n2d report {target} writes the report")
    report = (
        attempt("report", found.comparison.report, missing) if with_report and in_time else None
    )
    record = {
        "n_rows": found.n_rows, "complete": found.complete, "exhausted": found.exhausted,
        "trials": len(found.trials), "not_tried": found.left,
        "bundle": None if "bundle" in missing else str(bundle),
        "report": None if report is None else str(report),
        "missing": missing,
    }  # fmt: skip
    _show(found, record, as_json=json)
    if missing:
        for what, reason in missing.items():
            say_error(reason, label=f"{what} is missing")
        raise typer.Exit(1)


def _show_trial(trial: Trial) -> None:
    scaler, embedder, manifolder, clusterer, _ = trial.trio
    del scaler
    err().print(
        f"{seconds_text(trial.seconds):>12}  {trial.n_rows:>7} rows  {trial.value:.4f}  "
        f"{embedder} / {manifolder} / {clusterer}",
        style="dim", markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _show(found: SearchResult, record: dict[str, Any], *, as_json: bool) -> None:
    from n2d_framework.cli.compare_tables import print_result, result_record

    record = result_record(found.comparison) | {"illegal": []} | record
    if as_json:
        print_json(record)
    else:
        print_result(record)
    if not found.complete:
        say_warning(
            f"the time was over before any trio was fitted on all rows: the best is one of those "
            f"on {found.n_rows} rows. Started again, the search resumes"
        )
    elif not found.exhausted:
        err().print(f"{found.left} trios were not tried", style="dim")
