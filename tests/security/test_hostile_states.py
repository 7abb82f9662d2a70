"""Real components and states that somebody made up: refused, or answered; never a crash."""

from __future__ import annotations

import os
from pathlib import Path

import crafted
import hostile
import limited
import numpy as np
import pytest

#: Cases for each component in a test run; the environment variable asks for more.
CASES = int(os.environ.get("N2D_HOSTILE_CASES", "60"))
#: Single changes come first; most components have some hundreds of them.
_RANGE = 3000
#: Attacks that a limit stops; the others are answered, as what they ask for is little work.
REFUSED = {"collapsed_embedding", "endless_placing", "endless_steps", "too_many_gaussians",
           "huge_kernels", "wide_layers", "endless_layers", "unknown_names",
           "wide_network", "wide_branches", "endless_pooling", "endless_attention",
           "unrolled_loop", "deep_network"}  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("bases")
    return folder, hostile.fit_bases(folder)


def test_every_component_takes_part(bases):
    roles = {name.split("-")[0] for name in bases[1]}
    assert roles == {"embedder", "manifolder", "clusterer"}
    assert len(bases[1]) >= 13
    assert set(crafted.BASE_OF.values()) <= set(bases[1])


def test_one_value_changed(bases):
    folder, names = bases
    rng = np.random.default_rng(20261121)
    items = [(name, int(n)) for name in names for n in rng.choice(_RANGE, CASES, replace=False)]
    result = hostile.campaign(folder, items)
    assert result["bad"] == []
    for name in names:
        assert sum(result["outcomes"][name].values()) == CASES
        assert result["outcomes"][name]["refused"] > CASES / 10
        assert result["outcomes"][name].get("same", 0) > 0


def test_crafted_states(bases):
    folder, _ = bases
    result = hostile.campaign(folder, [(crafted.BASE_OF[name], name) for name in crafted.ATTACKS])
    assert result["bad"] == []
    assert {name for name, end in result["ends"].items() if end == "refused"} == REFUSED


def test_deaths_and_exceptions_are_reported(bases, monkeypatch):
    """The judge of all these cases is not blind."""
    answers = [
        ([[["a", 1], "one", "started"], [["a", 1], "one", "same", 0.1],
          [["a", 2], "two", "started"]], "ended with -11"),
        ([[["a", 3], "three", "started"], [["a", 3], "three", "ValueError: x", 0.1],
          [["a", 4], "four", "started"], [["a", 4], "four", "same", 9.0]], ""),
    ]  # fmt: skip
    monkeypatch.setattr(limited, "watch", lambda command: answers.pop(0))
    result = hostile.campaign(bases[0], [("a", number) for number in (1, 2, 3, 4)])
    assert [item[:2] for item in result["bad"]] == [["a", 2], ["a", 3], ["a", 4]]
    assert result["outcomes"] == {"a": {"same": 2, "bad": 2}}
