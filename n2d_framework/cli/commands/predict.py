"""``n2d predict``: labels for new rows, in constant memory."""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import Quiet, selecting
from n2d_framework.cli.terminal.console import out, print_json, seconds_text
from n2d_framework.cli.terminal.run_progress import RunProgress
from n2d_framework.data.stdin import STDIN, StdinFormat, from_stdin
from n2d_framework.errors import (
    ConfigError,
    DataError,
    DataWarning,
    OutputError,
    Problem,
    UnsupportedError,
)

if TYPE_CHECKING:
    from n2d_framework.core.rows import Schema
    from n2d_framework.data import RowSource
    from n2d_framework.plan.labelling import Labeller, Labelling
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
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Label rows -1 that are less sure than this; n2d stability --keep --max-error "
            "finds it for a wanted error.",
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
    workers: Annotated[
        int,
        typer.Option(min=1, help="Processes on this machine; several resume where they stopped."),
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask.distributed scheduler whose workers label the rows; started again, the "
            "command resumes where it stopped.",
        ),
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON; needs --output.")
    ] = False,
) -> None:
    """Label new rows with a saved model; columns are matched by name."""
    from n2d_framework.bundle import open_bundle
    from n2d_framework.cli.table_file import open_table
    from n2d_framework.core.rows import Schema
    from n2d_framework.data.formats.write_back import checked_write_back
    from n2d_framework.plan.labelling import Labelling

    asked = Labelling(proba, confidence, abstain, n_clusters, min_confidence)
    # With --write-back alone, no labels are written to stdout.
    silent = write_back and output is None and not json
    for flag, given in (("--proba", proba), ("--confidence", confidence)):
        if silent and given:
            problem = "is not written back, only labels and strengths are; add --output FILE"
            raise ConfigError([Problem(flag, problem)])
    if not silent:
        _check_output(output, bundle, data, proba=proba or confidence, json=json)
    _check_workers(scheduler, workers, output, data)
    if kind is not None and data != STDIN:
        raise ConfigError([Problem("--format", f"is for rows on stdin; {data} has a suffix")])
    start = time.perf_counter()
    opened = open_bundle(bundle)
    about = opened.manifest["data"]
    by_kind = about.get("storage") == "columns"
    wanted = Schema.of_data(about), math.prod(about["row_shape"]), by_kind
    reference = select(data)
    back = checked_write_back(Path(data), None, overwrite) if write_back else None
    # Opened first: data that cannot be read are found out before a model is built.
    with _rows(reference, kind, *wanted) as source, RunProgress(quiet=quiet) as progress:
        progress.begin("load the model")
        labeller = _labeller(bundle, opened, asked, trust or ())
        with ExitStack() as held:
            if scheduler is None and workers == 1:
                blocks = _labelled_here(labeller, source, chunk, data, progress)
            else:
                assert output is not None
                blocks = held.enter_context(
                    _labelled_by_workers(
                        bundle, asked, trust or (), source, chunk, output, reference, progress,
                        scheduler, workers,
                    )
                )  # fmt: skip
            table = held.enter_context(nullcontext() if silent else open_table(output))
            tally = _Tally(labeller.model.cluster_names)
            for columns in blocks:
                named = tally.count(columns)
                if table is not None:
                    table.write(named)
                if back is not None:
                    tally.keep(named)
    tally.remark_on_ids(data)
    if back is not None:
        back.write(tally.kept())
    if output is not None or back is not None:
        written = "" if back is None else ", ".join(f"obs/{name}" for name in back.names)
        _report(output or Path(data), tally, time.perf_counter() - start, written, json=json)


class _Tally:
    """Labels of the rows so far, and the names that people gave to clusters."""

    def __init__(self, names: Mapping[int, str]) -> None:
        from n2d_framework.cli.predicting.seen_ids import SeenIds

        self.names, self.done = names, 0
        self.sizes: dict[int, int] = {}
        self._kept: list[dict[str, AnyArray]] = []
        self._ids = SeenIds()

    def count(self, columns: dict[str, AnyArray]) -> dict[str, AnyArray]:
        """Count the labels of a block; its columns, with one of names behind that of labels."""
        import numpy as np

        from n2d_framework.cli.table_file import names_of

        labels = columns["label"]
        self.done += len(labels)
        if "id" in columns:
            self._ids.add(columns["id"].tolist())
        for label, number in zip(*np.unique(labels, return_counts=True), strict=True):
            self.sizes[int(label)] = self.sizes.get(int(label), 0) + int(number)
        if not self.names:
            return columns
        named: dict[str, AnyArray] = {}
        for name, column in columns.items():
            named[name] = column
            if name == "label":
                named["name"] = names_of(labels, self.names)
        return named

    def remark_on_ids(self, data: str) -> None:
        """Warn once of ids that do not distinguish rows."""
        without, repeated = self._ids.without, self._ids.repeated()
        if without or repeated:
            again = "" if self._ids.no_room else f", {repeated} one that came before"
            warnings.warn(
                f"{data}: {without} rows have no id{again}; ids come out as they are, and row "
                "numbers distinguish rows",
                DataWarning,
                stacklevel=2,
            )
        if self._ids.no_room:
            warnings.warn(
                f"{data}: whether ids are repeated is not known: there is no room for them in "
                f"{tempfile.gettempdir()} (choose another folder by TMPDIR)",
                DataWarning,
                stacklevel=2,
            )
        self._ids.close()

    def keep(self, columns: Mapping[str, AnyArray]) -> None:
        """Keep what is written back."""
        from n2d_framework.data.formats.write_back import columns_back

        self._kept.append(columns_back(columns))

    def kept(self) -> dict[str, AnyArray]:
        """All that was kept, as whole columns."""
        import numpy as np

        return {name: np.concatenate([part[name] for part in self._kept]) for name in self._kept[0]}


def _labeller(bundle: Path, opened: Any, asked: Labelling, trusted: Iterable[str]) -> Labeller:
    from n2d_framework.bundle import load_plan
    from n2d_framework.plan.labelling import Labeller

    model = load_plan(bundle, opened=opened, trusted=trusted)
    try:
        return Labeller.of(model, asked)
    except UnsupportedError as error:
        raise UnsupportedError(f"{bundle}: {error}") from error


def _labelled_here(
    labeller: Labeller, source: RowSource, chunk: int, data: str, progress: RunProgress
) -> Iterator[dict[str, AnyArray]]:
    """Columns of one block after the other: ``row[, id], label[, strength]...``."""
    import numpy as np

    from n2d_framework.cli.predicting.rows_at_fault import in_rows
    from n2d_framework.core.rows import count_rows
    from n2d_framework.plan.new_rows import new_rows

    progress.begin("predict")
    done = 0
    for block in source.blocks(chunk, labels=False):
        stop = done + count_rows(block.x)
        try:
            columns = labeller.columns(new_rows(block.x, labeller.model))
        except DataError as error:
            raise in_rows(error, done, stop, "stdin" if data == STDIN else data) from error
        ids = {} if block.ids is None else {"id": block.ids}
        yield {"row": np.arange(done, stop), **ids, **columns}
        done = stop
        progress.count(done, source.n_rows, f"{done} rows")


@contextmanager
def _labelled_by_workers(
    bundle: Path,
    asked: Labelling,
    trusted: Iterable[str],
    source: RowSource,
    chunk: int,
    output: Path,
    reference: Any,
    progress: RunProgress,
    scheduler: str | None,
    workers: int,
) -> Iterator[Iterator[dict[str, AnyArray]]]:
    """The same columns by workers; kept until the output is there."""
    from n2d_framework.cli.predicting.by_workers import cluster_of, label_by_workers
    from n2d_framework.cli.predicting.label_parts import label_parts
    from n2d_framework.pipeline.mapped import ShippedModel
    from n2d_framework.storage import read_image
    from n2d_framework.storage.file_identity import data_identity

    shipped = ShippedModel.of_image(read_image(bundle), trusted)
    data = data_identity(reference)
    about = {
        "model": shipped.digest, "versions": shipped.versions, "data": data, "chunk": chunk,
        "columns": attrs.asdict(asked),
    }  # fmt: skip
    with label_parts(output, about) as parts:
        with cluster_of(scheduler, workers) as client:
            progress.begin("predict")
            label_by_workers(
                client, shipped, asked, source, chunk, parts, str(reference),
                lambda done: progress.count(done, source.n_rows, f"{done} rows"),
            )  # fmt: skip
        if data_identity(reference) != data:
            raise DataError(f"{reference}: it has changed while it was read; start again")
        yield parts.blocks()


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


def _check_workers(scheduler: str | None, workers: int, output: Path | None, data: str) -> None:
    """Refuse workers where one process has to do it."""
    if scheduler is None and workers == 1:
        return
    flag = "--workers" if scheduler is None else "--scheduler"
    if scheduler is not None and workers > 1:
        raise ConfigError([Problem("--workers", "cannot be combined with --scheduler")])
    if output is None:
        raise ConfigError([Problem(flag, "labels come in no order; add --output FILE")])
    if data == STDIN:
        raise ConfigError([Problem(flag, "rows on stdin come once; write them to a file")])


def _report(output: Path, tally: _Tally, seconds: float, written: str, *, json: bool) -> None:
    sizes, done = dict(sorted(tally.sizes.items())), tally.done
    if json:
        print_json({"output": output, "rows": done, "seconds": seconds, "labels": sizes})
        return
    shown = ", ".join(f"{label}: {number}" for label, number in list(sizes.items())[:20])
    more = ", ..." if len(sizes) > 20 else ""
    console = out()
    console.print(f"{output}: {done} rows in {seconds_text(seconds)}")
    if written:
        console.print(f"written back as {written}")
    console.print(f"labels {shown}{more}")
