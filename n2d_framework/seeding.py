"""One seed at the composition; every stage's seed is derived from it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

__all__ = ["MAX_SEED", "derive_seed", "resolve_random_state"]

#: Seeds are below this bound, which every library in use accepts.
MAX_SEED = 2**31


def derive_seed(root: int, *path: str) -> int:
    """Derive the seed of one purpose from the composition's seed.

    Parameters
    ----------
    root : int
        Seed of the composition, non-negative.
    *path : str
        What the seed is for, such as ``"embedder"`` or ``"embedder", "validation"``.

    Returns
    -------
    int
        Seed in ``[0, 2**31)``. The same arguments give the same seed on every machine and
        in every version; different paths give unrelated streams.
    """
    words = np.frombuffer(hashlib.sha256("/".join(path).encode()).digest(), dtype="<u4")
    sequence = np.random.SeedSequence([int(root), *(int(word) for word in words)])
    return int(sequence.generate_state(1, dtype=np.uint32)[0]) % MAX_SEED


def resolve_random_state(random_state: Any) -> int:
    """Turn scikit-learn's ``random_state`` into the integer that is written down.

    Parameters
    ----------
    random_state : int, None, numpy.random.RandomState or numpy.random.Generator
        ``None`` draws fresh entropy. A generator is advanced by one draw.

    Returns
    -------
    int
        Seed in ``[0, 2**31)`` when drawn; a given integer is returned unchanged.

    Raises
    ------
    TypeError
        If `random_state` is of another type.
    ValueError
        If an integer is negative.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, dtype=np.uint32)[0]) % MAX_SEED
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(MAX_SEED))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(MAX_SEED))
    if isinstance(random_state, (bool, np.bool_)) or not isinstance(
        random_state, (int, np.integer)
    ):
        msg = f"random_state must be an integer, a generator or None, not {random_state!r}"
        raise TypeError(msg)
    if random_state < 0:
        msg = f"random_state must not be negative, got {random_state}"
        raise ValueError(msg)
    return int(random_state)
