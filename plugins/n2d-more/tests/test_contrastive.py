"""Contrastive learning: its loss against the equations, invariance, and what cannot be learned."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from n2d_more._trainers import ContrastiveTrainer
from n2d_more.contrastive import ContrastiveEmbedder
from scipy.special import logsumexp

from n2d_builtin import Augmentation
from n2d_framework.networks import build_network, conv_encoder, dense_encoder
from n2d_framework.plugin import CollapseWarning, DataError, FitContext

SMALL = {
    "filters": (8, 16), "hidden": (), "latent_dim": 8, "epochs": 4, "batch_size": 50,
    "precision": "float32",
}  # fmt: skip
CONTEXT = FitContext(seed=2)


@pytest.fixture(scope="module")
def model(digits):
    return ContrastiveEmbedder(**SMALL).fit(digits, context=CONTEXT)


def trainer(rows, *, decoupled=False, batch_size=10):
    """Without variation: both variants of an image are the image."""
    encoder = build_network(
        conv_encoder((8, 8, 1), (4,), (3,), (2,), (), 5, "relu"), seed=1, name="encoder"
    )
    head = build_network(dense_encoder(5, (6,), 4, "relu"), seed=2, name="head")
    return ContrastiveTrainer(
        encoder, head, rows.reshape(-1, 8, 8, 1), temperature=0.5, decoupled=decoupled,
        image_shape=(8, 8, 1), augmentation=[], train=np.arange(len(rows)),
        validation=np.array([], dtype=int), batch_size=batch_size,
    )  # fmt: skip


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("numbers", [np.arange(10), np.array([0, *range(8), 0])])
def test_the_loss_is_the_cross_entropy_among_the_other_images(digits, decoupled, numbers):
    made = trainer(digits[:10], decoupled=decoupled)
    rows = digits[numbers][..., None]
    found = np.asarray(made.row_losses({"rows": rows, "number": numbers.astype("i4")}, True))
    z = np.asarray(made.head(made.encoder(rows)), dtype=np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    for i in range(10):
        others = [j for j in range(10) if numbers[j] != numbers[i]]
        logits = np.repeat(z[i] @ z[others].T / 0.5, 2)
        sums = logits if decoupled else np.append(logits, 1 / 0.5)
        assert found[i] == pytest.approx(logsumexp(sums) - 1 / 0.5, rel=1e-4)


def test_what_is_alike_everywhere_costs_what_chance_does(digits):
    for decoupled in (False, True):
        made = trainer(digits[:10], decoupled=decoupled)
        for layer in made.head.layers:
            layer.set_weights([np.ones_like(weights) for weights in layer.get_weights()])
        batch = {"rows": np.ones((10, 8, 8, 1), "f4"), "number": np.arange(10, dtype="i4")}
        found = np.asarray(made.row_losses(batch, True))
        np.testing.assert_allclose(found, made.chance, rtol=1e-4)


def test_it_learns(model):
    losses = model.history_["loss"]
    assert losses[-1] < losses[0] < np.log(99)
    assert set(model.history_) == {"loss"}


def test_training_brings_variants_of_an_image_together(digits):
    moved = np.roll(digits, 1, axis=2)
    apart = {}
    for name, rate in (("before", 1e-9), ("after", 3e-3)):
        options = {**SMALL, "epochs": 20, "learning_rate": rate}
        made = ContrastiveEmbedder(**options, augmentation=Augmentation(shift=0.2, rotation=0.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            here = made.fit(digits, context=CONTEXT).transform(digits)
        to_itself = np.linalg.norm(here - made.transform(moved), axis=1)
        to_others = np.linalg.norm(here - np.roll(here, 1, axis=0), axis=1)
        apart[name] = np.median(to_itself) / np.median(to_others)
    assert apart["after"] < 0.7 * apart["before"]


def test_coordinates_come_back_from_the_state(digits, model):
    again = ContrastiveEmbedder(**SMALL)
    again.set_state(model.get_state())
    np.testing.assert_array_equal(again.transform(digits), model.transform(digits))
    np.testing.assert_array_equal(again.transform(digits[3:4]), model.transform(digits)[3:4])
    assert not hasattr(again, "reconstruct")


@pytest.mark.parametrize("shape", [(64,), (8, 8), (8, 8, 1)])
def test_flat_rows_are_images_too(digits, model, shape):
    options = {**SMALL, "image_shape": (8, 8)} if len(shape) == 1 else SMALL
    other = ContrastiveEmbedder(**options).fit(digits.reshape(-1, *shape), context=CONTEXT)
    np.testing.assert_array_equal(
        other.transform(digits.reshape(-1, *shape)), model.transform(digits)
    )


def test_held_out_images_are_varied_as_well(digits):
    some = ContrastiveEmbedder(**{**SMALL, "validation_fraction": 0.25})
    some.fit(digits, context=CONTEXT)
    # Unvaried images would be found among others without a doubt.
    assert some.history_["val_loss"][0] > 0.5 * np.log(99)


@pytest.mark.parametrize(
    ("changes", "rows", "said"),
    [
        ({"batch_size": 1}, 200, "batches of 2 or more"),
        ({}, 1, "batches of 2 or more"),
        ({"validation_fraction": 0.6}, 3, "batches of 2 or more"),
        ({"augmentation": None}, 200, "varies nothing"),
        ({"augmentation": Augmentation(shift=0, rotation=0)}, 200, "varies nothing"),
    ],
)
def test_what_cannot_be_learned_is_refused(digits, changes, rows, said):
    with pytest.raises(DataError, match=said):
        ContrastiveEmbedder(**{**SMALL, **changes}).fit(digits[:rows], context=CONTEXT)


def test_flat_rows_without_a_shape_are_refused(digits):
    with pytest.raises(DataError, match="image_shape"):
        ContrastiveEmbedder(**SMALL).fit(digits.reshape(-1, 64), context=CONTEXT)


def test_images_that_are_all_alike_are_said_to_teach_nothing(digits):
    alike = np.full((60, 8, 8), 0.5, np.float32)
    with pytest.warns(CollapseWarning, match="no better than by chance"):
        ContrastiveEmbedder(**SMALL).fit(alike, context=CONTEXT)
