"""``n2d run``: fit, assess, and save everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from n2d_framework.cli.flags import AllowCode, Quiet, numbers_written, selecting
from n2d_framework.cli.store_location import STORE_VARIABLE, usable_store
from n2d_framework.cli.tensorboard_option import TensorBoardFolder, trackers
from n2d_framework.cli.terminal.console import print_json, say_error
from n2d_framework.cli.terminal.run_progress import RunProgress
from n2d_framework.core.libraries import require_extra
from n2d_framework.errors import ConfigError, Problem

__all__ = ["run"]

Criterion = Literal["rank", "silhouette", "stability", "bic"]


def _check_jobs(n_jobs: int | None) -> int | None:
    if n_jobs is not None and n_jobs != -1 and n_jobs < 1:
        raise typer.BadParameter(f"must be a positive number, or -1 for all cores, got {n_jobs}")
    return n_jobs


@selecting
def run(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG|DATA",
            help="A configuration (.yaml, .toml, .json); or the name of a dataset, or a path of "
            "data, to be clustered with all defaults.",
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="Data to use instead of the configuration's.")
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; by default n2d-out/NAME.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change one value, such as model.embedder.epochs=20; repeatable.",
        ),
    ] = None,
    n_clusters: Annotated[
        str | None,
        typer.Option(
            "--n-clusters",
            "-k",
            metavar="K|auto",
            help="Number of clusters; the same as --set model.n_clusters=K. auto: the best of 2 to "
            "20 without classes. Left out, without a configuration: the number of classes in the "
            "data, if there are any.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Components with a name, such as fast; the same as --set model.preset=NAME. "
            "n2d components lists them.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The seed; the same as --set random_state=SEED.")
    ] = None,
    n_jobs: Annotated[
        int | None,
        typer.Option(
            callback=_check_jobs, help="Threads; all cores by default. Results stay the same."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the fit may take, such as 4GiB; the same as --set memory=SIZE. Rows "
            "that do not fit into it are fitted out of core.",
        ),
    ] = None,
    choose_k: Annotated[
        str | None,
        typer.Option(
            "--choose-k",
            metavar="FROM:TO|K,K,...",
            help="Numbers of clusters to try, such as 2:20: the best without classes is fitted, "
            "and the report shows the criteria.",
        ),
    ] = None,
    choose_by: Annotated[
        Criterion,
        typer.Option(
            "--choose-by",
            help="What chooses: silhouette, stability, bic, or the ranks by the first two.",
        ),
    ] = "rank",
    store: Annotated[
        Path | None,
        typer.Option(
            help=f"Folder in which fitted stages are kept and recognized; by default "
            f"${STORE_VARIABLE}, or one in the user's cache."
        ),
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Fit every stage again.")] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the output of an earlier run, and what it wrote back."
        ),
    ] = False,
    write_back: Annotated[
        bool,
        typer.Option(
            "--write-back",
            help="Write labels and strengths into the .h5ad file, as columns of obs.",
        ),
    ] = False,
    write_back_to: Annotated[
        Path | None,
        typer.Option(metavar="COPY", help="The same, into a copy of the file."),
    ] = None,
    plots: Annotated[bool, typer.Option(help="Draw pictures.")] = True,
    report: Annotated[
        bool, typer.Option(help="Write report.html: a map of the rows, and what each cluster is.")
    ] = True,
    rows: Annotated[
        bool,
        typer.Option(
            help="With --no-rows, bundle, report and pictures hold no values, ids or images of "
            "single rows; ids are in labels.csv alone."
        ),
    ] = True,
    allow_code: AllowCode = False,
    tensorboard: TensorBoardFolder = None,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print run.json instead of tables.")] = False,
) -> None:
    """Cluster data, assess the result, and save model, labels and pictures."""
    start = time.perf_counter()
    from n2d_framework.cli.request import read_request

    candidates = numbers_written(choose_k, "--choose-k")
    if choose_by != "rank" and choose_k is None:
        raise ConfigError([Problem("--choose-by", "is for --choose-k; add it")])
    if store is not None and no_store:
        raise ConfigError([Problem("--store", "cannot be combined with --no-store")])
    short = {
        "random_state": seed, "model.n_clusters": n_clusters, "model.preset": preset,
        "memory": memory,
    }  # fmt: skip
    overrides = [
        *(settings or ()),
        *(f"{path}={value}" for path, value in short.items() if value is not None),
    ]
    if plots:
        require_extra("plots", "drawing pictures (--no-plots draws none)")
    listeners = trackers(tensorboard)
    request = read_request(
        config, data=data, overrides=overrides, allow_code=allow_code,
        select=select, count=choose_k is None,
    )  # fmt: skip
    target = out if out is not None else Path("n2d-out") / request.name

    # What is needed to refuse a wrong request has been imported; only now the rest.
    from n2d_framework.cli.run_summary import print_summary
    from n2d_framework.cli.run_to_folder import execute
    from n2d_framework.data.formats.write_back import checked_write_back

    back = None
    if write_back or write_back_to:
        back = checked_write_back(Path(request.source), write_back_to, overwrite)
    kept = None if no_store else usable_store(store)
    with RunProgress(quiet=quiet) as progress:
        record = execute(
            request, target,
            overwrite=overwrite, n_jobs=n_jobs, store=kept, plots=plots, report=report, rows=rows,
            progress=progress, start=start, listeners=listeners, back=back,
            candidates=candidates, by=choose_by,
        )  # fmt: skip
    if json:
        print_json(record)
    else:
        print_summary(record)
    for name, reason in record["missing"].items():
        say_error(reason, label=f"{name} is missing")
    if record["missing"]:
        raise typer.Exit(1)
