"""A small version of the campaign in ``benchmarks/correctness.py``: nothing differs unexplained."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "correctness.py"


@pytest.fixture(scope="module")
def correctness():
    spec = importlib.util.spec_from_file_location("correctness", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("seed", [1, 2])
def test_components_agree_with_the_libraries_in_any_unit(correctness, seed):
    counts, lines = correctness.campaign(5, seed)
    assert lines == []
    assert all(sum(found.values()) == 5 for found in counts.values())


def test_datasets_of_the_campaign_differ_in_everything(correctness):
    drawn = [correctness.Dataset.draw(number, 0) for number in range(60)]
    assert {data.rows.dtype.name for data in drawn} == {"float32", "float64", "int64"}
    sizes = [abs(data.rows.astype(float)).max() for data in drawn]
    assert min(sizes) < 1e-20
    assert max(sizes) > 1e20
