"""One file from one of its mirrors into the cache: whole, as announced, or not at all."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from n2d_framework.core.dataset import DataFile
from n2d_framework.data.sets.transfer import Transfer
from n2d_framework.errors import DownloadError

__all__ = ["Watcher", "obtain"]

logger = logging.getLogger(__name__)

#: Gets the name of a file, the bytes that have come, and the bytes that will (None: unknown).
Watcher: TypeAlias = Callable[[str, int, int | None], None]

_HIDDEN = ".unfinished"


def obtain(file: DataFile, cache: Path, *, watch: Watcher, timeout: float, offline: bool) -> Path:
    """Path of a file in the cache, with the announced content.

    Parameters
    ----------
    file : DataFile
    cache : Path
        Made if need be. Several processes may share it: one downloads, the others wait.
    watch : callable
        Progress of a transfer.
    timeout : float
        Seconds to wait for each part of an answer.
    offline : bool
        Whether downloads are forbidden.

    Returns
    -------
    Path

    Raises
    ------
    DownloadError
        With what every mirror said. The cache holds no unverified file then.
    """
    import pooch

    target = cache / file.name
    if target.is_file() and pooch.file_hash(str(target), alg="sha256") == file.sha256:
        return target
    if offline:
        state = "is damaged" if target.is_file() else "is missing"
        raise DownloadError(f"{target} {state} and N2D_OFFLINE forbids downloads")
    with _locked(cache, file):
        if target.is_file() and pooch.file_hash(str(target), alg="sha256") == file.sha256:
            return target
        _from_mirrors(file, target, cache / _HIDDEN, watch, timeout)
    return target


@contextmanager
def _locked(cache: Path, file: DataFile) -> Iterator[None]:
    """Only one process at a time; a lock ends with its process, however that ends."""
    from filelock import FileLock

    try:
        (cache / _HIDDEN).mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / _HIDDEN / f"{file.sha256}.lock")
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise DownloadError(
            f"the cache {cache} cannot be written ({error}); name another folder with N2D_CACHE"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _from_mirrors(
    file: DataFile, target: Path, hidden: Path, watch: Watcher, timeout: float
) -> None:
    name = PurePosixPath(file.name).name
    part = hidden / f"{file.sha256}.part"
    failures: list[str] = []
    for url in file.urls:
        for _ in range(2):
            resumed = part.is_file()
            transfer = Transfer(
                part, file.size, timeout, lambda done, total: watch(name, done, total)
            )
            failure = _one_mirror(url, file, target, hidden, transfer)
            if failure is None:
                return
            # What was started earlier may have been another content: once more from the start.
            if not (resumed and not part.is_file()):
                break
        failures.append(f"{url}: {failure}")
        logger.info("%s: %s", url, failure)
    tried = "".join(f"\n  - {failure}" for failure in failures)
    raise DownloadError(f"{name} could not be downloaded:{tried}")


def _one_mirror(
    url: str, file: DataFile, target: Path, hidden: Path, transfer: Transfer
) -> str | None:
    """Download from one address; why not, if it failed."""
    import pooch
    from requests import RequestException

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _quiet(pooch.get_logger()):
            # Pooch begins a file beside the one it makes, which stays if the process is killed.
            checked = pooch.retrieve(
                url,
                known_hash=f"sha256:{file.sha256}",
                fname=f"{file.sha256}.whole",
                path=hidden,
                downloader=transfer,
            )
        Path(checked).replace(target)
    except RequestException as error:
        return transfer.explain(error)
    except ValueError:
        transfer.forget()
        return "the content is not what was announced (SHA-256 differs)"
    except OSError as error:
        if error.errno == errno.ENOSPC:
            transfer.forget()
        return f"it could not be written to {target} ({error})"
    return None


@contextmanager
def _quiet(logger: Any) -> Iterator[None]:
    """Pooch reports every download on stderr; here a progress bar or an error does."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
