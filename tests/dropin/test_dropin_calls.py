"""Every call that the documentation of n2d 0.3.2 shows, as it shows it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from old_names import N_CLUSTERS, n2d, small_autoencoder

from n2d_framework.errors import ConfigError, DataError, StageError, UnsupportedError

NAMES = {digit: f"digit {digit}" for digit in range(10)}


def defaults(function) -> dict:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in ("self", "x", "n_clusters")}


def test_defaults_of_fit_are_those_of_the_old_code():
    """Its documentation has the same, but for verbose: 0 there, 1 in the code."""
    expected = {
        "batch_size": 256, "epochs": 1000, "loss": "mse", "optimizer": "adam", "weights": None,
        "verbose": 1, "weight_id": None, "patience": None,
    }  # fmt: skip
    assert defaults(n2d.n2d.fit) == expected
    assert defaults(n2d.n2d.fit_predict) == expected
    assert list(defaults(n2d.n2d.fit)) == list(expected)


def test_defaults_of_umapgmm_are_the_documented_ones():
    assert defaults(n2d.UmapGMM) == {
        "umap_dim": 2, "umap_neighbors": 10, "umap_min_distance": 0.0,
        "umap_metric": "euclidean", "random_state": 0,
    }  # fmt: skip
    learner = n2d.UmapGMM(6)
    manifolder = learner.manifold_in_embedding
    assert (manifolder.n_components, manifolder.n_neighbors, manifolder.min_dist) == (2, 10, 0.0)
    assert learner.cluster_manifold.n_clusters == learner.n_clusters == 6


def test_autoencoder_has_the_documented_structure():
    ae = n2d.AutoEncoder(20, 6)
    widths = [layer.units for layer in ae.Model.layers if hasattr(layer, "units")]
    assert widths == [500, 500, 2000, 6, 2000, 500, 500, 20]
    assert n2d.AutoEncoder(input_dim=20, latent_dim=7).encoder.output_shape == (None, 7)
    assert n2d.AutoEncoder(20).encoder.output_shape == (None, 10)


def test_architecture_and_act():
    ae = n2d.AutoEncoder(20, 3, architecture=[500, 2000, 500, 100], act="tanh")
    dense = [layer for layer in ae.Model.layers if hasattr(layer, "units")]
    assert [layer.units for layer in dense] == [500, 2000, 500, 100, 3, 100, 500, 2000, 500, 20]
    linear = [layer.units for layer in dense if layer.activation.__name__ == "linear"]
    assert linear == [3, 20]
    assert {layer.activation.__name__ for layer in dense} == {"tanh", "linear"}


def test_fit_learns(trained, rows):
    model, _ = trained
    history = model.autoencoder.history["loss"]
    assert len(history) == 20
    assert history[-1] < 0.5 * history[0]
    assert model.hle.shape == (len(rows[0]), 2)


def test_predict_keeps_its_answer(trained, rows):
    model, _ = trained
    preds = model.predict(rows[0])
    assert preds.shape == (500,)
    assert model.preds is preds
    assert set(preds) <= set(range(N_CLUSTERS))


def test_predict_without_rows_means_the_training_rows(trained, rows):
    model, _ = trained
    np.testing.assert_array_equal(model.predict(), model.predict(rows[0]))


def test_predict_new_rows_and_their_places(trained, rows):
    model, _ = trained
    whole = model.predict(rows[0])
    part = model.predict(rows[0][100:130])
    np.testing.assert_array_equal(part, whole[100:130])
    assert model.hle.shape == (30, 2)
    assert model.predict(rows[0][7:8]) == whole[7]


def test_predict_proba(trained, rows):
    model, _ = trained
    probs = model.predict_proba(rows[0])
    assert model.probs is probs
    assert probs.shape == (500, N_CLUSTERS)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    np.testing.assert_array_equal(probs.argmax(axis=1), model.predict(rows[0]))
    np.testing.assert_array_equal(model.predict_proba(), probs)


def test_assess_gives_accuracy_nmi_ari(trained, rows):
    from sklearn import metrics

    model, _ = trained
    preds = model.predict(rows[0])
    acc, nmi, ari = model.assess(rows[1])
    assert nmi == round(metrics.normalized_mutual_info_score(rows[1], preds), 5)
    assert ari == round(metrics.adjusted_rand_score(rows[1], preds), 5)
    assert acc > 0.5
    assert model.assess(list(map(str, rows[1]))) == (acc, nmi, ari)


def test_assess_and_visualize_need_predictions(rows):
    model = n2d.n2d(small_autoencoder(rows[0]), n2d.UmapGMM(3))
    with pytest.raises(UnsupportedError, match="assess needs predictions: call predict"):
        model.assess(rows[1])
    with pytest.raises(UnsupportedError, match="visualize needs predictions"):
        model.visualize(rows[1], NAMES)
    with pytest.raises(UnsupportedError, match="call fit, or give x"):
        model.predict()


@pytest.fixture
def pyplot():
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    plt.close("all")
    yield plt
    plt.close("all")


@pytest.mark.parametrize("names", [NAMES, list(NAMES.values()), None])
def test_visualize_makes_two_figures(trained, rows, pyplot, names):
    model, _ = trained
    model.predict(rows[0])
    assert model.visualize(rows[1], names, n_clusters=N_CLUSTERS) is None
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    assert [f.axes[0].get_title(loc="left") or f.axes[0].get_title() for f in figures] == [
        "n2d", "n2d-predicted",
    ]  # fmt: skip
    texts = [text.get_text() for text in figures[0].axes[0].get_legend().get_texts()]
    assert any(text.endswith("digit 3" if names else "3") for text in texts)
    figures[0].savefig("truth.png")


def test_visualize_of_other_rows_is_refused(trained, rows, pyplot):
    model, _ = trained
    model.predict(rows[0][:50])
    with pytest.raises(DataError, match="500 classes for 50 predicted rows"):
        model.visualize(rows[1], NAMES)
    with pytest.raises(DataError, match="2 names for 10 classes"):
        model.visualize(rows[1][:50], ["zero", "one"])


def test_stages_are_in_memory(trained, rows):
    model, _ = trained
    codes = model.encoder.predict(rows[0], verbose=0)
    assert codes.shape == (500, N_CLUSTERS)
    np.testing.assert_array_equal(model.encoder.predict(rows[0][40:43], verbose=0), codes[40:43])
    np.testing.assert_array_equal(model.autoencoder.encoder.predict(rows[0], verbose=0), codes)
    np.testing.assert_allclose(model.manifolder.transform(codes), model.manifold_learner.hle)
    np.testing.assert_array_equal(
        model.clusterer.predict(model.manifold_learner.hle), model.predict()
    )
    assert "n_neighbors=10" in repr(model.manifolder)
    assert "n_clusters=10" in repr(model.clusterer)


def test_weight_id_then_weights_gives_the_same_model(trained, rows):
    model, path = trained
    again = n2d.n2d(small_autoencoder(rows[0]), n2d.UmapGMM(N_CLUSTERS))
    again.fit(rows[0], weights=str(path))
    np.testing.assert_array_equal(again.hle, model.manifold_learner.hle)
    np.testing.assert_array_equal(again.predict(rows[0]), model.predict(rows[0]))
    assert again.autoencoder.history == {}


def test_fit_predict_is_fit_then_predict(trained, rows):
    model, path = trained
    again = n2d.n2d(small_autoencoder(rows[0]), n2d.UmapGMM(N_CLUSTERS))
    found = again.fit_predict(rows[0], weights=path)
    assert again.preds is found
    np.testing.assert_array_equal(found, model.predict(rows[0]))
    np.testing.assert_array_equal(found, again.predict(rows[0]))


def test_patience_stops_and_keeps_the_best(rows, tmp_path):
    import keras

    ae = small_autoencoder(rows[0])
    wild = keras.optimizers.Adam(learning_rate=0.03)
    path = tmp_path / "weights" / "digits-1000-ae_weights.h5"
    ae.fit(rows[0], epochs=200, optimizer=wild, patience=2, weight_id=str(path), verbose=0)
    losses = ae.history["loss"]
    assert len(losses) < 200
    assert min(losses) == losses[-3]
    again = small_autoencoder(rows[0])
    again.fit(rows[0], weights=str(path))
    for one, other in zip(again.Model.get_weights(), ae.Model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_loss_may_be_a_function(rows):
    from keras import ops

    ae = small_autoencoder(rows[0])
    ae.fit(rows[0][:64], epochs=1, loss=lambda y, p: ops.mean(ops.abs(y - p)), verbose=0)
    assert len(ae.history["loss"]) == 1


def test_divergence_is_reported(rows):
    ae = small_autoencoder(rows[0])
    with pytest.raises(StageError, match="training diverged in epoch 1"):
        ae.fit(rows[0] * 1e30, epochs=3, verbose=0)


def test_x_lambda_is_drawn_again_for_every_epoch(rows):
    seen = []

    def noise(x):
        seen.append(len(x))
        return np.clip(x + 0.5 * np.random.default_rng(len(seen)).normal(size=x.shape), 0, 1)

    ae = small_autoencoder(rows[0], x_lambda=noise)
    ae.fit(rows[0], epochs=3, verbose=0)
    assert len(seen) >= 3
    assert set(seen) == {500}
    before = len(seen)
    ae.embed(rows[0])
    assert len(seen) == before


def test_x_lambda_that_changes_the_shape_is_refused(rows):
    ae = small_autoencoder(rows[0], x_lambda=lambda x: x[:, :3])
    with pytest.raises(DataError, match="x_lambda made rows of shape"):
        ae.fit(rows[0], epochs=1, verbose=0)
    with pytest.raises(ConfigError, match="x_lambda: must be a function"):
        small_autoencoder(rows[0], x_lambda=0.5)


def test_autoencoder_generator(rows):
    from keras.layers import Dense, Input

    x, _ = rows
    inputs = Input((x.shape[-1],))
    encoded = inputs
    for width in (32, 16):
        encoded = Dense(width, activation="relu")(encoded)
    encoded = Dense(N_CLUSTERS)(encoded)
    decoded = encoded
    for width in (16, 32):
        decoded = Dense(width, activation="relu")(decoded)
    outputs = Dense(x.shape[-1])(decoded)
    seen = []
    ae = n2d.autoencoder_generator(
        (inputs, encoded, outputs), x_lambda=lambda rows: seen.append(1) or rows
    )
    model = n2d.n2d(ae, n2d.UmapGMM(N_CLUSTERS))
    model.fit(x, epochs=2, verbose=0)
    assert len(seen) >= 2
    assert model.predict(x).shape == (500,)
    assert len(model.assess(rows[1])) == 3


@pytest.mark.parametrize("levels", [(), ("a", "b"), ("a", "b", "c")])
def test_autoencoder_generator_needs_three_tensors(levels):
    with pytest.raises(ConfigError, match="model_levels"):
        n2d.autoencoder_generator(levels)


def test_rows_that_do_not_fit_are_refused(rows):
    ae = small_autoencoder(rows[0])
    with pytest.raises(DataError, match=r"rows have the shape \(8, 8\), but the network takes"):
        ae.fit(rows[0].reshape(-1, 8, 8), epochs=1)
    with pytest.raises(DataError, match="NaN"):
        ae.fit(np.full((4, 64), np.nan), epochs=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "epochs: must be an integer of at least 1, got 0"),
        ({"epochs": 1.5}, "epochs: must be an integer of at least 1, got 1.5"),
        ({"epochs": True}, "epochs: must be an integer of at least 1, got True"),
        ({"batch_size": 0}, "batch_size: must be an integer of at least 1, got 0"),
        ({"batch_size": -4}, "batch_size: must be an integer of at least 1, got -4"),
        ({"patience": -1}, "patience: must be an integer of at least 0, or None, got -1"),
        ({"loss": "msee"}, "loss: unknown loss 'msee'; did you mean 'mse'?"),
        ({"loss": "MSE "}, "loss: unknown loss 'MSE '; known loss functions: "),
        ({"loss": None}, "loss: must be the name of a loss of Keras, or a function"),
        ({"optimizer": "adamm"}, "optimizer: unknown optimizer 'adamm'; did you mean 'adam'?"),
        ({"optimizer": 0.01}, "optimizer: must be the name of an optimizer of Keras, or one, such"),
    ],
)
def test_arguments_of_fit_that_cannot_train(rows, given, message):
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    with pytest.raises(ConfigError) as caught:
        n2d.n2d(ae, n2d.UmapGMM(3)).fit(rows[0], **{"epochs": 1, "verbose": 0} | given)
    assert str(caught.value).startswith(message)
    for have, want in zip(ae.Model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(have, want)


def test_all_wrong_arguments_are_reported_at_once(rows):
    with pytest.raises(ConfigError) as caught:
        small_autoencoder(rows[0]).fit(rows[0], epochs=-1, batch_size=None, optimizer="sdg")
    assert [problem.path for problem in caught.value.problems] == [
        "epochs", "batch_size", "optimizer",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("n_rows", "options", "message"),
    [
        (9, {}, "umap: umap_neighbors=10 needs at least 11 rows, got 9"),
        (12, {"umap_neighbors": 11, "n_clusters": 13}, "n_clusters=13 needs at least 13 rows"),
        (30, {"umap_neighbors": 40}, "umap: umap_neighbors=40 needs at least 41 rows"),
        (20, {"umap_dim": 19}, "umap: umap_dim=19 needs at least"),
        (1, {}, "umap_neighbors=10"),
    ],
)
@pytest.mark.parametrize("verb", ["fit", "fit_predict"])
def test_what_can_be_refused_before_training_is(rows, n_rows, options, message, verb):
    """Too few rows for what comes after the network, which may train for hours."""
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    model = n2d.n2d(ae, n2d.UmapGMM(**{"n_clusters": 3} | options))
    with pytest.raises(DataError, match=message):
        getattr(model, verb)(rows[0][:n_rows], epochs=1, verbose=0)
    check_unchanged(ae, before)


def test_a_weights_file_that_is_not_there_is_refused_before_training(rows):
    ae = small_autoencoder(rows[0])
    before = ae.Model.get_weights()
    with pytest.raises(DataError, match="there is no such file"):
        n2d.n2d(ae, n2d.UmapGMM(3)).fit(rows[0], weights="nowhere.h5", epochs=1, verbose=0)
    check_unchanged(ae, before)


def check_unchanged(ae, before):
    for have, want in zip(ae.Model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize(
    "given",
    [
        {"loss": "mean_absolute_error", "optimizer": "SGD", "patience": 0},
        {"loss": "MeanSquaredError", "epochs": np.int64(1), "batch_size": np.int32(64)},
    ],
)
def test_all_that_keras_takes_is_taken(rows, given):
    ae = small_autoencoder(rows[0])
    ae.fit(rows[0][:64], **{"epochs": 1, "verbose": 0} | given)
    assert len(ae.history["loss"]) == 1


def test_a_network_that_cannot_give_back_its_input(rows):
    """A loss of one's own may compare another output; those of Keras cannot."""
    from keras import ops
    from keras.layers import Dense, Input

    inputs = Input((64,))
    code = Dense(4)(inputs)
    ae = n2d.autoencoder_generator((inputs, code, Dense(65)(code)))
    with pytest.raises(DataError, match=r"output of the network has the shape \(65,\).* \(64,\)"):
        ae.fit(rows[0], epochs=1, verbose=0)
    own = ops.mean
    ae.fit(rows[0][:64], epochs=1, verbose=0, loss=lambda y, p: own((y - p[:, :64]) ** 2, axis=-1))
    assert len(ae.history["loss"]) == 1


def test_classes_of_your_own_do_as_before(rows):
    """The documentation asks of them no more than these methods."""

    class Encoder:
        def predict(self, x):
            return x[:, :4]

    class OwnAutoencoder:
        encoder = Encoder()

        def fit(
            self, x, batch_size, epochs, loss, optimizer, weights, verbose, weight_id, patience
        ):
            self.epochs = epochs

    class OwnLearner:
        manifold_in_embedding = cluster_manifold = hle = None

        def fit(self, hl):
            self.hle = hl[:, :2]

        def predict(self, hl):
            return (hl[:, 0] > 0).astype(int)

        def fit_predict(self, hl):
            self.fit(hl)
            return self.predict(hl)

    model = n2d.n2d(OwnAutoencoder(), OwnLearner())
    model.fit(rows[0], epochs=3)
    assert model.autoencoder.epochs == 3
    np.testing.assert_array_equal(model.predict(), model.fit_predict(rows[0]))
    np.testing.assert_array_equal(model.hle, rows[0][:, :2])
    del OwnLearner.predict  # as of clusterers that cannot label new rows
    OwnLearner.fit_predict = lambda self, hl: self.fit(hl) or (hl[:, 0] > 0).astype(int)
    model = n2d.n2d(OwnAutoencoder(), OwnLearner())
    np.testing.assert_array_equal(model.fit_predict(rows[0], epochs=3), rows[0][:, 0] > 0)


def test_a_name_that_only_the_old_documentation_knows(rows):
    model = n2d.n2d(small_autoencoder(rows[0]), n2d.UmapGMM(3))
    with pytest.raises(UnsupportedError, match=r"call fit\(x, weight_id="):
        model.preTrainEncoder(weight_id="har")


def test_one_deprecation_note_points_to_the_new_way():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-W", "default", "-c",
         "import n2d_framework.n2d as n2d\nimport n2d_framework.n2d\n"
         "from n2d_framework.n2d import datasets as data\nimport n2d_framework.n2d.datasets\n"
         "print(n2d.n2d, data.load_har)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.count("DeprecationWarning") == 1
    assert "<string>:1" in done.stderr
    assert "n2d_framework.N2D" in done.stderr
