"""The view of a comparison that a report takes: results, and what they were computed from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from n2d_framework.analysis.label_free import LabelFree
    from n2d_framework.analysis.paired import Paired
    from n2d_framework.analysis.significance import Significance
    from n2d_framework.core.rows import Rows
    from n2d_framework.plan.store.stage_store import StageStore
    from n2d_framework.types import IntArray

__all__ = ["ComparisonView"]


class ComparisonView(Protocol):
    """A comparison as it is read, finished or not.

    :class:`n2d_framework.experiment.Comparison` is one. A floor that only reads results needs no
    more, and so does not import how they come about.

    Attributes
    ----------
    config : dict
        The configuration, with all defaults.
    data : list of dict
        The datasets: name, number of rows, shape of a row, number of classes, keys.
    illegal : list of dict
        Trios that could not be run, each with the reason.
    notes : list of str
    """

    config: dict[str, Any]
    data: list[dict[str, Any]]
    illegal: list[dict[str, Any]]
    notes: list[str]

    @property
    def table(self) -> pd.DataFrame:
        """One row per cell, in the order of the plan."""

    @property
    def metrics(self) -> list[str]:
        """Names of the scores in the table."""

    @property
    def metric(self) -> str:
        """The score by which cells are ranked."""

    @property
    def store(self) -> StageStore:
        """The store of the fitted stages."""

    def less_is_better(self, metric: str) -> bool:
        """Return whether smaller values of a metric are better."""

    def significance(self) -> Significance:
        """Compare methods over datasets."""

    def against(self) -> Paired:
        """Compare every method with the configuration's baseline."""

    def label_free(self) -> LabelFree:
        """Rank methods without true classes."""

    def numbers_of_clusters(self) -> pd.DataFrame:
        """Criteria for the number of clusters."""

    def rows(self, key: str) -> Rows:
        """Rows of a dataset as they were loaded, by their content key."""

    def truth(self, key: str) -> IntArray:
        """True classes of a dataset as codes, by their content key."""

    def ids(self, key: str) -> list[str]:
        """Ids of the rows of a dataset, by their content key."""

    def own_file(self, name: str) -> Path:
        """Path of a file in the comparison's folder, to be written."""

    def written(self, kind: str, path: Path) -> None:
        """Notify listeners of a file that has been written."""
