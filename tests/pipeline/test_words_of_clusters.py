"""Words and typical texts of clusters of texts, whatever embeds them."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import n2d_framework as n2d

PLUGIN = '''"""Places texts by their letters, and names clusters by the words that it is given."""
import numpy as np
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, option

@hookimpl
def n2d_components():
    yield ComponentSpec(role="embedder", name="letters", factory="words_plugin:Letters",
                        summary="How often letters occur.", input="text", missing=True)
    yield ComponentSpec(role="describe", name="namer", factory="words_plugin:Namer",
                        summary="Gives words.", input="text")

@component
class Letters:
    fitted_ = learned(dtype=bool)

    def fit(self, texts, *, context):
        self.fitted_ = True
        return self

    def transform(self, texts):
        return np.array([[(t or "").count(c) for c in "pbs"] for t in texts], dtype=np.float32)

@component
class Namer:
    odd: bool = option(False, help="Words that are none.")

    def describe(self, rows):
        words = [7, {"word": 1}, "x"] if self.odd else [{"word": "given", "weight": 2.5}]
        labels = np.unique(rows.labels).tolist()
        examples = [{"text": str(rows.x[0])}]
        return {"clusters": [{"label": i, "words": words, "examples": examples} for i in labels]}
'''
FRUIT, SHIPS = "the red apples of plum street", "the blue boats of ship harbour"


@pytest.fixture
def fitted(use_plugin: Any) -> Any:
    use_plugin("words_plugin", PLUGIN)

    def made(texts: list[Any], **more: Any) -> Any:
        given = {"describe": [], "n_clusters": 2, "random_state": 0} | more
        return n2d.N2D("letters", "identity", "kmeans", **given).fit(texts)

    return made


def texts(each: int = 20) -> list[str]:
    return [f"{SHIPS if i % 2 else FRUIT}  number-{i}\n======\nunique{i}x" for i in range(2 * each)]


def test_clusters_have_the_words_that_others_lack_and_typical_texts(fitted):
    model = fitted(texts())
    said = model.describe(texts(), n_exemplars=3)
    assert "n2d-text" in said["words"]
    for about in said["clusters"]:
        ships = about["label"] == model.labels_[1]
        own = {"blue", "boats", "harbour", "ship"} if ships else {"apples", "plum", "red", "street"}
        assert {one["word"] for one in about["words"]} == own
        weights = [one["weight"] for one in about["words"]]
        assert weights == sorted(weights, reverse=True)
        assert [one["id"] for one in about["texts"]] == about["exemplars"]
        for one in about["texts"]:
            wanted = f"{SHIPS if ships else FRUIT} number-{one['id']} === unique{one['id']}x"
            assert one["text"] == wanted
    assert all(about["size"] == 20 for about in said["clusters"])
    json.dumps(said, allow_nan=False)


def test_words_of_a_component_are_taken_and_those_that_are_none_are_not(fitted, tmp_path):
    model = fitted(texts(), describe="namer")
    said = model.describe(texts())
    assert said["words"].startswith("Words and their weights are those of namer")
    assert [about["words"] for about in said["clusters"]] == [
        [{"word": "given", "weight": 2.5}]
    ] * 2
    page = model.report(tmp_path / "r.html", texts()).read_text(encoding="utf-8")
    assert page.count("<li>given <small>2.5</small></li>") == 2
    odd = fitted(texts(), describe={"name": "namer", "odd": True})
    assert "n2d-text" in odd.describe(texts())["words"]


def test_without_rows_no_text_is_given(fitted, tmp_path):
    model = fitted(texts(), describe="namer")
    assert "unique" in json.dumps(model.describe(texts()))
    assert "unique" not in json.dumps(model.describe(texts(), keep_rows=False))
    page = model.report(tmp_path / "r.html", texts(), keep_rows=False).read_text(encoding="utf-8")
    assert "unique" not in page


def test_cards_have_words_and_beginnings_of_texts_on_one_line(fitted, tmp_path):
    long = [f"{text} {'and more ' * 60}<b>" for text in texts()]
    page = fitted(long).report(tmp_path / "r.html", long).read_text(encoding="utf-8")
    lists = re.findall(r'<ul class="words" aria-label="words of (.*?), with weights">', page)
    assert lists == ["cluster 0", "cluster 1"]
    beginnings = re.findall(r"</b> (the (?:red|blue)[^<]*)</li>", page)
    assert len(beginnings) == 8
    for text in beginnings:
        assert len(text) <= 240
        assert text.endswith(("more\N{HORIZONTAL ELLIPSIS}", "and\N{HORIZONTAL ELLIPSIS}"))
        assert "\n" not in text


@pytest.mark.parametrize(
    "odd",
    [["", "", "", ""], ["?", "!", "??", "!!"], ["p", "p p", "b", "b b"], ["a b", None, "", "c"]],
)
def test_texts_without_words_have_none(fitted, odd, tmp_path):
    both = [*odd, *odd]
    both[0] = "sss"
    model = fitted(both)
    said = model.describe(both)
    assert all(not about.get("words") for about in said["clusters"])
    model.report(tmp_path / "r.html", both)


def test_one_cluster_has_no_words_that_others_lack(fitted):
    said = fitted(texts(), n_clusters=1).describe(texts())
    assert "words" not in said


def test_numbers_and_mixed_tables_have_no_words():
    x = np.random.default_rng(0).normal(size=(30, 3))
    said = n2d.N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0).fit(x).describe(x)
    assert "words" not in said
    assert all("texts" not in about for about in said["clusters"])
