"""A column of strings, read as numbers, dates, categories or texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import attrs
import numpy as np

from n2d_framework.core.arrays.written import written_float
from n2d_framework.core.rows.columns import missing_in
from n2d_framework.core.rows.frames import NotDenseError
from n2d_framework.core.rows.written_names import refuse_nul
from n2d_framework.data.faults import keys_or_flags
from n2d_framework.data.kinds.written_values import (
    date_order,
    has_comma,
    is_dated,
    is_marker,
    is_number,
    moment,
)
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["FEWEST", "StringColumn", "Where", "decoded"]

#: Those of them that are categories where a column has categories.
_WORDS: Final = frozenset(["none", "nil", "missing"])
#: Fewer rows are all different, or count up, by chance.
FEWEST = 10
#: Columns of codes have at most so many different numbers.
_CODES = 20
#: A share of values that are of another kind than all others: mistakes, not a kind of their own.
_STRAY = 0.05
#: The same among numbers that are codes.
_RARE = 0.01
_ARTICLES: Final = {"number": "a number", "date": "a date"}


@attrs.frozen
class Where:
    """Place of a column, for messages.

    Attributes
    ----------
    source : str
        What has the column.
    name : str
        The column.
    start : int, default 0
        Rows that come before its first one.
    """

    source: str
    name: str
    start: int = 0

    def no_value(self, row: int) -> NotDenseError:
        """The error for a row without a value, where the model takes none."""
        return NotDenseError(
            f"{self.source}: column {self.name!r} has no value in row {self.start + row + 1} (the "
            "first row of data is 1); fill it or drop the row"
        )

    def refusal(self, row: int, value: Any, wrong: str) -> DataError:
        """The error for a value in a row, which is counted from 0 here and from 1 for the user."""
        shown = value[:50] if isinstance(value, str) else value
        return DataError(
            f"{self.source}: column {self.name!r} has {shown!r} in row {self.start + row + 1} "
            f"(the first row of data is 1), {wrong}"
        )


def decoded(column: Any) -> Any:
    """A column of categories as one of their values, nulls among the categories included."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column
    if isinstance(column, pa.ChunkedArray):
        chunks = [chunk.dictionary_decode() for chunk in column.chunks]
        return pa.chunked_array(chunks, type=column.type.value_type)
    return column.dictionary_decode()


class StringColumn:
    """A column of strings, each different one looked at once; spaces around them do not count."""

    def __init__(self, column: Any, where: Where, levels: frozenset[str] | None) -> None:
        self.where = where
        self.levels = levels
        encoded = column.dictionary_encode()
        self.column = column
        self.codes: AnyArray = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        self.words: list[str] = [word.strip() for word in encoded.dictionary.to_pylist()]
        for number, word in enumerate(self.words):
            if "\0" in word:
                row = where.start + int(np.argmax(self.codes == number))
                refuse_nul([word], f"{where.source}: column {where.name!r}", row)
        self.times = np.bincount(self.codes[self.codes >= 0], minlength=len(self.words))

    @classmethod
    def of(cls, column: Any, where: Where) -> StringColumn | None:
        """The column, if it has strings or nothing at all."""
        import pyarrow as pa
        from pyarrow import types

        found = column.type
        held = found.value_type if types.is_dictionary(found) else found
        views = getattr(types, "is_string_view", lambda _: False)
        if not (types.is_string(held) or types.is_large_string(held) or views(held)
                or types.is_null(held)):  # fmt: skip
            return None
        levels = None
        if held is not found:
            column = decoded(column)
            levels = frozenset(value.strip() for value in column.unique().to_pylist() if value)
        column = column.cast(pa.large_string())
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array(
                [], pa.large_string())  # fmt: skip
        return cls(column, where, levels)

    @cached_property
    def numbers(self) -> AnyArray | None:
        """All of them as numbers, if they are."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            found = pc.cast(pc.ascii_trim_whitespace(self.column), pa.float64())
        except pa.ArrowInvalid:
            return None
        values: AnyArray = found.to_numpy(zero_copy_only=False)
        return values

    def kind(self) -> tuple[str, str]:
        """The kind of what is written, and a remark or an empty string."""
        if self.levels is not None:
            return "category", ""
        if self.numbers is not None:
            return "number", self._leading_zeros()
        there = [bool(word) and not is_marker(word) for word in self.words]
        known = {word.lower() for word, value in zip(self.words, there, strict=True) if value}
        if known <= {"true", "false"}:
            gaps = self.column.null_count or not all(there)
            return ("category" if gaps and known else "number"), ""
        for kind, test in (("number", is_number), ("date", is_dated)):
            fits = [value and test(word) for word, value in zip(self.words, there, strict=True)]
            found = self._as_most_are(kind, fits, there)
            if found is not None:
                return found
        return "category", ""

    def _rows(self, which: Sequence[bool]) -> int:
        return int(self.times[np.asarray(which, dtype=bool)].sum())

    def _as_most_are(
        self, kind: str, fits: list[bool], there: list[bool]
    ) -> tuple[str, str] | None:
        """The kind, if all values are of it; an error if all but a few are."""
        fitting, values = self._rows(fits), self._rows(there)
        strays = [value and not fit for value, fit in zip(there, fits, strict=True)]
        if kind == "number":
            self._refuse_commas(fitting, values, strays)
        if fitting == values:
            return self._with_known_order() if kind == "date" else (kind, "")
        codes = (
            kind == "number"
            and sum(fits) <= min(_CODES, fitting / 2)
            and values - fitting >= _RARE * values
        )
        few = sum(strays) == 1 or values - fitting < _STRAY * values
        if fitting < values / 2 or codes or not few:
            return None
        stray = strays.index(True)
        name = self.where.name
        raise self._refusal(
            stray,
            f"which is not {_ARTICLES[kind]} as in most rows; correct it, leave it empty if it "
            f"stands for a missing value, or give the column a kind: kinds: {{{name}: category}}, "
            f"or --kind {name}=category",
        )

    def _refusal(self, word: int, wrong: str) -> DataError:
        """The error for the first row with a word."""
        row = int(np.argmax(self.codes == word))
        return self.where.refusal(row, self.words[word], wrong)

    def _refuse_commas(self, fitting: int, values: int, strays: list[bool]) -> None:
        commas = [stray and has_comma(word) for word, stray in zip(self.words, strays, strict=True)]
        if any(commas) and fitting + self._rows(commas) == values:
            raise self._refusal(
                commas.index(True),
                "a number with a decimal comma or marks between thousands; write numbers with a "
                "decimal point and no other marks",
            )

    def _with_known_order(self) -> tuple[str, str]:
        """Dates of which it is known what is the day and what the month."""
        dates = [word for word in self.words if not self._is_gap(word, "date")]
        if date_order(dates):
            return "date", ""
        return "category", (
            f"{dates[0]!r} looks like a date, but nothing shows which of day and month comes "
            "first; write dates as 2024-12-31"
        )

    def _leading_zeros(self) -> str:
        coded = next((word for word in self.words if re.fullmatch(r"0\d+", word)), "")
        if not coded or len({len(word) for word in self.words}) > 1:
            return ""
        return f"{coded!r} begins with 0, which numbers lose and categories keep"

    def _is_gap(self, word: str, kind: str) -> bool:
        if kind == "category" and (word.lower() in _WORDS or word in (self.levels or ())):
            return False
        return not word or is_marker(word)

    def gap_words(self, kind: str, values: AnyArray) -> tuple[str, ...]:
        """Strings that stand where the values of a kind are missing."""
        if kind == "text" or not missing_in(values).any():
            return ()
        return tuple(sorted({word for word in self.words if word and self._is_gap(word, kind)}))

    def values(self, kind: str, fitted: str = "") -> tuple[AnyArray, str]:
        """Values of a kind, and their type.

        Parameters
        ----------
        kind : str
        fitted : str, default ""
            The type of the column that a model was fitted on.
        """
        if kind == "number":
            return self._numbers(fitted)
        if kind == "date":
            return self._dates(fitted)
        if kind == "text":
            return _objects(self.column.to_pylist()), "str"
        found = [None if self._is_gap(word, kind) else word for word in self.words]
        lower = [None if word is None else word.lower() for word in found]
        if set(lower) <= {"true", "false", None}:
            found = lower
        return _objects([*found, None])[self.codes], "str"

    def _wrong(self, kind: str, fitted: str) -> str:
        if fitted:
            return f"which is not {_ARTICLES[kind]}, as the model was fitted on; correct it"
        name = self.where.name
        return (
            f"which is not {_ARTICLES[kind]}; correct it, give the column another kind, or leave "
            f"it out: {keys_or_flags(drop=name)}"
        )

    def _numbers(self, fitted: str) -> tuple[AnyArray, str]:
        dtype = "float64"
        values = self.numbers
        if values is None:
            found, truths = list[float](), 0
            for number, word in enumerate(self.words):
                if self._is_gap(word, "number"):
                    found.append(np.nan)
                elif is_number(word):
                    found.append(float(word))
                elif word.lower() in ("true", "false"):
                    found.append(float(word.lower() == "true"))
                    truths += 1
                else:
                    raise self._refusal(number, self._wrong("number", fitted))
            values = np.array([*found, np.nan])[self.codes]
            if truths == len(found) and (self.codes >= 0).all():
                values, dtype = values.astype(bool), "bool"
        self._refuse_extremes(values)
        return values, dtype

    def _refuse_extremes(self, values: AnyArray) -> None:
        """Refuse what is infinite, or a number that float64 cannot hold."""
        for word in np.unique(self.codes[np.isinf(values) | (values == 0)]).tolist():
            if word < 0:
                continue
            try:
                infinite = np.isinf(written_float(self.words[word] or "nan"))
            except ValueError as error:
                if self.words[word].lower() == "false":
                    continue
                wrong = f"but {error}; write it in another unit, or correct it"
                raise self._refusal(word, wrong) from error
            if infinite:
                raise self._refusal(word, "which is infinite; correct it")

    def _dates(self, fitted: str) -> tuple[AnyArray, str]:
        there = [word for word in self.words if not self._is_gap(word, "date")]
        order = fitted if fitted.startswith("%") else date_order(there)
        found = list[datetime | None]()
        for number, word in enumerate(self.words):
            gap = self._is_gap(word, "date")
            found.append(None if gap else moment(word, order))
            if found[-1] is None and not gap:
                raise self._refusal(number, f"{self._wrong('date', fitted)} (as 2024-12-31)")
        values = np.array([*found, None], dtype="datetime64[us]")[self.codes]
        return values, order or "datetime64[us]"

    def is_free_text(self, distinct: int) -> bool:
        """Return whether the strings are sentences, which hardly repeat."""
        there = [not self._is_gap(word, "category") for word in self.words]
        if distinct <= self._rows(there) / 2:
            return False
        known = [word for word, value in zip(self.words, there, strict=True) if value]
        parts = sum(len(word.split()) for word in known) / len(known)
        return parts >= (3 if len(known) >= FEWEST else 5)


def _objects(values: Sequence[str | None]) -> AnyArray:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
