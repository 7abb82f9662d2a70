"""Strings of a table as numbers: by the pieces that they are made of, or hashed as a whole."""

from __future__ import annotations

from typing import Any, Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.common.one_thread import one_blas_thread
from n2d_builtin.prepare.categories import distinct_strings
from n2d_framework.plugin import AnyArray, learned

__all__ = ["Strings"]

#: N-grams are distinguished by this many hashes.
_BUCKETS: Final = 4096
_LENGTHS: Final = (2, 4)


def _pieces(strings: list[str]) -> Any:
    """Damped counts of n-grams within words: a CSR matrix of shape (n, 4096)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    counted = HashingVectorizer(
        analyzer="char_wb", ngram_range=_LENGTHS, n_features=_BUCKETS, alternate_sign=False,
        norm=None,
    ).transform(strings)  # fmt: skip
    counted.data = np.log1p(counted.data)
    return counted


def _signs(strings: list[str], width: int) -> NDArray[np.float64]:
    """One of so many features, 1 or -1, by a hash of the whole string."""
    from sklearn.feature_extraction import FeatureHasher

    hashed = FeatureHasher(n_features=width, input_type="string").transform([s] for s in strings)
    return np.asarray(hashed.toarray())


@attrs.frozen(eq=False)
class Strings:
    """Knowledge of ``t`` columns of strings, with ``w`` features each.

    Attributes
    ----------
    grams : bool array of shape (t,)
        Whether a column is treated by n-grams.
    weight : float64 array of shape (g, 4096)
        Inverse document frequencies, for each column that is.
    components : float64 array of shape (g, 4096, w)
        Right singular vectors.
    mean : float64 array of shape (t, w)
    factor : float64 array of shape (t,)
        0 for columns with one value.
    """

    grams: NDArray[np.bool_] = learned(shape=..., dtype="bool", init=True)
    weight: NDArray[np.float64] = learned(shape=..., dtype="float64", ge=0, init=True)
    components: NDArray[np.float64] = learned(shape=..., dtype="float64", init=True)
    mean: NDArray[np.float64] = learned(shape=..., dtype="float64", init=True)
    factor: NDArray[np.float64] = learned(shape=..., dtype="float64", ge=0, init=True)

    @classmethod
    def of(cls, columns: list[AnyArray], grams: list[bool], width: int, seed: int) -> Self:
        """Learn from columns of strings, with ``None`` for missing values.

        Parameters
        ----------
        columns : list of object arrays of shape (n,)
        grams : list of bool
            Whether each is treated by n-grams, or hashed as a whole.
        width : int
            Number of features of each column.
        seed : int
            Of the singular value decomposition.
        """
        made = cls(
            grams=np.array(grams, dtype=bool),
            weight=np.zeros((sum(grams), _BUCKETS)),
            components=np.zeros((sum(grams), _BUCKETS, width)),
            mean=np.zeros((len(columns), width)),
            factor=np.zeros(len(columns)),
        )
        for number, values in enumerate(columns):
            codes, found = distinct_strings(values)
            counts = np.bincount(codes[codes >= 0], minlength=len(found)).astype(np.float64)
            if len(found) < 2:
                continue
            if grams[number]:
                made._learn_pieces(int(np.sum(grams[:number])), found, counts, seed)
            features, share = made._features(number, found), counts / counts.sum()
            made.mean[number] = share @ features
            spread = float((share @ np.square(features - made.mean[number])).sum())
            made.factor[number] = 1.0 / np.sqrt(spread) if spread > 0 else 0.0
        return made

    def _learn_pieces(
        self, place: int, strings: list[str], counts: NDArray[np.float64], seed: int
    ) -> None:
        from sklearn.utils.extmath import randomized_svd

        pieces = _pieces(strings)
        found = np.asarray((pieces > 0).T @ counts)
        self.weight[place] = np.log((1.0 + counts.sum()) / (1.0 + found)) + 1.0
        rows = _lengthened(pieces, self.weight[place])
        width = min(self.components.shape[2], *(extent - 1 for extent in rows.shape))
        if width < 1:
            return
        weighed = rows.multiply(np.sqrt(counts)[:, None]).tocsr()
        with one_blas_thread(look_again=True):
            *_, axes = randomized_svd(weighed, width, random_state=seed)
        self.components[place, :, :width] = axes.T

    def _features(self, number: int, strings: list[str]) -> NDArray[np.float64]:
        width = self.mean.shape[1]
        if not self.grams[number]:
            return _signs(strings, width)
        place = int(self.grams[:number].sum())
        rows = _lengthened(_pieces(strings), self.weight[place])
        return np.asarray(rows @ self.components[place])

    def transform(self, number: int, values: AnyArray) -> AnyArray:
        """Features of a column; those of missing values are the mean."""
        codes, found = distinct_strings(values)
        if not self.factor[number]:
            return np.zeros((len(codes), 0))
        rows = np.zeros((len(found) + 1, self.mean.shape[1]))
        if found:
            features = self._features(number, found)
            rows[1:] = (features - self.mean[number]) * self.factor[number]
        return rows[codes + 1]

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state cannot be used."""
        count, some = len(self.grams), int(self.grams.sum())
        width = self.mean.shape[1:]
        shapes = [
            (self.weight.shape, (some, _BUCKETS)),
            (self.components.shape, (some, _BUCKETS, *width)),
            (self.mean.shape, (count, *width)),
            (self.factor.shape, (count,)),
        ]
        right = self.mean.ndim == 2 and all(found == wanted for found, wanted in shapes)
        return [] if right else ["its arrays do not fit together"]


def _lengthened(pieces: Any, weight: NDArray[np.float64]) -> Any:
    """Weighted counts, each row of length 1."""
    from sklearn.preprocessing import normalize

    return normalize(pieces.multiply(weight).tocsr())
