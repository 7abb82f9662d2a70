"""Content of a bundle, described without importing any component."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.bundle.decoding import open_bundle
from n2d_framework.core.roles import components_in
from n2d_framework.storage import Branch, Leaf, Node

__all__ = ["ArrayInfo", "BundleInfo", "inspect"]


@attrs.frozen
class ArrayInfo:
    """One stored value.

    Attributes
    ----------
    path : str
        Where it stands, such as ``/embedder/weights/0``.
    type : str
        ``array``, ``bool-array``, or ``plain`` for everything that is not an array.
    dtype : str
    shape : tuple of int
    stored : int
        Bytes in the file.
    size : int
        Bytes when read.
    """

    path: str
    type: str
    dtype: str
    shape: tuple[int, ...]
    stored: int
    size: int


@attrs.frozen
class BundleInfo:
    """Content of a bundle.

    Attributes
    ----------
    path : str
    file_size : int
        Bytes.
    format_version : int
    sha256 : str
        Digest of the content, to compare with one you got another way.
    framework_version : str
        Of the framework that fitted the model.
    created : str
        When it was fitted, ISO 8601.
    manifest : mapping
        See docs/bundle-format.md, section 7.
    arrays : tuple of ArrayInfo
        Every stored value.
    """

    path: str
    file_size: int
    format_version: int
    sha256: str
    framework_version: str
    created: str
    manifest: Mapping[str, Any]
    arrays: tuple[ArrayInfo, ...]

    @property
    def part_sizes(self) -> dict[str, int]:
        """Bytes in the file, by part."""
        sizes: dict[str, int] = {}
        for array in self.arrays:
            part = array.path.split("/")[1]
            sizes[part] = sizes.get(part, 0) + array.stored
        return sizes

    @property
    def components(self) -> dict[str, str]:
        """Per part, ``distribution:name``, as they were when the model was saved."""
        described = components_in(self.manifest["composition"])
        return {
            part: f"{about['distribution']}:{about['name']}" for part, about in described.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **attrs.asdict(self),
            "part_sizes": self.part_sizes,
            "components": self.components,
        }


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
        return
    for child in node.children.values():
        yield from _leaves(child)


def _array_info(leaf: Leaf) -> ArrayInfo:
    size = int(np.prod(leaf.shape, dtype=object)) * leaf.dtype.itemsize
    kind = str(leaf.attributes.get("type", ""))
    return ArrayInfo(leaf.path, kind, leaf.dtype.name, leaf.shape, leaf.stored, size)


def inspect(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> BundleInfo:
    """Say what is inside a bundle, without importing any component or building anything.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int, optional
        Limit on the size of the file and of its arrays; 8 GiB by default.

    Returns
    -------
    BundleInfo

    Raises
    ------
    BundleError
        If the file cannot be read, is not a bundle, or was altered.
    """
    opened = open_bundle(path, max_bytes)
    branches: tuple[Branch, ...] = tuple(opened.parts.values())
    return BundleInfo(
        path=str(Path(path)),
        file_size=opened.size,
        format_version=opened.header.version,
        sha256=opened.header.digest,
        framework_version=str(opened.attributes["framework_version"]),
        created=str(opened.attributes["created"]),
        manifest=opened.manifest,
        arrays=tuple(_array_info(leaf) for branch in branches for leaf in _leaves(branch)),
    )
