"""Codecs by (type, version): a closed set, looked up by what a node says it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from n2d_framework.errors import BundleError, StateError
from n2d_framework.storage.limits import MAX_TEXT_BYTES
from n2d_framework.storage.state_tree import Branch, Leaf, Node

__all__ = ["Codec", "Codecs", "Reading", "Writing", "as_branch", "as_leaf", "labels"]


@attrs.define
class Reading:
    """One reading of a file: how to read a child, and how much text is left of the limit."""

    child: Callable[[Node, Reading], Any]
    text_left: int = MAX_TEXT_BYTES


@attrs.define
class Writing:
    """One writing of a file: how to write a child, and how much text is left of the limit."""

    child: Callable[[Any, str, Writing], Node]
    text_left: int = MAX_TEXT_BYTES


_Read: TypeAlias = Callable[[Node, Reading], Any]
_Write: TypeAlias = Callable[[Any, str, Writing], Node]


@attrs.frozen(kw_only=True)
class Codec:
    """Storage of values of one kind.

    Attributes
    ----------
    type : str
        Name of the kind in the file.
    version : int
        Raised when the stored form changes; the older codec stays, with ``accepts=None``.
    read : callable
        From a node to the value; refuses with BundleError.
    accepts : callable or None
        Whether it writes a value; ``None`` for versions that are no longer written.
    write : callable or None
        From the value and its path to a node.
    """

    type: str
    version: int
    read: _Read
    accepts: Callable[[Any], bool] | None = None
    write: _Write | None = None


@attrs.define
class Codecs:
    """A set of codecs; no two for the same type and version."""

    _known: dict[tuple[str, int], Codec] = attrs.field(factory=dict)

    def register(self, codec: Codec) -> None:
        """Add a codec.

        Raises
        ------
        ValueError
            If there is one for that type and version already.
        """
        key = (codec.type, codec.version)
        if key in self._known:
            raise ValueError(f"a codec for {codec.type!r} version {codec.version} exists already")
        self._known[key] = codec

    def known(self) -> tuple[tuple[str, int], ...]:
        """All (type, version) pairs that can be read."""
        return tuple(self._known)

    def read(self, node: Node, reading: Reading) -> Any:
        """Read a node with the codec that it names."""
        kind, version = node.attributes.get("type"), node.attributes.get("version")
        if not isinstance(kind, str) or not isinstance(version, int) or len(node.attributes) != 2:
            raise BundleError(f"{node.path}: does not say its type and version")
        codec = self._known.get((kind, version))
        if codec is None:
            raise BundleError(f"{node.path}: {self._unknown(kind, version)}")
        return codec.read(node, reading)

    def write(self, value: Any, path: str, writing: Writing) -> Node:
        """Write a value with the first codec that accepts it."""
        for codec in self._known.values():
            if codec.write is not None and codec.accepts is not None and codec.accepts(value):
                return codec.write(value, path, writing)
        raise StateError(f"state {path}: a {type(value).__name__} cannot be stored")

    def _unknown(self, kind: str, version: int) -> str:
        newest = max((found for name, found in self._known if name == kind), default=0)
        if newest and version > newest:
            return (
                f"version {version} of {kind!r} is newer than {newest}, the newest that this "
                "n2d_framework reads; upgrade n2d_framework"
            )
        return f"the type {kind!r}, version {version}, is unknown; upgrade n2d_framework"


def labels(codec_type: str, version: int) -> dict[str, str | int]:
    """The attributes by which a node says what it is."""
    return {"type": codec_type, "version": version}


def as_leaf(node: Node) -> Leaf:
    """`node`, which must be a dataset."""
    if not isinstance(node, Leaf):
        raise BundleError(f"{node.path}: must be a dataset, is a group")
    return node


def as_branch(node: Node) -> Branch:
    """`node`, which must be a group."""
    if not isinstance(node, Branch):
        raise BundleError(f"{node.path}: must be a group, is a dataset")
    return node
