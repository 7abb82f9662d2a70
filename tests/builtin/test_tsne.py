"""t-SNE: places new rows near their kind, in one and two dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from n2d_builtin.tsne.tsne import Tsne
from n2d_builtin.tsne.tsne_library import fit_embedding
from n2d_framework.plugin import ConfigError, DataError, FitContext, StageError, StateError

CONTEXT = FitContext(seed=1)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    rows = PCA(10, random_state=0).fit_transform(x).astype(np.float32, order="C")
    return rows[:400], y[:400], rows[400:600], y[400:600]


@pytest.fixture(scope="module")
def model(digits):
    return Tsne(n_iter=150).fit(digits[0], context=CONTEXT)


def test_new_rows_are_placed_near_their_kind(digits, model):
    train, y, new, y_new = digits
    latent = KNeighborsClassifier(5).fit(train, y).score(new, y_new)
    vote = KNeighborsClassifier(5).fit(model.embedding_, y)
    assert vote.score(model.transform(new), y_new) > latent - 0.06


def test_new_rows_are_placed_as_well_as_opentsne_places_them(digits, model):
    from openTSNE import TSNE

    train, y, new, y_new = digits
    theirs = TSNE(neighbors="exact", random_state=1, n_iter=150).fit(train.astype(float))
    placed = np.asarray(theirs.transform(new.astype(float)))
    vote = KNeighborsClassifier(5).fit(np.array(theirs), y)  # after it shifted itself
    ours = KNeighborsClassifier(5).fit(model.embedding_, y)
    assert ours.score(model.transform(new), y_new) > vote.score(placed, y_new) - 0.02


def test_one_dimension_works(digits):
    train, y, new, y_new = digits
    options = {"n_components": 1, "n_iter": 100, "early_exaggeration_iter": 100}
    model = Tsne(**options).fit(train, context=CONTEXT)
    placed = model.transform(new[:100])
    assert placed.shape == (100, 1)
    vote = KNeighborsClassifier(5).fit(model.embedding_, y)
    assert vote.score(placed, y_new[:100]) > 0.8


@pytest.mark.parametrize(
    "options",
    [
        {"perplexity": 15.0},
        {"learning_rate": 50.0},
        {"early_exaggeration": 4.0},
        {"early_exaggeration_iter": 20},
        {"n_iter": 30},
        {"exaggeration": 2.0},
        {"initialization": "spectral"},
        {"initialization": "random"},
        {"metric": "manhattan"},
        {"metric": "cosine"},
        {"negative_gradient_method": "fft"},
        {"theta": 0.1},
    ],
    ids=lambda options: "-".join(map(str, *options.items())),
)
def test_every_option_of_the_fit_changes_the_result(digits, options):
    base = {"perplexity": 10.0, "n_iter": 20, "early_exaggeration_iter": 10}
    rows = digits[0][:120]
    plain = Tsne(**base).fit(rows, context=CONTEXT)
    other = Tsne(**base | options).fit(rows, context=CONTEXT)
    assert np.isfinite(other.embedding_).all()
    assert not np.array_equal(plain.embedding_, other.embedding_)


@pytest.mark.parametrize("options", [{"transform_perplexity": 9.0}, {"transform_iter": 20}])
def test_every_option_of_placing_changes_the_places(digits, model, options):
    other = Tsne(n_iter=150, **options)
    other.set_state(model.get_state())
    new = digits[2][:30]
    assert not np.array_equal(other.transform(new), model.transform(new))


def test_the_divergence_falls_with_training(digits, model):
    short = Tsne(n_iter=5).fit(digits[0], context=CONTEXT)
    assert 0 < model.kl_divergence_ < short.kl_divergence_


def test_affinities_that_are_not_numbers_are_an_error_with_the_remedy(digits):
    indices = np.tile(np.arange(1, 11), (50, 1))
    options = {"n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0, "n_jobs": 1}
    with pytest.raises(StageError, match="lower learning_rate"), np.errstate(all="ignore"):
        fit_embedding(
            digits[0][:50], indices, np.full((50, 10), np.nan), perplexity=3.0,
            initialization="random", **options,
        )  # fmt: skip


def test_reasons_come_before_any_work():
    assert Tsne().check_input(20, ()) == [
        "tsne: perplexity=30 needs at least 32 rows, got 20; lower perplexity and "
        "transform_perplexity"
    ]
    assert "rows of 1 features" in Tsne().check_input(50, (1,))[0]
    with pytest.raises(DataError, match="lower perplexity"):
        Tsne().fit(np.zeros((20, 3), np.float32), context=CONTEXT)


def test_impossible_options_and_states_are_refused(model):
    with pytest.raises(ConfigError, match="n_components: must be <= 2"):
        Tsne(n_components=3)
    wide = np.zeros((400, 3), np.float32)
    with pytest.raises(
        StateError,
        match=r"'embedding' has the shape \(400, 3\), expected \(n=400, n_components=2\)",
    ):
        Tsne().set_state(dict(model.get_state()) | {"embedding": wide})
