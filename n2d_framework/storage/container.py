"""A whole file: header, root attributes, manifest and parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from n2d_framework.core.state import KEY_PATTERN, State, check_state
from n2d_framework.errors import BundleError, StateError
from n2d_framework.storage import header
from n2d_framework.storage.elements import CODECS, Reading, Writing, mapping_branch, text_leaf
from n2d_framework.storage.hdf5 import read_tree, write_tree
from n2d_framework.storage.limits import DEFAULT_MAX_BYTES
from n2d_framework.storage.state_tree import Attributes, Branch, Leaf, Node

__all__ = ["Opened", "decode", "encode", "open_image", "read_manifest"]

_MANIFEST = "manifest"
_TEXT = re.compile(r"[\x20-\x7e]{0,64}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")


def encode(
    manifest: Mapping[str, Any],
    parts: Mapping[str, State],
    *,
    created: str,
    kind: str = "bundle",
    framework_version: str | None = None,
) -> bytes:
    """Write a manifest and states as one file image.

    Parameters
    ----------
    manifest : mapping
        Plain values without arrays: numbers, texts, truth values, ``None``, lists and
        mappings. Names are texts that do not begin with ``$``.
    parts : mapping of str to State
        States by the name of their part, such as ``"embedder"``.
    created : str
        When the content came to be (ISO 8601); from the model, so that saving twice gives
        the same bytes.
    kind : str, default "bundle"
        What the file is for. A reader that expects another kind refuses it.
    framework_version : str, optional
        Version of the framework that made the content; by default what the manifest says.

    Returns
    -------
    bytes
        The same arguments give the same bytes, in any process.

    Raises
    ------
    StateError
        If something cannot be stored, with its path.
    """
    if framework_version is None:
        framework_version = str(manifest.get("framework_version", ""))
    root: dict[str, str | int] = {
        "format": header.FORMAT_NAME,
        "format_version": header.FORMAT_VERSION,
        "kind": kind,
        "framework_version": framework_version,
        "created": created,
    }
    for name in ("created", "framework_version"):
        if not _TEXT.fullmatch(str(root[name])):
            raise StateError(
                f"{name} must be at most 64 ASCII characters, got {str(root[name])[:80]!r}"
            )
    if not _KIND.fullmatch(kind):
        raise StateError(f"kind must be lower-case letters, digits and '-', got {kind!r}")
    payload = write_tree(_tree(root, manifest, parts))
    return header.pack(kind, payload) + payload


def _tree(root: Attributes, manifest: Mapping[str, Any], parts: Mapping[str, State]) -> Branch:
    writing = Writing(child=CODECS.write)
    children: dict[str, Node] = {_MANIFEST: text_leaf(dict(manifest), f"/{_MANIFEST}", writing)}
    for name, state in parts.items():
        if not KEY_PATTERN.fullmatch(name) or name == _MANIFEST:
            raise StateError(f"{name!r} is not a valid name of a part")
        if not isinstance(state, Mapping):
            raise StateError(f"state /{name}: a part must be a mapping")
        check_state(state, f"/{name}")
        children[name] = mapping_branch(state, f"/{name}", writing)
    return Branch(path="/", attributes=root, children=children)


@attrs.frozen(kw_only=True)
class Opened:
    """A checked file of which no state has been read yet.

    Attributes
    ----------
    size : int
        Bytes of the whole file.
    header : Header
    attributes : mapping of str to str or int
        The root's: format, versions, kind and creation time.
    manifest : dict
    parts : mapping of str to Branch
    """

    size: int
    header: header.Header
    attributes: Attributes
    manifest: dict[str, Any]
    parts: Mapping[str, Branch]
    reading: Reading = attrs.field(repr=False)

    def states(self) -> dict[str, State]:
        """Read the states of all parts."""
        return {name: self._state(branch) for name, branch in self.parts.items()}

    def _state(self, branch: Branch) -> State:
        state: State = CODECS.read(branch, self.reading)
        if not isinstance(state, dict):
            raise BundleError(f"{branch.path}: a part must be a mapping")
        try:
            check_state(state, branch.path)
        except StateError as error:
            raise BundleError(str(error)) from error
        return state


def open_image(
    data: bytes, *, kind: str | None = "bundle", max_bytes: int = DEFAULT_MAX_BYTES
) -> Opened:
    """Check a file image and read its manifest, but no state.

    Parameters
    ----------
    data : bytes
        The whole file.
    kind : str or None, default "bundle"
        What it must be for; ``None`` accepts any.
    max_bytes : int
        Most bytes that its arrays may take together.

    Returns
    -------
    Opened

    Raises
    ------
    BundleError
        If anything is not as docs/bundle-format.md says.
    """
    view = memoryview(data).toreadonly()
    found = header.check(view, kind)
    payload = view[header.HEADER_SIZE :]
    tree = read_tree(payload, file_size=len(view), max_bytes=max_bytes)
    _check_root(tree, found)
    reading = Reading(child=CODECS.read)
    children = dict(tree.children)
    text = children.pop(_MANIFEST)
    manifest = CODECS.read(text, reading)
    if not isinstance(text, Leaf) or not isinstance(manifest, dict):
        raise BundleError("/manifest: must be a mapping, stored as one text")
    parts = {name: node for name, node in children.items() if isinstance(node, Branch)}
    if len(parts) != len(children):
        raise BundleError("/: every part must be a group")
    return Opened(
        size=len(view),
        header=found,
        attributes=tree.attributes,
        manifest=manifest,
        parts=parts,
        reading=reading,
    )


def _check_root(tree: Branch, found: header.Header) -> None:
    names = {"format", "format_version", "kind", "framework_version", "created"}
    if set(tree.attributes) != names or _MANIFEST not in tree.children:
        raise BundleError("/: the root's attributes or the manifest are missing")
    said = tuple(tree.attributes[name] for name in ("format", "format_version", "kind"))
    if said != (header.FORMAT_NAME, found.version, found.kind):
        raise BundleError(f"/: the root and the first 512 bytes disagree ({said})")


def decode(
    data: bytes, *, kind: str | None = "bundle", max_bytes: int = DEFAULT_MAX_BYTES
) -> tuple[dict[str, Any], dict[str, State]]:
    """Read a whole file image.

    Parameters
    ----------
    data : bytes
        The whole file.
    kind : str or None, default "bundle"
        What it must be for; ``None`` accepts any.
    max_bytes : int
        Most bytes that its arrays may take together.

    Returns
    -------
    manifest : dict
    parts : dict of str to State
        Arrays are C-contiguous, writable and owned by the caller. Tuples have become lists;
        mappings keep their order.

    Raises
    ------
    BundleError
        If anything is not as docs/bundle-format.md says.
    """
    opened = open_image(data, kind=kind, max_bytes=max_bytes)
    return opened.manifest, opened.states()


def read_manifest(
    data: bytes, *, kind: str | None = "bundle", max_bytes: int = DEFAULT_MAX_BYTES
) -> dict[str, Any]:
    """The manifest alone; the file is checked, but no array is read. Arguments as `decode`."""
    return open_image(data, kind=kind, max_bytes=max_bytes).manifest
