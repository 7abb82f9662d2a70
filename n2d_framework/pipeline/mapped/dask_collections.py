"""Arrays and frames of Dask: each partition is labelled where it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from n2d_framework.errors import DataError
from n2d_framework.pipeline.mapped.shipped_model import ShippedModel
from n2d_framework.plan.fitted_plan import FittedPlan

__all__ = ["is_collection", "map_collection"]


def is_collection(x: Any) -> bool:
    """Return whether rows are an array or a frame of Dask."""
    own = type(x).__module__.partition(".")[0] in ("dask", "dask_expr")
    return own and hasattr(x, "to_delayed") and hasattr(x, "ndim") and x.ndim >= 2


def map_collection(
    x: Any,
    shipped: ShippedModel,
    make: Callable[[FittedPlan], Callable[[Any], Any]],
    width: int | None,
    dtype: str,
) -> Any:
    """Ask a model of each partition, wherever Dask computes it.

    Parameters
    ----------
    x : dask.array.Array or dask.dataframe.DataFrame
    shipped : ShippedModel
    make : callable
        Given the model, returns what is called with a partition; it can be pickled.
    width : int or None
        Number of columns of the answer; ``None`` for one value per row.
    dtype : str
        Of the answer.

    Returns
    -------
    dask.array.Array
        Not computed yet; of the partitions of `x`. Their lengths are known where those of `x` are.
    """
    import dask.array as da
    from dask.delayed import delayed

    if hasattr(x, "chunks"):
        x = x.rechunk(dict.fromkeys(range(1, x.ndim), -1))
        lengths = list(x.chunks[0])
        parts = x.to_delayed().ravel().tolist()
    else:
        parts = x.to_delayed()
        lengths = [math.nan] * len(parts)
    model = delayed(shipped, pure=True, traverse=False, name=f"n2d-model-{shipped.digest[:16]}")
    ask = delayed(_answer, pure=True)
    tail = () if width is None else (width,)
    found = [
        da.from_delayed(ask(model, make, part, tail, dtype, place), (length, *tail), dtype=dtype)
        for part, length, place in zip(parts, lengths, _places(lengths), strict=True)
    ]
    return da.concatenate(found, allow_unknown_chunksizes=True)


def _places(lengths: list[float]) -> list[str]:
    """Names of partitions, for messages."""
    ends = np.cumsum(lengths)
    return [
        f"partition {number}" if math.isnan(end) else f"rows {end - length:.0f} to {end - 1:.0f}"
        for number, (length, end) in enumerate(zip(lengths, ends, strict=True))
    ]


def _answer(
    shipped: ShippedModel, make: Any, part: Any, tail: tuple[int, ...], dtype: str, place: str
) -> Any:
    if not len(part):
        return np.empty((0, *tail), dtype=dtype)
    try:
        return np.asarray(shipped.answer(make, part), dtype=dtype)
    except DataError as error:
        raise DataError(f"{place} (counted from 0 within these): {error}") from error
