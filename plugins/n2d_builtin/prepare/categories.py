"""Categories of a table, one feature for each that is frequent enough."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_builtin.prepare.measures import Balance
from n2d_framework.plugin import AnyArray, StateError, learned, packed, unpacked_strings

__all__ = ["Categories", "Lookup", "distinct_strings", "missing_in"]

#: What a feature stands for.
_NAMED, _POOLED, _ABSENT = 0, 1, 2
_SUFFIX: Final = {_POOLED: " other", _ABSENT: " missing"}


def distinct_strings(values: AnyArray) -> tuple[NDArray[np.int64], list[str]]:
    """Number of the string that each value is, by first occurrence, and the strings.

    Parameters
    ----------
    values : array of shape (n,)
        Strings, or ``None`` for missing values, which get -1.
    """
    strings = values.tolist()
    found = [value for value in dict.fromkeys(strings) if value is not None]
    numbers = {None: -1} | {value: number for number, value in enumerate(found)}
    codes = np.fromiter(map(numbers.__getitem__, strings), np.int64, len(strings))
    return codes, found


def missing_in(values: AnyArray) -> AnyArray:
    """Where a column of any kind has no value: a bool array of shape (n,)."""
    if values.dtype.kind in "fM":
        return np.asarray(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values))
    if values.dtype.kind != "O":
        return np.zeros(len(values), dtype=bool)
    # What is missing in columns of strings is None, whatever stood for it.
    return np.fromiter((value is None for value in values.tolist()), bool, len(values))


def _hashed(names: list[str]) -> NDArray[np.uint64]:
    """A hash of each string, the same in every process."""
    digests = b"".join(
        hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=8).digest()
        for name in names
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


@attrs.frozen(eq=False)
class Lookup:
    """Features of one column.

    Attributes
    ----------
    known : mapping of str to int
        Row of `table` of each category.
    rows : float64 array of shape (r + 1, f)
        Features of each category, of the rare ones and of missing values; last those of values of
        which nothing is known: the mean.
    other, missing : int
        Rows of rare and of missing values.
    rare : frozenset of int
        Hashes of categories that were rare.
    suffixes : list of str
        What follows the name of the column in names of features.
    """

    known: Mapping[str, int]
    rows: NDArray[np.float64]
    other: int
    missing: int
    rare: frozenset[int]
    suffixes: list[str]

    @classmethod
    def of(
        cls, names: list[str], role: AnyArray, share: AnyArray, rare: frozenset[int],
        balance: Balance,
    ) -> Self:  # fmt: skip
        """Make the features of categories of these names, roles and shares."""
        count = len(names)
        said = zip(names, role.tolist(), strict=True)
        suffixes = [_SUFFIX.get(kind, f"={name}") for name, kind in said]
        if count == 2:  # one feature says which
            rows, suffixes = np.array([[0.0], [1.0]]) * balance.of_either(share[1:]), suffixes[1:]
        else:
            rows = np.diag(balance.of_category(share))
        places = {int(kind): place for place, kind in enumerate(role) if kind != _NAMED}
        return cls(
            known={name: place for place, name in enumerate(names) if role[place] == _NAMED},
            rows=np.vstack([rows, share @ rows if count else np.zeros((1, 0))]),
            other=places.get(_POOLED, count),
            missing=places.get(_ABSENT, count),
            rare=rare,
            suffixes=suffixes,
        )

    def transform(self, values: AnyArray) -> tuple[AnyArray, dict[str, int]]:
        """Features of strings, and how often each unknown one occurs."""
        codes, found = distinct_strings(values)
        counts = np.bincount(codes + 1, minlength=len(found) + 1)
        places = [self.known.get(name, self.other) for name in found]
        new = [place for place, name in enumerate(found) if name not in self.known]
        hashes = _hashed([found[place] for place in new]).tolist()
        unknown = {
            found[place]: int(counts[place + 1])
            for place, key in zip(new, hashes, strict=True)
            if key not in self.rare and self.rows.shape[1]
        }
        return self.rows[np.array([self.missing, *places])[codes + 1]], unknown


@attrs.frozen(eq=False)
class Categories:
    """Knowledge of columns of categories.

    Attributes
    ----------
    names, ends : uint8 and int64 arrays
        The category that each feature stands for, as :func:`packed`; empty for rare and missing
        ones together.
    role : int8 array of shape (f,)
        0 for a category, 1 for the rare ones together, 2 for missing values.
    column : int64 array of shape (f,)
        Number of the column of each feature; ascending.
    share : float64 array of shape (f,)
        Of the training rows that have a feature of the column.
    rare, rare_column : arrays of shape (r,)
        Hashes of the categories that have no feature of their own, and their columns. Their names
        are not kept: a rare one may give away a row.
    """

    names: NDArray[np.uint8] = learned(shape=..., dtype="uint8", init=True)
    ends: NDArray[np.int64] = learned(shape=..., dtype="int64", ge=0, init=True)
    role: NDArray[np.int8] = learned(shape=..., dtype="int8", ge=0, le=2, init=True)
    column: NDArray[np.int64] = learned(shape=..., dtype="int64", ge=0, init=True)
    share: NDArray[np.float64] = learned(shape=..., dtype="float64", gt=0, le=1, init=True)
    rare: NDArray[np.uint64] = learned(shape=..., dtype="uint64", init=True)
    rare_column: NDArray[np.int64] = learned(shape=..., dtype="int64", ge=0, init=True)
    _columns: list[Lookup] | None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, columns: list[AnyArray], least: float, *, indicate: bool) -> Self:
        """Learn from columns of strings, with ``None`` for missing values.

        Parameters
        ----------
        columns : list of object arrays of shape (n,)
        least : float
            Least share of rows of a category with a feature of its own.
        indicate : bool
            Whether missing values are like a category.
        """
        features: list[tuple[str, int, int, float]] = []
        rare: list[tuple[int, list[str]]] = []
        for number, values in enumerate(columns):
            codes, found = distinct_strings(values)
            counts = np.bincount(codes + 1, minlength=len(found) + 1) / max(1, len(codes))
            own = [(name, _NAMED, share) for name, share in zip(found, counts[1:], strict=True)
                   if share >= least]  # fmt: skip
            pooled = [name for name, share in zip(found, counts[1:], strict=True) if share < least]
            own.sort()
            for role, share in (
                (_POOLED, 1.0 - counts[0] - sum(item[2] for item in own)),
                (_ABSENT, counts[0] if indicate else 0.0),
            ):
                if share >= max(least, 0.5 / max(1, len(codes))):
                    own.append(("", role, share))
            if pooled:
                rare.append((number, pooled))
            whole = sum(item[2] for item in own)
            if len(own) > 1:
                features += [(name, role, number, share / whole) for name, role, share in own]
        text = packed(name for name, *_ in features)
        return cls(
            names=text["values"],
            ends=text["ends"],
            role=np.array([role for _, role, _, _ in features], dtype=np.int8),
            column=np.array([number for _, _, number, _ in features], dtype=np.int64),
            share=np.array([share for *_, share in features], dtype=np.float64),
            rare=_hashed([name for _, names in rare for name in names]),
            rare_column=np.repeat(
                np.array([number for number, _ in rare], dtype=np.int64),
                [len(names) for _, names in rare],
            ),
        )

    def lookups(self, count: int, balance: Balance) -> list[Lookup]:
        """For each of so many columns, the features of its values."""
        if self._columns is None:
            names = self._strings()
            starts = np.searchsorted(self.column, np.arange(count + 1))
            rare = np.searchsorted(self.rare_column, np.arange(count + 1))
            found = []
            for number in range(count):
                part = slice(starts[number], starts[number + 1])
                hashes = frozenset(self.rare[rare[number] : rare[number + 1]].tolist())
                found.append(
                    Lookup.of(names[part], self.role[part], self.share[part], hashes, balance)
                )
            object.__setattr__(self, "_columns", found)
        return self._columns or []

    def check_learned(self) -> list[str]:
        """Reasons why what was read from a state cannot be used."""
        lengths = {len(self.ends), len(self.role), len(self.column), len(self.share)}
        one = all(array.ndim == 1 for array in attrs.astuple(self, recurse=False)[:7])
        if not one or len(lengths) > 1 or len(self.rare) != len(self.rare_column):
            return ["its arrays are not of one length"]
        ends = np.concatenate([[0], self.ends, [len(self.names)]])
        ordered = (ends, self.column, self.rare_column)
        if any((np.diff(array) < 0).any() for array in ordered):
            return ["its arrays are not in ascending order"]
        try:
            self._strings()
        except StateError as error:
            return [f"its names: {error}"]
        return []

    def _strings(self) -> list[str]:
        return unpacked_strings({"values": self.names, "ends": self.ends})
