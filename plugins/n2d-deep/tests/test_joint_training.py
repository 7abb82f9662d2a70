"""Joint training: losses against the equations, when it stops, what it remembers."""

from __future__ import annotations

import numpy as np
import pytest
from n2d_deep.assignment import soft_assignment, target_distribution
from n2d_deep.embedders import Dcec, Dec, Idec
from n2d_deep.starts import first_centers

from n2d_builtin import GaussianMixture, KMeans, Umap
from n2d_builtin.autoencoders.augmentation import Augmentation
from n2d_framework.plugin import DataError, FitContext, StageError, StateError, derive_seed

SMALL = {
    "hidden": (8,),
    "n_clusters": 4,
    "latent_dim": 3,
    "epochs": 2,
    "batch_size": 200,
    "update_interval": 1,
    "max_iter": 1,
    "n_init": 2,
    "precision": "float32",
}
STILL = {"joint_optimizer": "sgd", "joint_learning_rate": 1e-30}


@pytest.fixture(scope="module")
def rows(digits):
    """Rows that lie far apart, so that two short epochs leave clusters."""
    return 8 * digits


class Remembering:
    """A context that keeps parts and gets epochs, as the pipeline's does with a store."""

    def __init__(self):
        self.parts, self.reported, self.kept = {}, [], 0

    def remember(self, name, depends_on, compute):
        key = (name, repr(sorted(depends_on.items())))
        self.kept += key in self.parts
        self.parts.setdefault(key, None)
        if self.parts[key] is None:
            self.parts[key] = compute()
        return self.parts[key]

    def context(self) -> FitContext:
        self.reported = []
        return FitContext(
            seed=3,
            remember=self.remember,
            epoch_finished=lambda *event: self.reported.append(event),
        )


@pytest.fixture(scope="module")
def store() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def fit(rows, store):
    def fitted(cls=Idec, **changes):
        return cls(**{**SMALL, **changes}).fit(rows, context=store.context())

    return fitted


@pytest.fixture(scope="module")
def state(fit):
    return fit().get_state()


@pytest.mark.parametrize(
    ("cls", "changes"),
    [(Idec, {"gamma": 0.3, "alpha": 2.0}), (Idec, {"confidence": 0.5}), (Dec, {})],
    ids=["idec", "confident", "dec"],
)
def test_losses_are_those_of_the_equations(fit, rows, cls, changes):
    """Nothing moves, so that the only step of the only interval sees the final networks."""
    model = fit(cls, **STILL, **changes)
    z = model.transform(rows)
    q = soft_assignment(z, model.cluster_centers_, model.alpha)
    counts = q.max(axis=1) >= model.confidence
    assert counts.all() == (model.confidence == 0)
    p = target_distribution(q, counts)
    clustering = (counts * (p * np.log(p / q)).sum(axis=1)).mean()
    history = {name: values[0] for name, values in model.history_.items()}
    assert history["clustering_loss"] == pytest.approx(clustering, rel=1e-3)
    assert history["label_changes"] == 0
    if cls is Dec:
        assert set(history) == {"loss", "clustering_loss", "label_changes"}
        assert history["loss"] == history["clustering_loss"]
        return
    reconstruction = np.square(model.reconstruct(z) - rows).mean()
    assert history["reconstruction_loss"] == pytest.approx(reconstruction, rel=1e-3)
    assert history["loss"] == pytest.approx(reconstruction + model.gamma * clustering, rel=1e-3)


@pytest.mark.parametrize("init", ["kmeans", "gmm"])
def test_centres_start_in_the_latent_space(fit, rows, init):
    model = fit(**STILL, init=init)
    likeliest = GaussianMixture(n_clusters=4, n_init=2, init="kmeans", selection="likelihood")
    finder = KMeans(n_clusters=4, n_init=2) if init == "kmeans" else likeliest
    context = FitContext(seed=derive_seed(3, "centres"))
    finder.fit(model.transform(rows), context=context)
    expected = finder.cluster_centers_ if init == "kmeans" else finder.means_
    np.testing.assert_allclose(model.cluster_centers_, expected, rtol=1e-3, atol=1e-3)


def test_centres_start_as_means_of_the_clusters_that_umap_and_a_mixture_find(fit, digits):
    context, latent = FitContext(seed=3), digits[:200, 20:30].copy()
    manifold = Umap(n_components=4).fit_transform(latent, context=context)
    mixture = GaussianMixture(n_clusters=4, n_init=2, init="kmeans", selection="likelihood")
    mixture.fit(manifold, context=context)
    shares = mixture.predict_proba(manifold)
    expected = [np.average(latent, axis=0, weights=share) for share in shares.T]
    found = first_centers(latent, "umap", 4, 2, context)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    centers = fit(**STILL, init="umap").cluster_centers_
    assert centers.shape == (4, 3)
    assert not np.allclose(centers, fit(**STILL).cluster_centers_, atol=1e-3)


def test_too_few_rows_for_umap_are_refused_before_anything_is_trained():
    model = Idec(init="umap", n_clusters=4)
    assert any("init='umap'" in reason for reason in model.check_input(15, (64,)))
    assert model.check_input(100, (64,)) == []


def test_training_lowers_the_clustering_loss_and_moves_the_centres(fit):
    still = fit(Dec, **STILL)
    gentle = {"joint_optimizer": "adam", "joint_learning_rate": 1e-3}
    model = fit(Dec, update_interval=60, max_iter=60, **gentle)
    assert model.history_["loss"][0] < 0.9 * still.history_["loss"][0]
    assert not np.allclose(model.cluster_centers_, still.cluster_centers_, atol=1e-3)


def test_dec_leaves_the_decoder_behind(fit, rows):
    model = fit(Dec)
    assert not hasattr(model, "reconstruct")
    assert "decoder" not in model.get_state()
    again = Dec(**SMALL)
    again.set_state(model.get_state())
    assert np.array_equal(again.transform(rows), model.transform(rows))


@pytest.mark.parametrize(("tol", "intervals"), [(0.99, 1), (0.0, 3)])
def test_it_stops_when_labels_hardly_change(fit, tol, intervals):
    model = fit(max_iter=3, tol=tol)
    assert {len(values) for values in model.history_.values()} == {intervals}
    assert model.best_epoch_ == intervals


def test_pretraining_is_shared_and_not_repeated(fit, store):
    fit(gamma=0.1)
    before = store.kept
    for model in (fit(gamma=0.7, tol=0.5, alpha=3.0, init="gmm", n_clusters=5), fit(Dec)):
        assert [epoch for epoch, *_ in store.reported] == [3]
        assert len(model.pretraining_history_["loss"]) == 2
    assert store.kept == before + 2
    fit(epochs=1)
    assert [epoch for epoch, *_ in store.reported] == [1, 2]
    assert store.kept == before + 2


def test_epochs_count_on_from_the_pretraining(rows, store):
    heard = []
    context = FitContext(seed=3, epoch_finished=lambda *event: heard.append(event))
    Idec(**{**SMALL, "max_iter": 2, "tol": 0.0}).fit(rows, context=context)
    assert [(epoch, of) for epoch, of, _ in heard] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(heard[0][2]) == {"loss"}
    assert set(heard[3][2]) == {
        "loss", "clustering_loss", "reconstruction_loss", "label_changes",
    }  # fmt: skip


def test_pretraining_is_that_of_dense_ae(fit, rows):
    from n2d_builtin import DenseAutoencoder

    options = {name: SMALL[name] for name in ("hidden", "latent_dim", "epochs", "batch_size")}
    alone = DenseAutoencoder(**options, precision="float32")
    alone.fit(rows, context=FitContext(seed=3))
    model = fit(**STILL)
    assert model.pretraining_history_ == alone.history_
    assert np.array_equal(model.transform(rows), alone.transform(rows))


def test_held_out_rows_are_measured_in_both_phases(fit):
    model = fit(validation_fraction=0.25, batch_size=150)
    assert set(model.pretraining_history_) == {"loss", "val_loss"}
    measured = {"loss", "clustering_loss", "reconstruction_loss"}
    assert set(model.history_) == measured | {f"val_{name}" for name in measured} | {
        "label_changes"
    }


def test_images_are_varied_in_both_phases(rows):
    images = rows.reshape(-1, 8, 8)[:60]
    options = {**SMALL, "filters": (2,), "batch_size": 60, "init": "gmm"}
    del options["hidden"]
    plain, varied = (
        Dcec(**options, augmentation=augmentation).fit(images, context=FitContext(seed=3))
        for augmentation in (None, Augmentation(shift=0.2, rotation=20.0))
    )
    assert plain.transform(images).shape == (60, 3)
    assert plain.history_["reconstruction_loss"] != varied.history_["reconstruction_loss"]


def test_a_threshold_that_no_one_reaches_is_an_error(fit):
    with pytest.raises(StageError, match="lower confidence"):
        fit(confidence=0.9999, alpha=0.1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"n_clusters": 201}, "n_clusters=201 needs at least 201 rows"),
        ({"n_clusters": 180, "validation_fraction": 0.5}, "got 100"),
    ],
)
def test_too_few_rows_are_refused_before_training(rows, changes, reason):
    with pytest.raises(DataError, match=reason):
        Idec(**{**SMALL, **changes}).fit(rows, context=FitContext())


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster_centers": np.zeros((4, 2), np.float32)},
        {"cluster_centers": np.zeros((3, 3), np.float32)},
        {"cluster_centers": np.full((4, 3), np.inf, np.float32)},
        {"cluster_centers": np.zeros((4, 3))},
        {"history": {"loss": np.ones(1), "rubbish": np.ones(1)}},
        {"history": {"loss": np.ones(1), "val_loss": np.ones(2)}},
        {"pretraining_history": {"val_loss": np.ones(1)}},
    ],
)
def test_states_of_others_are_checked(state, changes):
    with pytest.raises(StateError):
        Idec(**SMALL).set_state({**state, **changes})


@pytest.mark.parametrize("cls", [Dec, Idec])
def test_pretraining_that_makes_the_reconstruction_worse_is_refused(rows, cls):
    with pytest.raises(StageError, match=r"lower learning_rate \(now 3\)"):
        cls(**SMALL | {"learning_rate": 3.0, "epochs": 4}).fit(rows, context=FitContext(seed=1))


def test_joint_losses_may_rise_but_not_above_the_start_of_the_pretraining(rows, store):
    """Steps that are too large spoil the pretrained networks."""
    many = {"max_iter": 3, "joint_optimizer": "adam"}
    context = store.context()
    with pytest.raises(StageError, match=r"lower joint_learning_rate \(now 30\)"):
        Idec(**SMALL | many | {"joint_learning_rate": 30.0}).fit(rows, context=context)
    rising = Idec(**SMALL | many | {"gamma": 10.0, "joint_learning_rate": 1e-3, "tol": 0.0})
    rising.fit(rows, context=context)
    assert len(rising.history_["reconstruction_loss"]) == 3
