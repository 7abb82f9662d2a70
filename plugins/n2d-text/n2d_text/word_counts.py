"""Texts and their words: what is taken, which words are left out, what is said of unknown ones."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

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
from n2d_text.text_words import Separation

__all__ = [
    "checked_texts", "least_and_greatest", "log_frequencies", "stop_list", "strings_of_state",
    "unit_rows", "warn_of_unknown",
]  # fmt: skip

#: Share of unknown words above which the user is warned.
_MANY_UNKNOWN = 0.5


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
    separate = Separation()
    words = {word for item in stopwordsiso.stopwords(language) for word in separate.words(item)}
    return tuple(sorted(words))


def least_and_greatest(ngram_range: tuple[int, int]) -> None:
    """Refuse a range that falls.

    Raises
    ------
    ConfigError
    """
    if ngram_range[0] > ngram_range[1]:
        raise ConfigError([Problem("ngram_range", f"must not fall, got {list(ngram_range)}")])


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
