"""manifold_cluster_generator with the classes of the documentation; saving and loading."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from old_names import N_CLUSTERS, n2d, small_autoencoder

from n2d_framework.errors import BundleError, ConfigError, OutputError, UnsupportedError
from n2d_framework.n2d.codecs import stage_from_state, state_of_stage

pytestmark = pytest.mark.slow

UMAP_ARGS = {"metric": "euclidean", "n_components": 2, "n_neighbors": 15, "min_dist": 0}


@pytest.fixture(scope="module")
def db_clust(rows, trained):
    import hdbscan
    import umap

    hdbscan_args = {"min_samples": 5, "min_cluster_size": 15, "prediction_data": True}
    learner = n2d.manifold_cluster_generator(
        umap.UMAP, {**UMAP_ARGS, "random_state": 0}, hdbscan.HDBSCAN, hdbscan_args
    )
    model = n2d.n2d(small_autoencoder(rows[0]), learner)
    model.fit(rows[0], weights=str(trained[1]))
    return model


def test_the_clusterer_is_a_normal_hdbscan_object(db_clust):
    import hdbscan
    import umap

    assert type(db_clust.clusterer) is hdbscan.HDBSCAN
    assert type(db_clust.manifolder) is umap.UMAP
    assert db_clust.clusterer.probabilities_.shape == (500,)
    assert db_clust.clusterer.labels_.max() >= 4
    np.testing.assert_array_equal(db_clust.predict(), db_clust.clusterer.labels_)


def test_fit_predict_and_noise(db_clust, rows, trained):
    labels = db_clust.fit_predict(rows[0], weights=str(trained[1]))
    np.testing.assert_array_equal(labels, db_clust.clusterer.labels_)
    labels = labels.copy()
    labels[:50] = -1
    db_clust.preds = labels
    acc, nmi, ari = db_clust.assess(rows[1])
    assert 0 < ari < nmi < 1
    wrong = float(np.mean(labels == -1))
    assert acc <= 1 - wrong + np.bincount(rows[1][:50]).max() / 500
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    db_clust.visualize(rows[1], {digit: str(digit) for digit in range(10)})
    texts = [t.get_text() for t in plt.gcf().axes[0].get_legend().get_texts()]
    assert any("noise" in text for text in texts)
    plt.close("all")


def test_predict_is_by_approximate_prediction(db_clust, rows):
    import hdbscan

    found = db_clust.predict(rows[0])
    assert np.mean(found == db_clust.clusterer.labels_) > 0.99
    # The function that the documentation asks users to write, with its typing errors fixed.
    embedding = db_clust.encoder.predict(rows[0][:40], verbose=0)
    manifold = db_clust.manifolder.transform(embedding)
    labels, strengths = hdbscan.approximate_predict(db_clust.clusterer, manifold)
    np.testing.assert_array_equal(labels, db_clust.predict(rows[0][:40]))
    assert strengths.shape == (40,)


def test_prediction_gives_the_training_rows_their_labels_back(rows):
    """The package's own function gets a quarter of these rows wrong."""
    import hdbscan
    import umap

    coordinates = umap.UMAP(**UMAP_ARGS, random_state=0).fit_transform(rows[0])
    learner = n2d.manifold_cluster_generator(_Flat, {}, hdbscan.HDBSCAN, {"min_cluster_size": 15})
    labels = learner.fit_predict(coordinates)
    assert labels.max() >= 5
    np.testing.assert_array_equal(learner.predict(coordinates), labels)
    np.testing.assert_array_equal(learner.predict(coordinates[40:50]), labels[40:50])


def test_a_contradictory_prediction_is_reported(db_clust):
    import hdbscan

    args = {
        "min_cluster_size": 5, "allow_single_cluster": True, "cluster_selection_epsilon": 5.0,
        "metric": "minkowski", "p": 2,
    }  # fmt: skip
    learner = n2d.manifold_cluster_generator(_Flat, {}, hdbscan.HDBSCAN, args)
    learner.fit(db_clust.manifold_learner.hle)
    again = hdbscan.HDBSCAN(prediction_data=True, **args).fit(learner.hle)
    labels, _ = hdbscan.approximate_predict(again, learner.hle)
    if np.mean(labels == learner.labels) >= 0.99:
        pytest.skip("this version of hdbscan agrees with itself here")
    with pytest.warns(UserWarning, match="prefer options that the component hdbscan"):
        found = learner.predict(learner.hle)
    np.testing.assert_array_equal(found, labels)


class _Flat:
    """A manifold learner that changes nothing."""

    def fit_transform(self, x):
        return np.asarray(x)

    def transform(self, x):
        return np.asarray(x)


@pytest.fixture(scope="module")
def codes(trained, rows):
    return trained[0].autoencoder.embed(rows[0])


def test_a_clusterer_with_predict_proba(codes, tmp_path):
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    learner = n2d.manifold_cluster_generator(
        PCA, {"n_components": 3}, GaussianMixture, {"n_components": 5, "random_state": 0}
    )
    assert learner.proba
    labels = learner.fit_predict(codes)
    np.testing.assert_array_equal(learner.predict(codes), labels)
    probs = learner.predict_proba(codes)
    np.testing.assert_array_equal(probs.argmax(axis=1), labels)


def test_what_cannot_be_done_is_said(codes):
    from sklearn.cluster import SpectralClustering
    from sklearn.manifold import TSNE

    learner = n2d.manifold_cluster_generator(
        _Flat, {}, SpectralClustering, {"n_clusters": 3, "affinity": "nearest_neighbors"}
    )
    assert learner.fit_predict(codes[:100]).shape == (100,)
    with pytest.raises(UnsupportedError, match="SpectralClustering cannot label new rows"):
        learner.predict(codes[:5])
    with pytest.raises(UnsupportedError, match="SpectralClustering has no predict_proba"):
        learner.predict_proba(codes[:5])
    learner = n2d.manifold_cluster_generator(TSNE, {}, SpectralClustering, {"n_clusters": 3})
    with pytest.raises(UnsupportedError, match="TSNE cannot place new rows"):
        learner.predict(codes[:5])
    with pytest.raises(ConfigError, match="cluster_args: SpectralClustering refuses them"):
        n2d.manifold_cluster_generator(_Flat, {}, SpectralClustering, {"n_cluster": 3})


def test_a_metric_that_only_umap_learn_has(codes):
    import umap

    learner = n2d.UmapGMM(3, umap_metric="minkowski")
    assert type(learner.manifold_in_embedding) is umap.UMAP
    assert learner.fit_predict(codes[:200]).shape == (200,)
    assert type(n2d.UmapGMM(3, umap_metric="cosine").manifold_in_embedding) is not umap.UMAP


LOAD = """
    import sys, warnings
    warnings.simplefilter("ignore")
    import numpy as np
    import n2d_framework.n2d as n2d
    x = np.load("x.npy")
    for which in sys.argv[1:]:
        model = n2d.load_n2d(f"models/{which}.h5", f"models/{which}.sav")
        probs = model.predict_proba(x) if which == "soft" else np.zeros(0)
        np.savez(which, preds=model.predict(x), hle=model.hle, probs=probs, all=model.predict())
"""


def test_saved_and_loaded_in_another_process(rows, trained, db_clust):
    models = {"soft": trained[0], "hard": db_clust}
    for which, model in models.items():
        n2d.save_n2d(model, encoder_id=f"models/{which}.h5", manifold_id=f"models/{which}.sav")
    np.save("x.npy", rows[0][:50] + 0.01)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOAD), *models],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    x = np.load("x.npy")
    for which, model in models.items():
        found = np.load(f"{which}.npz")
        np.testing.assert_array_equal(found["preds"], model.predict(x))
        np.testing.assert_array_equal(found["hle"], model.hle)
        np.testing.assert_array_equal(found["all"], model.manifold_learner.labels)
        if which == "soft":
            np.testing.assert_array_equal(found["probs"], model.predict_proba(x))


def test_other_classes_are_kept_by_skops(trained, rows, codes):
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    learner = n2d.manifold_cluster_generator(
        PCA, {"n_components": 3}, GaussianMixture, {"n_components": 5, "random_state": 0}
    )
    model = n2d.n2d(trained[0].autoencoder, learner)
    learner.fit(codes)
    n2d.save_n2d(model, "har.keras", "learner.sav")
    loaded = n2d.load_n2d("har.keras", "learner.sav")
    np.testing.assert_array_equal(loaded.predict(rows[0]), model.predict(rows[0]))


def test_the_search_index_of_umap_learn_is_made_again(codes, monkeypatch):
    """From 4096 rows on it has one; here it is asked for.

    An index depends on nothing but what it is made from, its generator's state included. To make
    one, and to search, would take a minute to compile.
    """
    import umap
    from sklearn.neighbors import NearestNeighbors

    class Index:
        def __init__(self, data, **options):
            seed = options["random_state"].get_state()
            self.made_from = {**options, "random_state": seed, "data": data.copy()}
            search = NearestNeighbors(n_neighbors=options["n_neighbors"]).fit(data)
            self.neighbor_graph = search.kneighbors()[::-1]

    monkeypatch.setattr(umap.umap_, "NNDescent", Index)
    args = {**UMAP_ARGS, "n_epochs": 20, "random_state": 0, "force_approximation_algorithm": True}
    made = umap.UMAP(**args).fit(codes[:400])
    assert not made._small_data
    again = stage_from_state(state_of_stage(made))
    index, same = made._knn_search_index, again._knn_search_index
    assert same is not index
    assert {"data", "n_neighbors", "metric", "metric_kwds", "random_state", "n_trees", "n_iters",
            "max_candidates", "low_memory"} <= {*index.made_from}  # fmt: skip
    np.testing.assert_equal(same.made_from, index.made_from)


def test_a_loaded_model_cannot_be_trained(trained, rows):
    n2d.save_n2d(trained[0], "har.h5", "har.sav")
    loaded = n2d.load_n2d("har.h5", "har.sav")
    np.testing.assert_array_equal(loaded.predict(), trained[0].manifold_learner.labels)
    with pytest.raises(UnsupportedError, match="a loaded model predicts but cannot be trained"):
        loaded.fit(rows[0])


def test_a_pickle_is_never_opened(trained, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    (tmp_path / "har.sav").write_bytes(pickle.dumps(Bomb()))
    trained[0].encoder.save(tmp_path / "har.h5")
    with pytest.raises(BundleError, match="a pickle of the old package"):
        n2d.load_n2d("har.h5", "har.sav")
    assert not (tmp_path / "exploded").exists()


def test_damaged_and_missing_files(trained, tmp_path):
    n2d.save_n2d(trained[0], "har.h5", "har.sav")
    whole = (tmp_path / "har.sav").read_bytes()
    (tmp_path / "har.sav").write_bytes(whole[:-9])
    with pytest.raises(BundleError, match=r"har\.sav"):
        n2d.load_n2d("har.h5", "har.sav")
    (tmp_path / "har.sav").write_bytes(whole)
    (tmp_path / "har.h5").write_bytes(b"no model")
    with pytest.raises(BundleError, match=r"har\.h5: cannot be read as a Keras model"):
        n2d.load_n2d("har.h5", "har.sav")
    (tmp_path / "har.h5").unlink()
    with pytest.raises(BundleError, match=r"har\.h5: there is no such file"):
        n2d.load_n2d("har.h5", "har.sav")


class _Own:
    """A learner that the framework did not make."""

    manifold_in_embedding = cluster_manifold = hle = None

    def fit(self, hl):
        self.hle = hl

    def fit_predict(self, hl):
        self.fit(hl)
        return np.zeros(len(hl), dtype=int)


def test_what_cannot_be_saved_is_said(rows, trained, tmp_path):
    fresh = n2d.n2d(trained[0].autoencoder, n2d.UmapGMM(N_CLUSTERS))
    with pytest.raises(UnsupportedError, match="not fitted; call fit"):
        n2d.save_n2d(fresh, "har.h5", "har.sav")
    own = n2d.n2d(trained[0].autoencoder, _Own())
    with pytest.raises(UnsupportedError, match="_Own is a class of your own"):
        n2d.save_n2d(own, "har.h5", "har.sav")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        n2d.save_n2d(trained[0], "file/har.h5", "har.sav")


def test_a_network_with_code_in_its_file_is_refused(trained, rows):
    import keras

    inputs = keras.Input((64,))
    code = keras.layers.Lambda(lambda x: x[:, :10])(inputs)
    keras.Model(inputs, code).save("har.h5")
    n2d.save_n2d(trained[0], "other.h5", "har.sav")
    with pytest.raises(BundleError, match=r"har\.h5: cannot be read as a Keras model"):
        n2d.load_n2d("har.h5", "har.sav")
