"""Kinds of the columns of a table: found in their values, or as a fitted model knows them.

Columns come as Arrow's, from every format of tables. Those that have types already keep them; the
strings of a text table, or of any other, are read as numbers, dates or categories, by one set of
rules.
"""

from __future__ import annotations

import re
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows import Field
from n2d_framework.core.rows.columns import missing_in, opened_column
from n2d_framework.data.faults import keys_or_flags
from n2d_framework.data.kinds.oddities import of_categories, of_numbers
from n2d_framework.data.kinds.string_column import FEWEST, StringColumn, Where, decoded
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray

__all__ = ["ColumnFacts", "convert_column", "counts_rows", "infer_column", "unread_column"]


@attrs.frozen(eq=False)
class ColumnFacts:
    """A column with its kind, and what is noteworthy about it.

    Attributes
    ----------
    field : Field
        Name, kind, type and categories. The type of dates that are strings is their pattern, as of
        :meth:`~datetime.datetime.strptime`.
    values : array of shape (n,)
        As :class:`~n2d_framework.core.rows.Rows` has columns of the kind.
    gaps : int
        Number of rows without a value.
    gap_words : tuple of str
        What is written there, if anything is.
    distinct : int
        Number of different values.
    free_text : bool
        Whether the values are sentences rather than categories.
    identifies : str
        Why the column may hold the ids of rows rather than a feature; empty if it may not.
    remarks : tuple of str
        What else its user should know.
    """

    field: Field
    values: AnyArray
    gaps: int = 0
    gap_words: tuple[str, ...] = ()
    distinct: int = 0
    free_text: bool = False
    identifies: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Return whether there is not one value."""
        return self.gaps == len(self.values)

    @property
    def plain(self) -> bool:
        """Return whether the values are numbers, and none is missing."""
        return self.field.kind == "number" and not self.gaps


def infer_column(column: Any, where: Where, given: str = "") -> ColumnFacts:
    """Find the kind of a column, and bring its values to it.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray
    where : Where
    given : str, default ""
        The kind, if the user gave it.

    Returns
    -------
    ColumnFacts

    Raises
    ------
    DataError
        If a value is not of the given kind; if a few values are strings where all others are
        numbers or dates; or if the column holds lists, bytes or what else is not a value.
    """
    strings = StringColumn.of(column, where)
    if strings is None:
        field, values = _typed(column, where, given)
        remarks: tuple[str, ...] = ()
        words: tuple[str, ...] = ()
    else:
        kind, *remarks_ = (given,) if given else strings.kind()
        values, dtype = strings.values(kind)
        words, remarks = strings.gap_words(kind, values), tuple(filter(None, remarks_))
        known = sorted({value for value in values.tolist() if value}) if kind == "category" else []
        field = Field(where.name, kind, dtype, tuple(known))
    missing = _without_text(values) if field.kind == "text" else missing_in(values)
    gaps = int(missing.sum())
    distinct = _distinct(values[~missing]) if field.kind != "text" else 0
    facts = ColumnFacts(field, values, gaps, words, distinct, remarks=remarks)
    if given or facts.empty:
        return facts
    if field.kind == "number":
        facts = attrs.evolve(facts, remarks=(*remarks, *of_numbers(values[~missing])))
    if field.kind == "category" and strings is not None:
        free, there = strings.is_free_text(distinct), len(values) - gaps
        # A few values that all differ, among many gaps, are not ids.
        unique = distinct == there >= max(FEWEST, gaps) and not free
        missed = f", and {gaps} are missing" if gaps else ""
        why = f"all its values are different{missed}" if unique else ""
        odd = () if strings.levels is not None or remarks else tuple(of_categories(known, there))
        return attrs.evolve(facts, free_text=free, identifies=why, remarks=(*remarks, *odd))
    if facts.plain:
        return attrs.evolve(facts, identifies=_identifies(values, where.name, distinct))
    return facts


def unread_column(column: Any, where: Where) -> ColumnFacts:
    """Facts of a column whose values are not of one kind: as texts, or not at all."""
    strings = StringColumn.of(column, where)
    if strings is None:
        nothing = np.full(len(column), None, dtype=object)
        return ColumnFacts(Field(where.name, "", str(column.type)), nothing)
    values, dtype = strings.values("text")
    gaps = missing_in(values)
    distinct = _distinct(values[~gaps])
    return ColumnFacts(Field(where.name, "", dtype), values, int(gaps.sum()), distinct=distinct)


def convert_column(column: Any, where: Where, field: Field) -> AnyArray:
    """The values of a column of new rows, of the kind that a model was fitted on.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray
    where : Where
    field : Field
        As the model knows it.

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    DataError
        If the column is of another kind now; with its first such value.
    """
    strings = StringColumn.of(column, where)
    if strings is None:
        values = _typed(column, where, field.kind)[1]
    else:
        values = strings.values(field.kind, field.dtype)[0]
    return values


def counts_rows(column: AnyArray) -> bool:
    """Return whether values rise or fall by one integer, or are n numbers in a row, shuffled."""
    if len(column) < FEWEST:
        return False
    first, step = float(column[0]), float(column[1]) - float(column[0])
    if step == 0 or first != round(first) or step != round(step):
        return False
    steps = np.arange(len(column), dtype=np.float64) * step + first
    if abs(steps[-1]) < 2**53 and np.array_equal(column, steps):
        return True
    low, high = float(column.min()), float(column.max())
    if high - low != len(column) - 1 or abs(high) >= 2**53 or low not in (0, 1):
        return False
    return bool(np.array_equal(np.sort(column), np.arange(low, high + 1)))


def _without_text(values: AnyArray) -> AnyArray:
    """Where a text is missing, or has nothing but spaces."""
    return np.fromiter((not text or not text.strip() for text in values), bool, len(values))


def _distinct(values: AnyArray) -> int:
    return len(set(values.tolist())) if values.dtype.kind == "O" else len(np.unique(values))


def _identifies(values: AnyArray, name: str, distinct: int) -> str:
    """Why numbers may be ids: they number the rows, or are called so and all differ."""
    if len(values) < FEWEST or distinct < len(values):
        return ""
    if counts_rows(values):
        return "it counts the rows"
    called = re.search(r"(^|[\W_])(id|uuid|guid|key|index|nr|no)$", name, re.IGNORECASE)
    integers = values.dtype.kind in "iu" or bool((values == np.round(values)).all())
    return "all its values are different, and it is called an id" if called and integers else ""


def _typed(column: Any, where: Where, kind: str) -> tuple[Field, AnyArray]:
    """A column that has a type of its own."""
    from pyarrow import types

    found = column.type
    if types.is_dictionary(found):
        column, found = decoded(column), found.value_type
    if not (
        types.is_boolean(found) or types.is_integer(found) or types.is_floating(found)
        or types.is_decimal(found) or types.is_timestamp(found) or types.is_date(found)
    ):  # fmt: skip
        raise DataError(
            f"{where.source}: column {where.name!r} holds {found}, from row 1 on, which are not "
            f"values of a table; leave it out: {keys_or_flags(drop=where.name)}"
        )
    if types.is_floating(found):
        infinite = np.isinf(column.to_numpy(zero_copy_only=False).astype(np.float64))
        if infinite.any():
            row = int(np.argmax(infinite))
            raise where.refusal(row, column[row].as_py(), "which is infinite; correct it")
    try:
        return opened_column(where.name, column, kind)
    except DataError as error:
        text = str(error).removeprefix("X: ")
        raise DataError(f"{where.source}: {text} (counted from 0)") from error
