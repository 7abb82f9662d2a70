"""Entry of a stage in the store, checked: an entry is right, or it is fitted again."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.arrays.single_precision import collapse
from n2d_framework.core.roles import LABEL_ROLE, role_info
from n2d_framework.core.rows import Rows, is_sparse
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, need
from n2d_framework.errors import DataError, N2DError, StageError, StateError, StoreWarning
from n2d_framework.types import AnyArray

__all__ = [
    "StageEntry",
    "checked_output",
    "last_losses",
    "read_entry",
    "warn_of_damage",
    "with_state",
]


@attrs.frozen(eq=False, kw_only=True)
class StageEntry:
    """A stage as the store has it.

    Attributes
    ----------
    output : array
        Training coordinates (n, d) float32, or labels (n,) int64.
    state : State or None
        Of the component; ``None`` for one that imports code.
    published : State
        What is known to later stages about the output.
    seconds : float
        How long fitting took.
    peak_memory : float
        MiB; ``nan`` where it was not noted.
    warnings : tuple of str
    losses : mapping of str to float, or None
        What the component ended with; ``None`` where it was not noted.
    versions : mapping of str to str
    """

    output: AnyArray
    state: State | None
    published: State
    seconds: float
    peak_memory: float
    warnings: tuple[str, ...]
    losses: Mapping[str, float] | None
    versions: Mapping[str, str]


def read_entry(
    found: tuple[Mapping[str, Any], Mapping[str, State]],
    spec: ComponentSpec,
    n_rows: int | None = None,
) -> StageEntry:
    """Check every value of an entry.

    Parameters
    ----------
    found : (manifest, parts)
        As :meth:`StageStore.read` gives it.
    spec : ComponentSpec
        Of the component that made it.
    n_rows : int, optional
        How many rows it was fitted on, if that is known.

    Returns
    -------
    StageEntry

    Raises
    ------
    StateError, StageError
        If a value is missing, or cannot be what a fitted stage gives.
    """
    manifest, parts = found
    output = need(need(parts, "output", dict), "values", np.ndarray)
    rows = len(output) if output.ndim else 0
    return StageEntry(
        output=checked_output(output, spec, rows if n_rows is None else n_rows),
        state=None if spec.imports_code else need(parts, "state", dict),
        published=need(parts, "published", dict) if "published" in parts else {},
        seconds=_amount(manifest, "seconds", None),
        peak_memory=_amount(manifest, "peak_memory", math.nan),
        warnings=tuple(_texts(list(need(manifest, "warnings", list)), "warnings"))
        if "warnings" in manifest
        else (),
        losses=_losses(manifest),
        versions=_versions(manifest),
    )


def _amount(manifest: Mapping[str, Any], name: str, otherwise: float | None) -> float:
    """A time or an amount of memory: finite, not negative; ``nan`` where nothing was noted."""
    if name not in manifest and otherwise is not None:
        return otherwise
    value = float(need(manifest, name, float))
    if not (0 <= value < math.inf or (math.isnan(value) and otherwise is not None)):
        raise StateError(f"its {name} are {value}")
    return value


def _texts(values: list[Any], name: str) -> list[str]:
    if not all(isinstance(value, str) for value in values):
        raise StateError(f"its {name} are not strings")
    return values


def _losses(manifest: Mapping[str, Any]) -> dict[str, float] | None:
    if "losses" not in manifest:
        return None
    losses = need(manifest, "losses", dict)
    return {name: float(need(losses, name, float)) for name in losses}


def _versions(manifest: Mapping[str, Any]) -> dict[str, str]:
    versions: dict[str, str] = need(manifest, "versions", dict) if "versions" in manifest else {}
    _texts(list(versions.values()), "versions")
    return versions


def with_state(component: Any, state: State) -> Any:
    """A copy of an unfitted component that has taken a state from the store.

    Raises
    ------
    StateError
        If the component cannot take it, whatever it raises.
    """
    fitted = copy.deepcopy(component)
    try:
        fitted.set_state(state)
    except N2DError:
        raise
    except Exception as error:  # a component may raise anything on what it is given
        raise StateError(f"{type(error).__name__}: {error}") from error
    return fitted


def warn_of_damage(store: object, key: str, error: object, *, stacklevel: int) -> None:
    """Say in one line that an entry cannot be used."""
    reason = " ".join(str(error).split())[:300]
    warnings.warn(
        f"{store}: the entry {key[:12]}… is damaged ({reason}); it is computed again",
        StoreWarning,
        stacklevel=stacklevel + 1,
    )


def last_losses(component: Any) -> dict[str, float]:
    """The losses of what a component kept: those of its ``best_epoch_``, or the last."""
    history = getattr(component, "history_", None) or {}
    kept = getattr(component, "best_epoch_", None) or 0
    return {
        name: float(values[kept - 1 if 0 < kept <= len(values) else -1])
        for name, values in history.items()
        if name.endswith("loss") and len(values)
    }


def checked_output(output: Any, spec: ComponentSpec, n_rows: int) -> Any:
    """The output of a stage in the type the contract promises, or a clear refusal."""
    if role_info(spec.role).gives == "rows" and (is_sparse(output) or isinstance(output, Rows)):
        return _checked_rows(output, spec, n_rows)
    array = np.asarray(output)
    what = f"{spec.role} {spec.name!r} returned"
    if role_info(spec.role).gives_labels:
        if array.shape != (n_rows,) or array.dtype.kind not in "iu":
            raise StageError(
                f"{what} {array.dtype} of shape {array.shape}, not {n_rows} integer labels"
            )
        noise = spec.noise or spec.role != LABEL_ROLE
        if len(array) and array.min() < (-1 if noise else 0):
            raise StageError(f"{what} the label {array.min()}, which it did not announce")
        return np.ascontiguousarray(array, dtype=np.int64)
    if role_info(spec.role).gives == "rows":
        real = array.dtype.kind in "uif"
        if array.ndim < 2 or len(array) != n_rows or 0 in array.shape or not real:
            raise StageError(
                f"{what} {array.dtype} of shape {array.shape}, not {n_rows} rows of real numbers"
            )
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array).reshape(n_rows, -1).all(axis=1)))
            raise StageError(f"{what} values that are not finite, first in row {row}")
        return np.ascontiguousarray(array)
    if array.ndim != 2 or len(array) != n_rows or array.shape[1] == 0 or array.dtype.kind != "f":
        raise StageError(f"{what} {array.dtype} of shape {array.shape}, not ({n_rows}, d) floats")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise StageError(
            f"{what} values that are not finite, first in row {int(np.argmin(finite))}; "
            "look for extreme values in the data, or change its options"
        )
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(found).all():
        row = int(np.argmin(np.isfinite(found).all(axis=1)))
        raise StageError(f"{what} values too large for float32, first in row {row}; scale the data")
    lost = "" if array.dtype == np.float32 else collapse(array, _narrow, computed=True)
    if lost:
        raise StageError(f"{what} coordinates too close for their size: {lost}; scale the data")
    return found


def _checked_rows(output: Any, spec: ComponentSpec, n_rows: int) -> Any:
    """Sparse rows in canonical form, or rows of columns."""
    try:
        rows = Rows.of(output)
    except DataError as error:
        raise StageError(f"{spec.role} {spec.name!r} returned rows that are wrong: {error}") from (
            error
        )
    if len(rows) != n_rows:
        raise StageError(f"{spec.role} {spec.name!r} returned {len(rows)} rows, not {n_rows}")
    return rows if rows.storage == "columns" else rows.values


def _narrow(array: AnyArray) -> AnyArray:
    return np.asarray(array, dtype=np.float32)
