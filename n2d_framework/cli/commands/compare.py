"""``n2d compare``: every combination of a grid, each distinct stage once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from n2d_framework.cli.flags import AllowCode, InsteadOfTables, Quiet, selecting
from n2d_framework.cli.tensorboard_option import TensorBoardFolder, trackers
from n2d_framework.cli.terminal.console import print_json, say_error, say_warning
from n2d_framework.errors import attempt

if TYPE_CHECKING:
    from n2d_framework.experiment import Comparison
    from n2d_framework.experiment.estimate import Estimate
    from n2d_framework.experiment.run_comparison import Planned

__all__ = ["compare"]


@selecting
def compare(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A configuration (.yaml, .toml, .json).")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; by default n2d-out/NAME.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change one value, such as seeds=5; repeatable."
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show cells, distinct fits, what the store has, and an estimate; run nothing.",
        ),
    ] = False,
    calibrate: Annotated[
        float, typer.Option(help="Seconds to spend on trials for the estimate of --dry-run.")
    ] = 30.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A dask.distributed scheduler to use instead."),
    ] = None,
    n_jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads of each stage; by default cores/workers.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Where fitted stages are kept: a folder, or a URL such as s3://bucket/stages; "
            "by default in the folder of the results."
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed in an earlier session.")
    ] = False,
    metric: Annotated[
        str | None, typer.Option(help="What to rank by; acc or modularity by default.")
    ] = None,
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Whether report.html is written.")
    ] = True,
    allow_code: AllowCode = False,
    tensorboard: TensorBoardFolder = None,
    quiet: Quiet = False,
    json: InsteadOfTables = False,
) -> None:
    """Run every combination of a grid, and rank them. Started again, it resumes."""
    target = out if out is not None else Path("n2d-out") / Path(config).stem
    listeners = trackers(tensorboard)
    overrides = [*(settings or ()), *([] if metric is None else [f"metric={metric}"])]

    from n2d_framework.experiment.run_comparison import compare as run
    from n2d_framework.experiment.run_comparison import plan_comparison, stage_threads

    planned = plan_comparison(
        config, overrides, allow_code=allow_code,
        select=select,
    )  # fmt: skip
    if dry_run:
        threads = stage_threads(n_jobs, workers, scheduler)
        found = _estimate(planned, store, target, calibrate, threads)
        _show_plan(planned, found, threads, as_json=json)
        return
    from n2d_framework.cli.terminal.compare_progress import CompareProgress

    with CompareProgress(planned.plan, quiet=quiet) as progress:
        comparison = run(
            planned, target, store=store, workers=workers, scheduler=scheduler, n_jobs=n_jobs,
            retry_failed=retry_failed, listeners=(progress, *listeners),
        )  # fmt: skip
    missing = comparison.missing
    report = attempt("report", comparison.report, missing) if with_report else None
    _show_result(comparison, report, as_json=json)
    if "report" in missing:
        say_error(f"{missing['report']}. n2d report {target} writes it", label="report is missing")
    failed = len(comparison.failures)
    if failed == len(comparison.table):
        say_warning("every cell failed")
    if missing or failed == len(comparison.table):
        raise typer.Exit(1)


def _estimate(
    planned: Planned, store: str | None, target: Path, budget: float, threads: int
) -> Estimate:
    from n2d_framework.experiment.estimate import estimate
    from n2d_framework.experiment.mark import own_store
    from n2d_framework.plan.store import StageStore

    place = StageStore(own_store(target) if store is None else store)
    return estimate(planned.plan, planned.materials, place, budget=budget, n_jobs=threads)


def _show_plan(planned: Planned, found: Estimate, threads: int, *, as_json: bool) -> None:
    from n2d_framework.cli.compare_tables import plan_record, print_plan

    record = plan_record(planned, found, threads)
    if as_json:
        print_json(record)
    else:
        print_plan(record)


def _show_result(comparison: Comparison, report: Path | None, *, as_json: bool) -> None:
    from n2d_framework.cli.compare_tables import print_result, result_record

    record: dict[str, Any] = result_record(comparison)
    record["report"] = None if report is None else str(report)
    record["missing"] = comparison.missing
    if as_json:
        print_json(record)
    else:
        print_result(record)
