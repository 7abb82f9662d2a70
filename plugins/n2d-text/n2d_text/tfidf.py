"""Weighted word counts, reduced: latent semantic analysis."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    FloatArray,
    State,
    component,
    derive_seed,
    held_state,
    learned,
    option,
    packed,
    require_fitted,
    resolve,
)
from n2d_text.text_words import Analyzer, Counts, Separation
from n2d_text.word_counts import (
    checked_texts,
    least_and_greatest,
    log_frequencies,
    stop_list,
    strings_of_state,
    unit_rows,
    warn_of_unknown,
)

__all__ = ["TfidfSvd"]

_NAME = "tfidf_svd"


def _held(reduction: Any) -> Any:
    return held_state("embedder", reduction)


def _restored(owner: TfidfSvd, stored: Any) -> Any:
    return owner.new_reduction(stored)


@component
class TfidfSvd:
    """Latent semantic analysis: counts of words, weighted and reduced to some dimensions.

    A word that a text has `c` times weighs ``c / (c + k (1 - b + b l / m))``, as in Okapi BM25,
    times ``1 + log((1 + n) / (1 + df))``, where `k` and `b` are `saturation` and
    `length_weight`, the text has `l` words that count, the median of the training texts is `m`,
    and `df` of these `n` texts have the word; weights of a text are brought to length 1. A sparse
    embedder reduces them, and latent rows are brought to length 1 again, so that euclidean
    neighbours are those of the cosine.

    Words that no training text had, or too few or too many, do not count. A text without any
    known word is placed at the origin; how many there are, and whether most words of new texts are
    unknown, is reported by a :class:`~n2d_framework.errors.DataWarning`, and for each text by
    :meth:`coverage`.

    Attributes
    ----------
    words_ : tuple of str
        The vocabulary, sorted.
    idf_ : float64 array of shape (words,)
        Weight of each word.
    usual_length_ : float
        Median number of words that count, of training texts that have any; missing in states that
        were written before lengths counted, whose words weigh ``1 + log(count)``.
    reduction_ : embedder
        The fitted component that `reduction` names.

    References
    ----------
    Deerwester, Dumais, Furnas, Landauer and Harshman 1990, Indexing by latent semantic analysis,
    Journal of the American Society for Information Science 41.
    """

    latent_dim: int = option(
        100, ge=1, help="Dimensions; never more than there are texts or words."
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
        "word",
        help="What is counted: words of at least two letters or digits; or char_wb, characters in "
        "a row within words, for languages that put no spaces between words (with ngram_range: "
        "[2, 3]).",
    )
    min_df: int = option(2, ge=1, help="Least number of texts that have a word that counts.")
    max_df: float = option(
        0.5, gt=0, le=1, help="Greatest share of texts that have a word that counts."
    )
    max_features: int | None = option(
        20_000, ge=1, help="Most words, the most frequent ones; null keeps all."
    )
    saturation: float | None = option(
        1.2,
        gt=0,
        help="Number of times at which a word weighs half of the most that it can, in a text of "
        "usual length (k1 of BM25): the first occurrence says most. null: as sublinear_tf says.",
    )
    length_weight: float = option(
        0.75,
        ge=0,
        le=1,
        help="How far that number grows with the length of the text (b of BM25): a word that a "
        "long text has once says less. 0: not at all, 1: in proportion.",
    )
    sublinear_tf: bool = option(
        True,
        help="Without saturation: whether a word that is there n times weighs 1 + log(n) instead "
        "of n.",
    )
    normalize: bool = option(True, help="Whether latent rows are brought to length 1.")
    reduction: str | Mapping[str, Any] = option(
        "truncated_svd",
        holds="embedder",
        help="Embedder of sparse rows that reduces the weights: truncated_svd or nmf, or a mapping "
        "with name and options. latent_dim is that of tfidf_svd unless it is among these.",
    )
    words_: tuple[str, ...] | None = learned(write=packed, read=strings_of_state)
    stop_words_: tuple[str, ...] | None = learned(write=packed, read=strings_of_state)
    idf_: NDArray[np.float64] | None = learned(shape=("words",), dtype="float64", gt=0)
    usual_length_: float | None = learned(dtype=float, gt=0, optional=True)
    reduction_: Any = learned(write=_held, read=_restored)

    def __attrs_post_init__(self) -> None:
        least_and_greatest(self.ngram_range)

    def new_reduction(self, state: Any = None) -> Any:
        """The component that `reduction` names, of `latent_dim` dimensions.

        Parameters
        ----------
        state : State, optional
            Of a fitted one.
        """
        given = self.reduction
        spec = dict(given) if isinstance(given, Mapping) else {"name": given}
        return resolve("embedder", {"latent_dim": self.latent_dim, **spec}, state=state)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why so many texts cannot be fitted."""
        reasons = [] if n_rows >= 2 else [f"{_NAME} needs at least 2 texts, got {n_rows}"]
        if self.max_df * n_rows < self.min_df:
            reasons.append(
                f"no word can be in at least min_df={self.min_df} and at most "
                f"max_df={self.max_df:g} of {n_rows} texts; lower min_df or raise max_df"
            )
        try:
            stop_list(self.stop_words)
        except ConfigError as error:
            reasons.append(str(error))
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Learn vocabulary, weights and axes of texts.

        Parameters
        ----------
        x : array of str, shape (n,)
        context : FitContext

        Raises
        ------
        DataError
            If something is not a string, or no word is left.
        """
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit, and return latent rows of the training texts."""
        texts = checked_texts(x, _NAME)
        reasons = self.check_input(len(texts), ())
        if reasons:
            raise DataError("; ".join(reasons))
        self.stop_words_ = stop_list(self.stop_words)
        self.words_, counts = self._learned(texts)
        vars(self).pop("_columns", None)
        context.resources.check()
        df = np.bincount(counts.matrix.indices, minlength=len(self.words_))
        self.idf_ = 1.0 + np.log((1 + len(texts)) / (1 + df))
        # Not the mean, which one text of a million words would change for all.
        self.usual_length_ = float(np.median(counts.known[counts.known > 0]))
        weights = self._weighted(counts)
        inner = attrs.evolve(context, seed=derive_seed(context.seed, "reduction"))
        self.reduction_ = self.new_reduction()
        self.reduction_.fit(weights, context=inner)
        return self._placed(counts, weights)

    def transform(self, x: AnyArray) -> FloatArray:
        """Latent rows of texts.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float32 array of shape (n, latent_dim)

        Raises
        ------
        DataError
            If something is not a string.
        StateError
            If not fitted.
        """
        counts = self._counts(x)
        return self._placed(counts, self._weighted(counts))

    def coverage(self, x: AnyArray) -> FloatArray:
        """Share of the words of each text that the model knows; 0 for texts without words.

        Stop words do not count.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float64 array of shape (n,)
        """
        return self._counts(x).coverage

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: lengths of texts did not count; for its texts they still do not.

        Returns
        -------
        State
        """
        del version
        return {**state, "usual_length": None}

    def check_learned(self) -> list[str]:
        """Reasons why a state that was read does not fit together."""
        words, idf = require_fitted(self.words_, _NAME), require_fitted(self.idf_, _NAME)
        if len(set(words)) == len(words) == len(idf):
            return []
        return [
            f"state 'words' has {len(set(words))} different words, 'idf' has {len(idf)} weights"
        ]

    def _learned(self, texts: list[str]) -> tuple[tuple[str, ...], Counts]:
        words, counts = self._separation().learned(
            texts, min_df=self.min_df, max_df=float(self.max_df), max_features=self.max_features
        )
        if not words:
            raise DataError(
                f"{_NAME}: no word is left of {len(texts)} texts: of at least min_df={self.min_df} "
                f"texts, at most a share max_df={self.max_df:g}, without stop words "
                f"({self.stop_words}); lower min_df, raise max_df, or choose analyzer: char_wb"
            )
        return words, counts

    def _separation(self) -> Separation:
        stop_words = require_fitted(self.stop_words_, _NAME)
        return Separation(self.analyzer, self.ngram_range, stop_words)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {word: column for column, word in enumerate(require_fitted(self.words_, _NAME))}

    def _counts(self, x: AnyArray) -> Counts:
        require_fitted(self.reduction_, _NAME)
        return self._separation().known(checked_texts(x, _NAME), self._columns)

    def _weighted(self, counts: Counts) -> Any:
        """Weights of words in texts: a CSR array of shape (n, words), float32, rows of length 1."""
        from sklearn.preprocessing import normalize

        found, usual = counts.matrix.copy(), self.usual_length_
        if self.saturation is not None and usual is not None:
            share = self.length_weight
            half = self.saturation * (1.0 - share + share * counts.known / usual)
            found.data /= found.data + np.repeat(half, np.diff(found.indptr))
        elif self.sublinear_tf:
            found.data = log_frequencies(found.data)
        found.data *= require_fitted(self.idf_, _NAME)[found.indices]
        return normalize(found, copy=False).astype(np.float32)

    def _placed(self, counts: Counts, weights: Any) -> FloatArray:
        warn_of_unknown(counts.known, counts.unknown, _NAME)
        latent = require_fitted(self.reduction_, _NAME).transform(weights)
        if not self.normalize:
            return np.asarray(latent, dtype=np.float32)
        return unit_rows(latent).astype(np.float32)
