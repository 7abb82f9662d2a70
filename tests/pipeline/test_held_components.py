"""Components that hold components: a consensus of clusterers, whose state nests theirs."""

from __future__ import annotations

import numpy as np
import pytest

from n2d_framework import N2D, load
from n2d_framework.errors import ConfigError, StateError
from n2d_framework.plugin import FitContext, StageFinished, held_state, resolve

CONSENSUS = """
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from n2d_framework.plugin import (
    ComponentSpec, component, derive_seed, held_state, hookimpl, learned, need, option,
    require_fitted, resolve,
)

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="clusterer", name="consensus", factory="consensus_plugin:Consensus",
        summary="Clusters rows by which clusters of all its members they are in",
        small_options={"members": ["kmeans", {"name": "gmm", "n_components": 3}]},
    )

@component
class Consensus:
    members: tuple[str | Mapping[str, Any], ...] = option(
        ("kmeans", "gmm"), min_len=1, help="Clusterers.", holds="clusterer"
    )
    n_clusters: int | None = option(None, ge=1, follows="n_clusters", help="For its members.")
    fitted_: Any = learned()
    votes_: Any = learned()

    def fit(self, m, *, context):
        self.fitted_ = []
        for index, member in enumerate(self.members):
            made = resolve("clusterer", member)
            if getattr(made, "n_clusters", 0) is None:
                made.n_clusters = self.n_clusters
            made.fit(m, context=attrs.evolve(context, seed=derive_seed(context.seed, str(index))))
            self.fitted_.append(made)
        self.votes_ = np.unique(self._together(m), axis=0)
        return self

    def _together(self, m):
        return np.stack([made.predict(m) for made in self.fitted_], axis=1)

    def predict(self, m):
        require_fitted(self.votes_, "consensus")
        apart = (self._together(m)[:, None, :] != self.votes_[None]).sum(axis=2)
        return apart.argmin(axis=1)

    def get_state(self):
        votes = require_fitted(self.votes_, "consensus")
        return {"votes": votes, "members": [held_state("clusterer", made) for made in self.fitted_]}

    def set_state(self, state):
        votes, states = need(state, "votes", np.ndarray), need(state, "members", list)
        self.fitted_ = [
            resolve("clusterer", member, state=kept)
            for member, kept in zip(self.members, states, strict=True)
        ]
        self.votes_ = votes
"""


@pytest.fixture
def consensus(use_plugin):
    use_plugin("consensus_plugin", CONSENSUS)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 4)) + 20 * np.repeat([0, 1, 2], 20)[:, None]


def test_a_consensus_is_fitted_saved_and_loaded(consensus, rows, tmp_path):
    held = ["kmeans", {"name": "kmeans", "n_init": 2}, "gmm"]
    model = N2D("identity", "identity", {"name": "consensus", "members": held}, n_clusters=3,
                random_state=0)  # fmt: skip
    labels = model.fit_predict(rows)
    assert len(np.unique(labels)) == 3
    model.save(tmp_path / "model.n2d")
    again = load(tmp_path / "model.n2d")
    np.testing.assert_array_equal(again.predict(rows), labels)
    assert model.get_params()["clusterer__members"] == held


def test_each_member_is_a_component_of_its_own(consensus):
    left, right = resolve("clusterer", "consensus"), resolve("clusterer", "consensus")
    assert left is not right
    assert left.members == ("kmeans", "gmm")


def test_the_state_of_a_held_component_has_its_version(rows):
    member = resolve("clusterer", {"name": "kmeans", "n_clusters": 3})
    rows = rows.astype(np.float32)
    member.fit(rows, context=FitContext(seed=0))
    state = held_state("clusterer", member)
    again = resolve("clusterer", {"name": "kmeans", "n_clusters": 3}, state=state)
    np.testing.assert_array_equal(again.predict(rows), member.predict(rows))
    newer = {**state, "state_version": state["state_version"] + 1}
    with pytest.raises(StateError, match="reads up to"):
        resolve("clusterer", "kmeans", state=newer)
    with pytest.raises(StateError, match="is not an installed embedder"):
        held_state("embedder", member)


NESTED = {"name": "consensus", "members": [{"name": "consensus", "members": ["kmeans"]}]}


def test_a_consensus_may_hold_another_one(consensus):
    assert resolve("clusterer", NESTED).members == (NESTED["members"][0],)


@pytest.mark.parametrize(
    ("spec", "place", "words"),
    [
        ("kmean", "clusterer", "did you mean 'kmeans'"),
        ({"name": "consensus", "members": ["kmean"]}, "clusterer.members[0]", "unknown clusterer"),
        (
            {"name": "consensus", "members": ["gmm", {"name": "kmeans", "n_init": 0}]},
            "clusterer.members[1].n_init", "must be >= 1",
        ),
        (
            {"name": "consensus", "members": [{"name": "adapted", "factory": "os:system"}]},
            "clusterer.members[0]", "imports code",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_held_component_is_reported_with_its_place(
    consensus, spec, place, words
):
    with pytest.raises(ConfigError) as caught:
        resolve("clusterer", spec)
    assert place in str(caught.value)
    assert words in str(caught.value)


def test_a_component_that_holds_itself_is_refused(use_plugin):
    use_plugin("consensus_plugin", CONSENSUS.replace('("kmeans", "gmm")', '("consensus",)'))
    with pytest.raises(ConfigError, match="holds itself"):
        resolve("clusterer", "consensus")


MEMBER = """
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="clusterer", name="member", factory="member_plugin:Member", state_version=2,
        summary="k-means under another name",
    )

@component
class Member(KMeans):
    pass
"""


@pytest.mark.parametrize(
    "members", [["member"], ["gmm", {"name": "consensus", "members": ["member"]}]]
)
def test_a_stage_is_fitted_again_when_a_held_component_was_upgraded(
    consensus, use_plugin, members, rows, tmp_path
):
    clusterer = {"name": "consensus", "members": members}

    def cached():
        events = []
        N2D("identity", "identity", clusterer, n_clusters=3, random_state=0,
            store=tmp_path / "store", listeners=[events.append]).fit(rows)  # fmt: skip
        return [e.cached for e in events if isinstance(e, StageFinished) and e.role == "clusterer"]

    use_plugin("member_plugin", MEMBER)
    assert cached() == [False]
    assert cached() == [True]
    (tmp_path / "site" / "member_plugin-1.0.dist-info").rename(tmp_path / "old")
    use_plugin("member_plugin", MEMBER, version="2.0")
    assert cached() == [False]
