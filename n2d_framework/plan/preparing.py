"""Rows as prepare components give them: in float64 between steps, in float32 after the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.arrays.single_precision import collapse, column_of
from n2d_framework.errors import DataError
from n2d_framework.plan.steps import Step
from n2d_framework.types import AnyArray

__all__ = ["prepared"]

_CHUNK = 4096


def prepared(step: Step, component: Any, x: AnyArray, *, fitting: bool = False) -> AnyArray:
    """Apply a fitted prepare component in bounded memory.

    Parameters
    ----------
    step : Step
    component : object
        Fitted.
    x : array of shape (n, ...)
        Finite numbers of any real type.
    fitting : bool, default False
        Whether a column of which float32 leaves far fewer different values is refused.

    Returns
    -------
    array of shape (n, ...)
        float32, C-contiguous and a copy, after the last step; else in the component's type.

    Raises
    ------
    DataError
        If a value is too large for float32 or, when fitting, if different values of a column
        become the same in it.
    """
    if not step.last:
        return np.asarray(component.transform(x))
    found: AnyArray | None = None
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)
        given = np.asarray(component.transform(x[rows]))
        if found is None:
            found = np.empty((len(x), *given.shape[1:]), dtype=np.float32)
        found[rows] = _cast(given)
        if not np.isfinite(found[rows]).all():
            row, *column = (int(i) for i in np.argwhere(~np.isfinite(found[rows]))[0])
            raise DataError(
                f"row {start + row}, {column_of(column)}: a value is too large for float32 after "
                f"{_named(step)}; scale the data before, or choose another one"
            )
    if found is None:  # no rows
        return _cast(np.asarray(component.transform(x)))
    if fitting:
        _refuse_collapse(step, component, x, found)
    return found


def _cast(rows: AnyArray) -> AnyArray:
    """Rows in float32, in which equal values are equal bits: no -0."""
    with np.errstate(over="ignore"):
        return np.asarray(rows.astype(np.float32) + np.float32(0))


def _named(step: Step) -> str:
    return f"the {step.spec.name!r} scaler" if step.index == 0 else step.title


def _refuse_collapse(step: Step, component: Any, x: AnyArray, found: AnyArray) -> None:
    if x.dtype == np.float32 and found.shape == x.shape and np.array_equal(found, x):
        return
    if found.shape == x.shape:
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
