"""Rows as a page shows them: numbers to compare, pictures, or what they say."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.kinds import guess_image_shape
from n2d_framework.core.rows import Rows, value_names
from n2d_framework.core.rows.columns import missing_in
from n2d_framework.core.rows.step_times import StepNames
from n2d_framework.metrics.contents.observed_series import ObservedSeries
from n2d_framework.pages.map_columns import MapColumn
from n2d_framework.types import AnyArray, IntArray

__all__ = ["ShownRows", "is_series", "shown_features", "shown_rows"]

#: Categories that become features of their own: the most frequent of a column.
_MOST_CATEGORIES = 50
#: Columns of a row that are written out.
_MOST_WRITTEN = 12
#: Numbers of sparse rows that are written out with their zeros.
_MOST_DENSE = 20_000_000
#: Rows whose features are compared, values of a row, and numbers in all.
_MOST_COMPARED, _LEAST_COMPARED, _WIDEST_COMPARED, _NUMBERS = 5000, 500, 20_000, 4_000_000


@attrs.frozen(eq=False)
class ShownRows:
    """Shown part of rows.

    Attributes
    ----------
    features : array of shape (n, ...), or None
        Numbers in the units of the input; a category is a feature that is 1 where a row has it, a
        date is its year with decimals.
    names : tuple of str
        One for each value of a row.
    image_shape : tuple of int, or None
        Of a row as an image, if rows are images.
    texts : list of str, or None
        What each row says, where it is not numbers alone.
    columns : tuple of MapColumn
        Of rows of mixed kinds those of numbers, dates and categories.
    series : ObservedSeries, optional
        The rows, if they are series; in `features` what is not known of them is the mean of its
        step.
    """

    features: AnyArray | None
    names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    texts: list[str] | None = None
    columns: tuple[MapColumn, ...] = ()
    series: ObservedSeries | None = None


def shown_rows(rows: Rows, *, sequence: bool = False, lengths: IntArray | None = None) -> ShownRows:
    """Choose what is shown of rows.

    Parameters
    ----------
    rows : Rows
    sequence : bool, default False
        Whether rows of numbers are series, where they do not say so themselves.
    lengths : int64 array of shape (n,), optional
        Steps of each series that are not padding.

    Returns
    -------
    ShownRows
        Of sparse rows as many features of the largest variance as memory allows.
    """
    if rows.storage == "sparse":
        return _of_sparse(rows)
    if rows.storage == "columns":
        return _of_columns(rows)
    values = rows.values
    if (sequence or is_series(rows)) and values.ndim in (2, 3) and values.shape[1] > 1:
        series = _as_series(rows, lengths)
        return ShownRows(series.filled(), series.value_names(), series=series)
    image = None if rows.named_kind == "sequence" else guess_image_shape(values.shape[1:])
    return ShownRows(values, value_names(rows.schema, values.shape[1:]), image)


def is_series(rows: Rows) -> bool:
    """Return whether rows say of themselves that they are series."""
    return rows.storage == "dense" and (
        rows.named_kind == "sequence" or rows.schema.series is not None
    )


def _as_series(rows: Rows, lengths: IntArray | None) -> ObservedSeries:
    values = rows.values.reshape(*rows.values.shape[:2], -1)
    form, (steps, channels) = rows.schema.series, values.shape[1:]
    names = ("value",) if channels == 1 else tuple(f"channel {i}" for i in range(channels))
    times = StepNames.counted(steps)
    if form is not None and form.steps == steps:
        names, times = form.values if len(form.values) == channels else names, form.step_names()
    elif rows.schema.named and rows.row_shape == (len(rows.schema.fields),):
        times = StepNames("column", rows.schema.names)
    return ObservedSeries(values, names, times, lengths)


def shown_features(rows: Rows) -> tuple[AnyArray | None, tuple[str, ...]]:
    """Features of rows and their names, for what compares distributions; of many, of a sample.

    Parameters
    ----------
    rows : Rows

    Returns
    -------
    array of shape (m, f), or None
        Of 500 to 5,000 rows; ``None`` if there is nothing to compare, or more than 20,000 values.
    tuple of str
    """
    width = math.prod(rows.row_shape)
    if width > _WIDEST_COMPARED:
        return None, ()
    most = min(_MOST_COMPARED, max(_LEAST_COMPARED, _NUMBERS // max(width, 1)))
    if len(rows) > most:
        chosen = np.random.default_rng(0).choice(len(rows), most, replace=False)
        rows = rows.take(np.sort(chosen))
    if rows.storage == "dense":
        # By their places, whatever the rows are: those of the fit are compared by name.
        return rows.values.reshape(len(rows), -1), value_names(rows.schema, rows.row_shape)
    shown = shown_rows(rows)
    if shown.features is None:
        return None, ()
    flat = shown.features.reshape(len(rows), -1)
    return flat, shown.names or tuple(map(str, range(flat.shape[1])))


def _of_sparse(rows: Rows) -> ShownRows:
    values, names = rows.values, value_names(rows.schema, rows.row_shape)
    most = max(1, _MOST_DENSE // max(len(rows), 1))
    if len(names) <= most:
        return ShownRows(values.toarray(), names)
    means = np.asarray(values.mean(axis=0, dtype=np.float64)).ravel()
    squares = np.asarray(values.astype(np.float64).power(2).mean(axis=0)).ravel()
    kept = np.sort(np.argsort(means**2 - squares, kind="stable")[:most])
    return ShownRows(values[:, kept].toarray(), tuple(names[i] for i in kept.tolist()))


def _of_columns(rows: Rows) -> ShownRows:
    features: list[AnyArray] = []
    names: list[str] = []
    columns: list[MapColumn] = []
    for field in rows.schema.fields:
        values = rows.column(field.name)
        absent = missing_in(values)
        if field.kind == "number":
            numbers = np.array(values, dtype=np.float64)
            columns.append(MapColumn(field.name, "number", np.where(absent, np.nan, numbers)))
            numbers[absent] = numbers[~absent].mean() if not absent.all() else 0.0
            features.append(numbers)
            names.append(field.name)
        elif field.kind == "date":
            years = _years(values)
            columns.append(MapColumn(field.name, "date", np.where(absent, np.nan, years)))
            years[absent] = years[~absent].mean() if not absent.all() else 0.0
            features.append(years)
            names.append(f"{field.name} (year)")
        elif field.kind == "category":
            found, codes, counts = np.unique(
                values[~absent].astype(str), return_inverse=True, return_counts=True
            )
            placed = np.full(len(values), -1)
            placed[~absent] = codes
            columns.append(MapColumn(field.name, "category", placed, tuple(found.tolist())))
            for place in np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]:
                features.append((values == found[place]).astype(np.float64))
                names.append(f"{field.name} = {found[place]}")
        if absent.any() and not absent.all():
            features.append(absent.astype(np.float64))
            names.append(f"{field.name} is missing")
    only_text = [field.kind for field in rows.schema.fields] == ["text"]
    return ShownRows(
        np.stack(features, axis=1) if features else None,
        tuple(names),
        texts=_texts(rows) if only_text else _written(rows),
        columns=tuple(columns),
    )


def _years(values: AnyArray) -> AnyArray:
    """Points in time as years with decimals, float64: 2021.5 is the first of July."""
    instants = np.asarray(values, dtype="datetime64[us]")
    starts = instants.astype("datetime64[Y]")
    into = (instants - starts).astype(np.float64)
    whole = (starts + 1).astype(instants.dtype) - starts.astype(instants.dtype)
    found: AnyArray = starts.astype(np.float64) + 1970.0 + into / whole.astype(np.float64)
    return found


def _texts(rows: Rows) -> list[str]:
    values = rows.column(rows.schema.fields[0].name)
    return ["" if value is None else value for value in values]


def _written(rows: Rows) -> list[str]:
    """Each row as ``name: value`` of its first columns."""
    fields = rows.schema.fields[:_MOST_WRITTEN]
    columns = [rows.column(field.name) for field in fields]
    absent = [missing_in(column) for column in columns]
    return [
        "; ".join(
            f"{field.name}: {_as_written(column[i])}"
            for field, column, gone in zip(fields, columns, absent, strict=True)
            if not gone[i]
        )
        for i in range(len(rows))
    ]


def _as_written(value: Any) -> str:
    """A value as people write it: integers without a decimal point, days without a time."""
    if isinstance(value, np.datetime64):
        day = value.astype("datetime64[D]")
        seconds = np.datetime_as_string(value, unit="s").replace("T", " ")
        return str(day) if day == value else seconds
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
