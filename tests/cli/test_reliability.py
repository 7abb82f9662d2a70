"""A small version of ``benchmarks/reliability.py``: nothing is lost, no file is half written."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals, forks and limits of a process"),
]
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "reliability.py"
#: Moments for each command; the environment variable asks for more.
KILLS = int(os.environ.get("N2D_KILLS", "4"))


@pytest.fixture(scope="module")
def reliability() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("reliability", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    before = dict(os.environ)
    sys.path.insert(0, str(SCRIPT.parent))
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))
    for name in (spec.name, "commands_tried", "lacks"):
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("command", ["run", "predict", "compare"])
def test_signals_at_random_moments(reliability: ModuleType, command: str) -> None:
    assert "none lost" in reliability.interrupted(command, KILLS)


def test_several_processes_on_one_store(reliability: ModuleType) -> None:
    assert "ended well" in reliability.many_processes(3)


def test_files_that_cannot_grow(reliability: ModuleType) -> None:
    assert "run 1, predict 1, compare 1" in reliability.full_disk((0,))
    reliability.full_disk((32,))


def test_few_file_descriptors(reliability: ModuleType) -> None:
    assert "run 0, predict 0, compare 0" in reliability.descriptors((64,))
    reliability.descriptors((20,))


def test_a_place_that_cannot_be_written(reliability: ModuleType) -> None:
    assert "leaves nothing" in reliability.read_only()


def test_a_store_of_many_entries(reliability: ModuleType) -> None:
    assert "pruning" in reliability.large_store(500)
