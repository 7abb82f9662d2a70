"""Texts of four subjects, drawn from a few words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SUBJECTS = (
    "ship harbour cargo sailor anchor vessel port freight crew deck",
    "oven flour butter recipe bake sugar dough cake spoon kitchen",
    "planet orbit telescope star comet galaxy moon rocket astronomer light",
    "goal striker referee match league keeper penalty stadium coach fans",
)
COMMON = "the of and was with from that this have about new many often people"


def texts_of(n: int, seed: int = 0) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Texts of six words of a subject among ten common ones, and their subjects."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % len(SUBJECTS)
    own = [subject.split() for subject in SUBJECTS]
    drawn = [[*rng.choice(own[i], 6), *rng.choice(COMMON.split(), 10)] for i in y]
    return np.array([" ".join(rng.permutation(words)) for words in drawn], dtype=object), y


def objects(*texts: object) -> NDArray[np.object_]:
    """Texts, or what is wrong with them, as a component is given them."""
    return np.array([*texts, None], dtype=object)[:-1]
