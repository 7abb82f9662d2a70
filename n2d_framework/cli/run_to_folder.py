"""One run from the request to a folder with everything in it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.cli.output_dir import MARK, output_folder, require_space
from n2d_framework.cli.request import RunRequest
from n2d_framework.cli.run_files import RunFiles
from n2d_framework.cli.run_summary import LOADING, OTHER, STARTING, kinds_lines
from n2d_framework.cli.terminal.run_progress import RunProgress, step
from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.core.events import FilesWritten
from n2d_framework.core.libraries import require_extra
from n2d_framework.core.roles import role_info
from n2d_framework.data import RowSource, load
from n2d_framework.data.formats.write_back import WriteBack
from n2d_framework.errors import CompositionError, ConfigError, DataError, Problem
from n2d_framework.events import EventBus
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.pipeline import compose
from n2d_framework.pipeline.after_fit.choosing import CHOOSING
from n2d_framework.pipeline.within_memory import WithinMemory
from n2d_framework.registry import default_catalogue
from n2d_framework.storage.file_identity import data_identity

if TYPE_CHECKING:
    from n2d_framework.config import Composition
    from n2d_framework.core.dataset import Dataset
    from n2d_framework.core.events import EventSink
    from n2d_framework.pipeline import N2D
    from n2d_framework.pipeline.after_fit.choosing import Criterion

__all__ = ["execute"]


def execute(
    request: RunRequest,
    target: Path,
    *,
    overwrite: bool,
    n_jobs: int | None,
    store: Path | None,
    plots: bool,
    report: bool,
    rows: bool = True,
    progress: RunProgress,
    start: float,
    listeners: Sequence[EventSink] = (),
    back: WriteBack | None = None,
    candidates: Sequence[int] = (),
    by: Criterion = "rank",
) -> dict[str, Any]:
    """Load, fit, assess and save.

    Parameters
    ----------
    request : RunRequest
    target : Path
        Output folder; appears when there are labels in it, or not at all.
    overwrite : bool
        Whether the output of an earlier run may be replaced.
    n_jobs : int or None
    store : Path or None
        Stage store.
    plots, report : bool
        Whether pictures are drawn, and the report is written.
    rows : bool, default True
        Whether bundle and report may hold values of single rows.
    progress : RunProgress
    start : float
        When the command began, by ``time.perf_counter``.
    listeners : sequence of callables, default ()
        Who else hears the events, such as a tracker.
    back : WriteBack, optional
        Where labels are written besides.
    candidates : sequence of int, default ()
        Numbers of clusters to choose from; without any, that of the configuration is fitted.
    by : {"rank", "silhouette", "stability", "bic"}, default "rank"
        What chooses.

    Returns
    -------
    dict
        The content of ``run.json``. What could not be made is ``missing``.

    Raises
    ------
    N2DError
        If there are no labels; no folder is left then. Whatever fails later is reported in the
        record, and everything else is made.
    """
    seconds = {STARTING: time.perf_counter() - start}
    memory = request.config.memory
    within = None if memory is None else WithinMemory.of(memory, request.config.composition)
    with output_folder(target, overwrite=overwrite, least=_LEAST_SPACE) as output:
        identity = data_identity(request.data)
        with step(progress, LOADING, seconds):
            data = load(
                request.data,
                progress=progress.count,
                scratch=lambda source: _scratch(within, source, progress, bool(candidates)),
            )
        progress.say(kinds_lines(data, request.source))
        require_classes(data)
        request, said = request.for_data(data)
        progress.say([f"{data.name}: {said}"] if said else [])
        if report and (len(data.feature_shape) > 1 or data.thumbnails is not None):
            require_extra("images", "a report with pictures of rows (--no-report writes none)")
        require_space(output.path, _LEAST_SPACE + _BYTES_PER_ROW * data.n_rows)
        model = compose(
            request.config, n_jobs=n_jobs, store=store, listeners=(progress, *listeners)
        )
        opened, given = model.composition(), data.__n2d_rows__()
        said = opened.said_of_narrow(given)
        progress.say([f"{data.name}: {said}"] if said else [])
        require_savable(opened.for_rows(given), data.feature_shape)
        try:
            if candidates:
                with step(progress, CHOOSING, seconds):
                    model.choose_n_clusters(data, candidates, by=by, tried=progress.count)
            else:
                model.fit(data)
        except DataError as error:
            raise DataError(f"{data.name}: {error}") from error
        if within is not None and within.scratch and data_identity(request.data) != identity:
            raise DataError(f"{request.source}: it has changed while it was read; start again")
        products = RunFiles(
            model, data, request, output, plots=plots, report=report, rows=rows, back=back
        )
        products.write_labels()
        try:
            for name, make in products.steps():
                with step(progress, name, seconds):
                    make()
        finally:
            record = products.record() | _times(model, seconds, time.perf_counter() - start)
            products.write_record(record)
        _notify_written(model, products)
    return record


def _times(model: N2D, seconds: dict[str, float], total: float) -> dict[str, Any]:
    """Seconds of the steps that have components, and of all others."""
    steps = [attrs.asdict(step) for step in model.step_times_]
    stages = {step.pop("label"): step for step in steps if step["component"]}
    alone = {step["label"]: step["seconds"] for step in steps if not step.get("component")}
    fitted = sum(step["seconds"] for step in steps)
    if CHOOSING in seconds:  # it ends with the fit with the chosen number
        seconds[CHOOSING] -= fitted
    known = sum(seconds.values()) + fitted
    return {
        "stages": stages,
        "seconds": {**alone, **seconds, OTHER: max(0.0, total - known), "total": total},
    }


def _scratch(
    within: WithinMemory | None, source: RowSource, progress: RunProgress, choosing: bool
) -> Scratch | None:
    """Where the rows of a source are kept; says so, if they do not fit into memory."""
    if within is None:
        return None
    found = within.choose(source)
    if found is not None and choosing:
        text = "tries several numbers on rows in memory; give one by --n-clusters, or more memory"
        raise ConfigError([Problem("--choose-k", text)])
    progress.say([within.said] if within.said else [])
    return found


#: Bytes that the output takes at least: of any run, and of each row.
_LEAST_SPACE, _BYTES_PER_ROW = 100_000, 16


def require_classes(data: Dataset) -> None:
    """Refuse true classes against which no clustering can be scored, before anything is trained.

    Raises
    ------
    DataError
        If a value is missing, or there is not one per row.
    """
    if data.y is None:
        return
    try:
        require_same_length(
            "the labels", code(data.y, "the labels").codes, "the rows", range(data.n_rows)
        )
    except DataError as error:
        raise DataError(f"{data.name}: {error}; or say y: false") from error


def require_savable(composition: Composition, row_shape: tuple[int, ...]) -> None:
    """Refuse components of which it can be known beforehand that they cannot be saved.

    Raises
    ------
    CompositionError
        With every reason.
    """
    reasons = []
    for label, choice in composition.steps.items():
        check = getattr(choice.component, "check_saving", None)
        if check is not None:
            takes_rows = role_info(choice.role).takes == "rows"
            found = check(math.prod(row_shape) if takes_rows else None)
            reasons += [f"{label}: {reason}" for reason in found]
    if reasons:
        raise CompositionError(
            f"{'; '.join(reasons)}. A model with it can be fitted in Python, but not saved"
        )


def _notify_written(model: N2D, products: RunFiles) -> None:
    """Notify trackers of what there is besides the bundle, which they know of."""
    folder = products.output.path
    files = {
        name: tuple(str(path) for path in paths)
        for name, paths in {
            "labels": [folder / "labels.csv"],
            "config": [folder / "config.json"],
            "report": [folder / "report.html"],
            "figures": sorted(folder.glob("plots/*.png")),
            "run": [folder / MARK],
        }.items()
        if all(path.is_file() for path in paths)
    }
    sink = EventBus(model.listeners, default_catalogue().manager.hook)
    sink(FilesWritten(model.run_id_, files))
