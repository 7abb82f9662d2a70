"""The results of a comparison."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.analysis import result_tables
from n2d_framework.analysis.missing_scores import no_score
from n2d_framework.core.rows import Rows, Schema
from n2d_framework.core.scores import WITHOUT_CLASSES
from n2d_framework.core.state import need
from n2d_framework.errors import (
    BundleError,
    ConfigError,
    DataError,
    Problem,
    StateError,
    did_you_mean,
)
from n2d_framework.experiment.mark import own_file, recorded_store
from n2d_framework.experiment.materials import ids_of, truth_of
from n2d_framework.pipeline import N2D
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.stored_arrays import rows_of
from n2d_framework.types import AnyArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from n2d_framework.analysis.label_free import LabelFree
    from n2d_framework.analysis.paired import Paired
    from n2d_framework.analysis.significance import Significance
    from n2d_framework.experiment.comparison_events import Session

__all__ = ["Comparison"]


class Comparison:
    """Results of a comparison; made by :func:`n2d_framework.compare`.

    Attributes
    ----------
    out : Path
        Output folder.
    config : dict
        The configuration, with all defaults.
    data : list of dict
        The datasets: name, number of rows, shape of a row, number of classes.
    illegal : list of dict
        Trios that could not be run, each with the reason.
    notes : list of str
    session : Session or None
        Is notified of files written from now on; ``None`` for results that were opened later.
    allow_code : bool
        Whether :meth:`best` may import code that the configuration names.
    missing : dict of str to str
        Files that could not be written after everything had been run (``table``, ``report``), and
        why. The results are in the folder all the same.
    """

    def __init__(self, out: Path, mark: dict[str, Any], records: dict[str, dict[str, Any]]) -> None:
        self.out = out
        self.config: dict[str, Any] = mark["config"]
        self.data: list[dict[str, Any]] = mark["data"]
        self.illegal: list[dict[str, Any]] = mark["illegal"]
        self.notes: list[str] = mark["notes"]
        self._recorded: str | None = mark["store"]
        self._cells: list[dict[str, Any]] = mark["cells"]
        # A folder of an earlier version has none.
        self._less: dict[str, bool | None] = mark.get("less_is_better", {})
        self._records = records
        self.session: Session | None = None
        self.allow_code = False
        self.missing: dict[str, str] = {}

    @cached_property
    def store(self) -> StageStore:
        """The stage store: that of the folder, if it is on this machine, or what was given."""
        return StageStore(recorded_store(self._recorded, self.out))

    def __repr__(self) -> str:
        done, planned = sum(r["status"] == "done" for r in self._relevant()), len(self._cells)
        return f"Comparison({str(self.out)!r}: {done} of {planned} cells done)"

    def _relevant(self) -> list[dict[str, Any]]:
        waiting = {"status": "waiting"}
        return [self._records.get(cell["cell"], waiting) for cell in self._cells]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per cell, in the order of the plan.

        Columns: what the cell is (``data, scaler, embedder, manifolder, clusterer,
        n_clusters, seed``); ``status`` (``done``, ``failed``, ``lost`` with its worker, or
        ``waiting``); the scores, and the losses that networks ended with; seconds and peak
        memory (MiB) of each stage; ``error``, ``traceback``, ``warnings``, ``versions``; and for
        each stage its content key and all options. Label metrics are absent where no dataset
        has true classes.
        """
        return result_tables.full_table(self._cells, self._relevant(), self.config.get("metric"))

    @property
    def metrics(self) -> list[str]:
        """Names of the scores in the table."""
        return result_tables.score_columns(self.table)

    @property
    def metric(self) -> str:
        """The score by which cells are ranked unless another is named."""
        chosen = self.config.get("metric")
        if chosen is not None:
            return self._known(chosen)
        if "acc" in self.metrics:
            return "acc"
        known = [n for n in WITHOUT_CLASSES if n in self.table and self.table[n].notna().any()]
        return known[0] if known else WITHOUT_CLASSES[-1]

    def _known(self, metric: str | None) -> str:
        if metric is None:
            return self.metric
        if metric not in self.metrics:
            hint = did_you_mean(metric, self.metrics, noun="metric")
            raise ConfigError([Problem("metric", f"unknown metric {metric!r}; {hint}")])
        return metric

    def _directed(self, metric: str | None) -> str:
        from n2d_framework.metrics.directions import announced, has_direction

        known = self._known(metric)
        if not has_direction(known, announced() | self._less):
            raise ConfigError([Problem("metric", f"{known!r} has no direction: none is the best")])
        return known

    def less_is_better(self, metric: str) -> bool:
        """Return whether smaller values of a metric are better; of plugins', as the folder says."""
        from n2d_framework.metrics.directions import announced, less_is_better

        return less_is_better(metric, announced() | self._less)

    @property
    def failures(self) -> pd.DataFrame:
        """The cells that failed or were lost, with error and traceback."""
        return self.table[self.table["status"].isin(("failed", "lost"))]

    def leaderboard(self, metric: str | None = None) -> pd.DataFrame:
        """Methods by their mean over seeds, the best first, with 95 % intervals.

        Parameters
        ----------
        metric : str, optional

        Returns
        -------
        DataFrame
            One row per dataset and method: ``data``, ``method``, the axes, ``seeds``,
            ``failed``, ``mean``, ``low`` and ``high`` (``nan`` with one seed).
        """
        from n2d_framework.analysis.intervals import leaderboard

        metric = self._known(metric)
        return leaderboard(self.table, metric, ascending=self.less_is_better(metric))

    def best(self, metric: str | None = None, *, data: str | None = None) -> N2D:
        """The best cell as a fitted model, from the store: nothing is fitted again.

        But for adapted classes, of which the store has only what they gave: they are fitted
        again, and it is made sure that they give the same.

        Parameters
        ----------
        metric : str, optional
            What to judge by; :attr:`metric` by default.
        data : str, optional
            Name of the dataset; needed where there are several.

        Returns
        -------
        N2D

        Raises
        ------
        ConfigError
            If the metric or dataset is unknown, or must be named; if the metric has no
            direction; or the cell imports code,
            and that was not permitted.
        DataError
            If no cell has that score, or the store has lost a stage; or a stage that has to be
            fitted again is of other code than it was, or gives something else.
        """
        from n2d_framework.experiment.restoring import restore

        metric, table = self._directed(metric), self.table
        asked = table[table["data"] == self._data_name(data)]
        table = asked.dropna(subset=[metric])
        if table.empty:
            raise DataError(no_score(asked, metric))
        place = table[metric].idxmin() if self.less_is_better(metric) else table[metric].idxmax()
        cell = table[table.index == place].iloc[0]
        about = next(item for item in self.data if item["name"] == cell["data"])
        schema = Schema.of_data(about)
        return restore(cell, self.store, schema, allow_code=self.allow_code)

    def _data_name(self, data: str | None) -> str:
        names = [str(item["name"]) for item in self.data]
        data = names[0] if data is None and len(names) == 1 else data
        if data not in names:
            said = "must be named" if data is None else f"unknown dataset {data!r}"
            raise ConfigError([Problem("data", f"{said}: one of {', '.join(names)}")])
        return data

    def significance(self, metric: str | None = None, *, posthoc: str = "nemenyi") -> Significance:
        """Compare methods over datasets.

        Parameters
        ----------
        metric : str, optional
        posthoc : {"nemenyi", "wilcoxon-holm"}, default "nemenyi"

        Returns
        -------
        Significance
            See :func:`n2d_framework.analysis.significance.compare_methods`.
        """
        from n2d_framework.analysis.significance import compare_methods

        metric = self._known(metric)
        better = self.less_is_better(metric)
        return compare_methods(self.table, metric, less_is_better=better, posthoc=posthoc)

    def against(self, baseline: Any = None, metric: str | None = None) -> Paired:
        """Compare every method with one of them, pair by pair.

        Parameters
        ----------
        baseline : mapping or str, optional
            The trio to compare with, as ``{embedder: …, manifolder: …, clusterer: …}`` or the
            name that :meth:`leaderboard` gives it; the configuration's by default.
        metric : str, optional

        Returns
        -------
        Paired
            See :func:`n2d_framework.analysis.paired.against_baseline`.
        """
        from n2d_framework.analysis.paired import against_baseline
        from n2d_framework.experiment.baseline import find_method

        wanted = self.config.get("baseline") if baseline is None else baseline
        method = find_method(wanted, self._cells, result_tables.methods(self.table))
        metric = self._known(metric)
        less = self.less_is_better(metric)
        return against_baseline(self.table, metric, method, less_is_better=less)

    def label_free(self) -> LabelFree:
        """Ranking of methods without true classes, and its agreement with them.

        Returns
        -------
        LabelFree
            See :func:`n2d_framework.analysis.label_free.rank_without_labels`.
        """
        from n2d_framework.analysis.label_free import rank_without_labels

        return rank_without_labels(self.table, self._labels)

    def numbers_of_clusters(self) -> pd.DataFrame:
        """Criteria for the number of clusters, for methods that were run with several.

        Returns
        -------
        DataFrame
            One row per dataset, method and number: ``bic``, ``silhouette``, ``dbcv`` (means
            over seeds) and ``stability``; and ``best_by``, the criteria that choose it.
        """
        from n2d_framework.analysis.label_free import curves

        return curves(self.table, self._labels)

    def to_csv(self, path: str | os.PathLike[str] | None = None, *, costs: bool = False) -> str:
        """The table as CSV.

        Parameters
        ----------
        path : path, optional
            Where to write it as well.
        costs : bool, default False
            Whether seconds and memory are in it, which differ from run to run. Without them
            the same comparison gives the same bytes.
        """
        return result_tables.written(result_tables.to_csv(self.table, costs=costs), path)

    def to_markdown(
        self, path: str | os.PathLike[str] | None = None, *, metrics: Sequence[str] | None = None
    ) -> str:
        """Means over seeds with intervals as a Markdown table; see :meth:`leaderboard`."""
        return result_tables.written(result_tables.to_markdown(self._summary(metrics)), path)

    def to_latex(
        self, path: str | os.PathLike[str] | None = None, *, metrics: Sequence[str] | None = None
    ) -> str:
        """Means over seeds with intervals as a LaTeX table (package booktabs)."""
        return result_tables.written(result_tables.to_latex(self._summary(metrics)), path)

    def _summary(self, metrics: Sequence[str] | None) -> pd.DataFrame:
        from n2d_framework.analysis.intervals import summary

        chosen = metrics or [m for m in ("acc", "nmi", "ari", "silhouette") if m in self.metrics]
        by = self.metric
        known = [self._known(metric) for metric in chosen]
        return summary(self.table, known, by, ascending=self.less_is_better(by))

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        pictures: int = 6,
        max_points: int = 2000,
    ) -> Path:
        """Write one self-contained HTML file; see :func:`n2d_framework.report.write_report`."""
        from n2d_framework.report import write_report

        return write_report(self, path, pictures=pictures, max_points=max_points)

    def write_tables(self) -> None:
        """Write ``table.csv`` (the same bytes for the same comparison) to the output folder."""
        path = self.own_file("table.csv")
        self.to_csv(path)
        self.written("table", path)

    def own_file(self, name: str) -> Path:
        """Path of a file in the output folder, to be written; links are refused."""
        return own_file(self.out, name)

    def written(self, kind: str, path: Path) -> None:
        """Notify listeners of the comparison that was just run of a file that has been written."""
        if self.session is not None:
            self.session.written(kind, path)

    def rows(self, key: str) -> Rows:
        """Rows of a dataset as they were loaded, from the store, by their content key."""
        return rows_of(self.store.location, key)

    def truth(self, key: str) -> IntArray:
        """True classes of a dataset as codes, from the store, by their content key."""
        return truth_of(self.store.location, key)

    def ids(self, key: str) -> list[str]:
        """Ids of the rows of a dataset, from the store, by their content key."""
        return ids_of(self.store, key)

    def _labels(self, key: str) -> AnyArray:
        try:
            found = self.store.read(key)
            if found is not None:
                labels: AnyArray = need(need(found[1], "output", dict), "values", np.ndarray)
                if labels.ndim == 1 and labels.dtype.kind in "iu":
                    return labels
                raise StateError("its output is not labels")
            reason = "is missing"
        except (BundleError, StateError) as error:
            reason = f"is damaged ({error})"
        text = f"{self.store}: the entry {key[:12]}… {reason}; run the comparison in a new folder"
        raise DataError(text)
