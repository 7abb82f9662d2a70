"""The stage store: results of fitted stages, by content key, in a folder or on an object store."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.core.state import State
from n2d_framework.errors import BundleError, OutputError, StoreWarning
from n2d_framework.plan.store.entry_files import (
    ENTRY_KIND,
    check_place,
    make_room,
    opened_entry,
    regular_files,
    sealed_entry,
)
from n2d_framework.plan.store.store_protocols import PROTOCOLS, opened_location
from n2d_framework.storage import read_image, write_atomic

__all__ = ["PROTOCOLS", "OptionalStore", "StageStore", "StoredFile"]

#: Keys are digests; a name with a separator could leave the store.
_KEY = re.compile(r"[0-9A-Za-z_-]{2,128}")
_SUFFIX = ".stage"
_UNFINISHED = ".tmp"
#: How file systems call the time of the last change, the best first.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
#: Seconds within which a second use of an entry is not noted again.
_NOTED = 600.0


@attrs.frozen
class StoredFile:
    """A file of the store, as a listing shows it.

    Attributes
    ----------
    key : str or None
        Key of the entry; ``None`` for what an interrupted write left.
    path : str
    size : int
        Bytes.
    used : float
        When it was last used, in seconds since 1970 (exact to ten minutes); where the file
        system cannot note that, when it was written.
    """

    key: str | None
    path: str
    size: int
    used: float


class StageStore:
    """Keeps what stages gave, so that none is fitted twice.

    Parameters
    ----------
    location : str or path
        A folder, or a URL whose protocol is in :data:`PROTOCOLS` (``memory://…``, ``s3://…`` with
        its package). Created when the first entry is written.

    Raises
    ------
    ConfigError
        If the URL has another protocol, chains several (``simplecache::s3://…``), or needs a
        package that is not installed.

    Notes
    -----
    Entries have the format of a bundle's parts: no pickle. They are written under a temporary
    name and renamed, so several processes may use one store at once, and an interrupted write
    leaves nothing that could be taken for a result; in a folder of this machine they are also
    flushed to the disk first. Each carries a digest of its key and all its values: one that was
    altered, or put under another key, is refused. Links in such a folder are not followed.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = os.fspath(location)
        self._fs, self._root = opened_location(self.location)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.location!r})"

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise BundleError(f"{self.location}: {key!r} is not a key of a stage store")
        return f"{self._root}/{key[:2]}/{key}{_SUFFIX}"

    def __contains__(self, key: str) -> bool:
        path = self._path(key)
        if not self._is_folder:
            return bool(self._fs.exists(path))
        return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114  # quick

    @property
    def shared(self) -> bool:
        """Return whether other processes see the same entries."""
        return "memory" not in _protocols(self._fs)

    @property
    def _is_folder(self) -> bool:
        return bool({"file", "local"} & set(_protocols(self._fs)))

    def keys(self) -> set[str]:
        """Keys of all entries, found by listing the location once.

        Raises
        ------
        OutputError
            If the location cannot be read.
        """
        return {file.key for file in self.files() if file.key is not None}

    def files(self) -> Iterator[StoredFile]:
        """Everything in the store: entries, and what interrupted writes left.

        Yields
        ------
        StoredFile
            Other files in the same place are passed over.

        Raises
        ------
        OutputError
            If the location cannot be read.
        """
        try:
            found = regular_files(self._root) if self._is_folder else self._elsewhere()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise OutputError(
                f"stage store {self.location}: cannot be listed ({error}); choose another folder"
            ) from error
        for path, about in found:
            name = path.rpartition("/")[2]
            if name.endswith(_SUFFIX):
                yield StoredFile(name.removesuffix(_SUFFIX), path, *_about(about))
            elif _SUFFIX in name and name.endswith(_UNFINISHED):
                yield StoredFile(None, path, *_about(about))

    def _elsewhere(self) -> list[tuple[str, dict[str, Any]]]:
        return list(self._fs.find(self._root, detail=True).items())

    def read(self, key: str) -> tuple[dict[str, Any], dict[str, State]] | None:
        """Read an entry.

        Parameters
        ----------
        key : str

        Returns
        -------
        (manifest, parts) or None
            ``None`` if there is no such entry.

        Raises
        ------
        BundleError
            If the entry is damaged or of a format that cannot be read.
        OutputError
            If the location cannot be read.
        """
        try:
            data = self._content(key)
            self.touch(key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise OutputError(
                f"stage store {self.location}: cannot read an entry ({error}); choose another "
                "folder, or go without a store"
            ) from error
        return opened_entry(key, data)

    def _content(self, key: str) -> bytes:
        """The bytes of an entry; of a folder of this machine, regular files only."""
        path = self._path(key)
        if not self._is_folder:
            return bytes(self._fs.cat_file(path))
        check_place(Path(path))
        try:
            return read_image(path, kind=ENTRY_KIND)
        except BundleError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise

    def write(self, key: str, manifest: dict[str, Any], parts: dict[str, State]) -> None:
        """Write an entry; whole or not at all.

        Raises
        ------
        OutputError
            If the location cannot be written.
        """
        data = sealed_entry(key, manifest, parts)
        path = self._path(key)
        try:
            if self._is_folder:
                make_room(Path(path))
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)  # noqa: SLF001  # no public name
            if self._is_folder:
                write_atomic(path, data)
            else:
                self._write_elsewhere(path, data)
        except OSError as error:
            if self._is_whole(key):  # another user has written the same, and it is theirs
                return
            raise OutputError(
                f"stage store {self.location}: cannot write an entry ({error}); choose another "
                "folder, free some space, or go without a store"
            ) from error

    def _is_whole(self, key: str) -> bool:
        try:
            opened_entry(key, self._content(key))
        except (OSError, BundleError):
            return False
        return True

    def _write_elsewhere(self, path: str, data: bytes) -> None:
        temporary = f"{path}.{uuid.uuid4().hex}{_UNFINISHED}"
        try:
            self._fs.pipe_file(temporary, data)
            try:
                self._fs.mv(temporary, path)
            except OSError:
                # Some file systems, such as SFTP, do not rename onto what is there.
                if not self._fs.exists(path):
                    raise
                self._fs.rm_file(path)
                self._fs.mv(temporary, path)
        except BaseException:  # also an interrupt leaves no unfinished file behind
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def touch(self, key: str) -> None:
        """Note that an entry is in use, where the file system can."""
        if not self._is_folder:
            return
        path = Path(self._path(key))
        # Another process may have removed it, and a store may be there to be read only.
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _NOTED:
                os.utime(path)

    def remove(self, key: str) -> None:
        """Remove an entry if it is there."""
        self.remove_file(self._path(key))

    def remove_file(self, path: str) -> None:
        """Remove a file that :meth:`files` has listed, if it is still there.

        Raises
        ------
        OutputError
            If it may not be removed.
        """
        try:
            self._fs.rm_file(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(
                f"stage store {self.location}: cannot remove {path} ({error}); check whether it "
                "may be written"
            ) from error


class OptionalStore(StageStore):
    """A store that a fit can do without: what cannot be read or kept costs a warning, not the fit.

    Parameters
    ----------
    store : StageStore
    """

    def __init__(self, store: StageStore) -> None:
        self.__dict__.update(vars(store))
        self._given_up = False

    def read(self, key: str) -> tuple[dict[str, Any], dict[str, State]] | None:
        """Read an entry, as a :class:`StageStore` does; ``None`` also if that is not possible."""
        try:
            return None if self._given_up else super().read(key)
        except OutputError as error:
            self.give_up(error)
            return None

    def write(self, key: str, manifest: dict[str, Any], parts: dict[str, State]) -> None:
        """Write an entry, as a :class:`StageStore` does, if that is possible."""
        try:
            if not self._given_up:
                super().write(key, manifest, parts)
        except OutputError as error:
            self.give_up(error)

    def give_up(self, error: Exception) -> None:
        """Warn, and leave the store alone from now on."""
        self._given_up = True
        warnings.warn(
            f"{error}. The fit continues without the store, and nothing more is kept in it",
            StoreWarning,
            stacklevel=4,
        )


def _about(details: Mapping[str, Any]) -> tuple[int, float]:
    """Size, and time of the last change; the present where a file system has none."""
    when = next((details[name] for name in _TIMES if details.get(name) is not None), None)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    if isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return int(details.get("size") or 0), time.time() if when is None else float(when)


def _protocols(file_system: Any) -> tuple[str, ...]:
    names = file_system.protocol
    return (names,) if isinstance(names, str) else tuple(names)
