"""Mappings and lists that hold arrays somewhere; the others are plain texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from n2d_framework.errors import BundleError
from n2d_framework.storage.elements.plain import holds_array
from n2d_framework.storage.elements.registry import Codec, Reading, Writing, as_branch, labels
from n2d_framework.storage.state_tree import Branch, Node

__all__ = ["LIST", "MAPPING", "mapping_branch"]


def mapping_branch(value: Mapping[str, Any], path: str, writing: Writing) -> Branch:
    """A group with one child per name, in the mapping's order."""
    children = {
        str(key): writing.child(item, f"{path}/{key}", writing) for key, item in value.items()
    }
    return Branch(path=path, attributes=labels("mapping", 1), children=children)


def _read_mapping(node: Node, reading: Reading) -> dict[str, Any]:
    children = as_branch(node).children
    if any(key[0].isdigit() for key in children):
        raise BundleError(f"{node.path}: names of a mapping begin with a letter or '_'")
    return {key: reading.child(child, reading) for key, child in children.items()}


def _write_list(value: Any, path: str, writing: Writing) -> Node:
    children = {
        str(index): writing.child(item, f"{path}/{index}", writing)
        for index, item in enumerate(value)
    }
    return Branch(path=path, attributes=labels("list", 1), children=children)


def _read_list(node: Node, reading: Reading) -> list[Any]:
    children = as_branch(node).children
    if list(children) != [str(index) for index in range(len(children))]:
        raise BundleError(f"{node.path}: the items of a list must be named 0, 1, 2, ... in order")
    return [reading.child(child, reading) for child in children.values()]


MAPPING = Codec(
    type="mapping",
    version=1,
    read=_read_mapping,
    accepts=lambda value: isinstance(value, Mapping) and holds_array(value),
    write=mapping_branch,
)
LIST = Codec(
    type="list",
    version=1,
    read=_read_list,
    accepts=lambda value: isinstance(value, (list, tuple)) and holds_array(value),
    write=_write_list,
)
