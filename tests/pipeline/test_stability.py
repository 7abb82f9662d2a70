"""Confidence of labels: agreement with refits."""

from __future__ import annotations

import copy
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import SpectralEmbedding
from sklearn.metrics import roc_auc_score

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError, StateError, UnsupportedError
from n2d_framework.pipeline.after_fit import refits as refits_module
from n2d_framework.pipeline.after_fit.refits import Stability
from n2d_framework.plan.executors.dask_cluster import local_workers
from n2d_framework.plan.row_confidence import RowConfidence


@pytest.fixture(scope="module")
def blobs():
    """Three clusters: one alone, and two that overlap; with the classes."""
    rng = np.random.default_rng(0)
    centres = np.array([[20.0, 0.0], [0.0, 0.0], [2.5, 0.0]])
    y = np.repeat([0, 1, 2], 60)
    return centres[y] + rng.normal(size=(180, 2)), y


@pytest.fixture(scope="module")
def measured(blobs):
    x, _ = blobs
    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=3,
                    scaler="none", random_state=0).fit(x)  # fmt: skip
    return model, model.stability(x, resamples=8, seeds=4)


def test_rows_between_clusters_are_less_sure(measured, blobs):
    model, found = measured
    x, y = blobs
    assert found.labels.tolist() == model.labels_.tolist()
    assert found.kinds == ("seed",) * 4 + ("resample",) * 8
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert found.confidence[y == 0].mean() > 0.95
    between = np.abs(x[:, 0] - 1.25) < 0.3
    assert found.confidence[between].mean() < found.confidence[y == 0].mean()


def test_a_cluster_alone_is_stabler_than_clusters_that_overlap(measured, blobs):
    _, found = measured
    alone = found.labels[blobs[1] == 0][0]
    stable = dict(zip(found.clusters, found.jaccard, strict=True))
    assert stable[alone] == max(stable.values())
    assert (found.together.sum(axis=1) <= 1 + 1e-9).all()
    assert np.diag(found.together).min() > 0.5
    assert found.together[alone].argmax() == alone
    assert (found.ari > 0.3).all()


def test_the_same_model_gives_the_same_stability_and_is_not_changed(measured, blobs):
    model, found = measured
    before = model.labels_.copy()
    again = model.stability(blobs[0], resamples=8, seeds=4)
    assert again.confidence.tolist() == found.confidence.tolist()
    assert again.consensus.tolist() == found.consensus.tolist()
    assert model.labels_.tolist() == before.tolist()


def test_the_surest_rows_have_the_least_risk(measured, blobs):
    _, found = measured
    curve = found.risk_coverage(blobs[1])
    assert curve["coverage"][-1] == 1.0
    assert (np.diff(curve["coverage"]) > 0).all()
    assert (np.diff(curve["threshold"]) < 0).all()
    wrong = np.zeros(180)
    for label in found.clusters:
        own = found.labels == label
        wrong[own] = blobs[1][own] != np.bincount(blobs[1][own]).argmax()
    assert curve["risk"][-1] == pytest.approx(wrong.mean())
    assert curve["risk"][0] <= curve["risk"][-1]
    assert roc_auc_score(wrong, -found.confidence) > 0.6
    with pytest.raises(DataError, match="y has 3 rows"):
        found.risk_coverage([0, 1, 2])


def test_votes_are_counted_as_by_hand():
    labels = np.array([0, 0, 1, 1, -1])
    from n2d_framework.pipeline.after_fit.refits import _jaccard, _together, consensus_of

    votes = np.array([[0, 1, 1, 1, -1], [0, 1, 1, -1, 0], [0, 0, 1, 1, 0]])
    assert consensus_of(votes, labels).tolist() == [0, 1, 1, 1, 0]
    np.testing.assert_allclose(_jaccard(labels, votes[0], [0, 1]), [1 / 2, 2 / 3])
    np.testing.assert_allclose(_together(votes, labels, [0, 1]), [[4 / 6, 2 / 6], [0, 5 / 6]])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), refits=st.integers(1, 7), rows=st.integers(1, 30))
def test_the_consensus_is_the_most_frequent_label(seed, refits, rows):
    rng = np.random.default_rng(seed)
    found, own = rng.integers(-1, 4, size=(refits, rows)), rng.integers(-1, 4, size=rows)
    expected = []
    for votes, label in zip(found.T.tolist(), own.tolist(), strict=True):
        most = max(votes.count(vote) for vote in votes)
        frequent = [vote for vote in sorted(set(votes)) if votes.count(vote) == most]
        expected.append(label if votes.count(label) == most else frequent[0])
    assert refits_module.consensus_of(found, own).tolist() == expected


def test_very_many_clusters_are_refused_before_anything_is_fitted(measured, blobs, monkeypatch):
    monkeypatch.setattr(refits_module, "_MOST_CLUSTERS", 2)
    monkeypatch.setattr(refits_module, "unfitted_again", None)
    with pytest.raises(UnsupportedError, match=r"3 clusters are too many .* at most 2"):
        measured[0].stability(blobs[0], resamples=1, seeds=1)


@pytest.mark.parametrize(
    ("edits", "others"),
    [
        (lambda editor: editor.merge([2, 0]).delete([1]), True),
        (lambda editor: editor.delete([1]).reassign_noise(), False),
        (lambda editor: editor.split(0, 2).merge([4, 1]), True),
        (lambda editor: editor.must_link([0, 60, 120]), False),
    ],
    ids=["merged, other rows", "reassigned", "split, other rows", "linked"],
)
def test_refits_are_edited_as_the_clusters_were(edits, others):
    # Four clusters far apart: every refit finds them, in another order.
    rng = np.random.default_rng(1)
    x = np.repeat([[0, 0], [50, 0], [0, 50], [60, 60]], 40, axis=0) + rng.normal(size=(160, 2))
    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=4,
                    scaler="none", random_state=0).fit(x)  # fmt: skip
    edits(model.edit())
    found = model.stability(x + 0.01 if others else x, resamples=1, seeds=1)
    assert found.labels.tolist() == model.labels_.tolist()
    assert found.clusters == tuple(sorted({*found.labels.tolist()} - {-1}))
    assert (found.confidence == 1).all()
    assert (found.jaccard == 1).all()
    assert (found.ari == 1).all()
    assert found.consensus.tolist() == found.labels.tolist()


def test_a_cluster_of_a_refit_among_noise_does_not_agree_with_noise():
    from n2d_framework.pipeline.after_fit.refits import _matched

    labels = np.array([-1, -1, -1, 0, 0, 2, 2])
    found = np.array([5, 5, 5, 3, 3, -1, 4])
    assert _matched(labels, found, 7).tolist() == [8, 8, 8, 0, 0, -1, 2]


def test_noise_and_refits_without_a_cluster_count(blobs):
    x, _ = blobs
    model = n2d.N2D("identity", "identity", {"name": "hdbscan", "min_cluster_size": 20},
                    random_state=0).fit(x)  # fmt: skip
    found = model.stability(x, resamples=3, seeds=0)
    assert isinstance(found, Stability)
    assert found.together.shape == (len(found.clusters),) * 2
    assert set(found.consensus.tolist()) <= {-1, *found.clusters, *range(10)}


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (-1, 5), (2.0, 1), (2, "3"), (True, 2)])
def test_too_few_refits_are_refused(measured, blobs, counts):
    with pytest.raises(ConfigError, match=r"at least two refits|must be an integer of"):
        measured[0].stability(blobs[0], resamples=counts[0], seeds=counts[1])


def test_rows_that_cannot_be_placed_are_not_resampled(blobs):
    x, _ = blobs
    spectral = n2d.adapt("manifolder", SpectralEmbedding, n_components=2)
    model = n2d.N2D("identity", spectral, "kmeans", n_clusters=3, random_state=0).fit(x)
    with pytest.raises(UnsupportedError, match="use seeds alone"):
        model.stability(x, resamples=2, seeds=2)
    assert len(model.stability(x, resamples=0, seeds=2).ari) == 2


def test_kept_confidence_is_votesto_new_rows_and_abstains(measured, blobs, tmp_path):
    model = copy.deepcopy(measured[0])
    x, y = blobs
    with pytest.raises(UnsupportedError, match="confidence: it was not measured"):
        model.confidence(x)
    found = model.stability(x, resamples=4, seeds=2, keep=True)
    new = x + np.random.default_rng(1).normal(size=x.shape) * 0.1
    sure = model.confidence(new)
    known, labels = model._fitted().fitted.confidence, model.predict(new)
    points = model.latent_ @ known.axes
    weights = 1 / np.arange(1, 21)
    for row in range(0, 180, 20):
        near = np.argsort(((points - model.embed(new)[row] @ known.axes) ** 2).sum(axis=1))[:20]
        counted = np.where(model.labels_[near] == labels[row], found.confidence[near], 0)
        assert sure[row] == pytest.approx((weights * counted).sum() / weights.sum())
        assert model.confidence(new[row : row + 1]).tolist() == [sure[row]]
    assert sure[y == 0].mean() > sure[y != 0].mean()
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.confidence(new).tolist() == sure.tolist()
    for share in (0.0, 0.1, 0.3):
        found = again.predict(new, abstain=share)
        kept = found != -1
        assert found[kept].tolist() == labels[kept].tolist()
        assert abs((~kept).mean() - share) < 0.15
        assert kept.all() or sure[~kept].max() < sure[kept].min()
    for share in (0.0, 0.05, 0.1, 0.3, 1.0):
        own = model.confidence(x)
        least = np.sort(own)[min(int(share * 180), 179)]
        assert ((again.predict(x, abstain=share) == -1) == (own < least)).all()
    with pytest.raises(DataError, match="must be a share of the rows"):
        again.predict(new, abstain=1.5)
    again.edit().rename({0: "a"})
    assert again.confidence(new).tolist() == sure.tolist()
    assert not again.edit().confidence_is_unused


def test_confidence_does_not_hold_for_edited_labels_and_does_again_when_they_are_undone(
    measured, blobs, tmp_path, caplog
):
    model, (x, _) = copy.deepcopy(measured[0]), blobs
    model.stability(x[::2] + 0.01, resamples=3, seeds=0, keep=True)
    sure, left = model.confidence(x), model.predict(x, abstain=0.1)
    with caplog.at_level("INFO"):
        model.edit().merge([1, 2])
    assert "not used until they are back" in caplog.text
    model.save(tmp_path / "m.n2d")
    for edited in (model, n2d.load(tmp_path / "m.n2d")):
        assert edited.edit().confidence_is_unused
        with pytest.raises(UnsupportedError, match=r"measured for other clusters, .* undo these"):
            edited.confidence(x)
        assert edited.describe(x)["clusters"][0]["confidence"] is None
        edited.edit().rename({0: "a"})
        assert edited.edit().confidence_is_unused
        edited.edit().undo(2)
        assert edited.confidence(x).tolist() == sure.tolist()
        assert edited.predict(x, abstain=0.1).tolist() == left.tolist()


def test_confidence_of_an_earlier_bundle_is_of_its_labels(measured, blobs):
    model, (x, _) = copy.deepcopy(measured[0]), blobs
    model.stability(x, resamples=2, seeds=0, keep=True)
    snapshot = model.to_snapshot()
    assert len(snapshot.parts["confidence"].pop("clustering")) == 64
    again = n2d.N2D.from_snapshot(snapshot)
    assert again.confidence(x).tolist() == model.confidence(x).tolist()
    again.edit().merge([0, 1])
    assert again.edit().confidence_is_unused


@pytest.mark.parametrize(("rows", "times"), [(2000, 1), (2000, 2), (12_000, 1), (2, 1), (1, 1)])
def test_a_threshold_leaves_out_the_share_that_it_says(rows, times):
    rng = np.random.default_rng(rows)
    latent = rng.normal(size=(rows, 3)).astype(np.float32)
    latent = np.repeat(latent[: rows // times or 1], times, axis=0)
    labels = (latent[:, 0] > 0.3).astype(np.int64)
    known = RowConfidence.of(latent, labels, rng.uniform(size=rows), 0)
    new = rng.normal(size=(3000, 3)).astype(np.float32)
    for share in (0.0, 0.01, 0.05, 0.5):
        least = known.threshold(share)
        left_out = (known.of_rows(latent, labels) < least).mean()
        assert left_out == pytest.approx(
            int(share * rows) / rows, abs=0.0 if rows <= 10_000 else 0.01
        )
        if rows > 2 and times == 1:
            of_new = known.of_rows(new, (new[:, 0] > 0.3).astype(np.int64))
            assert (of_new < least).mean() == pytest.approx(share, abs=0.025)


@pytest.mark.slow
def test_workers_find_what_one_process_finds_though_one_is_killed(blobs, tmp_path):
    table = pd.DataFrame(blobs[0], columns=["wide", "high"])
    model = n2d.N2D("pca", "identity", "gmm", n_clusters=3, random_state=0,
                    store=tmp_path / "stages").fit(table)  # fmt: skip
    alone = model.stability(table, resamples=6, seeds=2)
    with local_workers(2, 1) as client:
        first = next(iter(client.run(os.getpid).values()))
        threading.Timer(0.2, os.kill, (first, signal.SIGKILL)).start()
        spread = model.stability(table, resamples=6, seeds=2, scheduler=client)
    assert spread.kinds == alone.kinds
    for name in ("labels", "confidence", "consensus", "ari", "jaccard", "together"):
        np.testing.assert_array_equal(getattr(spread, name), getattr(alone, name))


@pytest.mark.parametrize(
    "change",
    [
        {"values": np.array([0.5, 2.0])}, {"labels": np.array([0])}, {"labels": np.array([0, -2])},
        {"axes": np.zeros((2, 2))}, {"axes": np.full((2, 1), np.nan)},
        {"points": np.full((2, 1), np.inf, np.float32)}, {"points": np.zeros(2, np.float32)},
    ],
)  # fmt: skip
def test_damaged_confidence_is_refused(change):
    whole = {"axes": np.ones((2, 1)), "points": np.zeros((2, 1), np.float32),
             "labels": np.array([0, 1]), "values": np.array([0.5, 1.0])}  # fmt: skip
    training = np.array([0, 1])
    assert RowConfidence.of_state(whole, training).values.tolist() == [0.5, 1.0]
    with pytest.raises(StateError, match="do not fit together"):
        RowConfidence.of_state(whole | change, training)
    with pytest.raises(StateError, match="clustering"):
        RowConfidence.of_state(whole | {"clustering": 3}, training)
