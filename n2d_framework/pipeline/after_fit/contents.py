"""Contents of clusters, as descriptions and reports give them: prototypes and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np

from n2d_framework.metrics.cluster_profile import Profile
from n2d_framework.metrics.contents.prototypes import (
    Prototype,
    by_windows,
    prototypes,
    shown_steps,
    telling_windows,
)
from n2d_framework.metrics.contents.telling_words import Word, telling_words
from n2d_framework.pages.shown_rows import ShownRows
from n2d_framework.readable import readable_text
from n2d_framework.types import IntArray

__all__ = ["Contents", "words_of_clusters"]

#: Steps of a prototype that descriptions have, of longer series evenly spaced ones.
_MOST_STEPS = 200
#: Words of a cluster where no component names any.
_WORDS = 10
_PLAIN = (
    "Words weigh the difference between the share of texts that have them in the cluster and in "
    "all others, in standard deviations. The package n2d-text names clusters by class-based tf-idf."
)


def words_of_clusters(
    shown: ShownRows, labels: IntArray, descriptions: Mapping[str, Any]
) -> tuple[dict[int, tuple[Word, ...]], str]:
    """Words of clusters of texts, and a sentence on how they were found.

    Parameters
    ----------
    shown : ShownRows
    labels : int64 array of shape (n,)
    descriptions : mapping
        What describe components said, by their names: the ``words`` of the last that has some, each
        with ``word`` and ``weight``, count.

    Returns
    -------
    dict of int to tuple of Word
        By label; empty if rows are not texts.
    str
    """
    for name, said in reversed([*descriptions.items()]):
        found = _of_component(said)
        if found:
            return (
                found,
                f"Words and their weights are those of {name}, from the rows of the fit.",
            )
    if shown.texts is None or shown.features is not None:
        return {}, ""
    plain = dict(telling_words(shown.texts, labels, _WORDS))
    return plain, _PLAIN if any(plain.values()) else ""


def _of_component(said: Any) -> dict[int, tuple[Word, ...]]:
    clusters = said.get("clusters") if isinstance(said, Mapping) else None
    found = {}
    for about in clusters if isinstance(clusters, list) else []:
        listed = about.get("words") if isinstance(about, Mapping) else None
        words = [
            Word(one["word"], float(one["weight"]))
            for one in (listed if isinstance(listed, list) else [])
            if isinstance(one, Mapping)
            and isinstance(one.get("word"), str)
            and isinstance(one.get("weight"), (int, float))
        ]
        if words and isinstance(about.get("label"), int):
            found[about["label"]] = tuple(words)
    return found


@attrs.frozen(eq=False)
class Contents:
    """Contents of clusters as plain values.

    Attributes
    ----------
    profiles : sequence of Profile
        Of series with what sets them apart by channel and time.
    series : dict or None
        What all prototypes share: ``channels``, ``axis``, ``steps`` and ``times``.
    prototypes : mapping of int to Prototype
    words : mapping of int to tuple of Word
    said_of_words : str
    texts : mapping of int to list of dict
        Beginnings of typical texts, with ids.
    """

    profiles: Sequence[Profile]
    series: dict[str, Any] | None = None
    prototypes: Mapping[int, Prototype] = attrs.field(factory=dict)
    words: Mapping[int, tuple[Word, ...]] = attrs.field(factory=dict)
    said_of_words: str = ""
    texts: Mapping[int, list[dict[str, Any]]] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls,
        shown: ShownRows,
        labels: IntArray,
        profiles: Sequence[Profile],
        descriptions: Mapping[str, Any],
        ids: Sequence[Any] | None,
        *,
        number: int,
    ) -> Self:
        """Look into the rows.

        Parameters
        ----------
        shown : ShownRows
        labels : int64 array of shape (n,)
        profiles : sequence of Profile
        descriptions : mapping
        ids : sequence, optional
            Names of rows; ``None`` if nothing of a single row may be given.
        number : int
            How many stretches of time set a cluster of series apart.
        """
        if shown.series is not None:
            series = shown.series
            windows = telling_windows(series, labels, number)
            steps = shown_steps(series.n_steps, _MOST_STEPS)
            about = {
                "channels": list(series.channels),
                "axis": series.steps.axis,
                "steps": steps.tolist(),
                "times": [series.steps.texts[step] for step in steps],
            }
            found = by_windows(profiles, windows)
            return cls(found, about, prototypes(series, labels, steps))
        words, said = words_of_clusters(shown, labels, descriptions)
        texts = {}
        if ids is not None and shown.texts is not None and shown.features is None:
            texts = {
                one.label: [
                    {"id": ids[row], "text": readable_text(shown.texts[row])}
                    for row in one.exemplars
                ]
                for one in profiles
            }
        return cls(profiles, words=words, said_of_words=said, texts=texts)

    def of_all(self) -> dict[str, Any]:
        """Values that are given once for all clusters."""
        found: dict[str, Any] = {}
        if self.series is not None:
            found["series"] = self.series
        if self.said_of_words:
            found["words"] = self.said_of_words
        return found

    def of_cluster(self, label: int) -> dict[str, Any]:
        """Values of one cluster."""
        found: dict[str, Any] = {}
        if self.series is not None:
            found["prototype"] = _as_values(self.prototypes[label], self.series["channels"])
        if self.said_of_words:
            found["words"] = [attrs.asdict(word) for word in self.words.get(label, ())]
        if label in self.texts:
            found["texts"] = self.texts[label]
        return found


def _as_values(prototype: Prototype, channels: Sequence[str]) -> list[dict[str, Any]]:
    """A prototype by channels; ``None`` where no row has the step."""
    parts = {name: getattr(prototype, name) for name in ("mean", "low", "high")}
    return [
        {"channel": channel}
        | {
            name: [None if np.isnan(value) else value for value in values[i].tolist()]
            for name, values in parts.items()
        }
        | {"rows": prototype.rows[i].tolist()}
        for i, channel in enumerate(channels)
    ]
