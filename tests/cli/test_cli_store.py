"""``n2d store`` and ``n2d store prune``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def filled(n2d: Run, config: Path, tmp_path: Path) -> Path:
    """The default store after one run, unused since 1970."""
    result = n2d("run", config, "--out", "out", "--no-plots")
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "store").rglob("*.stage"):
        os.utime(path, (0, 0))
    return tmp_path / "store"


def entries(store: Path) -> int:
    return len(list(store.rglob("*.stage")))


def test_it_shows_where_and_how_much(n2d: Run, filled: Path) -> None:
    lines = n2d("store").stdout.splitlines()
    assert lines[0] == str(filled)
    assert lines[1].startswith("3 entries, ")
    assert "days ago" in lines[2]
    record = json.loads(n2d("store", "--json").stdout)
    assert record["entries"] == 3
    assert record["size"] == sum(path.stat().st_size for path in filled.rglob("*.stage"))


def test_a_store_that_is_not_there_is_empty(n2d: Run) -> None:
    assert "0 entries" in n2d("store", "--store", "nowhere").stdout
    assert not Path("nowhere").exists()


def test_pruning_by_age_and_by_size(n2d: Run, filled: Path) -> None:
    assert "3 files" in n2d("store", "prune", "--older-than", "30d", "--dry-run").stdout
    assert entries(filled) == 3
    assert json.loads(n2d("store", "prune", "--max-size", "1GB", "--json").stdout)["removed"] == 0
    record = json.loads(n2d("store", "prune", "--older-than", "30d", "--json").stdout)
    assert (record["removed"], record["kept"]) == (3, 0)
    assert entries(filled) == 0


def test_what_may_be_in_use_stays_unless_one_insists(n2d: Run, config: Path, filled: Path) -> None:
    assert n2d("run", config, "--out", "two", "--no-plots").exit_code == 0
    careful = n2d("store", "prune", "--all")
    assert "0 files" in careful.stdout
    assert "3 files stay because they were used within the last hour" in careful.stderr
    assert "3 files" in n2d("store", "prune", "--all", "--now").stdout
    assert entries(filled) == 0
    assert n2d("run", config, "--out", "three", "--no-plots").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prune"], "say what to remove"),
        (["shrink"], "expected nothing or 'prune', got 'shrink'"),
        (["--all"], "belong to 'n2d store prune'"),
        (["prune", "--older-than", "30"], "expected an amount such as 30d, got '30'"),
        (["prune", "--max-size", "big"], "expected an amount such as 5GB, got 'big'"),
    ],
)
def test_a_wrong_request_is_refused(n2d: Run, words: list[str], said: str) -> None:
    result = n2d("store", *words)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(("text", "removed"), [("2 MB", 0), ("0.002m", 3), ("0", 3), ("0B", 3)])
def test_sizes_are_read_as_people_write_them(
    n2d: Run, filled: Path, text: str, removed: int
) -> None:
    sizes = sorted(path.stat().st_size for path in filled.rglob("*.stage"))
    assert sizes[0] > 2000
    assert sum(sizes) < 2_000_000
    words = ("store", "prune", "--max-size", text, "--dry-run", "--json")
    assert json.loads(n2d(*words).stdout)["removed"] == removed
