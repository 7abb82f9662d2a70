"""Clusters named by their words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from n2d_text.class_tfidf import ClassTfidf
from text_samples import SUBJECTS

import n2d_framework as n2d
from n2d_framework.errors import DataError
from n2d_framework.plugin import ClusteredRows


def rows_of(texts, labels, ids=None):
    coordinates = np.zeros((len(texts), 2), dtype=np.float32)
    return ClusteredRows(texts, labels, coordinates, ("text",), ids)


def test_clusters_are_named_by_their_words(texts, subjects):
    labels = np.where(subjects == 3, -1, subjects)
    ids = np.array([f"doc-{row}" for row in range(len(texts))])
    found = json.loads(json.dumps(ClassTfidf().describe(rows_of(texts, labels, ids))))["clusters"]
    assert [about["label"] for about in found] == [-1, 0, 1, 2]
    for about in found:
        own = SUBJECTS[about["label"]].split()
        assert set(about["name"].split(", ")) <= set(own)
        weights = [word["weight"] for word in about["words"]]
        assert len(weights) == 10
        assert weights == sorted(weights, reverse=True)
        assert (about["size"], about["share"]) == (30, 0.25)
        for example in about["examples"]:
            assert labels[example["row"]] == about["label"]
            assert example["id"] == f"doc-{example['row']}"
            assert example["text"] == texts[example["row"]]


def test_weights_are_those_of_the_formula():
    texts = np.array(["aa aa bb", "bb cc", "bb"], dtype=object)
    found = ClassTfidf(min_df=1, stop_words=None).describe(rows_of(texts, np.array([0, 1, 1])))
    words = {(c["label"], w["word"]): w["weight"] for c in found["clusters"] for w in c["words"]}
    # Clusters have 3 words each; aa is there twice, bb three times, cc once.
    assert words[0, "aa"] == pytest.approx(2 / 3 * np.log(1 + 3 / 2))
    assert words[0, "bb"] == pytest.approx(1 / 3 * np.log(1 + 3 / 3))
    assert words[1, "cc"] == pytest.approx(1 / 3 * np.log(1 + 3 / 1))
    assert (0, "cc") not in words


def test_the_most_typical_text_comes_first():
    texts = ["ship oven", "ship ship anchor anchor", "oven oven cake", "cake"]
    rows = rows_of(np.array(texts, dtype=object), np.array([0, 0, 1, 1]))
    found = ClassTfidf(min_df=1, n_examples=1).describe(rows)["clusters"]
    assert [about["examples"][0]["row"] for about in found] == [1, 2]


def test_texts_are_shortened_or_left_out(texts, subjects):
    rows = rows_of(texts, subjects)
    for about in ClassTfidf(excerpt=20).describe(rows)["clusters"]:
        assert all(
            len(example["text"]) == 20 and "id" not in example for example in about["examples"]
        )
    shown = json.dumps(ClassTfidf(excerpt=0).describe(rows))
    assert "row" in shown
    assert '"text"' not in shown
    assert not any(
        about["examples"] for about in ClassTfidf(n_examples=0).describe(rows)["clusters"]
    )


def test_texts_without_words(texts, subjects):
    some = texts.copy()
    some[subjects == 1] = "the of"
    about = ClassTfidf().describe(rows_of(some, subjects))["clusters"][1]
    assert (about["name"], about["words"], len(about["examples"])) == (None, [], 3)
    with pytest.raises(DataError, match="no word is in at least min_df=2 texts"):
        ClassTfidf().describe(rows_of(some[subjects == 1], subjects[subjects == 1]))


def test_descriptions_and_reports_of_a_model_give_the_words_with_their_weights(texts, tmp_path):
    model = n2d.N2D("tfidf_svd", "identity", "kmeans", n_clusters=4, random_state=0).fit(texts)
    said = model.describe(texts)
    assert "class_tfidf" in said["words"]
    of_component = model.descriptions_["class_tfidf"]["clusters"]
    assert [about["words"] for about in said["clusters"]] == [c["words"] for c in of_component]
    for about in said["clusters"]:
        assert about["texts"][0] == {
            "id": about["exemplars"][0],
            "text": texts[about["exemplars"][0]],
        }
    page = model.report(tmp_path / "r.html", texts).read_text(encoding="utf-8")
    for about in said["clusters"]:
        first = about["words"][0]
        assert f"<li>{first['word']} <small>{first['weight']:.3g}</small></li>" in page
