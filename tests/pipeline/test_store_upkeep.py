"""The stage store: what it takes, what is pruned, and who may use it meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from n2d_framework import N2D, StageStore
from n2d_framework.errors import OutputError
from n2d_framework.plan.store import store_protocols
from n2d_framework.plan.store.prune import prune_store, store_usage

HOUR = 3600.0
DAY = 24 * HOUR


def key_of(number: int) -> str:
    return f"{number:064x}"


def fill(place: str | Path, n: int) -> StageStore:
    store = StageStore(place)
    for number in range(n):
        noise = np.random.default_rng(number).bytes(2000)
        store.write(key_of(number), {}, {"state": {"a": np.frombuffer(noise, "u1")}})
    return store


def age(store: StageStore, key: str, seconds: float) -> Path:
    path = Path(store._path(key))
    when = time.time() - seconds
    os.utime(path, (when, when))
    return path


@pytest.fixture
def store(tmp_path) -> StageStore:
    """Four entries, not used for 0, 2, 4 and 6 days."""
    made = fill(tmp_path / "stages", 4)
    for number in range(4):
        age(made, key_of(number), number * 2 * DAY)
    return made


def left(store: StageStore) -> list[int]:
    found = store.keys()
    return sorted(int(key, 16) for key in found)


def test_usage_is_what_is_on_the_disk(store, tmp_path):
    (tmp_path / "stages" / "notes.txt").write_text("not ours")
    found = store_usage(store)
    assert found.entries == 4
    assert found.size == sum(path.stat().st_size for path in tmp_path.rglob("*.stage"))
    assert found.newest - found.oldest == pytest.approx(6 * DAY, abs=60)
    assert found.unfinished == 0


def test_an_empty_store_takes_nothing(tmp_path):
    found = store_usage(StageStore(tmp_path / "nowhere"))
    assert (found.entries, found.size, found.oldest, found.newest) == (0, 0, None, None)
    assert not (tmp_path / "nowhere").exists()


def test_pruning_by_age(store, tmp_path):
    (tmp_path / "stages" / "notes.txt").write_text("not ours")
    found = prune_store(store, older_than=3 * DAY)
    assert left(store) == [0, 1]
    assert (found.removed, found.kept, found.in_use) == (2, 2, 0)
    assert found.removed_size + found.kept_size > 4 * 2000
    assert (tmp_path / "stages" / "notes.txt").exists()


def test_pruning_to_a_size_takes_the_longest_unused_first(store):
    one = store_usage(store).size / 4
    prune_store(store, max_bytes=2.5 * one)
    assert left(store) == [0, 1]
    assert prune_store(store, max_bytes=2.5 * one).removed == 0


def test_what_was_used_a_moment_ago_stays_unless_one_insists(store):
    found = prune_store(store, older_than=0)
    assert left(store) == [0]
    assert (found.removed, found.in_use) == (3, 1)
    assert prune_store(store, older_than=0, recent=0).removed == 1
    assert left(store) == []


def test_a_dry_run_removes_nothing(store):
    assert prune_store(store, older_than=3 * DAY, dry_run=True).removed == 2
    assert left(store) == [0, 1, 2, 3]


def test_without_a_wish_only_old_unfinished_files_go(store, tmp_path):
    folder = next(path for path in (tmp_path / "stages").iterdir() if path.is_dir())
    old = folder / f".{key_of(9)}.stage.ab12.tmp"
    new = folder / f".{key_of(8)}.stage.ab12.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert store_usage(store).unfinished == 2
    assert left(store) == [0, 1, 2, 3]
    assert prune_store(store).removed == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert left(store) == [0, 1, 2, 3]


def test_reading_an_entry_keeps_it(store):
    store.read(key_of(3))
    prune_store(store, older_than=3 * DAY)
    assert left(store) == [0, 1, 3]


def test_a_store_that_may_only_be_read_can_be_read(store, monkeypatch):
    def refuse(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    assert store.read(key_of(3)) is not None


def test_an_entry_that_another_has_removed_is_not_a_failure(store):
    store.remove(key_of(1))
    store.remove(key_of(1))
    assert left(store) == [0, 2, 3]


def test_an_entry_that_may_not_be_removed_is_reported(store, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store._fs, "rm_file", refuse)
    with pytest.raises(OutputError, match=r"cannot remove .*Permission denied"):
        prune_store(store, older_than=DAY)


def test_a_store_in_memory_is_listed_and_pruned_too():
    store = fill("memory://prune", 3)
    assert store_usage(store).entries == 3
    assert prune_store(store, older_than=0).in_use == 3
    assert prune_store(store, older_than=0, recent=0).removed == 3
    assert store.keys() == set()


def test_a_fit_whose_entries_are_pruned_meanwhile_fits_again(tmp_path, digits):
    x = digits[0][:100]
    store = StageStore(tmp_path / "stages")
    trio = ("pca", {"name": "pca", "n_components": 3}, {"name": "kmeans", "n_init": 1})

    def model(**more):
        return N2D(*trio, n_clusters=4, random_state=0, store=store, **more)

    first = model().fit(x).labels_

    def prune(_event):
        prune_store(store, older_than=0, recent=0)

    again = model(listeners=[prune]).fit(x)
    assert (again.labels_ == first).all()
    assert len(store.keys()) == 0


def test_an_entry_of_another_user_is_left_to_them(store):
    path = Path(store._path(key_of(1)))
    path.chmod(0o444)
    before = path.stat().st_ino
    store.write(key_of(1), {}, {"state": {"a": np.zeros(3)}})
    assert path.stat().st_ino == before
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-5])
    path.chmod(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        store.write(key_of(1), {}, {"state": {"a": np.zeros(3)}})


class Picky(MemoryFileSystem):
    """Does not rename onto what is there, as SFTP."""

    protocol = ("picky",)

    def mv(self, path1, path2, **_more):
        if self.exists(path2):
            raise FileExistsError(path2)
        super().mv(path1, path2)


def test_file_systems_that_do_not_replace_when_they_rename(monkeypatch):
    register_implementation("picky", Picky, clobber=True)
    monkeypatch.setattr(store_protocols, "PROTOCOLS", ("picky",))
    fill("picky://stages", 2)
    store = fill("picky://stages", 2)
    assert left(store) == [0, 1]
    assert store_usage(store).unfinished == 0
    assert store.read(key_of(1)) is not None
