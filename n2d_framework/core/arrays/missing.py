"""Values that an array-like marks as missing beside its data: masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.types import AnyArray

__all__ = ["unmasked"]


def unmasked(x: Any) -> tuple[Any, AnyArray | None]:
    """Separate an array-like from its mask, which conversion to a plain array would drop.

    Parameters
    ----------
    x : array-like
        Anything; masks are known of ``numpy.ma`` arrays, lists and arrays of objects that hold
        such arrays or ``numpy.ma.masked``, objects whose ``__array__`` gives one, objects with
        an attribute ``mask`` (True where missing), Arrow's arrays and PyTorch's
        ``MaskedTensor``.

    Returns
    -------
    values : array-like
        `x`, or the array that it turned into.
    mask : boolean array in the shape of `x`, or None
        True where a value is missing; ``None`` if none is. Not-a-number, ``None`` and the like
        are values that say for themselves that they are missing, and are not looked for.
    """
    if type(x) is np.ndarray and x.dtype.kind != "O":
        return x, None
    if type(getattr(x, "type", None)).__name__ == "DictionaryType":
        x = x.cast(x.type.value_type)  # Arrow gives other values in the place of nulls
    if isinstance(x, (list, tuple)) or (isinstance(x, np.ndarray) and x.dtype.kind == "O"):
        mask = _mask_of_items(x)
    else:
        x, mask = _unwrapped(x)
    return x, mask if mask is not None and mask.any() else None


def _unwrapped(x: Any) -> tuple[Any, AnyArray | None]:
    beside = _mask_beside(x)
    if not isinstance(x, np.ndarray) and not hasattr(x, "columns") and hasattr(x, "__array__"):
        # asarray would drop the mask of the array that comes out of it.
        x = np.asanyarray(x)
    if isinstance(x, np.ma.MaskedArray):
        mask: Any = np.ma.getmaskarray(x)
        if mask.dtype.names is not None:
            mask = np.any([mask[name] for name in mask.dtype.names], axis=0)
        return x.data, mask if beside is None else mask | beside
    return x, beside


def _mask_beside(x: Any) -> AnyArray | None:
    """A mask that an object holds beside its values; methods of that name are none."""
    valid = getattr(x, "get_mask", None)
    if callable(valid) and hasattr(x, "get_data"):
        return ~np.asarray(valid(), dtype=bool)
    if isinstance(getattr(x, "null_count", None), int) and hasattr(x, "is_null"):  # Arrow
        return np.asarray(x.is_null(), dtype=bool)
    for name in ("mask", "_mask"):
        mask = getattr(x, name, None)
        if mask is None or callable(mask) or not hasattr(x, "__array__"):
            continue
        found = np.asarray(mask)
        if found.dtype.kind == "b":
            shape = np.shape(x)
            return np.broadcast_to(found, shape) if found.shape in ((), shape) else None
    return None


_SCALARS = frozenset({bool, float, int, str, type(None), np.float64, np.float32, np.int64})


def _mask_of_items(items: Any) -> AnyArray | None:
    if not any(_may_hold(item) for item in items):
        return None
    masks = [_mask_of_item(item) for item in items]
    try:
        return np.array(masks, dtype=bool)
    except ValueError:  # rows of several lengths, which are refused anyway
        return None


def _may_hold(item: Any) -> bool:
    if type(item) in _SCALARS:
        return False
    if isinstance(item, (list, tuple)) or (isinstance(item, np.ndarray) and item.dtype.kind == "O"):
        return item is not np.ma.masked and any(_may_hold(inner) for inner in item)
    return isinstance(item, np.ma.MaskedArray) or _mask_beside(item) is not None


def _mask_of_item(item: Any) -> Any:
    if item is np.ma.masked:
        return True
    if isinstance(item, (list, tuple)) or (isinstance(item, np.ndarray) and item.dtype.kind == "O"):
        return [_mask_of_item(inner) for inner in item]
    values, mask = unmasked(item)
    return np.zeros(np.shape(values), dtype=bool) if mask is None else mask
