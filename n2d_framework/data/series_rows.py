"""Series from long tables: rows with an id, a time and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.dataset import Dataset
from n2d_framework.core.rows import Schema, SeriesForm, listed
from n2d_framework.core.rows.columns import missing_in
from n2d_framework.core.rows.step_times import StepTimes
from n2d_framework.data.faults import keys_or_flags, point_out
from n2d_framework.data.reference import Reference
from n2d_framework.data.source import RowSource
from n2d_framework.data.table_reading import TableReading, examine_table
from n2d_framework.errors import DataError
from n2d_framework.types import AnyArray, FloatArray

__all__ = ["read_series"]

#: Most steps that series get where their number is found out.
_MOST_STEPS = 256


def read_series(source: RowSource, ref: Reference, form: SeriesForm | None = None) -> Dataset:
    """Read a long table as series, one for each id, in the order in which ids appear.

    Parameters
    ----------
    source : RowSource
        Of a table.
    ref : Reference
        Names the columns `id` and `time`; the other features are the values.
    form : SeriesForm, optional
        That of the series of a fitted model.

    Returns
    -------
    Dataset
        ``x`` of shape ``(n, steps)`` for one column of values, else ``(n, steps, values)``, in
        float64. Series that all have the same times since their beginning, and no gaps, are as
        they are; others are interpolated linearly at evenly spaced times from the first to the
        last of each.

    Raises
    ------
    DataError
        If a time or an id is missing, or a time comes twice in a series; if values are not
        numbers; if a series has one time only, no value at all, or several classes.
    """
    table = _Long(ref, examine_table(source))
    steps = ref.steps if form is None else form.steps
    even = table.even()
    kept = even and table.counts[0] in (steps, steps or table.counts[0])
    if form is not None and not form.interpolated and not kept:
        raise DataError(
            f"{ref.path}: the model was fitted on series of {form.steps} equal times without gaps; "
            f"give such series, or fit with steps: {form.steps}, which interpolates"
        )
    if form is not None:
        kept = not form.interpolated
    if steps is None:
        median = round(float(np.median(table.counts)))
        steps = int(table.counts[0]) if kept else max(2, min(median, _MOST_STEPS))
    x = table.values.reshape(len(table.counts), steps, -1) if kept else table.interpolated(steps)
    if not kept and form is None:
        table.point_out_interpolation(steps, chosen=ref.steps is not None)
    schema = Schema(
        id=ref.id,
        y=table.reading.schema.y,
        series=SeriesForm(
            str(ref.time), table.names, steps, not kept, table.step_times() if kept else None
        ),
    )
    y = table.classes()
    return Dataset(
        name=source.name,
        x=x[:, :, 0] if len(table.names) == 1 else x,
        y=y,
        modality="sequence",
        schema=schema,
        ids=table.ids,
    )


class _Long:
    """A long table, sorted by series and time.

    Attributes
    ----------
    ids : array of str, shape (n,)
        Of the series, in the order of their first rows.
    counts, starts : int arrays of shape (n,)
        Number of rows of each series, and its first row.
    times : float64 array of shape (rows,)
        Dates in seconds.
    values : float64 array of shape (rows, values)
    """

    def __init__(self, ref: Reference, reading: TableReading) -> None:
        self._path, self.reading = ref.path, reading
        features = {facts.field.name: facts for facts in reading.features}
        time = features.pop(str(ref.time))
        self.names = tuple(features)
        if not self.names:
            ways = keys_or_flags(x=["NAMES"])
            raise self._error(f"no column of values is left; name some: {ways}")
        wrong = [name for name, facts in features.items() if facts.field.kind != "number"]
        if wrong:
            raise self._error(
                f"column {listed(wrong)} holds no numbers, of which series are made; leave it out: "
                f"{keys_or_flags(drop=['NAMES'])}, or name the values: {keys_or_flags(x=['NAMES'])}"
            )
        if time.field.kind not in ("number", "date"):
            raise self._error(f"column {ref.time!r} holds neither numbers nor dates; name the time")
        ids = reading.ids
        assert ids is not None
        for name, missing in ((ref.id, ids == ""), (ref.time, missing_in(time.values))):
            if missing.any():
                raise self._error(
                    f"column {name!r} has no value in row {int(missing.argmax()) + 1}"
                )
        _, first, codes = np.unique(ids, return_index=True, return_inverse=True)
        codes = np.argsort(np.argsort(first))[codes]
        times, self._dated = _as_numbers(time.values), time.field.kind == "date"
        order = np.lexsort((times, codes))
        self._order, self.times = order, times[order]
        self.values = np.stack([features[name].values[order] for name in self.names], axis=1)
        self.values = self.values.astype(np.float64)
        self.counts = np.bincount(codes)
        self.starts = np.cumsum(self.counts) - self.counts
        self.ids = ids[np.sort(first)]
        self._check()

    def _error(self, problem: str) -> DataError:
        return DataError(f"{self._path}: {problem}")

    def _check(self) -> None:
        if self.counts.min() < 2:
            alone = self.ids[self.counts < 2].tolist()
            raise self._error(
                f"series of one time only: {listed(alone)}; give at least two, or leave them out"
            )
        again = np.flatnonzero(np.diff(self.times) == 0)
        again = again[~np.isin(again + 1, self.starts)]
        if len(again):
            rows = sorted((int(self._order[again[0]]), int(self._order[again[0] + 1])))
            raise self._error(
                f"rows {rows[0] + 1} and {rows[1] + 1} (the first row of data is 1) have the same "
                f"id and time; leave one out"
            )
        for start, count, key in zip(self.starts, self.counts, self.ids, strict=True):
            missing = np.isnan(self.values[start : start + count]).all(axis=0)
            if missing.any():
                name = self.names[int(missing.argmax())]
                raise self._error(f"series {key!r} has no value of {name!r}; leave it out")

    def even(self) -> bool:
        """Return whether all series have the same times since their beginning, and no gaps."""
        if self.counts.min() < self.counts.max() or np.isnan(self.values).any():
            return False
        since = self.times.reshape(len(self.counts), -1)
        since = since - since[:, :1]
        return bool(np.allclose(since, since[0], rtol=0, atol=1e-6 * since.max()))

    def step_times(self) -> StepTimes:
        """Times of the steps, where all series have the same."""
        return StepTimes.of(self.times.reshape(len(self.counts), -1), dated=self._dated)

    def interpolated(self, steps: int) -> FloatArray:
        """Values at so many evenly spaced times of each series."""
        x = np.empty((len(self.counts), steps, len(self.names)))
        for row, (start, count) in enumerate(zip(self.starts, self.counts, strict=True)):
            times = self.times[start : start + count]
            grid = np.linspace(times[0], times[-1], steps)
            for place, values in enumerate(self.values[start : start + count].T):
                known = ~np.isnan(values)
                x[row, :, place] = np.interp(grid, times[known], values[known])
        return x

    def point_out_interpolation(self, steps: int, *, chosen: bool) -> None:
        """Say what becomes of series, and of gaps."""
        gaps = int(np.isnan(self.values).sum())
        low, high = int(self.counts.min()), int(self.counts.max())
        point_out(
            self._path,
            f"{len(self.counts)} series of {low} to {high} times are interpolated at {steps} "
            "evenly spaced times from the first to the last of each"
            + (f", {gaps} missing values with them" if gaps else "")
            + ("" if chosen else "; to change that: --steps N"),
        )

    def classes(self) -> AnyArray | None:
        """The class of each series."""
        if self.reading.y is None:
            return None
        y = self.reading.y[self._order]
        of_series = y[self.starts]
        differing = y != np.repeat(of_series, self.counts)
        if differing.any():
            at = int(np.searchsorted(self.starts, int(differing.argmax()), side="right")) - 1
            raise self._error(
                f"series {str(self.ids[at])!r} has several classes in column "
                f"{self.reading.schema.y!r}; a series has one, or say y: false"
            )
        return np.asarray(of_series)


def _as_numbers(times: Any) -> FloatArray:
    if times.dtype.kind == "M":
        return np.asarray(times.astype("datetime64[us]").astype(np.int64) / 1e6)
    return np.asarray(times, dtype=np.float64)
