"""Latent semantic analysis: what counts, what does not, and what is said about it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from n2d_text.tfidf import TfidfSvd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from text_samples import objects

from n2d_framework.errors import ConfigError, DataError, DataWarning, StateError
from n2d_framework.plugin import FitContext

SEED = FitContext(seed=3)
SMALL = {"latent_dim": 6}


@pytest.fixture(scope="module")
def fitted(texts):
    return TfidfSvd(**SMALL).fit(texts, context=SEED)


def test_weights_are_those_of_scikit_learn(texts, new_texts):
    exact = {"name": "truncated_svd", "algorithm": "arpack"}
    plain = {"normalize": False, "saturation": None, "reduction": exact}
    ours = TfidfSvd(latent_dim=8, **plain).fit(texts, context=SEED)
    vectorizer = TfidfVectorizer(min_df=2, max_df=0.5, stop_words="english", sublinear_tf=True)
    x = vectorizer.fit_transform(texts)
    assert ours.words_ == tuple(vectorizer.get_feature_names_out())
    np.testing.assert_allclose(ours.idf_, vectorizer.idf_, rtol=1e-12)
    theirs = TruncatedSVD(8, algorithm="arpack", random_state=0).fit(x)
    z, expected = ours.transform(new_texts), theirs.transform(vectorizer.transform(new_texts))
    # Axes of equal singular values may be turned, which leaves products as they are.
    np.testing.assert_allclose(z @ z.T, expected @ expected.T, atol=1e-5)


def test_repeated_words_weigh_as_in_bm25_by_the_length_of_their_text():
    texts = objects("ship oven", "ship ship ship oven", "ship oven", "oven", "harbour", "harbour")
    exact = {"name": "truncated_svd", "algorithm": "arpack"}
    options = {"latent_dim": 2, "max_df": 1.0, "normalize": False, "reduction": exact}
    lengths = np.array([2, 4, 2, 1, 1, 1])
    for length_weight in (0.75, 0.0):
        ours = TfidfSvd(**options, length_weight=length_weight).fit(texts, context=SEED)
        assert ours.usual_length_ == np.median(lengths)
        half = 1.2 * (1 - length_weight + length_weight * lengths / np.median(lengths))
        times = np.array([[0, 1, 1], [0, 1, 3], [0, 1, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0]])
        weights = times / (times + half[:, None]) * ours.idf_
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        axes = np.linalg.svd(weights.astype(np.float32), full_matrices=False)[2][:2]
        expected = (weights @ axes.T) @ (weights @ axes.T).T
        z = ours.transform(texts)
        np.testing.assert_allclose(z @ z.T, expected, atol=1e-5)


def test_a_state_from_before_lengths_counted_keeps_its_answers(texts, new_texts):
    before = TfidfSvd(**SMALL, saturation=None).fit(texts, context=SEED)
    old = {name: value for name, value in before.get_state().items() if name != "usual_length"}
    again = TfidfSvd(**SMALL)
    again.set_state(TfidfSvd.upgrade_state(old, 1))
    assert again.transform(new_texts).tobytes() == before.transform(new_texts).tobytes()
    newer = TfidfSvd(**SMALL).fit(texts, context=SEED)
    assert newer.transform(new_texts).tobytes() != before.transform(new_texts).tobytes()


def test_subjects_lie_apart(fitted, texts, subjects):
    z = fitted.transform(texts).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1.0, rtol=1e-6)
    cosine = z @ z.T
    same = subjects[:, None] == subjects
    assert cosine[same].mean() > 0.5 > cosine[~same].mean() + 0.3


@settings(max_examples=25, deadline=None)
@given(
    words=st.lists(
        st.lists(
            st.sampled_from(["ship", "Ship,", "oven!", "7", "moon", "ÄRGER", "東京", "the"]),
            max_size=9,
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_text_has_its_coordinates_in_any_company(fitted, words):
    texts = objects(*map(" ".join, words))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        together = fitted.transform(texts)
        alone = np.concatenate([fitted.transform(texts[i : i + 1]) for i in range(len(texts))])
        backwards = fitted.transform(texts[::-1])[::-1]
    assert together.tobytes() == alone.tobytes() == np.ascontiguousarray(backwards).tobytes()


def test_unknown_words_are_counted_and_reported(fitted):
    texts = objects("ship harbour zeppelin", "", "the of and", "ship", None)
    with pytest.warns(
        DataWarning, match="3 of 5 texts are empty or have no word .* first is row 1.*origin"
    ):
        z = fitted.transform(texts)
    assert not z[[1, 2, 4]].any()
    np.testing.assert_allclose(fitted.coverage(texts), [2 / 3, 0, 0, 1, 0])
    with pytest.warns(DataWarning, match=r"does not know 2 of 3 words .*\(67%\)"):
        fitted.transform(objects("quark ship gluon"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.transform(objects("ship harbour zeppelin"))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (objects("a ship", 3.0), "the text of row 1 is a float"),
        (np.zeros((3, 2)), r"got an array of shape \(3, 2\); choose one column"),
        (objects("", "  ", "the of"), "no word is left of 3 texts.*min_df=2.*lower min_df"),
        (objects("ship"), "at least 2 texts, got 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(x, message):
    with pytest.raises(DataError, match=message):
        TfidfSvd(max_df=1.0).fit(x, context=SEED)


def test_one_giant_text_does_not_matter(texts, new_texts):
    giant = objects(*texts, " ".join(["ship", "oven"] * 200_000))
    giant_too = TfidfSvd(**SMALL)
    z = giant_too.fit_transform(giant, context=SEED)
    assert giant_too.usual_length_ == TfidfSvd(**SMALL).fit(texts, context=SEED).usual_length_
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1.0, rtol=1e-5)


def test_options_that_leave_no_word_are_refused_before_the_fit():
    assert TfidfSvd().check_input(100, ()) == []
    assert "min_df=2 and at most max_df=0.5 of 3 texts" in TfidfSvd().check_input(3, ())[0]
    assert "no list for 'klingon'" in TfidfSvd(stop_words="klingon").check_input(100, ())[0]
    with pytest.raises(ConfigError, match="must not fall"):
        TfidfSvd(ngram_range=(2, 1))


def test_languages_pairs_of_words_and_parts_of_words(texts):
    german = objects(*["der Hund und die Katze", "die Katze und der Hund", "der Hund"] * 2)
    options = {"latent_dim": 2, "max_df": 1.0}
    pairs = TfidfSvd(stop_words="de", ngram_range=(1, 2), **options).fit(german, context=SEED)
    assert pairs.words_ == ("hund", "hund katze", "katze", "katze hund")
    japanese = objects(*["東京の天気", "東京の地図", "大阪の天気"] * 2)
    parts = TfidfSvd(analyzer="char_wb", ngram_range=(2, 2), stop_words=None, **options)
    assert "東京" in parts.fit(japanese, context=SEED).words_


def test_other_reductions(texts, new_texts):
    topics = TfidfSvd(latent_dim=4, reduction="nmf").fit(texts, context=SEED)
    assert (topics.transform(new_texts) >= 0).all()
    narrow = TfidfSvd(reduction={"name": "truncated_svd", "latent_dim": 3})
    assert narrow.fit_transform(texts, context=SEED).shape == (120, 3)


def test_states_are_checked(fitted, new_texts):
    state = dict(fitted.get_state())
    again = TfidfSvd(**SMALL)
    again.set_state(state)
    assert again.transform(new_texts).tobytes() == fitted.transform(new_texts).tobytes()
    for wrong, message in [
        ({"idf": state["idf"][:-1]}, "different words"),
        ({"words": {**state["words"], "ends": state["words"]["ends"][:-1]}}, "strings do not end"),
        ({"words": 3}, "mapping"),
        ({"reduction": {"state": {}}}, "state_version"),
    ]:
        with pytest.raises(StateError, match=message):
            TfidfSvd(**SMALL).set_state({**state, **wrong})
