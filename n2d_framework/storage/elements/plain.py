"""Values without arrays, as one JSON text: numbers, texts, truth values, None, lists, mappings.

JSON has no infinities; they and nan are written as ``{"$float": "inf"}``. No name in a state
may begin with ``$``, so nothing else looks like that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Never

import numpy as np

from n2d_framework.errors import BundleError, StateError
from n2d_framework.storage.elements.registry import Codec, Reading, Writing, as_leaf, labels
from n2d_framework.storage.limits import MAX_JSON_NAME, MAX_TEXT_BYTES
from n2d_framework.storage.state_tree import Leaf, Node

__all__ = ["PLAIN", "holds_array", "text_leaf"]

_MARK = "$float"
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_LEAST_INT, _GREATEST_INT = -(1 << 63), (1 << 64) - 1


def holds_array(value: Any) -> bool:
    """Return whether there is an array in `value`, at any depth."""
    if isinstance(value, Mapping):
        return any(holds_array(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_array(item) for item in value)
    return isinstance(value, np.ndarray)


def _to_json(value: Any, path: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return _integer(int(value), path)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_MARK: repr(float(value))}
    if isinstance(value, Mapping):
        return {_key(key, path): _to_json(item, f"{path}/{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item, f"{path}/{index}") for index, item in enumerate(value)]
    raise StateError(f"state {path}: a {type(value).__name__} cannot be stored")


def _integer(value: int, path: str) -> int:
    if not _LEAST_INT <= value <= _GREATEST_INT:
        raise StateError(f"state {path}: the integer {value:#x} does not fit into 64 bit")
    return value


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str) or key.startswith("$") or len(key) > MAX_JSON_NAME:
        raise StateError(f"state {path}: {str(key)[:60]!r} is not a valid name")
    return str(key)


def text_leaf(value: Any, path: str, writing: Writing) -> Node:
    """A value without arrays, as the dataset that holds its JSON text."""
    try:
        text = json.dumps(_to_json(value, path), separators=(",", ":"), allow_nan=False).encode()
    except RecursionError as error:
        raise StateError(f"state {path}: nested too deep, or inside itself") from error
    writing.text_left -= len(text)
    if writing.text_left < 0:
        raise StateError(
            f"state {path}: texts and numbers outside arrays take more than "
            f"{MAX_TEXT_BYTES} bytes; keep long lists of numbers as arrays"
        )
    array = np.frombuffer(text, dtype=np.uint8)
    return Leaf(
        path=path,
        attributes=labels("plain", 1),
        dtype=array.dtype,
        shape=array.shape,
        read=lambda: array,
    )


def _read(node: Node, reading: Reading) -> Any:
    leaf = as_leaf(node)
    if leaf.dtype != np.uint8 or len(leaf.shape) != 1:
        raise BundleError(f"{node.path}: a text must be one row of uint8")
    reading.text_left -= leaf.shape[0]
    if reading.text_left < 0:
        raise BundleError(f"{node.path}: more than {MAX_TEXT_BYTES} bytes of text")
    try:
        return json.loads(
            leaf.read().tobytes().decode("ascii"),
            object_pairs_hook=_mapping,
            parse_constant=_refuse_constant,
            parse_int=_parse_int,
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{node.path}: not a valid JSON text ({error})") from error


def _parse_int(text: str) -> int:
    value = int(text) if len(text) <= 20 else _GREATEST_INT + 1
    if not _LEAST_INT <= value <= _GREATEST_INT:
        raise ValueError("an integer does not fit into 64 bit")
    return value


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _mapping(pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1 and pairs[0][0] == _MARK:
        special = _SPECIAL.get(pairs[0][1]) if isinstance(pairs[0][1], str) else None
        if special is None:
            raise ValueError(f"{pairs[0][1]!r} is not a number")
        return special
    if any(len(key) > MAX_JSON_NAME for key, _ in pairs):
        raise ValueError(f"a name is longer than {MAX_JSON_NAME} characters")
    found = dict(pairs)
    if len(found) != len(pairs) or any(key.startswith("$") for key in found):
        raise ValueError("a name occurs twice or begins with '$'")
    return found


PLAIN = Codec(
    type="plain",
    version=1,
    read=_read,
    accepts=lambda value: not holds_array(value),
    write=text_leaf,
)
