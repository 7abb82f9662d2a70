"""Averaged vectors of words."""

from __future__ import annotations

from typing import Any, Literal, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import (
    AnyArray,
    FitContext,
    FloatArray,
    N2DError,
    component,
    learned,
    option,
    packed,
    require_fitted,
)
from n2d_text.text_words import Counts, Separation
from n2d_text.word_counts import (
    checked_texts,
    log_frequencies,
    stop_list,
    strings_of_state,
    unit_rows,
    warn_of_unknown,
)
from n2d_text.word_vectors import PACKAGES, VectorFiles, WordVectors

__all__ = ["StaticWords"]

_NAME = "static_words"
#: Texts whose sums are held at once.
_BLOCK = 4096


def _read(owner: StaticWords, stored: Any) -> WordVectors:
    return WordVectors.from_state(stored, owner.vectors)


@component
class StaticWords:
    """The mean of the vectors of a text's words, brought to length 1.

    Words are runs of at least two letters or digits, in lower case. Vectors are those of a file,
    which has one for each word, or for each piece of words that its tokenizer finds: a word is then
    the sum of its pieces. What comes with an installed package or lies in a file is read; nothing
    is downloaded.

    Words without a vector do not count. A text without any word that counts is placed at the
    origin; how many there are, and whether most words of new texts are unknown, is reported by a
    :class:`~n2d_framework.errors.DataWarning`.

    Attributes
    ----------
    vectors_ : WordVectors
        What is known of words.

    References
    ----------
    Wieting, Bansal, Gimpel and Livescu 2016, Towards universal paraphrastic sentence embeddings,
    ICLR.
    """

    vectors: str = option(
        "wordllama",
        help="Where the vectors are: wordllama, for those that this package brings (English, 256 "
        "dimensions); or a path to a .txt or .vec (word2vec's text format, GloVe; also .gz), an "
        ".npz, a .safetensors with its tokenizer.json, or a folder of model2vec.",
    )
    stop_words: str | None = option(
        "english",
        help="Language whose most frequent words are left out: english, or a code such as de, fr "
        "or es (install n2d-text[languages]); null leaves none out.",
    )
    sublinear_tf: bool = option(
        True, help="Whether a word that is there n times weighs 1 + log(n) instead of n."
    )
    keep: Literal["auto", "all", "seen", "reference"] = option(
        "auto",
        help="What a bundle holds: all vectors; those of the words that the training texts had, so "
        "that new words are unknown; or a reference, the digest of the files that must then lie at "
        "the same path. auto is a reference to an installed package, which is there where n2d-text "
        "is, and all vectors of a file.",
    )
    normalize: bool = option(True, help="Whether latent rows are brought to length 1.")
    stop_words_: tuple[str, ...] | None = learned(write=packed, read=strings_of_state)
    vectors_: WordVectors | None = learned(write=WordVectors.as_state, read=_read)

    def check_input(self, n_rows: int, row_shape: tuple[int, ...]) -> list[str]:
        """Reasons why so many texts cannot be fitted, or the vectors not be read."""
        reasons = [] if n_rows >= 1 else [f"{_NAME} needs at least 1 text, got 0"]
        try:
            VectorFiles.of(self.vectors)
            stop_list(self.stop_words)
        except N2DError as error:
            reasons.append(str(error))
        return reasons

    def fit(self, x: AnyArray, *, context: FitContext) -> Self:
        """Read the vectors, and learn which words texts have.

        Parameters
        ----------
        x : array of str, shape (n,)
        context : FitContext

        Raises
        ------
        DataError
            If the vectors cannot be read, something is not a string, or no text has a known word.
        """
        self.fit_transform(x, context=context)
        return self

    def fit_transform(self, x: AnyArray, *, context: FitContext) -> FloatArray:
        """Fit, and return latent rows of the training texts."""
        texts = checked_texts(x, _NAME)
        self.stop_words_ = stop_list(self.stop_words)
        vectors = VectorFiles.of(self.vectors).read()
        if self.keep == "seen":
            vectors = vectors.part(self._separation().all_words(texts))
        refers = self.keep == "reference" or (self.keep == "auto" and self.vectors in PACKAGES)
        self.vectors_ = attrs.evolve(vectors, elsewhere=refers)
        context.resources.check()
        return self.transform(x)

    def transform(self, x: AnyArray) -> FloatArray:
        """Latent rows of texts.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float32 array of shape (n, d)

        Raises
        ------
        DataError
            If something is not a string.
        StateError
            If not fitted.
        """
        texts, vectors = checked_texts(x, _NAME), require_fitted(self.vectors_, _NAME)
        latent = np.empty((len(texts), vectors.table.shape[1]), dtype=np.float32)
        counts, found = self._counts(texts)
        for start in range(0, len(texts), _BLOCK):
            block = slice(start, start + _BLOCK)
            latent[block] = self._means(counts.matrix[block], found)
        warn_of_unknown(counts.known, counts.unknown, _NAME)
        return latent

    def coverage(self, x: AnyArray) -> FloatArray:
        """Share of the words of each text that have a vector; 0 for texts without words.

        Stop words do not count.

        Parameters
        ----------
        x : array of str, shape (n,)

        Returns
        -------
        float64 array of shape (n,)
        """
        return self._counts(checked_texts(x, _NAME))[0].coverage

    def _separation(self) -> Separation:
        return Separation(stop_words=require_fitted(self.stop_words_, _NAME))

    def _counts(self, texts: list[str]) -> tuple[Counts, NDArray[np.float64]]:
        """Counts of the known words of texts, and the vectors of these words."""
        separation = self._separation()
        # In the order of the words, so that sums do not depend on the other texts.
        words, vectors = require_fitted(self.vectors_, _NAME).of(separation.all_words(texts))
        counts = separation.known(texts, {word: i for i, word in enumerate(words)})
        return counts, vectors.astype(np.float64)

    def _means(self, counts: Any, vectors: NDArray[np.float64]) -> FloatArray:
        weights = counts.copy()
        if self.sublinear_tf:
            weights.data = log_frequencies(weights.data)
        if not weights.shape[1]:
            return np.zeros((weights.shape[0], vectors.shape[1]), dtype=np.float32)
        sums = weights @ vectors
        if self.normalize:
            return unit_rows(sums).astype(np.float32)
        totals = np.asarray(weights.sum(axis=1)).reshape(-1, 1)
        return np.asarray(sums / np.where(totals > 0, totals, 1.0), dtype=np.float32)
