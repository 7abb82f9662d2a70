"""From the name of a dataset to its files, and to its rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from n2d_framework.core.dataset import Dataset, DatasetSpec
from n2d_framework.core.libraries import install_command
from n2d_framework.data.apart import check_hdf5
from n2d_framework.data.sets.directories import cache_folder, data_folder, is_offline
from n2d_framework.data.sets.download_bar import terminal_bar
from n2d_framework.data.sets.downloading import Watcher, obtain
from n2d_framework.errors import DataError, DownloadError, MissingLibraryError

if TYPE_CHECKING:
    from n2d_framework.registry import Catalogue

__all__ = ["fetch", "files_of", "load_set", "whereabouts"]

logger = logging.getLogger(__name__)


def fetch(
    name: str,
    *,
    catalogue: Catalogue | None = None,
    progress: bool | None = None,
    timeout: float = 30.0,
) -> list[Path]:
    """Make sure that the files of a dataset are on this machine.

    Parameters
    ----------
    name : str
        Of a known dataset, perhaps as ``distribution:name``.
    catalogue : Catalogue, optional
        Where it is looked up; that of the installed plugins by default.
    progress : bool, optional
        Whether to draw a bar on stderr; by default if that is a terminal.
    timeout : float, default 30
        Seconds to wait for a server's answer, and for each further part of it.

    Returns
    -------
    list of Path
        The files, in the user's own folder (``N2D_DATA``) or the cache; none for a dataset
        that needs none.

    Raises
    ------
    UnknownComponentError
        If no plugin knows the name.
    DownloadError
        If the files are not here and cannot be fetched: what was tried, and what to do.
    """
    from n2d_framework.registry import default_catalogue

    spec = (catalogue or default_catalogue()).dataset(name).spec
    return list(files_of(spec, progress=progress, timeout=timeout).values())


def files_of(
    spec: DatasetSpec,
    *,
    folders: Iterable[Path] = (),
    progress: bool | None = None,
    timeout: float = 30.0,
) -> dict[str, Path]:
    """Files of a dataset, by the last part of their names; downloaded if need be.

    Parameters
    ----------
    spec : DatasetSpec
    folders : iterable of Path
        Looked through before ``N2D_DATA`` and the cache.
    progress, timeout
        As for :func:`fetch`.

    Returns
    -------
    dict of str to Path
    """
    if not spec.from_files:
        return {}
    own = data_folder()
    for folder in (*folders, *([own] if own else [])):
        found = _local_group(spec, folder)
        if found:
            return found
    cache = cache_folder()
    if not all((cache / file.name).is_file() for file in spec.files) or not spec.files:
        _refuse_if_impossible(spec)
    with terminal_bar(progress) as watch:
        return {
            PurePosixPath(file.name).name: _obtained(spec, file.name, cache, watch, timeout)
            for file in spec.files
        }


def load_set(spec: DatasetSpec, *, folders: Iterable[Path] = ()) -> Dataset:
    """Rows of a known dataset.

    Parameters
    ----------
    spec : DatasetSpec
    folders : iterable of Path
        As for :func:`files_of`.

    Raises
    ------
    DataError
        If the files cannot be had, or hold something else.
    MissingLibraryError
        If its loader needs a library that is not installed.
    """
    try:
        return _loaded(spec, folders)
    except ModuleNotFoundError as error:
        text = f"{spec.name}: to be read, it needs {error.name}, which is not installed"
        command = install_command("n2d_framework[all]")
        raise MissingLibraryError(f"{text}; {command}") from error


def _loaded(spec: DatasetSpec, folders: Iterable[Path]) -> Dataset:
    if not spec.from_files:
        return spec.load()
    files = files_of(spec, folders=folders)
    for path in files.values():
        if path.suffix.lower() in (".h5", ".hdf5"):
            check_hdf5(path, "an HDF5 file (.h5)")
    found = spec.load(files)
    places = ", ".join(str(path) for path in files.values())
    if found.feature_shape != spec.row_shape:
        raise DataError(
            f"{spec.name}: rows of shape {found.feature_shape} in {places}, but those of this "
            f"dataset have the shape {spec.row_shape}; put the right file there"
        )
    if len(found.x) != spec.n_rows:
        logger.warning(
            "%s: %d rows in %s, the published dataset has %d",
            spec.name, len(found.x), places, spec.n_rows,
        )  # fmt: skip
    return found


def whereabouts(spec: DatasetSpec) -> str:
    """Where the rows are now, in a word; nothing is downloaded.

    Returns
    -------
    str
        ``"embedded"``, ``"local"`` (in ``N2D_DATA``), ``"cached"`` or ``"remote"``.
    """
    if not spec.from_files:
        return "embedded"
    own = data_folder()
    if own and _local_group(spec, own):
        return "local"
    cache = cache_folder()
    if spec.files and all((cache / file.name).is_file() for file in spec.files):
        return "cached"
    return "remote"


def _groups(spec: DatasetSpec) -> list[tuple[str, ...]]:
    """Groups of names of which one is enough; the first is preferred."""
    originals = tuple(file.name for file in spec.files)
    return [*spec.alternatives, *([originals] if originals else [])]


def _local_group(spec: DatasetSpec, folder: Path) -> dict[str, Path] | None:
    for group in _groups(spec):
        found = {PurePosixPath(name).name: folder / name for name in group}
        if all(path.exists() for path in found.values()):
            return found
    return None


def _obtained(spec: DatasetSpec, name: str, cache: Path, watch: Watcher, timeout: float) -> Path:
    file = next(file for file in spec.files if file.name == name)
    try:
        return obtain(file, cache, watch=watch, timeout=timeout, offline=is_offline())
    except DownloadError as error:
        raise DownloadError(f"{spec.name}: {error}\n{_advice(spec)}") from error


def _refuse_if_impossible(spec: DatasetSpec) -> None:
    if not spec.files:
        raise DownloadError(f"{spec.name}: it cannot be downloaded.\n{_advice(spec)}")
    if is_offline():
        raise DownloadError(
            f"{spec.name}: it is not on this machine and N2D_OFFLINE forbids downloads.\n"
            f"{_advice(spec)}"
        )


def _advice(spec: DatasetSpec) -> str:
    groups = "; or ".join(" and ".join(group) for group in _groups(spec))
    return f"Without a network, put into the folder that N2D_DATA names: {groups}"
