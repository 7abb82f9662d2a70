"""Words of texts: how they are separated, which are left out, and how often each occurs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import (
    AnyArray,
    ConfigError,
    DataError,
    DataWarning,
    Problem,
    StateError,
    unpacked_strings,
)

__all__ = [
    "Analyze", "Analyzer", "Counts", "analyze_with", "checked_texts", "count_words",
    "learned_counts", "least_and_greatest", "log_frequencies", "stop_list", "strings_of_state",
    "unit_rows", "warn_of_unknown",
]  # fmt: skip

Analyzer: TypeAlias = Literal["word", "char_wb"]
Analyze: TypeAlias = Callable[[str], list[str]]

#: Share of unknown words above which the user is warned.
_MANY_UNKNOWN = 0.5


@attrs.frozen(eq=False)
class Counts:
    """Occurrences of known words in texts.

    Attributes
    ----------
    matrix : scipy.sparse.csr_array of shape (n, words), float64
        Sorted indices, each once.
    unknown : int64 array of shape (n,)
        Occurrences of words that are not known.
    """

    matrix: Any
    unknown: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.int64]:
        """Occurrences of known words in each text."""
        return np.asarray(self.matrix.sum(axis=1)).astype(np.int64).ravel()

    @property
    def coverage(self) -> NDArray[np.float64]:
        """Share of the words of each text that are known; 0 for texts without words."""
        return np.asarray(self.known / np.maximum(self.known + self.unknown, 1))


def checked_texts(x: Any, name: str) -> list[str]:
    """Texts as a list, with an empty one where a text is missing.

    Parameters
    ----------
    x : array of str or None, shape (n,)
    name : str
        Of the component, for messages.

    Raises
    ------
    DataError
        If `x` has another shape, or holds something else; with the first row.
    """
    shape = np.shape(x)
    if len(shape) != 1:
        raise DataError(
            f"{name} takes texts, one string per row, and got an array of shape {shape}; choose "
            "one column of texts"
        )
    # An empty field of a table is a gap.
    texts = ["" if text is None else text for text in np.asarray(x, dtype=object)]
    wrong = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise DataError(
            f"{name}: the text of row {wrong} is a {type(texts[wrong]).__name__}; leave the row "
            "out, or write it as a string"
        )
    return texts


def stop_list(language: str | None) -> tuple[str, ...]:
    """Words that say little of what a text is about.

    Parameters
    ----------
    language : str or None
        ``"english"`` is scikit-learn's list; a code of ISO 639-1 is that of the package
        ``stopwordsiso``. ``None`` leaves no word out.

    Returns
    -------
    tuple of str
        Sorted, in the form in which words are counted.

    Raises
    ------
    ConfigError
        If there is no such list, or its package is not installed; with what there is.
    """
    if language is None:
        return ()
    if language == "english":
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return tuple(sorted(ENGLISH_STOP_WORDS))
    if find_spec("stopwordsiso") is None:
        text = (
            f"{language!r} needs the package stopwordsiso; install n2d-text[languages], or choose "
            "english or null"
        )
        raise ConfigError([Problem("stop_words", text)])
    import stopwordsiso

    if language not in stopwordsiso.langs():
        known = ", ".join(sorted(stopwordsiso.langs()))
        text = f"there is no list for {language!r}; choose null, english, or one of {known}"
        raise ConfigError([Problem("stop_words", text)])
    separate = analyze_with("word", (1, 1), ())
    words = {word for item in stopwordsiso.stopwords(language) for word in separate(item)}
    return tuple(sorted(words))


def analyze_with(
    analyzer: Analyzer, ngram_range: tuple[int, int], stop_words: Sequence[str]
) -> Analyze:
    """A function that gives the words of a text, as scikit-learn separates them.

    Parameters
    ----------
    analyzer : {"word", "char_wb"}
        Runs of at least two letters or digits; or runs of characters within words.
    ngram_range : tuple of int
        Least and greatest number of words, or characters, in a row that count as one.
    stop_words : sequence of str
        Left out before words are put in a row.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    made = CountVectorizer(
        analyzer=analyzer,
        ngram_range=ngram_range,
        stop_words=list(stop_words) if analyzer == "word" and stop_words else None,
    )
    found: Analyze = made.build_analyzer()
    return found


def least_and_greatest(ngram_range: tuple[int, int]) -> None:
    """Refuse a range that falls.

    Raises
    ------
    ConfigError
    """
    if ngram_range[0] > ngram_range[1]:
        raise ConfigError([Problem("ngram_range", f"must not fall, got {list(ngram_range)}")])


def count_words(bags: Iterable[Mapping[str, int]], known: Mapping[str, int]) -> Counts:
    """Count words.

    Parameters
    ----------
    bags : iterable of mapping of str to int
        How often each text has each of its words.
    known : mapping of str to int
        The column of each known word.
    """
    from scipy import sparse

    values: list[int] = []
    columns: list[int] = []
    ends, unknown = [0], []
    for bag in bags:
        row = sorted((known[word], times) for word, times in bag.items() if word in known)
        columns += [column for column, _ in row]
        values += [times for _, times in row]
        ends.append(len(columns))
        unknown.append(sum(bag.values()) - sum(times for _, times in row))
    matrix = sparse.csr_array(
        (np.asarray(values, dtype=np.float64), np.asarray(columns, dtype=np.int64), ends),
        shape=(len(unknown), len(known)),
    )
    return Counts(matrix, np.asarray(unknown, dtype=np.int64))


def learned_counts(
    texts: Sequence[str], analyze: Analyze, **limits: Any
) -> tuple[tuple[str, ...], Counts]:
    """Words of texts, in ascending order, and how often each text has them.

    Parameters
    ----------
    texts : sequence of str
    analyze : callable
        Gives the words of a text.
    **limits
        ``min_df``, ``max_df`` and ``max_features`` of scikit-learn's ``CountVectorizer``: a word
        beyond them is not known.

    Raises
    ------
    ValueError
        If no word is left.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer

    lengths: list[int] = []

    def noted(text: str) -> list[str]:
        words = analyze(text)
        lengths.append(len(words))
        return words

    counter = CountVectorizer(analyzer=noted, **limits)
    matrix = sparse.csr_array(counter.fit_transform(texts), dtype=np.float64)
    matrix.sort_indices()
    found = Counts(matrix, np.zeros(len(lengths), dtype=np.int64))
    unknown = np.asarray(lengths, dtype=np.int64) - found.known
    return tuple(counter.get_feature_names_out().tolist()), attrs.evolve(found, unknown=unknown)


def log_frequencies(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """``1 + log(count)`` of each positive count, the same bits wherever it stands."""
    distinct, place = np.unique(counts, return_inverse=True)
    return np.array([1.0 + math.log(count) for count in distinct.tolist()])[place]


def unit_rows(z: AnyArray) -> NDArray[np.float64]:
    """Rows of length 1, in float64; rows of zeros stay as they are."""
    rows = np.asarray(z, dtype=np.float64)
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))


def warn_of_unknown(known: NDArray[np.int64], unknown: NDArray[np.int64], name: str) -> None:
    """Report texts without a known word, and texts most of whose words are not known.

    Parameters
    ----------
    known, unknown : int64 array of shape (n,)
        Occurrences in each text.
    name : str
        Of the component.

    Warns
    -----
    DataWarning
    """
    without = np.flatnonzero(known == 0)
    if without.size:
        warnings.warn(
            f"{name}: {without.size} of {len(known)} texts are empty or have no word that the "
            f"model knows, the first is row {without[0]}; all of them get the same coordinates, "
            "the origin",
            DataWarning,
            stacklevel=3,
        )
    missed, total = int(unknown.sum()), int(unknown.sum() + known.sum())
    if missed > _MANY_UNKNOWN * total:
        warnings.warn(
            f"{name}: the model does not know {missed} of {total} words of these texts "
            f"({missed / total:.0%}); they do not count. Are they of the kind and language that it "
            "was fitted on?",
            DataWarning,
            stacklevel=3,
        )


def strings_of_state(_: Any, stored: Any) -> tuple[str, ...]:
    """Strings in a state that ``packed`` gave.

    Raises
    ------
    StateError
        If it is something else.
    """
    if not isinstance(stored, Mapping):
        raise StateError("strings in a state must be a mapping of values and ends")
    return tuple(unpacked_strings(stored))
