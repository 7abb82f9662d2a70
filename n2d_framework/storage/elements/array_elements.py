"""Arrays of numbers, and of truth values (stored as bytes)."""

from __future__ import annotations

from typing import Any

import numpy as np

from n2d_framework.core.state import ARRAY_DTYPES
from n2d_framework.errors import BundleError, StateError
from n2d_framework.storage.elements.registry import Codec, Reading, Writing, as_leaf, labels
from n2d_framework.storage.limits import MAX_RANK
from n2d_framework.storage.state_tree import Leaf, Node
from n2d_framework.types import AnyArray

__all__ = ["ARRAY", "BOOL_ARRAY"]

_WIDEST_EMPTY = 1 << 32


def _leaf(array: AnyArray, kind: str, path: str) -> Leaf:
    if array.ndim > MAX_RANK:
        raise StateError(f"state {path}: {array.ndim} dimensions, at most {MAX_RANK} can be stored")
    if not array.size and _extent(array) > _WIDEST_EMPTY:
        raise StateError(f"state {path}: an empty array of shape {array.shape} cannot be stored")
    stored = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return Leaf(
        path=path,
        attributes=labels(kind, 1),
        dtype=stored.dtype,
        shape=stored.shape,
        read=lambda: stored,
    )


def _extent(array: AnyArray) -> int:
    extent = array.itemsize
    for length in array.shape:
        extent *= max(length, 1)
    return extent


def _write_array(value: AnyArray, path: str, _writing: Writing) -> Node:
    if value.dtype.name not in ARRAY_DTYPES:
        raise StateError(f"state {path}: arrays of {value.dtype} cannot be stored")
    return _leaf(value, "array", path)


def _read_array(node: Node, _reading: Reading) -> AnyArray:
    return as_leaf(node).read()


def _write_bools(value: AnyArray, path: str, _writing: Writing) -> Node:
    return _leaf(np.asarray(value, order="C").view(np.uint8), "bool-array", path)


def _read_bools(node: Node, _reading: Reading) -> AnyArray:
    leaf = as_leaf(node)
    if leaf.dtype != np.uint8:
        raise BundleError(f"{node.path}: truth values must be stored as uint8, not {leaf.dtype}")
    array = leaf.read()
    if array.size and array.max() > 1:
        raise BundleError(f"{node.path}: truth values must be 0 or 1")
    return array.view(np.bool_)


def _is_bools(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.bool_


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype != np.bool_


ARRAY = Codec(type="array", version=1, read=_read_array, accepts=_is_array, write=_write_array)
BOOL_ARRAY = Codec(
    type="bool-array", version=1, read=_read_bools, accepts=_is_bools, write=_write_bools
)
