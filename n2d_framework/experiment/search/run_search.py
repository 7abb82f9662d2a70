"""A search from its configuration to the best that its time allowed."""

from __future__ import annotations

import math
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from n2d_framework.analysis.result_tables import to_csv
from n2d_framework.config.comparison_config import Grid
from n2d_framework.core.events import EventSink
from n2d_framework.core.libraries import require_extra
from n2d_framework.core.scores import WITHOUT_CLASSES
from n2d_framework.errors import ConfigError, DeadlineError, OutputError, Problem, attempt
from n2d_framework.events import EventBus
from n2d_framework.experiment.comparison import Comparison
from n2d_framework.experiment.comparison_dir import records_folder, require_own, write_mark
from n2d_framework.experiment.comparison_events import Session, telling
from n2d_framework.experiment.keep_alive import kept
from n2d_framework.experiment.mark import MARK, own_file
from n2d_framework.experiment.open_results import open_comparison
from n2d_framework.experiment.records import read_records
from n2d_framework.experiment.run_comparison import (
    Planned,
    failed_before,
    open_store,
    plan_comparison,
    run_cells,
    stage_threads,
)
from n2d_framework.experiment.search.rungs import FACTOR, Rung, Trio, rungs_of
from n2d_framework.experiment.search.sampler import Sampler
from n2d_framework.experiment.search.spaces import with_all_installed
from n2d_framework.metrics.directions import announced, less_is_better
from n2d_framework.pipeline import N2D
from n2d_framework.plan.executors.tasks import Settings
from n2d_framework.registry import default_catalogue
from n2d_framework.storage import write_atomic

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SearchResult", "Trial", "search"]

#: The file that the folder of a search has, and that of a comparison has not.
TRIALS = "trials.csv"
#: Of the stated time, what is kept back for table and model, and the most of it in seconds.
_SHARE_BACK, _MOST_BACK = 0.2, 30.0
#: Trios of the first rung in one round: one of them gets to the third rung.
_ROUND = FACTOR * FACTOR


@attrs.frozen
class Trial:
    """One trio on the rows of one rung.

    Attributes
    ----------
    trio : tuple
        Labels of scaler, embedder, manifolder and clusterer, and the number of clusters.
    n_rows : int
    value : float
        Mean of the score over seeds; ``nan`` where a seed has none.
    seconds : float
        Since the search began.
    """

    trio: Trio
    n_rows: int
    value: float
    seconds: float


@attrs.frozen(eq=False)
class SearchResult:
    """Results of a search; made by :func:`n2d_framework.search`.

    Attributes
    ----------
    comparison : Comparison
        Of the trios that were fitted on the most rows.
    trials : DataFrame
        One row per trio and rung, in the order in which they were tried: ``scaler, embedder,
        manifolder, clusterer, n_clusters, n_rows``, the score, and ``seconds`` since the start.
    n_rows : int
        Rows on which the trios of `comparison` were fitted.
    complete : bool
        Whether these are all rows.
    exhausted : bool
        Whether every trio was fitted on all rows, or failed on fewer, before the time was over.
    left : int
        Trios that were not tried.
    """

    comparison: Comparison
    trials: pd.DataFrame = attrs.field(repr=False)
    n_rows: int
    complete: bool
    exhausted: bool
    left: int

    def best(self) -> N2D:
        """The best trio as a fitted model; see :meth:`Comparison.best`."""
        return self.comparison.best()


def search(
    config: str | os.PathLike[str] | Mapping[str, Any] | Planned,
    out: str | os.PathLike[str],
    *,
    seconds: float,
    seed: int = 0,
    overrides: Iterable[str] = (),
    data: Mapping[str, Any] | None = None,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    listeners: Sequence[EventSink] = (),
    watch: Callable[[Trial], None] | None = None,
    allow_code: bool = False,
    began: float | None = None,
) -> SearchResult:
    """Look for the best trio of a grid within a stated time.

    Many trios are tried on few rows, the best third of them on three times as many, and so on
    up to all rows. Which are tried is asked of Optuna, which learns from what came before.

    Parameters
    ----------
    config : path, mapping or Planned
        The grid, as for :func:`compare`, with one dataset. In a mapping, lists of components that
        are left out are all that are installed, with their defaults.
    out : path
        Folder of the results. Started again with the same configuration and seed, the search
        resumes: nothing that has finished is done twice.
    seconds : float
        How long it may take. A fifth, at most 30 seconds, is kept back for the results; a fit that
        is in progress then is ended.
    seed : int, default 0
        Of the draws of trios and of rows. Same seed, same trials in the same order, as far as
        the time allows.
    overrides, data, store, n_jobs, listeners, allow_code
        As for :func:`compare`; `data` with one dataset.
    watch : callable, optional
        Called with each :class:`Trial` that has ended.
    began : float, optional
        The time of `time.monotonic` from which the seconds count; by default, that of the call.

    Returns
    -------
    SearchResult

    Raises
    ------
    ConfigError, DataError, CompositionError, MissingLibraryError
        If the request or the data are wrong; nothing is fitted then.
    DeadlineError
        If the time was over before any trio was fitted and scored.
    OutputError
        If the results or the store cannot be written.

    Notes
    -----
    Ranked is by the configuration's ``metric``, else without classes, also where there are any.
    Stages are fitted in another process, one after the other.
    """
    began = time.monotonic() if began is None else began
    _require_seconds(seconds)
    require_extra("search", "searching")
    planned = (
        config
        if isinstance(config, Planned)
        else plan_comparison(_filled(config), overrides, data=data, allow_code=allow_code)
    )
    grid = _ranked_without_classes(planned)
    material = _only(planned)
    folder = Path(out)
    require_own(folder, grid, [material])
    if (folder / MARK).exists() and not (folder / TRIALS).exists():
        text = f"{folder} has the results of a comparison, not of a search; choose another folder"
        raise ConfigError([Problem("--out", text)])
    stages = open_store(store, folder, grid, apart=True)
    rungs = rungs_of(grid, material, seed)
    sink = EventBus(listeners, default_catalogue().manager.hook)
    settings = Settings(
        stages.location, stage_threads(n_jobs, 1, None), grid.config.timeout,
        grid.config.memory_limit, uuid.uuid4().hex,
        ends=began + seconds - min(_SHARE_BACK * seconds, _MOST_BACK),
    )  # fmt: skip
    progress = _Progress(grid, rungs, folder, settings, sink, watch, began)
    _write_trials(folder, progress.trials, str(grid.config.metric))
    if not (folder / MARK).exists():
        write_mark(folder, grid, [material], rungs[-1].plan, stages.location)
    n_cells = len(rungs[-1].plan.cells)
    with (
        kept([rung.material for rung in rungs], stages),
        telling(sink, settings.run_id, folder, n_cells=n_cells, n_waiting=n_cells),
    ):
        exhausted, left = _climb(progress, Sampler(rungs[-1].cells, seed))
    reached = progress.reached_rung()
    if reached is None:
        raise DeadlineError(
            f"the {seconds:g} s ended before any trio was fitted and scored; give more time, or "
            f"components that take less. What was fitted is kept: started again with {folder}, "
            "the search resumes"
        )
    write_mark(
        folder, grid, [reached.material], reached.tried(progress.tried(reached)),
        stages.location,
    )  # fmt: skip
    table = _write_trials(folder, progress.trials, str(grid.config.metric))
    comparison = open_comparison(folder, store=stages, allow_code=planned.allow_code)
    comparison.session = Session(settings.run_id, sink)
    attempt("table", comparison.write_tables, comparison.missing)
    complete = reached is rungs[-1]
    return SearchResult(comparison, table, reached.n_rows, complete, exhausted, left)


def _filled(config: str | os.PathLike[str] | Mapping[str, Any]) -> Any:
    return with_all_installed(config) if isinstance(config, Mapping) else config


def _require_seconds(seconds: float) -> None:
    if not (math.isfinite(seconds) and seconds > 0):
        raise ConfigError([Problem("seconds", f"must be a positive number, got {seconds!r}")])


def _only(planned: Planned) -> Any:
    if len(planned.materials) > 1:
        names = ", ".join(material.name for material in planned.materials)
        raise ConfigError([Problem("data", f"a search is on one dataset, got {names}")])
    return planned.materials[0]


def _ranked_without_classes(planned: Planned) -> Grid:
    """The grid with the score that chooses, so that it is written down."""
    grid = planned.grid
    if grid.config.metric is not None:
        return grid
    # Columns that nothing turns into numbers have no distances.
    plain = any(material.rows.storage == "columns" for material in planned.materials) and not any(
        cell.task.clusterer.prepared() for cell in planned.plan.cells
    )
    metric = WITHOUT_CLASSES[-1 if plain else 0]
    config = attrs.evolve(grid.config, metric=metric)  # type: ignore[misc]
    return Grid(config, grid.choices)


class _Progress:
    """Values of what has been tried so far, by number of rows and trio; more is better."""

    def __init__(
        self,
        grid: Grid,
        rungs: Sequence[Rung],
        folder: Path,
        settings: Settings,
        sink: EventSink,
        watch: Callable[[Trial], None] | None,
        began: float,
    ) -> None:
        self.rungs, self.trials = rungs, list[Trial]()
        self.values: dict[int, dict[Trio, float]] = {rung.n_rows: {} for rung in rungs}
        self._metric = str(grid.config.metric)
        self._less = less_is_better(self._metric, announced())
        self._folder, self._settings, self._sink = folder, settings, sink
        self._watch, self._began = watch, began
        self._ended = {
            key: record
            for key, record in read_records(records_folder(folder)).items()
            if record["status"] in ("done", "failed")
        }

    def run(self, trio: Trio, place: int) -> None:
        """Fit and score a trio on the rows of a rung.

        Raises
        ------
        DeadlineError
        """
        rung = self.rungs[place]
        if trio not in rung.cells:
            self.values[rung.n_rows][trio] = math.nan  # too few rows for it
            return
        self._settings.require_time()
        cells = rung.cells[trio]
        left = [cell for cell in cells if cell.task.id not in self._ended]
        if left:
            known = failed_before(rung.plan.cells, self._ended)
            self._ended |= run_cells(left, self._settings, self._folder, None, self._sink, known)
        scores = [self._ended[cell.task.id].get(self._metric) for cell in cells]
        value = math.nan if None in scores else float(np.mean(np.asarray(scores, np.float64)))
        self.values[rung.n_rows][trio] = -value if self._less else value
        trial = Trial(trio, rung.n_rows, value, time.monotonic() - self._began)
        self.trials.append(trial)
        if self._watch is not None:
            self._watch(trial)

    def best_of(self, place: int, trios: Iterable[Trio]) -> list[Trio]:
        """Trios by their values on a rung, the best first; those without one are left out."""
        values = self.values[self.rungs[place].n_rows]
        known = [trio for trio in trios if not math.isnan(values.get(trio, math.nan))]
        return sorted(known, key=lambda trio: -values[trio])

    def tried(self, rung: Rung) -> list[Trio]:
        """Trios that were run on a rung, in that order."""
        return [trio for trio in self.values[rung.n_rows] if trio in rung.cells]

    def reached_rung(self) -> Rung | None:
        """The rung of most rows with a value, else with a failure; ``None`` if none ended."""
        downwards = [rung for rung in reversed(self.rungs) if self.tried(rung)]
        for rung in downwards:
            if any(math.isfinite(value) for value in self.values[rung.n_rows].values()):
                return rung
        return downwards[0] if downwards else None

    def reached(self, trio: Trio) -> list[float]:
        """Values of a trio, the one with the fewest rows first."""
        found = (self.values[rung.n_rows].get(trio) for rung in self.rungs)
        return [value for value in found if value is not None]


def _climb(progress: _Progress, sampler: Sampler) -> tuple[bool, int]:
    """Try trios until the time is over or none is left: whether that is so, and how many are."""
    last = len(progress.rungs) - 1
    drawn: list[Trio] = []
    try:
        while sampler.left:
            trios: list[Trio] = []
            while sampler.left and len(trios) < (_ROUND if last else 1):
                trios.append(sampler.propose())
                progress.run(trios[-1], 0)
            drawn += trios
            promoted = trios
            for place in range(1, last + 1):
                promoted = progress.best_of(place - 1, promoted)[: _share(len(trios), place)]
                for trio in promoted:
                    progress.run(trio, place)
            for trio in trios:
                ended = trio in progress.values[progress.rungs[-1].n_rows]
                sampler.learn(trio, progress.reached(trio), ended=ended)
        for place in range(1, last + 1):
            unfit = [trio for trio in drawn if trio not in progress.rungs[place - 1].cells]
            for trio in [*progress.best_of(place - 1, drawn), *unfit]:
                if trio not in progress.values[progress.rungs[place].n_rows]:
                    progress.run(trio, place)
    except DeadlineError:
        return False, sampler.left
    return True, 0


def _share(count: int, place: int) -> int:
    """Number of trios of a round that get to a rung."""
    return int(max(1, -(-count // FACTOR**place)))


def _write_trials(folder: Path, trials: Sequence[Trial], metric: str) -> pd.DataFrame:
    import pandas as pd

    names = ["scaler", "embedder", "manifolder", "clusterer", "n_clusters"]
    rows = [[*trial.trio, trial.n_rows, trial.value, trial.seconds] for trial in trials]
    table = pd.DataFrame(rows, columns=[*names, "n_rows", metric, "seconds"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; choose another") from error
    text = to_csv(table, costs=True)
    write_atomic(own_file(folder, TRIALS), text.encode())
    return table
