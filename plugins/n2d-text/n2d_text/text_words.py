"""Counts of the words of texts, made once for all that ask."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

__all__ = ["Analyzer", "Counts", "Separation"]

Analyzer: TypeAlias = Literal["word", "char_wb"]

#: What scikit-learn takes for words, without the boundaries: runs are found whole in any case.
_WORDS = re.compile(r"(?u)\w\w+")
#: Collections of texts whose words are kept, each of at most so many occurrences of a word in a
#: text: those of a fit, and the rows that are predicted at its end.
_KEPT, _MOST_KEPT = 2, 5_000_000


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


@attrs.frozen
class Separation:
    """The way in which texts are separated into words, one of scikit-learn's.

    Attributes
    ----------
    analyzer : {"word", "char_wb"}
        Runs of at least two letters or digits; or runs of characters within words.
    ngram_range : tuple of int
        Least and greatest number of words, or characters, in a row that count as one.
    stop_words : tuple of str
        Left out before words are put in a row; of no effect on runs of characters.
    """

    analyzer: Analyzer = "word"
    ngram_range: tuple[int, int] = (1, 1)
    stop_words: tuple[str, ...] = ()

    def words(self, text: str) -> list[str]:
        """The words of a text, in its order."""
        found: list[str] = self._analyze(text)
        return found

    def known(self, texts: Sequence[str], columns: Mapping[str, int]) -> Counts:
        """Count the words that have a column.

        Parameters
        ----------
        texts : sequence of str
        columns : mapping of str to int
            0, 1, 2, ... in any order.
        """
        every = _counted(texts, self)
        places = [columns.get(word, -1) for word in every.words]
        return every.part(np.asarray(places, dtype=np.int32), len(columns))

    def all_words(self, texts: Sequence[str]) -> tuple[str, ...]:
        """All words of some texts, in ascending order."""
        return _counted(texts, self).words

    def learned(
        self,
        texts: Sequence[str],
        *,
        min_df: int,
        max_df: float = 1.0,
        max_features: int | None = None,
    ) -> tuple[tuple[str, ...], Counts]:
        """Words of texts, in ascending order, and how often each text has them.

        Parameters
        ----------
        texts : sequence of str
        min_df : int
            Least number of texts that have a word.
        max_df : float
            Greatest share of the texts that have a word.
        max_features : int, optional
            Most words, the most frequent ones.

        Returns
        -------
        words : tuple of str
            None if no word is within these bounds.
        counts : Counts
        """
        every = _counted(texts, self)
        df = np.bincount(every.matrix.indices, minlength=len(every.words))
        chosen = np.flatnonzero((df >= min_df) & (df <= max_df * len(texts)))
        if max_features is not None and len(chosen) > max_features:
            times = np.bincount(
                every.matrix.indices, weights=every.matrix.data, minlength=len(every.words)
            )[chosen]
            # By scikit-learn's sort, so that words of one frequency are chosen as it does.
            chosen = np.sort(chosen[(-times.astype(np.int64)).argsort()[:max_features]])
        places = np.full(len(every.words), -1, dtype=np.int32)
        places[chosen] = np.arange(len(chosen))
        return tuple(every.words[i] for i in chosen.tolist()), every.part(places, len(chosen))

    @cached_property
    def _analyze(self) -> Callable[[str], list[str]]:
        from sklearn.feature_extraction.text import CountVectorizer

        leaves_out = self.analyzer == "word" and self.stop_words
        made = CountVectorizer(
            analyzer=self.analyzer,
            ngram_range=self.ngram_range,
            stop_words=list(self.stop_words) if leaves_out else None,
        )
        found: Callable[[str], list[str]] = made.build_analyzer()
        return found

    @property
    def single(self) -> bool:
        """True where single words are counted."""
        return self.analyzer == "word" and self.ngram_range == (1, 1)


@attrs.frozen(eq=False)
class _AllCounts:
    """All words of texts, ascending, and a CSR array of how often each text has each of them."""

    words: tuple[str, ...]
    matrix: Any

    def part(self, places: NDArray[np.int32], width: int) -> Counts:
        """Counts of the words that have a column among `width`; the others have -1."""
        from scipy import sparse

        to, all_of = places[self.matrix.indices], self.matrix.data
        inside = to >= 0
        ends = np.append(0, np.cumsum(inside))[self.matrix.indptr]
        matrix = sparse.csr_array(
            (all_of[inside].astype(np.float64), to[inside], ends), shape=(len(ends) - 1, width)
        )
        matrix.sort_indices()
        summed = np.append(0, np.cumsum(np.where(inside, 0, all_of), dtype=np.int64))
        return Counts(matrix, np.diff(summed[self.matrix.indptr]))


class _Kept:
    """Counts that were made last; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[bytes, Separation], _AllCounts] = OrderedDict()

    def get(self, key: tuple[bytes, Separation]) -> _AllCounts | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: tuple[bytes, Separation], found: _AllCounts) -> None:
        if found.matrix.nnz > _MOST_KEPT:
            return
        with self._lock:
            self._found[key] = found
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)


_kept = _Kept()


def _counted(texts: Sequence[str], separation: Separation) -> _AllCounts:
    key = _digest(texts), separation
    found = _kept.get(key)
    if found is None:
        found = _count(texts, separation)
        _kept.put(key, found)
    return found


def _digest(texts: Iterable[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        written = text.encode("utf-8", "surrogatepass")
        digest.update(len(written).to_bytes(8, "little"))
        digest.update(written)
    return digest.digest()


def _count(texts: Iterable[str], separation: Separation) -> _AllCounts:
    from scipy import sparse

    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    number = numbers.__getitem__
    occurrences, ends = array("i"), [0]
    for text in texts:
        found = _WORDS.findall(text.lower()) if separation.single else separation.words(text)
        occurrences.extend(map(number, found))
        ends.append(len(occurrences))
    left_out = set(separation.stop_words) if separation.single else set()
    words = tuple(sorted(word for word in numbers if word not in left_out))
    places = np.full(len(numbers), -1, dtype=np.int32)
    places[[numbers[word] for word in words]] = np.arange(len(words))
    to = places[np.frombuffer(occurrences, dtype=np.intc)] if occurrences else places
    inside = to >= 0
    rows = np.append(0, np.cumsum(inside))[ends]
    matrix = sparse.csr_array(
        (np.ones(rows[-1], dtype=np.int32), to[inside], rows), shape=(len(ends) - 1, len(words))
    )
    matrix.sum_duplicates()
    return _AllCounts(words, matrix)
