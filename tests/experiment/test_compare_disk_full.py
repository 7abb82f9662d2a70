"""A disk that is really full while a comparison runs, where a small one may be mounted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import n2d_framework as n2d
from n2d_framework.core.events import StageFinished
from n2d_framework.errors import OutputError
from n2d_framework.plan.store import StageStore


def mount(*options: str) -> int:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    if shutil.which("mount") is None:
        pytest.skip("no mount here; the mocked disk of test_compare stays")
    place = tmp_path / "disk"
    place.mkdir()
    if mount("-t", "tmpfs", "-o", "size=320k", "tmpfs", str(place)):
        pytest.skip("no right to mount; the mocked disk of test_compare stays")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class Fitted:
    def __init__(self) -> None:
        self.keys: list[str] = []

    def __call__(self, event) -> None:
        if isinstance(event, StageFinished) and not event.cached and event.error is None:
            self.keys.append(event.key)


def test_finished_stages_stay_and_the_next_start_continues(grid, few_digits, small_disk, tmp_path):
    def run(out: str, store: Path, fitted: Fitted | None = None):
        listeners = [] if fitted is None else [fitted]
        data = {"few": few_digits}
        return n2d.compare(
            grid, tmp_path / out, data=data, store=store, listeners=listeners, n_jobs=1
        )

    before, after = Fitted(), Fitted()
    with pytest.raises(OutputError, match=r"No space left.*free some space"):
        run("out", small_disk / "stages", before)
    kept = StageStore(small_disk / "stages").keys()
    assert 0 < len(before.keys) < 28
    assert set(before.keys) <= kept
    assert not list(small_disk.rglob("*.tmp"))
    assert mount("-o", "remount,size=16m", str(small_disk)) == 0
    found = run("out", small_disk / "stages", after)
    assert set(after.keys).isdisjoint(kept)
    assert len(kept) + len(after.keys) == 2 + 28
    assert found.to_csv() == run("whole", tmp_path / "stages").to_csv()
