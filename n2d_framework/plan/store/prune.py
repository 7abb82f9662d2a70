"""Size of a stage store, and making room in it while others use it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import attrs

from n2d_framework.plan.store.stage_store import StageStore, StoredFile

__all__ = ["RECENT", "Pruned", "Usage", "prune_store", "store_usage"]

#: Seconds: what was used since is taken to be in use, and stays.
RECENT = 3600.0


@attrs.frozen
class Usage:
    """Content of a store.

    Attributes
    ----------
    entries : int
        Fitted stages, and the rows of comparisons.
    size : int
        Bytes of these.
    oldest, newest : float or None
        When the entry that has rested longest, and the one used last, were used: seconds since
        1970; ``None`` if there is none.
    unfinished, unfinished_size : int
        Files that interrupted writes left, and their bytes.
    """

    entries: int
    size: int
    oldest: float | None
    newest: float | None
    unfinished: int
    unfinished_size: int


@attrs.frozen
class Pruned:
    """Entries removed from a store.

    Attributes
    ----------
    removed, kept : int
        Files.
    removed_size, kept_size : int
        Bytes.
    in_use : int
        Files that would have been removed, had they not been used within the last hour.
    """

    removed: int
    removed_size: int
    kept: int
    kept_size: int
    in_use: int


def store_usage(store: StageStore) -> Usage:
    """Number and size of what is in a store, found by one listing.

    Parameters
    ----------
    store : StageStore

    Returns
    -------
    Usage

    Raises
    ------
    OutputError
        If the store cannot be listed.
    """
    files = list(store.files())
    entries = [file for file in files if file.key is not None]
    left = [file for file in files if file.key is None]
    times = [file.used for file in entries]
    return Usage(
        len(entries), _size(entries), min(times, default=None), max(times, default=None),
        len(left), _size(left),
    )  # fmt: skip


def prune_store(
    store: StageStore,
    *,
    older_than: float | None = None,
    max_bytes: float | None = None,
    dry_run: bool = False,
    recent: float = RECENT,
) -> Pruned:
    """Remove entries that no one has used for long; they are computed again when asked for.

    Parameters
    ----------
    store : StageStore
    older_than : float, optional
        Seconds: entries that were not used since are removed; 0 means all of them.
    max_bytes : float, optional
        Size to get down to: entries that have rested longest go first.
    dry_run : bool, default False
        Whether to remove nothing, and only say what would be removed.
    recent : float, default 3600
        Seconds: entries used within them stay in any case, because a fit that is in progress may
        come back to them. Who knows that no one is at work can give 0.

    Returns
    -------
    Pruned

    Raises
    ------
    OutputError
        If the store cannot be listed, or an entry cannot be removed.

    Notes
    -----
    Safe beside fits and comparisons on the same store: a reader finds an entry whole or not at
    all, and fits again what it does not find. What interrupted writes left goes along once it
    is older than `recent`. Folders stay, so that no one who is writing loses his.
    """
    now = time.time()
    files = sorted(store.files(), key=lambda file: file.used)
    chosen = [file for file in files if file.key is None]
    entries = [file for file in files if file.key is not None]
    if older_than is not None:
        chosen += [file for file in entries if file.used <= now - older_than]
    if max_bytes is not None:
        chosen += _beyond(entries, max_bytes)
    chosen = list(dict.fromkeys(chosen))
    removed = [file for file in chosen if file.used <= now - recent]
    if not dry_run:
        for file in removed:
            store.remove_file(file.path)
    size = _size(removed)
    return Pruned(
        len(removed), size, len(files) - len(removed), _size(files) - size,
        len(chosen) - len(removed),
    )  # fmt: skip


def _beyond(entries: Sequence[StoredFile], max_bytes: float) -> list[StoredFile]:
    """The entries, longest unused first, without which the others fit."""
    room = _size(entries) - max_bytes
    chosen = []
    for file in entries:
        if room <= 0:
            break
        chosen.append(file)
        room -= file.size
    return chosen


def _size(files: Sequence[StoredFile]) -> int:
    return sum(file.size for file in files)
