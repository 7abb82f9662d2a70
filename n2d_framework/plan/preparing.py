"""Rows as prepare components give them: in float64 between steps, in float32 after the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.arrays.single_precision import collapse, column_of
from n2d_framework.core.budget.scratch import Scratch
from n2d_framework.core.rows import Rows, is_sparse, joined
from n2d_framework.errors import DataError
from n2d_framework.plan.steps import Step
from n2d_framework.types import AnyArray

__all__ = ["prepared"]

_CHUNK = 4096
#: Rows of columns in which a collapse is looked for.
_LOOKED_AT = 1 << 16


def prepared(
    step: Step,
    component: Any,
    x: Rows,
    *,
    fitting: bool = False,
    scratch: Scratch | None = None,
) -> Any:
    """Apply a fitted prepare component in bounded memory.

    Parameters
    ----------
    step : Step
    component : object
        Fitted.
    x : Rows
        Finite numbers of any real type, or columns.
    fitting : bool, default False
        Whether a column of which float32 leaves far fewer different values is refused.
    scratch : Scratch, optional
        Where the result is to be, if it is an array that does not fit into memory.

    Returns
    -------
    array of shape (n, ...), CSR array or Rows
        What the component gives. Numbers are float32 after the last step, a C-contiguous copy;
        else in the component's type.

    Raises
    ------
    DataError
        If a value is too large for float32 or, when fitting, if different values of a column
        become the same in it.
    """
    if not step.last and scratch is None:
        return _plain(component.transform(x.given))
    found: AnyArray | None = None
    parts: list[Any] = []
    for number, block in enumerate(x.blocks(_CHUNK)):
        start = number * _CHUNK
        rows = slice(start, start + _CHUNK)
        given = _plain(component.transform(block.given))
        if not isinstance(given, np.ndarray):
            parts.append(_sparse_in_float32(step, given, start) if is_sparse(given) else given)
            continue
        if found is None:
            shape = (len(x), *given.shape[1:])
            kind = np.float32 if step.last else given.dtype
            found = np.empty(shape, kind) if scratch is None else scratch.empty(shape, kind)
        if not step.last:
            found[rows] = given
            continue
        found[rows] = _cast(given)
        if not np.isfinite(found[rows]).all():
            row, *column = (int(i) for i in np.argwhere(~np.isfinite(found[rows]))[0])
            raise _too_large(step, start + row, column_of(column))
    if parts:
        return joined(parts)
    if found is None:  # no rows
        return _cast(np.asarray(component.transform(x.given)))
    if fitting and step.last:
        _refuse_collapse(step, component, x, found)
    return found


def _plain(given: Any) -> Any:
    """Sparse rows and rows of columns as they are, anything else as an array."""
    return given if is_sparse(given) or isinstance(given, Rows) else np.asarray(given)


def _sparse_in_float32(step: Step, given: Any, start: int) -> Any:
    with np.errstate(over="ignore"):
        found = given.astype(np.float32)
    wrong = np.argwhere(~np.isfinite(found.data))
    if wrong.size:
        raise _too_large(step, start + int(found.nonzero()[0][int(wrong[0][0])]), "a column")
    return found


def _too_large(step: Step, row: int, column: str) -> DataError:
    return DataError(
        f"row {row}, {column}: a value is too large for float32 after {_named(step)}; scale the "
        "data before, or choose another one"
    )


def _cast(rows: AnyArray) -> AnyArray:
    """Rows in float32, in which equal values are equal bits: no -0."""
    with np.errstate(over="ignore"):
        return np.asarray(rows.astype(np.float32) + np.float32(0))


def _named(step: Step) -> str:
    return f"the {step.spec.name!r} scaler" if step.index == 0 else step.title


def _equal(x: AnyArray, y: AnyArray) -> bool:
    """Return whether arrays of one shape have the same values, without an array of answers."""
    parts = (slice(start, start + _CHUNK) for start in range(0, len(x), _CHUNK))
    return all(np.array_equal(x[part], y[part]) for part in parts)


def _refuse_collapse(step: Step, component: Any, rows: Rows, found: AnyArray) -> None:
    x: Any = rows.values
    if rows.storage != "dense":
        given = np.asarray(component.transform(rows.take(slice(0, _LOOKED_AT)).given))
        lost = collapse(given, _cast, computed=True)
    elif x.dtype == np.float32 and found.shape == x.shape and _equal(found, x):
        return
    elif found.shape == x.shape:
        lost = collapse(
            x,
            lambda rows: _cast(np.asarray(component.transform(rows))),
            computed=step.index > 0,
        )
    else:
        lost = collapse(np.asarray(component.transform(x)), _cast, computed=True)
    if lost:
        raise DataError(
            f"{lost}, after {_named(step)}; scale by another one (standard or minmax, per: "
            "feature), take its logarithm, subtract what its values have in common, or leave it out"
        )
