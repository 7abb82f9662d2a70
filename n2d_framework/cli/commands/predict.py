"""``n2d predict``: labels for new rows, in constant memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import Quiet, selecting
from n2d_framework.cli.terminal.console import out, print_json, seconds_text
from n2d_framework.cli.terminal.run_progress import RunProgress
from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.data.stdin import STDIN, StdinFormat, from_stdin
from n2d_framework.errors import ConfigError, DataError, OutputError, Problem, UnsupportedError
from n2d_framework.types import NOISE

if TYPE_CHECKING:
    from n2d_framework.core.rows import Schema
    from n2d_framework.data import Block, RowSource
    from n2d_framework.plan.fitted_plan import FittedPlan
    from n2d_framework.types import AnyArray

__all__ = ["predict"]


@selecting
def predict(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[
        str, typer.Argument(help="Rows: a file, folder of images or dataset; - for stdin.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to this .csv, .tsv, .parquet or .npy instead of stdout."
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of every cluster.")
    ] = False,
    confidence: Annotated[
        bool,
        typer.Option(
            "--confidence", help="Add each row's confidence, as n2d stability --keep measured it."
        ),
    ] = False,
    abstain: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Label rows -1 that are less sure than all but this share of those measured.",
        ),
    ] = None,
    n_clusters: Annotated[
        int | None,
        typer.Option(
            "--n-clusters",
            "--level",
            min=1,
            help="Join clusters by the model's hierarchy until so many are left.",
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    kind: Annotated[
        StdinFormat | None,
        typer.Option("--format", help="Format of rows on stdin; csv by default."),
    ] = None,
    write_back: Annotated[
        bool,
        typer.Option(
            "--write-back",
            help="Write labels and strengths into the .h5ad file, as columns of obs.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what was written back before.")
    ] = False,
    chunk: Annotated[int, typer.Option(min=1, help="Rows held in memory at once.")] = 8192,
    trust: Annotated[list[str] | None, TRUST] = None,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON; needs --output.")
    ] = False,
) -> None:
    """Label new rows with a saved model; columns are matched by name."""
    import numpy as np

    from n2d_framework.bundle import load_plan, open_bundle
    from n2d_framework.cli.table_file import names_of, open_table
    from n2d_framework.core.rows import Schema, count_rows
    from n2d_framework.data.formats.write_back import checked_write_back, columns_back
    from n2d_framework.metrics.hierarchy import relabelled

    # With --write-back alone, nothing is written to stdout.
    silent = write_back and output is None and not json
    if not silent:
        _check_output(output, bundle, data, proba=proba or confidence, json=json)
    if kind is not None and data != STDIN:
        raise ConfigError([Problem("--format", f"is for rows on stdin; {data} has a suffix")])
    start = time.perf_counter()
    counts: dict[int, int] = {}
    opened = open_bundle(bundle)
    about = opened.manifest["data"]
    by_kind = about.get("storage") == "columns"
    wanted = Schema.of_data(about), math.prod(about["row_shape"]), by_kind
    reference = select(data)
    back = checked_write_back(Path(data), None, overwrite) if write_back else None
    kept: list[dict[str, AnyArray]] = []
    # Opened first: data that cannot be read are found out before a model is built.
    with _rows(reference, kind, *wanted) as source, RunProgress(quiet=quiet) as progress:
        progress.begin("load the model")
        model = load_plan(bundle, opened=opened, trusted=trust or ())
        if proba and not hasattr(model.component(LABEL_ROLE), "predict_proba"):
            raise UnsupportedError(f"{bundle}: its clusterer has no probabilities; drop --proba")
        sure = model.known_confidence() if confidence or abstain is not None else None
        least = None if sure is None or abstain is None else sure.threshold(abstain)
        joined = None if n_clusters is None else model.hierarchy().cut(n_clusters)
        progress.begin("predict")
        done = 0
        with nullcontext() if silent else open_table(output) as table:
            for block in source.blocks(chunk, labels=False):
                columns, latent, manifold = _columns(model, block, done, data)
                labels = columns["label"]
                if sure is not None:
                    measured = sure.of_rows(latent, labels)
                    columns |= {"confidence": measured} if confidence else {}
                    if least is not None:
                        columns["label"] = np.where(measured < least, NOISE, labels)
                if joined is not None:
                    columns["label"] = relabelled(columns["label"], joined)
                if "name" in columns:
                    columns["name"] = names_of(columns["label"], model.cluster_names)
                if table is not None:
                    table.write(columns | (_shares(model, manifold) if proba else {}))
                kept += [] if back is None else [columns_back(columns)]
                _count(counts, columns["label"])
                done += count_rows(block.x)
                progress.count(done, source.n_rows, f"{done} rows")
    if back is not None:
        back.write({name: np.concatenate([part[name] for part in kept]) for name in kept[0]})
    if output is not None:
        _report(output, done, counts, time.perf_counter() - start, json=json)


@contextmanager
def _rows(
    reference: Any, kind: StdinFormat | None, like: Schema, n_features: int, by_kind: bool
) -> Iterator[RowSource]:
    """Open the rows, of a file or on stdin, with the columns of the fit in its order."""
    from n2d_framework.data import open_rows

    on_stdin = (reference["path"] if isinstance(reference, Mapping) else reference) == STDIN
    with (
        from_stdin(reference, kind or "csv") if on_stdin else nullcontext(reference) as found,
        open_rows(
            found,
            like=like,
            n_features=n_features,
            by_kind=by_kind,
            shown="stdin" if on_stdin else "",
        ) as source,
    ):
        yield source


def _check_output(output: Path | None, bundle: Path, data: str, *, proba: bool, json: bool) -> None:
    from n2d_framework.cli.table_file import check_table_path
    from n2d_framework.cli.terminal.streams import stdout_is_closed

    if output is None:
        if json:
            raise ConfigError([Problem("--json", "stdout has the labels; add --output FILE")])
        if stdout_is_closed():
            raise ConfigError([Problem("--output", "stdout is closed; name a file for the labels")])
        return
    check_table_path(output, labels_only=not proba)
    for other in (bundle, Path(data)):
        if output.exists() and other.exists() and output.samefile(other):
            raise OutputError(f"{output}: it is what is read; choose another name")


def _columns(
    model: FittedPlan, block: Block, start: int, data: str
) -> tuple[dict[str, AnyArray], AnyArray, AnyArray]:
    """Columns for some rows, ``row[, id], label[, name][, strength]``; latent; coordinates."""
    import numpy as np

    from n2d_framework.core.rows import count_rows
    from n2d_framework.plan.new_rows import new_rows

    stop = start + count_rows(block.x)
    columns: dict[str, AnyArray] = {"row": np.arange(start, stop)}
    if block.ids is not None:
        columns["id"] = block.ids
    try:
        rows = new_rows(block.x, model)
        latent, manifold, labels = model.outputs(rows, "embedder", "manifolder", model.plan.labels)
    except DataError as error:
        raise DataError(
            f"{'stdin' if data == STDIN else data}, rows {start} to {stop - 1} "
            f"(counted from 0 within these): {error}"
        ) from error
    columns["label"] = labels
    if model.cluster_names:
        columns["name"] = labels
    strengths = model.row_strengths(manifold, labels)
    if strengths is not None:
        columns["strength"] = strengths
    return columns, latent, manifold


def _shares(model: FittedPlan, manifold: AnyArray) -> dict[str, AnyArray]:
    """The columns of --proba."""
    shares = model.proba_of(manifold)
    ids = model.column_ids(shares.shape[1])
    named = ["p_noise" if label == NOISE else f"p_{label}" for label in ids]
    return {name: shares[:, i] for i, name in enumerate(named)}


def _count(counts: dict[int, int], labels: AnyArray) -> None:
    import numpy as np

    for label, number in zip(*np.unique(labels, return_counts=True), strict=True):
        counts[int(label)] = counts.get(int(label), 0) + int(number)


def _report(output: Path, done: int, counts: dict[int, int], seconds: float, *, json: bool) -> None:
    sizes = dict(sorted(counts.items()))
    if json:
        print_json({"output": output, "rows": done, "seconds": seconds, "labels": sizes})
        return
    shown = ", ".join(f"{label}: {number}" for label, number in list(sizes.items())[:20])
    more = ", ..." if len(sizes) > 20 else ""
    console = out()
    console.print(f"{output}: {done} rows in {seconds_text(seconds)}")
    console.print(f"labels {shown}{more}")
