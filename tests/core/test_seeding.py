from __future__ import annotations

import numpy as np
import pytest

from n2d_framework.seeding import MAX_SEED, derive_seed, resolve_random_state


def test_derived_seeds_never_change():
    """Stored models and published tables depend on these numbers."""
    assert derive_seed(0, "embedder") == 166956465
    assert derive_seed(0, "manifolder") == derive_seed(0, "manifolder")


def test_derived_seeds_differ_by_root_and_purpose():
    seeds = {derive_seed(root, role) for root in range(50) for role in ("a", "b", "a/b")}
    assert len(seeds) == 150
    assert all(0 <= seed < MAX_SEED for seed in seeds)


def test_random_states_of_scikit_learn_are_understood():
    assert resolve_random_state(7) == 7
    assert resolve_random_state(np.int64(7)) == 7
    state = np.random.RandomState(0)
    assert resolve_random_state(state) != resolve_random_state(state)
    assert resolve_random_state(np.random.default_rng(0)) == resolve_random_state(
        np.random.default_rng(0)
    )
    assert resolve_random_state(None) != resolve_random_state(None)


@pytest.mark.parametrize(
    ("value", "error"), [("0", TypeError), (True, TypeError), (-1, ValueError)]
)
def test_other_random_states_are_refused(value, error):
    with pytest.raises(error, match="random_state"):
        resolve_random_state(value)
