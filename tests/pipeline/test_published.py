"""Facts that stages publish to each other, and parts of their work that the store keeps."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework import N2D, StageStore
from n2d_framework.core.events import StageFinished
from n2d_framework.errors import CompositionError, StageError, StateError, StoreWarning
from n2d_framework.plan.parts import Parts
from n2d_framework.plugin import ComponentSpec, FitContext
from n2d_framework.registry import default_catalogue

PLUGIN = '''
import numpy as np
from n2d_framework.plugin import (
    ComponentSpec, component, hookimpl, learned, need, option
)

COMPUTED = []

@component
class Middle:
    """Moves rows by their mean, which is the expensive part, times `weight`."""

    weight: float = option(1.0, help="How far.")
    power: int = option(1, help="Of the mean.")
    says: str = option("middle", help="What it publishes.")
    mean_ = learned()

    def fit(self, x, *, context):
        def compute():
            COMPUTED.append(context.seed)
            return {"mean": x.mean(axis=0) ** self.power}
        state = context.remember("mean", {"power": self.power}, compute)
        self.mean_ = need(state, "mean", np.ndarray)
        return self

    def transform(self, x):
        return x - np.float32(self.weight) * self.mean_

    def published(self):
        return {self.says: self.mean_ * self.weight}

    def get_state(self):
        return {"mean": self.mean_}

    def set_state(self, state):
        self.mean_ = need(state, "mean", np.ndarray)

@component
class Sides:
    """Labels by the side of the middle."""

    middle_ = learned()

    def fit(self, m, *, context):
        self.middle_ = context.upstream["middle"]
        return self

    def predict(self, m):
        return (m[:, 0] > self.middle_[0]).astype(np.int64)

    def get_state(self):
        return {"middle": self.middle_}

    def set_state(self, state):
        self.middle_ = need(state, "middle", np.ndarray)

@hookimpl
def n2d_components():
    for name in ("middle", "other_middle"):
        yield ComponentSpec(role="embedder", name=name, factory="middle_plugin:Middle",
                            summary="s", publishes=("middle",))
    yield ComponentSpec(role="embedder", name="code", factory="middle_plugin:Middle",
                        summary="s", publishes=("middle",), imports_code=True)
    yield ComponentSpec(role="clusterer", name="sides", factory="middle_plugin:Sides",
                        summary="s", needs=("middle",))
'''


@pytest.fixture
def computed(use_plugin) -> list[int]:
    use_plugin("middle_plugin", PLUGIN)
    import middle_plugin

    middle_plugin.COMPUTED.clear()
    return middle_plugin.COMPUTED


@pytest.fixture
def rows() -> np.ndarray:
    return (np.random.default_rng(0).normal(size=(40, 3)) + 2).astype(np.float32)


def trio(embedder="middle", manifolder="identity", clusterer="sides", **more) -> N2D:
    return N2D(embedder, manifolder, clusterer, scaler="none", **{"random_state": 0, **more})


def test_a_clusterer_reads_what_the_embedder_published(computed, rows):
    model = trio({"name": "middle", "weight": 0.5}).fit(rows)
    assert np.array_equal(model.clusterer_.middle_, rows.mean(axis=0) * 0.5)
    assert set(model.labels_) == {0, 1}


def test_the_published_comes_from_the_store_as_well(computed, rows, tmp_path):
    first = trio(store=tmp_path).fit(rows)
    (clusterer,) = [
        path
        for path in tmp_path.rglob("*.stage")
        if path.stem == first.to_snapshot().manifest["training"]["keys"]["clusterer"]
    ]
    clusterer.unlink()
    events = []
    again = trio(store=tmp_path, listeners=[events.append]).fit(rows)
    cached = [event.cached for event in events if isinstance(event, StageFinished)]
    assert cached == [True, True, False]
    assert np.array_equal(again.clusterer_.middle_, first.clusterer_.middle_)
    assert np.array_equal(again.labels_, first.labels_)


def test_the_stages_of_the_last_fit_publish_again(computed, rows):
    model = trio(clusterer="kmeans", n_clusters=2).fit(rows)
    labels = model.set_params(clusterer="sides").fit(rows).labels_
    assert len(computed) == 1
    assert np.array_equal(labels, trio().fit(rows).labels_)


def test_a_loaded_model_needs_no_one_to_publish(computed, rows, tmp_path):
    model = trio().fit(rows)
    model.save(tmp_path / "model.n2d")
    assert np.array_equal(n2d.load(tmp_path / "model.n2d").predict(rows), model.labels_)


def test_what_is_needed_and_not_published_is_said_before_training(computed, rows):
    with pytest.raises(CompositionError, match=r"none publishes them; use .*embedder 'middle'"):
        trio("pca").fit(rows)
    assert computed == []


def test_a_manifolder_that_moves_the_rows_takes_it_away(computed, rows):
    with pytest.raises(CompositionError, match="'middle' publishes, but manifolder 'pca' gives"):
        trio(manifolder="pca").fit(rows)
    assert computed == []


def test_a_comparison_knows_which_trios_are_possible(computed, rows, tmp_path):
    np.savez(tmp_path / "rows.npz", x=rows)
    found = n2d.compare(
        {
            "data": str(tmp_path / "rows.npz"),
            "embedders": ["middle", "pca"],
            "manifolders": ["identity", "pca"],
            "clusterers": ["sides"],
            "seeds": 1,
            "n_clusters": 2,
        },
        out=tmp_path / "out",
    )
    assert list(found.table["status"]) == ["done"]
    assert found.table["embedder"].tolist() == ["middle"]
    assert found.table["manifolder"].tolist() == ["identity"]


def test_publishing_something_else_than_announced_is_an_error(computed, rows):
    with pytest.raises(StageError, match="published edge, announced were middle"):
        trio({"name": "middle", "says": "edge"}).fit(rows)


def test_a_part_is_computed_once_for_all_options_it_does_not_depend_on(computed, rows, tmp_path):
    plain = trio({"name": "middle", "weight": 3.0}).fit(rows)
    computed.clear()
    for weight in (1.0, 2.0, 3.0):
        model = trio({"name": "middle", "weight": weight}, store=tmp_path).fit(rows)
    assert len(computed) == 1
    assert np.array_equal(model.latent_, plain.latent_)


@pytest.mark.parametrize(
    ("change", "times"),
    [
        ({"embedder": {"name": "middle", "power": 2}}, 2),
        ({"random_state": 1}, 2),
        ({"embedder": "other_middle"}, 1),
    ],
)
def test_a_part_depends_on_what_it_says_and_on_the_seed(computed, rows, tmp_path, change, times):
    trio(store=tmp_path).fit(rows)
    trio(**{"store": tmp_path, **change}).fit(rows)
    assert len(computed) == times


def test_a_part_depends_on_the_rows(computed, rows, tmp_path):
    for x in (rows, rows + 1):
        trio(store=tmp_path).fit(x)
    assert len(computed) == 2


def test_nothing_is_kept_for_components_that_import_code(computed, rows, tmp_path):
    for weight in (1.0, 2.0):
        trio({"name": "code", "weight": weight}, store=tmp_path).fit(rows)
    assert len(computed) == 2


def test_a_damaged_part_is_computed_again_and_reported(computed, rows, tmp_path):
    trio(store=tmp_path).fit(rows)
    store = StageStore(tmp_path)
    (part,) = [key for key in sorted(store.keys()) if "part" in store.read(key)[0]]
    (path,) = tmp_path.rglob(f"{part}.stage")
    path.write_bytes(b"rubbish")
    changed = {"name": "middle", "weight": 2.0}
    with pytest.warns(StoreWarning, match="damaged"):
        trio(changed, store=tmp_path).fit(rows)
    assert len(computed) == 2
    trio({"name": "middle", "weight": 4.0}, store=tmp_path).fit(rows)
    assert len(computed) == 2


def test_a_part_must_be_plain_values(computed, rows, tmp_path, use_plugin):
    import middle_plugin

    kept = StageStore(tmp_path)
    entry = default_catalogue().get("embedder", "middle")
    parts = Parts(kept, entry, "rows", 0)
    with pytest.raises(StateError, match="cannot be stored"):
        parts.remember("bad", {}, lambda: {"object": middle_plugin})
    assert kept.keys() == set()


def test_without_a_store_a_context_computes():
    context = FitContext()
    assert context.upstream == {}
    assert context.remember("name", {}, lambda: {"one": 1}) == {"one": 1}


@pytest.mark.parametrize("names", ["centres", ["centres"], ("two words",), (3,)])
def test_names_that_are_not_names_are_refused(names):
    with pytest.raises(TypeError, match="tuple of names"):
        ComponentSpec(role="embedder", name="a", factory="a:A", summary="s", publishes=names)


def test_a_spec_announces_nothing_by_default():
    spec = ComponentSpec(role="embedder", name="a", factory="a:A", summary="s")
    assert (spec.publishes, spec.needs, spec.passes_on) == ((), (), False)
    assert hash(spec) == hash(attrs.evolve(spec))
