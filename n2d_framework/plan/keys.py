"""Content keys: what a stage's result depends on, in one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State
from n2d_framework.registry import Entry

__all__ = ["content_digest", "part_key", "stage_key"]


def stage_key(
    upstream: str,
    entry: Entry[ComponentSpec],
    options: Mapping[str, Any],
    seed: int,
    code: Mapping[str, str] | None = None,
) -> str:
    """Key of a stage: hash of everything that its result depends on.

    Parameters
    ----------
    upstream : str
        Key of the stage before, or fingerprint of the data.
    entry : Entry
        The component, its distribution and version.
    options : mapping
        All its options.
    seed : int
        The stage's seed.
    code : mapping, optional
        What identifies its code beyond the version, and the code that its options name, as
        :func:`n2d_framework.core.origin.code.code_of` gives it.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    parts: dict[str, Any] = {
        "upstream": upstream,
        "role": entry.spec.role,
        "component": entry.qualified_name,
        "version": entry.version,
        "state_version": entry.spec.state_version,
        "options": options,
        "seed": seed,
    }
    if code:
        parts["code"] = dict(code)
    return _hash(parts)


def part_key(
    upstream: str,
    entry: Entry[ComponentSpec],
    name: str,
    depends_on: Mapping[str, Any],
    seed: int,
    code: Mapping[str, str] | None = None,
) -> str:
    """Key of a part of a stage that depends on fewer options than the stage.

    Parameters
    ----------
    upstream : str
        Key of the stage before, or fingerprint of the data.
    entry : Entry
        The component; its name does not count, its role, distribution and version do.
    name : str
        What the component calls the part.
    depends_on : mapping
        Options that the part depends on.
    seed : int
        The stage's seed.
    code : mapping, optional
        As for :func:`stage_key`.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    parts: dict[str, Any] = {
        "upstream": upstream,
        "role": entry.spec.role,
        "distribution": entry.distribution,
        "version": entry.version,
        "part": name,
        "options": depends_on,
        "seed": seed,
    }
    if code:
        parts["code"] = dict(code)
    return _hash(parts)


def content_digest(key: str, manifest: Mapping[str, Any], parts: Mapping[str, State]) -> str:
    """Hash of everything that an entry of a store says, and of the key under which it says so.

    Parameters
    ----------
    key : str
    manifest : mapping
        Plain values.
    parts : mapping of str to State

    Returns
    -------
    str
        SHA-256, hexadecimal; the same before an entry is written and after it was read.
    """
    digest = hashlib.sha256(key.encode())
    _feed(digest, manifest)
    _feed(digest, parts)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    """Add a value with its kind and length, so that different ones never look the same."""
    if isinstance(value, np.generic):  # a state may hold scalars of NumPy; Python's come back
        value = value.item()
    if isinstance(value, np.ndarray):
        little = value.dtype.newbyteorder("<")
        digest.update(f"a{little.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value, dtype=little).data)
    elif isinstance(value, Mapping):
        digest.update(f"m{len(value)}:".encode())
        for name, item in value.items():
            digest.update(json.dumps(name).encode())
            _feed(digest, item)
    elif isinstance(value, (list, tuple)):
        digest.update(f"l{len(value)}:".encode())
        for item in value:
            _feed(digest, item)
    else:
        digest.update(b"v" + json.dumps(value).encode() + b";")


def _hash(parts: Mapping[str, Any]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()
