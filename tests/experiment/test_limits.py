"""Time-out and memory limit of a stage; a process that dies."""

from __future__ import annotations

import time

import pytest

import n2d_framework as n2d
from n2d_framework.plan.executors import subprocess_runner
from n2d_framework.plan.executors.memory_watch import MemoryWatch


def run(modes, few_digits, out, **limits):
    config = {
        "embedders": ["identity"],
        "manifolders": [{"name": "odd", "mode": ["good", *modes]}],
        "clusterers": [{"name": "kmeans", "n_init": 1}],
        "n_clusters": 3,
        "dbcv_rows": 0,
    }
    return n2d.compare(config | limits, out, data={"few": few_digits}, n_jobs=1)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"timeout": 2}, {"sleep": "'odd' took longer than the time-out of 2 s"}),
        ({"memory_limit": 0.9}, {"eat": "more than the limit of 0.9 GiB"}),
        (
            {"timeout": 100},
            {
                "die": "'odd': its process terminated with exit code 7",
                "raise": "ZeroDivisionError: by zero",
            },
        ),
    ],
)
def test_a_stage_beyond_its_limit_fails_alone(odd, limits, said, few_digits, tmp_path):
    found = run(said, few_digits, tmp_path / "out", **limits)
    assert list(found.table["status"]) == ["done", *["failed"] * len(said)]
    for error, words in zip(found.failures["error"], said.values(), strict=True):
        assert words in error


def test_a_stage_that_trains_in_epochs_ends_itself_and_its_process_stays(odd, few_digits, tmp_path):
    found = run(["epochs"], few_digits, tmp_path / "out", timeout=3)
    assert "'odd' took longer than the time-out of 3 s" in found.failures["error"].iloc[0]
    assert subprocess_runner._here.child.alive


def test_limits_change_no_result(few_digits, grid, tmp_path):
    free = n2d.compare(grid, tmp_path / "free", data={"few": few_digits}, n_jobs=1)
    limits = {"timeout": 100, "memory_limit": 8}
    bound = n2d.compare(grid | limits, tmp_path / "bound", data={"few": few_digits}, n_jobs=1)
    assert bound.to_csv() == free.to_csv()


def test_plugins_found_later_are_found_in_the_other_process_too(request, few_digits, tmp_path):
    config = {
        "embedders": ["identity"],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_init": 1}],
        "n_clusters": 3,
        "dbcv_rows": 0,
        "timeout": 100,
    }
    n2d.compare(config, tmp_path / "before", data={"few": few_digits}, n_jobs=1)
    request.getfixturevalue("odd")
    later = config | {"manifolders": ["odd"]}
    found = n2d.compare(later, tmp_path / "after", data={"few": few_digits}, n_jobs=1)
    assert list(found.table["status"]) == ["done"]


def test_memory_is_watched_where_no_further_file_can_be_opened(monkeypatch):
    resource = pytest.importorskip("resource")
    failed = []
    monkeypatch.setattr("threading.excepthook", failed.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with MemoryWatch() as watch:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            with pytest.raises(OSError, match="Too many open files"):
                watch.sample()
            time.sleep(0.1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert failed == []
    assert watch.peak > 1
