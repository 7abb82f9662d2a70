"""Words that set clusters apart, and the texts that have most of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import ClusteredRows, DataError, component, option
from n2d_text.text_words import Analyzer, Separation
from n2d_text.word_counts import checked_texts, least_and_greatest, stop_list

__all__ = ["ClassTfidf", "class_words"]

_NAME = "class_tfidf"


@component
class ClassTfidf:
    """Class-based tf-idf: clusters named by the words that they have and other clusters lack.

    All texts of a cluster count as one. A word weighs its share of the words of the cluster, times
    ``log(1 + A / f)``, where `f` is how often all texts have the word and `A` how many words a
    cluster has on average. Typical are the texts whose own words, weighted by ``log(1 + A / f)``,
    point most nearly in the direction of these weights.

    Notes
    -----
    Descriptions show texts: those of the typical rows, shortened to `excerpt` characters, under
    the key ``examples``; ``excerpt: 0`` leaves them out. Words are those of at least `min_df`
    texts. Bundles saved without rows have no descriptions.

    References
    ----------
    Grootendorst 2022, BERTopic: Neural topic modeling with a class-based TF-IDF procedure,
    arXiv:2203.05794.
    """

    n_words: int = option(10, ge=1, help="How many words of a cluster are named.")
    n_examples: int = option(3, ge=0, help="How many typical texts of a cluster are named.")
    excerpt: int = option(
        200,
        ge=0,
        help="Most characters of a typical text that are shown; 0 shows none, but row and id.",
    )
    stop_words: str | None = option(
        "english",
        help="Language whose most frequent words are left out: english, or a code such as de, fr "
        "or es (install n2d-text[languages]); null leaves none out.",
    )
    ngram_range: tuple[int, int] = option(
        (1, 1), ge=1, help="Least and greatest number of words in a row that count as one."
    )
    analyzer: Analyzer = option(
        "word", help="What is counted: words, or characters in a row within words (char_wb)."
    )
    min_df: int = option(
        2, ge=1, help="Least number of texts that have a word; 1 may name what one text alone has."
    )

    def __attrs_post_init__(self) -> None:
        least_and_greatest(self.ngram_range)

    def describe(self, rows: ClusteredRows) -> Mapping[str, Any]:
        """Describe clusters and, as label -1, noise.

        Parameters
        ----------
        rows : ClusteredRows
            Its `x` are texts.

        Returns
        -------
        mapping
            ``clusters``: a list with one mapping for each label, in ascending order: ``label``,
            ``size``, ``share``, ``name`` (the first four words; ``None`` without words), ``words``
            (a list of ``word`` and ``weight``, by descending weight) and ``examples`` (a list of
            ``row``, ``id`` where rows have some, and ``text``, the most typical first).

        Raises
        ------
        DataError
            If something is not a string, or no word is left.
        """
        texts = checked_texts(rows.x, _NAME)
        found = class_words(
            texts,
            rows.labels,
            stop_words=self.stop_words,
            ngram_range=self.ngram_range,
            analyzer=self.analyzer,
            min_df=self.min_df,
        )
        clusters = []
        for i, label in enumerate(found.labels.tolist()):
            members = np.flatnonzero(rows.labels == label)
            words = found.top(i, self.n_words)
            clusters.append(
                {
                    "label": label,
                    "size": len(members),
                    "share": len(members) / len(rows.labels),
                    "name": ", ".join(word for word, _ in words[:_NAMED]) or None,
                    "words": [{"word": word, "weight": weight} for word, weight in words],
                    "examples": [
                        self._example(rows, row, texts[row])
                        for row in found.typical(i, members)[: self.n_examples]
                    ],
                }
            )
        return {"clusters": clusters}

    def _example(self, rows: ClusteredRows, row: int, text: str) -> dict[str, Any]:
        about: dict[str, Any] = {"row": row}
        if rows.ids is not None:
            about["id"] = str(rows.ids[row])
        if self.excerpt:
            text = " ".join(text.split())
            short = len(text) > self.excerpt
            about["text"] = text[: self.excerpt - 1] + "…" if short else text
        return about


#: Words that make the name of a cluster.
_NAMED = 4


@attrs.frozen(eq=False)
class ClassWords:
    """Words of clusters, weighted by class-based tf-idf.

    Attributes
    ----------
    labels : int64 array of shape (k,)
        Ascending.
    words : tuple of str
    weights : float64 array of shape (k, words)
    texts : scipy.sparse.csr_array of shape (n, words)
        Words of each text, weighted in the same way.
    """

    labels: NDArray[np.int64]
    words: tuple[str, ...]
    weights: NDArray[np.float64]
    texts: Any

    def top(self, i: int, count: int) -> list[tuple[str, float]]:
        """Words of a cluster and their weights, by descending weight, then by the alphabet."""
        order = np.argsort(-self.weights[i], kind="stable")[:count]
        return [(self.words[j], float(self.weights[i, j])) for j in order if self.weights[i, j] > 0]

    def typical(self, i: int, members: NDArray[np.int64]) -> list[int]:
        """Rows of a cluster, by falling cosine of their words and those of the cluster."""
        own = self.texts[members]
        lengths = np.sqrt(np.asarray((own * own).sum(axis=1)).ravel())
        along = np.asarray(own @ self.weights[i]).ravel()
        cosine = np.divide(along, lengths, out=np.zeros_like(along), where=lengths > 0)
        found: list[int] = members[np.argsort(-cosine, kind="stable")].tolist()
        return found


def class_words(
    texts: list[str],
    labels: NDArray[np.int64],
    *,
    stop_words: str | None = "english",
    ngram_range: tuple[int, int] = (1, 1),
    analyzer: Analyzer = "word",
    min_df: int = 2,
) -> ClassWords:
    """Weigh the words of clusters.

    Parameters
    ----------
    texts : list of str, length n
    labels : int64 array of shape (n,)
    stop_words, ngram_range, analyzer, min_df
        As the options of :class:`ClassTfidf`.

    Raises
    ------
    DataError
        If no word is left.
    """
    from scipy import sparse

    separation = Separation(analyzer, ngram_range, stop_list(stop_words))
    words, found = separation.learned(texts, min_df=min_df)
    if not words:
        raise DataError(f"{_NAME}: no word is in at least min_df={min_df} texts; lower it")
    counts = found.matrix
    kinds, which = np.unique(labels, return_inverse=True)
    member = sparse.csr_array((np.ones(len(which)), (which, np.arange(len(which)))))
    by_class = (member @ counts).toarray()
    inverse = np.log1p(by_class.sum() / len(kinds) / by_class.sum(axis=0))
    totals = by_class.sum(axis=1, keepdims=True)
    weights = by_class / np.where(totals > 0, totals, 1.0) * inverse
    counts.data *= inverse[counts.indices]
    return ClassWords(kinds, words, weights, counts)
