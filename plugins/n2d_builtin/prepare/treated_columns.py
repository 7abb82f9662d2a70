"""Columns of a table as they are treated, and the numbers that they become."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import numpy as np

from n2d_builtin.prepare.categories import missing_in
from n2d_builtin.prepare.measures import HOW
from n2d_framework.plugin import AnyArray, DataWarning

__all__ = ["TreatedColumn", "TreatedColumns", "times_the_usual"]

_DAY: Final = 86_400_000_000
#: Parts of a date that come round again, and after how many days.
_ROUNDS: Final = {"year": 365.2425, "week": 7.0, "day": 1.0}
#: Dates are far that are so many times farther away than others.
_FAR: Final = 100.0


@attrs.frozen(eq=False)
class TreatedColumn:
    """One column as it is treated."""

    name: str
    kind: str
    treatment: str
    values: AnyArray

    def measures(self) -> Iterator[tuple[str, str, AnyArray]]:
        """Numbers that it becomes: what follows its name, a treatment, and the numbers."""
        if self.treatment in HOW:
            yield "", self.treatment, self.values.astype(np.float64)
        elif self.kind == "date" and self.treatment != "drop":
            days = self.values.astype("datetime64[us]").astype(np.int64) / _DAY
            days = np.where(np.isnat(self.values), np.nan, days)
            yield " days", "standard", days
            for part, length in _ROUNDS.items() if self.treatment == "parts" else ():
                angle = 2 * np.pi * (days % length) / length
                yield f" {part} sin", "standard", np.sin(angle)
                yield f" {part} cos", "standard", np.cos(angle)

    @property
    def gaps(self) -> AnyArray:
        """Where a value is missing."""
        return missing_in(self.values)


@attrs.frozen(eq=False)
class TreatedColumns:
    """All columns of some rows, by treatment."""

    every: tuple[TreatedColumn, ...]

    def of(self, *treatments: str) -> list[TreatedColumn]:
        """Columns of these treatments."""
        return [column for column in self.every if column.treatment in treatments]

    def measures(self) -> tuple[list[str], list[str], AnyArray, AnyArray]:
        """Names, treatments and numbers of shape (n, m); the column that each is of."""
        found = [
            (column.name + suffix, how, values, place)
            for place, column in enumerate(self.every)
            for suffix, how, values in column.measures()
        ]
        if not found:
            return [], [], np.zeros((len(self.every[0].values), 0)), np.zeros(0, dtype=np.int64)
        names, how, values, places = zip(*found, strict=True)
        return [*names], [*how], np.stack(values, axis=1), np.array(places)

    def warn_of_dates(self, others: str, away: Callable[[AnyArray, list[int]], AnyArray]) -> None:
        """Warn once of dates that are far from others, as those are that stand for no date.

        Parameters
        ----------
        others : str
            What they are far from.
        away : callable
            How far numbers of shape (n, m), as :meth:`measures` has them, are from others, in the
            columns at some positions.
        """
        _, _, values, places = self.measures()
        dated = {
            int(np.argmax(places == place)): column
            for place, column in enumerate(self.every)
            if column.kind == "date" and column.treatment != "drop"
        }
        distances, found = away(values, [*dated]) if dated else values, []
        for column, distance in zip(dated.values(), distances.T, strict=False):
            far = np.nan_to_num(distance) > _FAR
            if far.any():
                day = np.datetime_as_string(column.values[far][0], "D")
                dates = f"dates such as {day}" if far.sum() > 1 else f"date, {day}"
                found.append(f"column {column.name!r} has {int(far.sum())} {dates}")
        if found:
            warnings.warn(
                f"table: {'; '.join(found)}, far from {others}; if that stands for a missing date, "
                "leave it empty",
                DataWarning,
                stacklevel=3,
            )


def times_the_usual(values: AnyArray, columns: list[int]) -> AnyArray:
    """Distances from the medians of some columns, as multiples of their own medians."""
    chosen = values[:, columns]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        away = np.abs(chosen - np.nanmedian(chosen, axis=0))
        usual = np.nanmedian(away, axis=0)
    return np.asarray(away / np.where(usual > 0, usual, np.inf))
