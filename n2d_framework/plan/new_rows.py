"""New rows for a fitted plan: columns matched by name, values of the kinds of the fit."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import attrs

from n2d_framework.core.rows import Field, Matched, Rows, Schema, left_out, listed, positions
from n2d_framework.core.rows.checked_arrays import as_rows, dense_rows
from n2d_framework.core.rows.frames import Frame, as_frame
from n2d_framework.data.kinds.written_values import is_number
from n2d_framework.errors import DataError, DataWarning
from n2d_framework.plan.compatibility import refuse_missing
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.types import AnyArray

__all__ = ["column_places", "new_rows"]


def column_places(
    names: tuple[str, ...], fitted: FittedPlan, name: str = "the model", *, stacklevel: int = 4
) -> list[int] | None:
    """Find the columns of a table that is not read yet.

    Parameters
    ----------
    names : tuple of str
        Of all its columns.
    fitted, name, stacklevel
        As for :func:`new_rows`, with its warnings.

    Returns
    -------
    list of int or None
        Places of the columns in the order of the fit; ``None`` where they are taken as they are.

    Raises
    ------
    DataError
        If a column is missing.
    """
    matched = fitted.schema.match(names, math.prod(fitted.row_shape))
    for text, category in _remarks(names, matched, fitted.schema, name):
        warnings.warn(text, category, stacklevel=stacklevel)
    return None if matched is None else list(matched.order)


def new_rows(x: Any, fitted: FittedPlan, name: str = "the model", *, stacklevel: int = 4) -> Rows:
    """Read rows that are to be like those of a fit.

    Parameters
    ----------
    x : array-like, sparse matrix, frame, list of str, Dataset or Rows
        Columns are matched by name where both have names; further ones are left out, with a
        warning.
    fitted : FittedPlan
    name : str
        What was fitted, for messages.
    stacklevel : int, default 4
        Of warnings: the caller of a method of an estimator.

    Returns
    -------
    Rows
        Of the same storage, shape, schema and kinds as the rows of the fit, in the order of its
        columns; with the ids that `x` has.

    Raises
    ------
    DataError
        If a column is missing, its values are not of the kind that it had, or values are missing
        that the first step does not take; with row and column.

    Warns
    -----
    DataWarning
        If columns are left out.
    UserWarning
        If columns are taken by position, though those of the fit or of `x` have names.
    """
    schema, width = fitted.schema, math.prod(fitted.row_shape)
    frame = as_frame(x)
    matched = None if frame is None else schema.match(frame.names, width)
    names = None if frame is None else frame.names
    for text, category in _remarks(names, matched, schema, name):
        warnings.warn(text, category, stacklevel=stacklevel)
    if fitted.storage == "columns":
        rows = _columns(x, frame, matched, schema)
        if not len(rows):
            raise DataError("X has no rows; give at least one")
        refuse_missing(fitted.plan.specs[0], rows)
        _refuse_other_values(rows, schema)
        return rows
    if frame is None and fitted.storage == "dense":
        values = as_rows(x)
        _check_shape(values.shape[1:], fitted.row_shape, name)
        return Rows(values, schema)
    if frame is None:
        rows = _sparse(x)
    else:
        order = range(len(frame.names)) if matched is None else matched.order
        block = frame.block(order) if fitted.storage == "sparse" else None
        rows = Rows(dense_rows(frame, order)) if block is None else _sparse(block)
        rows = _sparse(rows) if fitted.storage == "sparse" else rows
    _check_shape(rows.row_shape, fitted.row_shape, name)
    if frame is None:
        return attrs.evolve(rows, schema=schema)
    return attrs.evolve(rows, schema=schema, ids=frame.ids, named_kind=frame.kind)


def _remarks(
    names: tuple[str, ...] | None, matched: Matched | None, schema: Schema, name: str
) -> Iterable[tuple[str, type[Warning]]]:
    bare = names is None or names == positions(len(names))
    if matched is None and schema.named and bare and schema.kinds != {"text"}:
        yield (
            f"X does not have valid feature names, but {name} was fitted with feature names; "
            "its columns are taken by position",
            UserWarning,
        )
    if matched is None and not bare:
        yield (
            f"X has feature names, but {name} was fitted without feature names; "
            "its columns are taken by position",
            UserWarning,
        )
    if matched is not None and matched.others:
        yield f"X: {left_out(matched.others)}", DataWarning


def _columns(x: Any, frame: Frame | None, matched: Matched | None, schema: Schema) -> Rows:
    """Rows of columns, each of the kind that it had at fit."""
    fields = schema.fields
    if frame is None:
        x = Rows.of(x)
        frame = as_frame(x)
    if frame is None or len(frame.names) < len(fields):
        given = 0 if frame is None else len(frame.names)
        raise DataError(f"X has {given} columns, the model was fitted on {len(fields)}")
    if matched is None and len(frame.names) != len(fields):
        raise DataError(f"X has {len(frame.names)} columns, the model was fitted on {len(fields)}")
    order = range(len(fields)) if matched is None else matched.order
    taken = {field.name: frame.column(at) for field, at in zip(fields, order, strict=True)}
    rows = Rows.of_columns(taken, {field.name: field.kind for field in fields})
    return attrs.evolve(rows, ids=frame.ids)


def _sparse(x: Any) -> Rows:
    from scipy.sparse import csr_array

    rows = Rows.of(x)
    if rows.storage == "columns":
        raise DataError("X has columns that are not numbers; the model was fitted on sparse rows")
    if rows.storage == "sparse":
        return rows
    return Rows.of(csr_array(rows.values.reshape(len(rows), -1)))


def _check_shape(shape: tuple[int, ...], expected: tuple[int, ...], name: str) -> None:
    if shape == expected:
        return
    if len(shape) == 1 and shape != (math.prod(expected),):
        raise DataError(
            f"X has {shape[0]} features, but {name} is expecting {math.prod(expected)} features "
            "as input"
        )
    raise DataError(
        f"rows have the shape {shape}, the model was fitted on rows of shape {expected}"
    )


def _refuse_other_values(rows: Rows, schema: Schema) -> None:
    """Refuse columns that hold numbers where the rows of the fit had categories.

    Other categories than those of the fit are counted by the component that takes columns.
    """
    for field in schema.fields:
        if field.kind == "category" and field.categories:
            column: AnyArray = rows.column(field.name)
            other = set(column) - {None, *field.categories}
            if other:
                _refuse_numbers(field, column, other)


def _refuse_numbers(field: Field, column: AnyArray, other: set[str]) -> None:
    """Refuse a column that holds nothing but numbers where the fit had categories that are not."""
    if any(map(is_number, field.categories)) or not all(map(is_number, other)):
        return
    if not set(field.categories).isdisjoint(column):
        return
    row = next(row for row, value in enumerate(column) if value is not None)
    raise DataError(
        f"X: row {row}, column {field.name!r} is {column[row]!r}, a number like all others there; "
        f"the model was fitted on categories such as {listed(field.categories[:3])}"
    )
