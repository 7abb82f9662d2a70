"""Words that texts of a cluster have and others lack, whatever the language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import grouped
from n2d_framework.types import AnyArray, IntArray

__all__ = ["Word", "telling_words"]

#: Texts that are looked at, of more evenly spaced ones, and the most frequent words of them.
_MOST_TEXTS, _MOST_WORDS = 20_000, 20_000
#: Texts of a cluster that have a word of it at least, and the share of them.
_LEAST, _LEAST_SHARE = 2, 0.05


@attrs.frozen
class Word:
    """A word of a cluster.

    Attributes
    ----------
    word : str
    weight : float
        The more, the more it sets the cluster apart.
    """

    word: str
    weight: float


def telling_words(
    texts: Sequence[str], labels: IntArray, number: int
) -> Mapping[int, tuple[Word, ...]]:
    """Find the words that set clusters of texts apart.

    A word weighs the difference between the share of the texts of the cluster that have it and that
    of all others, in pooled standard deviations (Cohen's d of having it). Words that all texts
    have alike, such as articles, weigh nothing: no list of them is needed.

    Parameters
    ----------
    texts : sequence of str
    labels : int64 array of shape (n,)
    number : int
        At most so many words of a cluster.

    Returns
    -------
    mapping of int to tuple of Word
        By label; empty if there is one cluster only, or no word that two texts of a cluster have,
        and one in twenty. Of more than 20,000 texts so many are looked at.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    groups = grouped(labels)
    found: dict[int, tuple[Word, ...]] = {label: () for label, _ in groups}
    chosen = np.arange(len(texts))
    if len(chosen) > _MOST_TEXTS:
        chosen = np.linspace(0, len(texts) - 1, _MOST_TEXTS).round().astype(int)
    vectorizer = CountVectorizer(binary=True, min_df=1, max_features=_MOST_WORDS, dtype=np.int64)
    try:
        has = vectorizer.fit_transform([texts[row] for row in chosen.tolist()])
    except ValueError:  # no word in any text
        return found
    words = vectorizer.get_feature_names_out()
    everywhere = np.asarray(has.sum(axis=0)).ravel()
    for label, own in grouped(labels[chosen]):
        size, rest = len(own), len(chosen) - len(own)
        if rest:
            inside = np.asarray(has[own].sum(axis=0)).ravel()
            often = inside >= max(_LEAST, _LEAST_SHARE * size)
            weights = np.where(often, _effects(inside, everywhere - inside, size, rest), 0.0)
            order = np.argsort(-weights, kind="stable")[:number]
            found[label] = tuple(
                Word(str(words[j]), float(weights[j])) for j in order if weights[j] > 0
            )
    return found


def _effects(inside: AnyArray, outside: AnyArray, size: int, rest: int) -> AnyArray:
    """Cohen's d of having a word; half a text more on both sides keeps it finite."""
    here, there = (inside + 0.5) / (size + 1), (outside + 0.5) / (rest + 1)
    within = size * here * (1 - here) + rest * there * (1 - there)
    found: AnyArray = (here - there) / np.sqrt(within / (size + rest))
    return found
