"""Members of an archive or a folder, read one by one; nothing is unpacked to disk."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path

from n2d_builtin.datasets.shared_reading import reading

__all__ = ["read_members"]


def read_members(path: Path, wanted: Collection[str]) -> dict[str, bytes]:
    """Content of some files of a folder, a ``.zip`` (also one inside it) or a ``.tar.gz``.

    Parameters
    ----------
    path : Path
    wanted : collection of str
        Ends of paths, such as ``"train/X_train.txt"``.

    Returns
    -------
    dict of str to bytes
        By the names in `wanted`.

    Raises
    ------
    DataError
        If it cannot be read, or a file is missing.
    """
    with reading(path, "the archive or folder of a dataset"):
        if path.is_dir():
            found = {name: (path / name).read_bytes() for name in wanted if (path / name).is_file()}
        elif path.suffix == ".zip":
            found = _from_zip(io.BytesIO(path.read_bytes()), wanted)
        else:
            found = _from_tar(path, wanted)
        missing = sorted(set(wanted) - set(found))
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        return found


def _from_zip(file: io.BytesIO, wanted: Collection[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        found = {
            name: _unlocked(archive, member)
            for name in wanted
            for member in archive.namelist()
            if f"/{member}".endswith(f"/{name}") and "__MACOSX" not in member
        }
        inner = [member for member in archive.namelist() if member.endswith(".zip")]
        if not found and inner:
            return _from_zip(io.BytesIO(_unlocked(archive, inner[0])), wanted)
        return found


def _unlocked(archive: zipfile.ZipFile, member: str) -> bytes:
    try:
        return archive.read(member)
    except RuntimeError as error:  # a password, or a way of packing that Python does not know
        raise ValueError(f"{error}; unpack it yourself and pack its files plainly") from error


def _from_tar(path: Path, wanted: Collection[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = next((name for name in wanted if f"/{member.name}".endswith(f"/{name}")), None)
            content = archive.extractfile(member) if name and member.isfile() else None
            if name and content is not None:
                found[name] = content.read()
    return found
