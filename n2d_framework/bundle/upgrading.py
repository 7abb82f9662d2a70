"""Rewrite a bundle of any older version in the newest one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from n2d_framework.bundle.decoding import named, open_bundle
from n2d_framework.bundle.inspection import BundleInfo, inspect
from n2d_framework.bundle.manifest import parts_in
from n2d_framework.bundle.save_load import build
from n2d_framework.storage import encode, write_atomic

if TYPE_CHECKING:
    from n2d_framework.registry import Catalogue

__all__ = ["upgrade"]


def upgrade(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    max_bytes: int | None = None,
    catalogue: Catalogue | None = None,
    trusted: Iterable[str] = (),
) -> BundleInfo:
    """Read a bundle of any older version and write it in the newest one.

    The states of the components are brought to their newest version. Where the model comes
    from is kept: creation time, environment, training, golden rows, and whatever else
    the manifest says.

    Parameters
    ----------
    path : path-like
        The bundle.
    out : path-like
        Where to; may be the same.
    max_bytes, catalogue, trusted
        As for :func:`n2d_framework.load`.

    Returns
    -------
    BundleInfo
        What is in `out`.

    Raises
    ------
    BundleError
        If the bundle cannot be loaded.
    OutputError
        If `out` cannot be written; what was there before is unchanged.
    """
    opened = open_bundle(path, max_bytes)
    with named(path):
        parts = opened.states()
        fresh = build(opened.manifest, parts, catalogue, trusted).to_snapshot()
    manifest = {
        **opened.manifest,
        "framework_version": fresh.manifest["framework_version"],
        "composition": fresh.manifest["composition"],
    }
    components = {part: fresh.parts[part] for part in parts_in(fresh.manifest)}
    before = parts_in(opened.manifest)
    parts = components | {name: part for name, part in parts.items() if name not in before}
    write_atomic(out, encode(manifest, parts, created=str(manifest["created"])))
    return inspect(out, max_bytes=max_bytes)
