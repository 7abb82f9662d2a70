"""Jumping up a tree finds what walking up finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from n2d_builtin.hdbscan.ancestors import Ancestors


def _way(parent, at):
    way = [at]
    while way[-1] > 0:
        way.append(int(parent[way[-1]]))
    return way


@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_jumps_equal_steps(size, seed, chain):
    rng = np.random.default_rng(seed)
    parent = np.array([-1, *(i - 1 if chain else rng.integers(i) for i in range(1, size))])
    birth = np.zeros(size)
    for i in range(1, size):
        birth[i] = birth[parent[i]] + rng.integers(3)
    found = Ancestors.of(parent)
    left, right, density = rng.integers(size, size=(3, 20))
    ways = [_way(parent, int(at)) for at in range(size)]
    assert found.depth.tolist() == [len(way) - 1 for way in ways]
    entered = found.first_born_before(left, density, birth)
    assert entered.tolist() == [
        next((at for at in ways[start] if at == 0 or birth[at] < limit), 0)
        for start, limit in zip(left, density, strict=True)
    ]
    for one, other, met in zip(left, right, found.parting(left, right), strict=True):
        if one in ways[other] or other in ways[one]:
            assert met == -1
        else:
            below = {
                at for at in ways[one] + ways[other] if (at in ways[one]) != (at in ways[other])
            }
            assert met == min(below)
