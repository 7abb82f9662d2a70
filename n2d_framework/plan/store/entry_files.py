"""The files of a stage store: sealed by a digest; regular files only, and no link is followed.

A store may come from somebody else. A pipe in the place of an entry would be waited for, a device
read without end, and a link would lead reading, writing and making room out of the folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from n2d_framework.core.state import State
from n2d_framework.errors import BundleError
from n2d_framework.plan.keys import content_digest
from n2d_framework.storage import encode, open_image

__all__ = [
    "ENTRY_KIND",
    "check_place",
    "make_room",
    "opened_entry",
    "regular_files",
    "sealed_entry",
]

#: What the first 512 bytes of an entry say that it is.
ENTRY_KIND = "stage"
#: Where the manifest of an entry has the digest of everything else in it.
_DIGEST = "digest"

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


def sealed_entry(key: str, manifest: Mapping[str, Any], parts: Mapping[str, State]) -> bytes:
    """The file of an entry, with a digest of its key and all its values."""
    sealed = {**manifest, _DIGEST: content_digest(key, manifest, parts)}
    return encode(sealed, parts, created="", kind=ENTRY_KIND)


def opened_entry(key: str, data: bytes) -> tuple[dict[str, Any], dict[str, State]]:
    """Content of an entry, if it is under its own key and as it was written.

    Raises
    ------
    BundleError
    """
    opened = open_image(data, kind=ENTRY_KIND)
    manifest, parts = opened.manifest, opened.states()
    digest = manifest.pop(_DIGEST, None)
    # Entries of format 1 had none.
    if digest is None and opened.header.version == 1:
        return manifest, parts
    if digest != content_digest(key, manifest, parts):
        raise BundleError("its content is not what was written under this key")
    return manifest, parts


def _wanted(path: Path) -> tuple[tuple[Path, Callable[[int], bool]], ...]:
    return (path.parent, stat.S_ISDIR), (path, stat.S_ISREG)


def check_place(path: Path) -> None:
    """Refuse an entry that is not a regular file in a folder.

    Raises
    ------
    BundleError
        Saying what it is instead.
    FileNotFoundError
        If there is nothing.
    """
    for place, wanted in _wanted(path):
        if not wanted(mode := place.lstat().st_mode):
            raise BundleError(f"{place} is {_KINDS.get(stat.S_IFMT(mode), 'a device')}")


def make_room(path: Path) -> None:
    """Remove what stands in the place of an entry or of its folder and is of another kind.

    A folder may hold somebody's files, so it is renamed (``NAME.*.aside``).
    """
    for place, wanted in _wanted(path):
        try:
            mode = place.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        if wanted(mode):
            continue
        if stat.S_ISDIR(mode):
            place.rename(place.with_name(f"{place.name}.{secrets.token_hex(4)}.aside"))
        else:
            place.unlink()


def regular_files(root: str) -> list[tuple[str, dict[str, Any]]]:
    """Path, size and time of each regular file in the folders of a store."""
    found = []
    for folder in os.scandir(root):
        if not folder.is_dir(follow_symlinks=False):
            continue
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            for file in os.scandir(folder.path):
                if file.is_file(follow_symlinks=False):
                    about = file.stat(follow_symlinks=False)
                    found.append((file.path, {"size": about.st_size, "mtime": about.st_mtime}))
    return found
