"""Messages about a wrong announcement."""

from __future__ import annotations

import pytest

from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.spec import ComponentSpec

RIGHT = {"role": "clusterer", "name": "mine", "factory": "mine:Mine", "summary": "One line."}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"role": "clusterr"},
            "unknown role 'clusterr'; did you mean 'clusterer'?",
        ),
        (
            {"role": 3},
            "unknown role 3; known roles: clusterer, describe, embedder, manifolder, prepare, "
            "refine",
        ),
        ({"input": "Images"}, "input must be a kind, or a set of kinds, got 'Images'"),
        ({"factory": "mine.Mine"}, "factory must be 'package.module:Class', got 'mine.Mine'"),
        ({"summary": None}, "summary must be text, got None"),
        ({"state_version": 0}, "state_version must be a positive integer, got 0"),
        ({"state_version": "1"}, "state_version must be a positive integer, got '1'"),
        ({"small_options": 1}, "small_options must be a mapping, got 1"),
        ({"needs": ["a"]}, "needs must be a tuple of names, got ['a']"),
    ],
)
def test_a_wrong_announcement_is_reported_in_one_sentence(wrong, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        ComponentSpec(**(RIGHT | wrong))
    assert str(caught.value) == f"ComponentSpec 'mine': {words}"


@pytest.mark.parametrize("name", ["My Name", "1st", "a" * 65, 3])
@pytest.mark.parametrize(
    ("kind", "right"),
    [
        (ComponentSpec, RIGHT),
        (MetricSpec, {"function": "mine:score", "summary": "One line."}),
        (DatasetSpec, {"loader": "mine:load", "summary": "s", "n_rows": 1, "row_shape": (1,)}),
    ],
)
def test_a_name_of_other_letters_is_reported_in_one_sentence(kind, right, name):
    with pytest.raises(ValueError, match="name must be a lower-case letter") as caught:
        kind(**(right | {"name": name}))
    assert str(caught.value).startswith(f"{kind.__name__} {name!r}: name must be")
    assert str(caught.value).endswith(f"got {name!r}")
