"""The stage store: results of fitted stages, by content key, on any fsspec path."""

from __future__ import annotations

import os
import uuid
from typing import Any

from n2d_framework.core.state import State
from n2d_framework.errors import OutputError
from n2d_framework.storage import decode, encode

__all__ = ["StageStore"]

_KIND = "stage"
_SUFFIX = ".stage"


class StageStore:
    """Keeps what stages gave, so that none is fitted twice.

    Parameters
    ----------
    location : str or path
        A folder, or any URL that fsspec knows (``memory://…``, ``s3://…`` with its package).
        Created when the first entry is written.

    Notes
    -----
    Entries have the format of a bundle's parts: no pickle. They are written under a temporary
    name and renamed, so several processes may use one store at once, and an interrupted write
    leaves nothing that could be taken for a result.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        from fsspec.core import url_to_fs

        self.location = os.fspath(location)
        self._fs, self._root = url_to_fs(os.path.expanduser(self.location))  # noqa: PTH111  # may be a URL

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.location!r})"

    def _path(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}{_SUFFIX}"

    def __contains__(self, key: str) -> bool:
        return bool(self._fs.exists(self._path(key)))

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries."""
        return "memory" not in _protocols(self._fs)

    def keys(self) -> set[str]:
        """Keys of all entries, found by listing the location once.

        Raises
        ------
        OutputError
            If the location cannot be read.
        """
        try:
            found = self._fs.find(self._root)
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise OutputError(
                f"stage store {self.location}: cannot be listed ({error}); choose another folder"
            ) from error
        names = (path.rpartition("/")[2] for path in found)
        return {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}

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
            data = self._fs.cat_file(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise OutputError(
                f"stage store {self.location}: cannot read an entry ({error}); choose another "
                "folder, or go without a store"
            ) from error
        return decode(data, kind=_KIND)

    def write(self, key: str, manifest: dict[str, Any], parts: dict[str, State]) -> None:
        """Write an entry; whole or not at all.

        Raises
        ------
        OutputError
            If the location cannot be written.
        """
        data = encode(manifest, parts, created="", kind=_KIND)
        path = self._path(key)
        temporary = f"{path}.{uuid.uuid4().hex}.tmp"
        try:
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)  # noqa: SLF001  # no public name
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)
        except OSError as error:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise OutputError(
                f"stage store {self.location}: cannot write an entry ({error}); choose another "
                "folder, free some space, or go without a store"
            ) from error
        except BaseException:
            if self._fs.exists(temporary):
                self._fs.rm_file(temporary)
            raise

    def remove(self, key: str) -> None:
        """Remove an entry if it is there."""
        path = self._path(key)
        if self._fs.exists(path):
            self._fs.rm_file(path)


def _protocols(file_system: Any) -> tuple[str, ...]:
    names = file_system.protocol
    return (names,) if isinstance(names, str) else tuple(names)
