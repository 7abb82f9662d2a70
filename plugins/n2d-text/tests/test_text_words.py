"""Words are counted as scikit-learn counts them, once for all that ask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from n2d_text import text_words
from n2d_text.text_words import Separation
from n2d_text.word_counts import stop_list
from sklearn.feature_extraction.text import CountVectorizer

PIECES = ["ship", "Ship,", "oven!", "7", "x", "42", "ÄRGER", "İstanbul", "東京", "the", "a_b",
          "don't", "é", "\u0301", "\x00", "\ud800", "-", "\n"]  # fmt: skip
TEXTS = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join) | st.text(max_size=12),
    min_size=1,
    max_size=9,
)


@settings(max_examples=60, deadline=None)
@given(
    texts=TEXTS,
    analyzer=st.sampled_from(["word", "char_wb"]),
    ngram_range=st.sampled_from([(1, 1), (1, 2), (2, 3)]),
    stop_words=st.sampled_from([(), stop_list("english"), ("ship",)]),
    min_df=st.integers(1, 2),
    max_df=st.sampled_from([0.5, 0.75, 1.0]),
    max_features=st.sampled_from([None, 1, 4]),
)
def test_words_and_counts_are_those_of_scikit_learn(
    texts, analyzer, ngram_range, stop_words, min_df, max_df, max_features
):
    ours = Separation(analyzer, ngram_range, stop_words)
    limits = {"min_df": min_df, "max_df": max_df, "max_features": max_features}
    left_out = list(stop_words) if analyzer == "word" and stop_words else None
    theirs = CountVectorizer(
        analyzer=analyzer, ngram_range=ngram_range, stop_words=left_out, **limits
    )
    words, found = ours.learned(texts, **limits)
    total = [len(ours.words(text)) for text in texts]
    assert (found.known + found.unknown).tolist() == total
    try:
        expected = theirs.fit_transform(texts).toarray()
    except ValueError:  # no word is left
        assert words == ()
        return
    assert words == tuple(theirs.get_feature_names_out())
    assert found.matrix.toarray().tolist() == expected.tolist()
    assert found.matrix.has_sorted_indices
    assert found.matrix.has_canonical_format
    backwards = {word: i for i, word in enumerate(reversed(words))}
    again = ours.known(texts, backwards)
    assert again.matrix.toarray()[:, ::-1].tolist() == expected.tolist()
    assert again.unknown.tolist() == found.unknown.tolist()


@pytest.fixture
def counted(monkeypatch):
    """Numbers of texts that were separated, one collection after the other."""
    seen, count = [], text_words._count

    def watched(texts, separation):
        seen.append(len(texts))
        return count(texts, separation)

    monkeypatch.setattr(text_words, "_count", watched)
    monkeypatch.setattr(text_words, "_kept", text_words._Kept())
    return seen


def test_texts_of_a_fit_are_separated_once_for_all_components(counted):
    import n2d_framework as n2d

    words = ["ship", "harbour", "moon", "sail", "bread", "oven", "yeast", "wind", "flour", "dough"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words[:6] if i % 2 else words[4:], 8)) for i in range(60)]
    small = ({"name": "tfidf_svd", "latent_dim": 2}, "static_words")
    embedder = {"name": "feature_union", "embedders": small}
    n2d.N2D(embedder, "identity", "kmeans", describe="class_tfidf", n_clusters=2).fit(texts)
    assert counted.count(60) == 1


def test_what_was_counted_is_that_of_these_texts(counted, monkeypatch):
    texts, separation = ["ship moon", "moon"], Separation()
    assert separation.all_words(texts) == ("moon", "ship")
    texts[1] = "oven"  # the same list, other texts
    assert separation.all_words(texts) == ("moon", "oven", "ship")
    assert separation.all_words(["ship moonoven"]) == ("moonoven", "ship")
    assert Separation(stop_words=("moon",)).all_words(texts) == ("oven", "ship")
    first = separation.learned(texts, min_df=1)[1]
    first.matrix.data *= 7
    assert separation.learned(texts, min_df=1)[1].matrix.sum() == 3
    monkeypatch.setattr(text_words, "_MOST_KEPT", 3)
    before = len(counted)
    large = ["one two three four"]
    assert separation.all_words(large) == separation.all_words(large)
    assert counted[before:] == [1, 1]  # too many to be kept
