"""Content of the report of one run: a fitted model and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from n2d_framework.metrics.contents.observed_series import ObservedSeries
from n2d_framework.metrics.contents.telling_words import Word
from n2d_framework.metrics.hierarchy import Hierarchy
from n2d_framework.pages.map_columns import MapColumn
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["RunView"]


@attrs.frozen(kw_only=True, eq=False)
class RunView:
    """Content of a report: a fitted model and its rows.

    Attributes
    ----------
    name : str
        Of the data.
    labels : int64 array of shape (n,)
    coordinates : array of shape (n, m)
        What was clustered.
    plane : array of shape (n, 2), optional
        Where rows are drawn; by default the principal plane of `coordinates`.
    axes : tuple of str
        What the axes of `plane` are, and how it came about.
    rows : array of shape (n, ...), optional
        The rows in their own units.
    feature_names : sequence of str
        One for each value of a row; empty if values have no names that say anything.
    image_shape : tuple of int, optional
        Of a row as an image, if rows are images.
    texts : sequence of str, optional
        What each row says, where rows are texts.
    columns : sequence of MapColumn
        What rows of mixed kinds can be coloured by.
    series : ObservedSeries, optional
        The rows, if they are series.
    thumbnails : array of shape (n, ...), or of str, optional
        Pictures of the rows, where these are not images: images, or paths of files.
    ids : sequence of str, optional
    truth : int array of shape (n,), optional
        Position of the row's class in `classes`.
    classes : sequence of str
        Names of the true classes.
    strengths : array of shape (n,), optional
        Strength of each row's membership.
    confidence : array of shape (n,), optional
        Confidence of each row's label.
    numbers : mapping, optional
        Criteria for the number of clusters, where it was chosen: ``n_clusters``, ``by``, ``best``
        and ``candidates``, as :class:`~n2d_framework.pipeline.after_fit.choosing.NumbersOfClusters`
        gives them.
    names : mapping of int to str
        Names of clusters, where they have some.
    words : mapping of int to sequence of Word
        Words of clusters by label, where rows are texts.
    said_of_words : str
        A sentence on how they were found.
    tree : Hierarchy, optional
        Over the clusters.
    scores : mapping of str to float
    facts : mapping of str to str
        What is said of the run, at the head of the page.
    config : mapping
        That repeats the run.
    warnings : sequence of str
    treatments : mapping of str to pairs of str
        For each prepare component what it did to the data: what and how.
    random_state : int
    keep_rows : bool, default True
        Whether the page may hold values, ids, texts and images of single rows.
    """

    name: str
    labels: IntArray
    coordinates: AnyArray
    plane: AnyArray | None = None
    axes: tuple[str, ...] = ()
    rows: AnyArray | None = None
    feature_names: Sequence[str] = ()
    image_shape: tuple[int, ...] | None = None
    texts: Sequence[str] | None = None
    columns: Sequence[MapColumn] = ()
    series: ObservedSeries | None = None
    thumbnails: AnyArray | None = None
    ids: Sequence[str] | None = None
    truth: IntArray | None = None
    classes: Sequence[str] = ()
    strengths: AnyArray | None = None
    confidence: AnyArray | None = None
    numbers: Mapping[str, Any] | None = None
    names: Mapping[int, str] = attrs.field(factory=dict)
    words: Mapping[int, Sequence[Word]] = attrs.field(factory=dict)
    said_of_words: str = ""
    tree: Hierarchy | None = None
    scores: Mapping[str, float] = attrs.field(factory=dict)
    facts: Mapping[str, str] = attrs.field(factory=dict)
    config: Mapping[str, Any] = attrs.field(factory=dict)
    warnings: Sequence[str] = ()
    treatments: Mapping[str, Sequence[tuple[str, str]]] = attrs.field(factory=dict)
    random_state: int = 0
    keep_rows: bool = True

    def cluster_name(self, label: int) -> str:
        """The name of a cluster."""
        if label == NOISE:
            return "noise"
        return self.names.get(label) or f"cluster {label}"

    def row_name(self, row: int) -> str:
        """The id of a row, or its number."""
        return f"row {row}" if self.ids is None else str(self.ids[row])

    def value_names(self, number: int) -> list[str]:
        """Names of the values of a row."""
        return list(self.feature_names) or [f"feature {i}" for i in range(number)]
