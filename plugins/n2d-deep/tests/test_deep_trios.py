"""In trios: centres reach the clusterer, the store spares pretraining, bundles answer elsewhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework.errors import CompositionError
from n2d_framework.plugin import EpochFinished

IDEC = {
    "name": "idec", "hidden": [16], "latent_dim": 4, "epochs": 4, "batch_size": 100,
    "update_interval": 4, "max_iter": 8, "n_init": 2, "precision": "float32",
}  # fmt: skip

LOAD = """
import sys
import numpy as np
import n2d_framework as n2d
model = n2d.load(sys.argv[1])
rows = np.load(sys.argv[2])
np.savez(sys.argv[3], labels=model.predict(rows), proba=model.predict_proba(rows),
         latent=model.embed(rows))
"""

WITHOUT = """
import importlib.metadata, sys
every = importlib.metadata.entry_points
def others(**wanted):
    return [point for point in every(**wanted) if point.dist.name != "n2d-deep"]
importlib.metadata.entry_points = others
import n2d_framework as n2d
try:
    n2d.load(sys.argv[1])
except n2d.errors.N2DError as error:
    print(error)
"""


def trio(store=None, listeners=(), **changes):
    return n2d.N2D(
        {**IDEC, **changes}, "identity", "soft_assignment",
        n_clusters=4, random_state=0, store=store, listeners=listeners,
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows(digits):
    return digits


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def model(rows, store):
    return trio(store).fit(rows)


def test_the_clusterer_has_the_embedders_centres(model, rows):
    used = {tuple(center) for center in model.clusterer_.cluster_centers_}
    assert used <= {tuple(center) for center in model.embedder_.cluster_centers_}
    assert np.array_equal(model.predict(rows), model.labels_)
    assert np.array_equal(model.predict_proba(rows).argmax(axis=1), model.labels_)
    assert model.agreement_["equal"] == 1


def test_only_options_of_the_pretraining_repeat_it(model, rows, store):
    def epochs(**changes):
        heard = []
        trio(store, [heard.append], **changes).fit(rows)
        return [event.epoch for event in heard if isinstance(event, EpochFinished)]

    assert epochs() == []
    assert set(epochs(gamma=0.5, alpha=2.0, tol=0.5)) <= {5, 6}
    assert epochs(epochs=1, max_iter=4) == [1, 2]


def test_a_bundle_answers_alike_in_another_process(model, rows, tmp_path):
    model.save(tmp_path / "model.n2d")
    np.save(tmp_path / "rows.npy", rows[::-1])
    names = [str(tmp_path / name) for name in ("model.n2d", "rows.npy", "found.npz")]
    subprocess.run([sys.executable, "-c", LOAD, *names], check=True)
    with np.load(names[2]) as found:
        assert np.array_equal(found["labels"], model.labels_[::-1])
        assert np.array_equal(found["proba"], model.predict_proba(rows[::-1]))
        assert np.array_equal(found["latent"], model.embed(rows[::-1]))


def test_without_the_plugin_a_bundle_says_what_to_install(model, tmp_path):
    model.save(tmp_path / "model.n2d")
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "model.n2d")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "'idec' is not installed" in said
    assert "n2d-deep" in said


@pytest.mark.parametrize(
    ("embedder", "manifolder", "reason"),
    [
        ("dense_ae", "identity", "none publishes them; use embedder 'dcec' or embedder 'dec'"),
        (IDEC, "pca", "'idec' publishes, but manifolder 'pca' gives other coordinates"),
    ],
)
def test_trios_without_centres_are_refused_at_once(rows, embedder, manifolder, reason):
    with pytest.raises(CompositionError, match=reason):
        n2d.N2D(embedder, manifolder, "soft_assignment", n_clusters=4).fit(rows)


def test_other_clusterers_take_the_latent_space_too(model, rows, store):
    heard = []
    other = n2d.N2D(
        IDEC, "identity", "kmeans", n_clusters=4, random_state=0, store=store,
        listeners=[heard.append],
    ).fit(rows)  # fmt: skip
    assert not any(isinstance(event, EpochFinished) for event in heard)
    assert np.array_equal(other.latent_, model.latent_)


def test_a_comparison_passes_the_centres_on(rows, tmp_path):
    np.savez(tmp_path / "rows.npz", x=rows)
    found = n2d.compare(
        {
            "data": str(tmp_path / "rows.npz"),
            "embedders": [IDEC, "pca"],
            "manifolders": ["identity"],
            "clusterers": ["soft_assignment"],
            "n_clusters": 4,
            "seeds": 1,
        },
        out=tmp_path / "out",
    )
    assert found.table["status"].tolist() == ["done"]
    assert found.table["embedder"][0].startswith("idec")
