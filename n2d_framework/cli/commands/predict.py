"""``n2d predict``: labels for new rows, in constant memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.console import out, print_json, seconds_text
from n2d_framework.cli.flags import Quiet
from n2d_framework.cli.progress import RunProgress
from n2d_framework.errors import ConfigError, DataError, OutputError, Problem, UnsupportedError

if TYPE_CHECKING:
    from n2d_framework.pipeline.trio import FittedTrio
    from n2d_framework.types import AnyArray

__all__ = ["predict"]


def predict(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[str, typer.Argument(help="Rows: a file, folder of images or data set.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to this .csv, .tsv, .parquet or .npy instead of stdout."
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of every cluster.")
    ] = False,
    chunk: Annotated[int, typer.Option(min=1, help="Rows held in memory at once.")] = 8192,
    trust: Annotated[list[str] | None, TRUST] = None,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON; needs --output.")
    ] = False,
) -> None:
    """Label new rows with a saved model."""
    from n2d_framework.bundle import load_trio
    from n2d_framework.cli.table_file import open_table
    from n2d_framework.data import open_rows

    _check_output(output, bundle, data, proba=proba, json=json)
    start = time.perf_counter()
    counts: dict[int, int] = {}
    # Opened first: data that cannot be read are found out before a model is built.
    with open_rows(data) as source, RunProgress(quiet=quiet) as progress:
        progress.begin("load the model")
        model = load_trio(bundle, trusted=trust or ())
        if proba and not hasattr(model.clusterer, "predict_proba"):
            raise UnsupportedError(f"{bundle}: its clusterer has no probabilities; drop --proba")
        progress.begin("predict")
        done = 0
        with open_table(output) as table:
            for rows in source.chunks(chunk):
                columns = _columns(model, rows, done, data, proba=proba)
                table.write(columns)
                _count(counts, columns["label"])
                done += len(rows)
                progress.count(done, source.n_rows, f"{done} rows")
    if output is not None:
        _report(output, done, counts, time.perf_counter() - start, json=json)


def _check_output(output: Path | None, bundle: Path, data: str, *, proba: bool, json: bool) -> None:
    from n2d_framework.cli.table_file import check_table_path

    if output is None:
        if json:
            raise ConfigError([Problem("--json", "stdout has the labels; add --output FILE")])
        return
    check_table_path(output, labels_only=not proba)
    for other in (bundle, Path(data)):
        if output.exists() and other.exists() and output.samefile(other):
            raise OutputError(f"{output}: it is what is read; choose another name")


def _columns(
    model: FittedTrio, rows: AnyArray, start: int, data: str, *, proba: bool
) -> dict[str, AnyArray]:
    import numpy as np

    from n2d_framework.pipeline.rows import as_rows

    columns: dict[str, AnyArray] = {"row": np.arange(start, start + len(rows))}
    try:
        rows = as_rows(rows)
        model.check_rows(rows)
        if not proba:
            return columns | {"label": model.predict(rows)}
        manifold = model.transform(rows)
    except DataError as error:
        raise DataError(
            f"{data}, rows {start} to {start + len(rows) - 1} (counted from 0 within these): "
            f"{error}"
        ) from error
    columns["label"] = model.clusterer.predict(manifold)
    shares = model.clusterer.predict_proba(manifold)
    named = [f"p_{number}" for number in range(shares.shape[1])]
    if model.composition.clusterer.spec.noise:
        named[-1] = "p_noise"
    return columns | {name: shares[:, i] for i, name in enumerate(named)}


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
    console.print(f"{output}: {done} rows in {seconds_text(seconds)}", markup=False)
    console.print(f"labels {shown}{more}", markup=False)
