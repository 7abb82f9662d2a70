"""run_stage, the stage store and the events, seen through N2D."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from n2d_framework import N2D, StageStore
from n2d_framework.core.events import (
    EpochFinished,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
)
from n2d_framework.errors import (
    CompositionError,
    NotInductiveWarning,
    StageError,
    StoreWarning,
    UnsupportedError,
)

PLUGIN = '''
import numpy as np
from n2d_framework.plugin import (
    ComponentSpec, component, hookimpl, learned, need, option
)

EVENTS = []
FITS = []

@component
class Odd:
    """Does what `mode` says, mostly something wrong."""

    mode: str = option("good", help="What to do.")
    width_: int = learned()

    def fit(self, x, *, context):
        FITS.append((context.seed, context.n_jobs))
        context.epoch_finished(1, 1, {"loss": 0.5})
        if self.mode == "raise":
            raise ZeroDivisionError("by zero")
        if self.mode == "import":
            import not_there_at_all
        if self.mode == "interrupt":
            raise KeyboardInterrupt
        self.width_ = x.shape[1]
        return self

    def transform(self, x):
        bad = {
            "nan": np.where(np.arange(len(x))[:, None] == 3, np.nan, x),
            "short": x[1:],
            "flat": x.ravel(),
            "text": x.astype(str),
            "wide": np.empty((len(x), 0), dtype=np.float32),
        }
        return bad.get(self.mode, x)

    def get_state(self):
        return {"width": self.width_}

    def set_state(self, state):
        self.width_ = need(state, "width", int)

    def check_input(self, n_rows, row_shape):
        return ["reported so before"] if self.mode == "refuse" else []

@component
class OddLabels(Odd):
    def predict(self, m):
        bad = {"float": np.zeros(len(m)), "noise": np.full(len(m), -1)}
        return bad.get(self.mode, np.arange(len(m)) % 2)

@hookimpl
def n2d_components():
    yield ComponentSpec(role="manifolder", name="odd", factory="odd_plugin:Odd", summary="s",
                        extra="odd-library")
    yield ComponentSpec(role="manifolder", name="odd_once", factory="odd_plugin:Odd", summary="s",
                        inductive=False)
    yield ComponentSpec(role="clusterer", name="odd", factory="odd_plugin:OddLabels", summary="s")
    yield ComponentSpec(role="embedder", name="pictures", factory="odd_plugin:Odd", summary="s",
                        input="image")
    yield ComponentSpec(role="embedder", name="steps", factory="odd_plugin:Odd", summary="s",
                        input="sequence")

@hookimpl
def n2d_stage_finished(event):
    EVENTS.append(event)
'''


@pytest.fixture
def odd(use_plugin):
    use_plugin("odd_plugin", PLUGIN)
    import odd_plugin

    return odd_plugin


def light(**changes) -> N2D:
    return N2D(**({"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans",
                   "n_clusters": 3, "random_state": 0} | changes))  # fmt: skip


@pytest.fixture
def blobs() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 6)) * 8
    return (centres[np.arange(90) % 3] + rng.normal(size=(90, 6))).astype(np.float32)


def stages(events) -> list[tuple[str, bool]]:
    return [(e.role, e.cached) for e in events if isinstance(e, StageFinished)]


def test_events_describe_the_whole_run(odd, blobs):
    events = []
    light(manifolder="odd", listeners=[events.append]).fit(blobs)
    kinds = [type(event) for event in events]
    stage = [StageStarted, StageFinished]
    assert kinds == [RunStarted, *stage, StageStarted, EpochFinished, StageFinished, *stage,
                     RunFinished]  # fmt: skip
    assert events[0].composition["embedder"]["name"] == "pca"
    assert events[0].n_rows == 90
    assert len({event.run_id for event in events}) == 1
    assert events[-1].error is None
    assert [event.role for event in odd.EVENTS] == ["embedder", "manifolder", "clusterer"]


def test_a_failing_listener_does_not_fail_the_run(blobs, caplog):
    heard = []

    def broken(event):
        heard.append(event)
        raise RuntimeError("tracker down")

    with caplog.at_level(logging.ERROR):
        light(listeners=[broken]).fit(blobs)
    assert len(heard) == 1
    assert "tracker down" in caplog.text


def test_every_stage_has_its_own_seed_derived_from_one(odd, blobs):
    light(manifolder="odd", clusterer="odd", n_jobs=1).fit(blobs)
    light(manifolder="odd", clusterer="odd", n_jobs=2).fit(blobs)
    (first, _), (second, _) = odd.FITS[:2]
    assert first != second
    assert [seed for seed, _ in odd.FITS] == [first, second] * 2
    assert [jobs for _, jobs in odd.FITS] == [1, 1, 2, 2]


def test_another_clusterer_reuses_the_stages_before(blobs):
    events = []
    model = light(listeners=[events.append]).fit(blobs)
    events.clear()
    model.set_params(clusterer="gmm").fit(blobs)
    assert stages(events) == [("embedder", True), ("manifolder", True), ("clusterer", False)]


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"embedder": {"name": "pca", "latent_dim": 2}},
        {"scaler": "standard"},
    ],
)
def test_a_change_upstream_recomputes_all_below(tmp_path, blobs, change):
    light(store=tmp_path).fit(blobs)
    events = []
    light(store=tmp_path, listeners=[events.append], **change).fit(blobs)
    assert all(not cached for _, cached in stages(events))


def test_the_store_serves_other_models_with_the_same_answers(tmp_path, blobs):
    first = light(store=tmp_path).fit(blobs)
    events = []
    second = light(store=tmp_path, listeners=[events.append], n_jobs=2).fit(blobs)
    assert stages(events) == [("embedder", True), ("manifolder", True), ("clusterer", True)]
    assert np.array_equal(first.labels_, second.labels_)
    assert np.array_equal(first.manifold_, second.manifold_)
    assert np.array_equal(first.predict_proba(blobs), second.predict_proba(blobs))


def test_stores_may_live_on_any_fsspec_path(blobs):
    store = StageStore("memory://stages/test")
    light(store=store).fit(blobs)
    events = []
    light(store=store, listeners=[events.append]).fit(blobs)
    assert all(cached for _, cached in stages(events))


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.stage"))


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_entry_is_recomputed_and_reported(tmp_path, blobs, damage):
    before = light(store=tmp_path).fit(blobs)
    for entry in entries(tmp_path):
        content = entry.read_bytes()
        entry.write_bytes(content[: len(content) // 2] if damage is None else damage)
    with pytest.warns(StoreWarning, match="damaged"):
        after = light(store=tmp_path).fit(blobs)
    assert np.array_equal(before.labels_, after.labels_)
    events = []
    light(store=tmp_path, listeners=[events.append]).fit(blobs)
    assert all(cached for _, cached in stages(events))


def test_a_store_that_cannot_be_written_costs_only_itself(tmp_path, blobs):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(StoreWarning, match="cannot write an entry"):
        model = light(store=tmp_path / "file").fit(blobs)
    assert len(model.labels_) == len(blobs)


def test_an_interrupted_run_keeps_finished_stages_and_leaves_no_halves(odd, tmp_path, blobs):
    events, store = [], tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        light(manifolder={"name": "odd", "mode": "interrupt"}, store=store,
              listeners=[events.append]).fit(blobs)  # fmt: skip
    assert isinstance(events[-1], RunFinished)
    assert "KeyboardInterrupt" in events[-1].error
    assert len(entries(store)) == 1
    assert [p for p in store.rglob("*") if p.is_file()] == entries(store)
    events.clear()
    light(manifolder="odd", store=store, listeners=[events.append]).fit(blobs)
    assert stages(events)[0] == ("embedder", True)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("raise", "manifolder 'odd' failed: ZeroDivisionError: by zero$"),
        ("import", "No module named 'not_there_at_all'; install odd-library$"),
        ("nan", "not finite, first in row 3"),
        ("short", r"shape \(89, 3\), not \(90, d\)"),
        ("flat", r"shape \(270,\)"),
        ("wide", r"shape \(90, 0\)"),
        ("text", "<U32"),
    ],
)
def test_a_component_that_fails_is_named(odd, blobs, mode, reason):
    with pytest.raises(StageError, match=reason):
        light(manifolder={"name": "odd", "mode": mode}).fit(blobs)


@pytest.mark.parametrize(
    ("mode", "reason"), [("float", "not 90 integer labels"), ("noise", "label -1, which it did")]
)
def test_labels_that_break_the_contract_are_refused(odd, blobs, mode, reason):
    with pytest.raises(StageError, match=reason):
        light(clusterer={"name": "odd", "mode": mode}).fit(blobs)


def test_a_failed_fit_leaves_the_earlier_one_in_place(odd, blobs):
    model = light().fit(blobs)
    labels = model.predict(blobs)
    with pytest.raises(StageError):
        model.set_params(manifolder={"name": "odd", "mode": "raise"}).fit(blobs)
    assert np.array_equal(model.predict(blobs), labels)


def test_impossible_trios_are_refused_before_any_training(odd, blobs):
    events = []
    with pytest.raises(CompositionError) as caught:
        light(
            manifolder={"name": "odd", "mode": "refuse"},
            clusterer={"name": "kmeans", "n_clusters": 91},
            listeners=[events.append],
        ).fit(blobs)
    assert "reported so before" in str(caught.value)
    assert "kmeans" in str(caught.value)
    assert events == []


def test_embedders_of_images_and_sequences_need_such_rows(odd, blobs):
    with pytest.raises(CompositionError, match=r"needs images .* rows have shape \(6,\)"):
        light(embedder="pictures").fit(blobs)
    with pytest.raises(CompositionError, match=r"needs sequences"):
        light(embedder="steps").fit(blobs.reshape(-1, 3, 2, 1))


def test_rows_of_numbers_are_sequences_of_one_feature(odd, blobs, monkeypatch):
    shapes = []
    monkeypatch.setattr(
        odd.Odd, "transform", lambda self, x: shapes.append(x.shape[1:]) or x[:, :, 0]
    )
    model = light(embedder="steps").fit(blobs)
    assert len(model.predict(blobs[:5])) == 5
    assert set(shapes) == {(6, 1)}


def test_what_cannot_place_new_rows_is_said_at_once(odd, blobs):
    with pytest.warns(NotInductiveWarning, match="'odd_once' cannot place new rows"):
        model = light(manifolder="odd_once").fit(blobs)
    assert model.agreement_ == {}
    with pytest.raises(UnsupportedError, match="cannot place new rows"):
        model.predict(blobs)
    assert model.embed(blobs).shape == (90, 3)
