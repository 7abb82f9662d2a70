"""Results that hold nothing, or little, of the data: refused, or warned of."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from n2d_framework.core.arrays.distinct import distinct_rows
from n2d_framework.core.roles import role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import CollapseWarning, StageError
from n2d_framework.types import NOISE, AnyArray

__all__ = ["check_collapse"]

#: Values that differ by so many units of the last digit may be equal but for rounding.
_ROUNDING = 8 * float(np.finfo(np.float32).eps)
#: Standard deviation, relative to the largest, from which on a direction is used.
_USED = 1e-2
#: Rows on which directions are counted.
_SAMPLE = 500


def check_collapse(
    output: AnyArray, x: AnyArray, component: Any, spec: ComponentSpec, *, stacklevel: int = 2
) -> None:
    """Refuse coordinates without content, and warn of those with little.

    Rows that do not differ in `x` (but for rounding) need not differ in `output`.

    Parameters
    ----------
    output : array
        Coordinates (n, d), or labels (n,) of a clusterer.
    x : array of shape (n, ...)
        What the component was fitted on.
    component : object
        Fitted.
    spec : ComponentSpec
    stacklevel : int, default 2
        Of warnings.

    Raises
    ------
    StageError
        If all rows have the same coordinates, though they differ in `x`.

    Warns
    -----
    CollapseWarning
        If more than half of the rows share their coordinates with rows from which they differ
        in `x`; if an embedder's coordinates vary along less than half of the dimensions, and
        along fewer directions than `x`; if a clusterer finds one cluster or only noise.
    """
    if len(output) < 2:
        return
    info = role_info(spec.role)
    if info.gives_labels:
        reported = _of_labels(output, component)
    elif _spread(output) <= _ROUNDING:
        if _spread(x) > _ROUNDING:
            raise StageError(
                f"{spec.role} {spec.name!r} gave all {len(output)} rows the same coordinates, "
                f"though their data differ: nothing is left to cluster; {_advice(component)}"
            )
        reported = ""
    else:
        reported = _of_places(output, x) or (_of_dimensions(output, x) * (info.gives == "latent"))
        reported += reported and f"; {_advice(component)}"
    if reported:
        text = f"{spec.role} {spec.name!r} {reported}"
        warnings.warn(text, CollapseWarning, stacklevel=stacklevel + 1)


def _advice(component: Any) -> str:
    rate = getattr(component, "learning_rate", None)
    if isinstance(rate, (int, float)):
        return (
            f"lower its learning_rate (now {rate:g}), scale the data (scaler: minmax or "
            "standard), or use another activation or random_state"
        )
    return "change its options, scale the data (scaler: minmax or standard), or use another one"


def _spread(x: AnyArray) -> float:
    """The largest range of a column, relative to its largest absolute value."""
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    size = np.maximum(np.abs(low), np.abs(high))
    return float(((high - low) / np.where(size > 0, size, 1.0)).max())


def _of_labels(labels: AnyArray, component: Any) -> str:
    """Remark on odd labels; a single cluster is not odd where it was asked for."""
    found = np.unique(labels)
    clusters = int((found != NOISE).sum())
    if clusters > 1 or (clusters == 1 and getattr(component, "n_clusters", None) == 1):
        return ""
    if clusters == 0:
        return (
            f"takes all {len(labels)} rows for noise and finds no cluster; "
            "change its options (for hdbscan, lower min_cluster_size or min_samples)"
        )
    rest = " or takes them for noise" if found[0] == NOISE else ""
    return (
        f"puts all {len(labels)} rows into one cluster{rest}; "
        "change its options, or the stages before"
    )


def _of_places(output: AnyArray, x: AnyArray) -> str:
    """Return whether most rows are in one place that they do not share in the data."""
    places = distinct_rows(output)
    largest = int(places.counts.argmax())
    if 2 * places.counts[largest] <= len(output):
        return ""
    there = places.inverse == largest
    most = int(distinct_rows(x[there]).counts.max())
    share = (int(places.counts[largest]) - most) / len(output)
    if share <= 0.5:
        return ""
    return f"gave {share:.0%} of the rows the coordinates of rows with other data"


def _of_dimensions(output: AnyArray, x: AnyArray) -> str:
    """Return whether coordinates vary along far fewer directions than they could."""
    used, dimension = _directions(output), output.shape[1]
    if 2 * used >= dimension or used >= _directions(x):
        return ""
    return (
        f"uses {used} of the {dimension} dimensions of its latent space (all others vary by "
        f"less than {_USED:.0%} of the largest)"
    )


def _directions(x: AnyArray) -> int:
    """Number of directions along which rows vary."""
    rows = x.reshape(len(x), -1)
    rows = rows[:: -(-len(rows) // _SAMPLE)]
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0)
    largest = np.abs(centred).max(initial=0.0)
    if largest == 0:
        return 0
    centred /= largest
    narrow = centred.shape[1] <= len(centred)
    squares = np.linalg.eigvalsh(centred.T @ centred if narrow else centred @ centred.T)
    return int((squares >= _USED**2 * squares[-1]).sum())
