"""Averaged vectors: every format that is read, and what a bundle keeps of it."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from n2d_text.static_words import StaticWords
from safetensors.numpy import save_file
from text_samples import SUBJECTS, objects
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from n2d_framework.errors import DataError, DataWarning, StateError
from n2d_framework.plugin import FitContext

SEED = FitContext(seed=3)
WORDS = sorted({word for subject in SUBJECTS for word in subject.split()})


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(5).normal(size=(len(WORDS), 7)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, table):
    """The same vectors in every format."""
    folder = tmp_path_factory.mktemp("vectors")
    lines = [
        " ".join([word, *map(repr, row.tolist())]) for word, row in zip(WORDS, table, strict=True)
    ]
    (folder / "glove.txt").write_text("\n".join(lines) + "\n")
    with_counts = "\n".join([f"{len(WORDS)} 7", *lines])
    (folder / "word2vec.vec").write_text(with_counts)
    (folder / "word2vec.vec.gz").write_bytes(gzip.compress(with_counts.encode()))
    np.savez(folder / "arrays.npz", words=np.array(WORDS), vectors=table)
    model = folder / "model2vec"
    model.mkdir()
    save_file({"embeddings": np.vstack([0 * table[:1], table])}, model / "model.safetensors")
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(model / "tokenizer.json"))
    return folder


FORMATS = [
    "glove.txt", "word2vec.vec", "word2vec.vec.gz", "arrays.npz", "model2vec",
    "model2vec/model.safetensors",
]  # fmt: skip


def made(component, state):
    again = StaticWords(**component)
    again.set_state(state)
    return again


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_mean_of_the_words(folder, table, texts, name):
    component = StaticWords(vectors=str(folder / name), sublinear_tf=False, normalize=False)
    z = component.fit_transform(texts, context=SEED)
    rows = dict(zip(WORDS, table, strict=True))
    known = [[rows[word] for word in text.split() if word in rows] for text in texts]
    np.testing.assert_allclose(z, [np.mean(own, axis=0) for own in known], rtol=1e-5)
    shares = [len(own) / sum(len(w) > 1 and w not in STOP for w in text.split())
              for own, text in zip(known, texts, strict=True)]  # fmt: skip
    np.testing.assert_allclose(component.coverage(texts), shares)


STOP = {"the", "of", "and", "was", "with", "from", "that", "this", "have", "about", "many", "often"}


def test_pieces_of_words_may_share_vectors_and_have_weights(folder, table, texts, tmp_path):
    plain = StaticWords(vectors=str(folder / "model2vec")).fit_transform(texts, context=SEED)
    content = (folder / "model2vec/tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(content)
    backwards = np.arange(len(WORDS))[::-1]
    tensors = {
        "embeddings": table[::-1].copy(),
        "mapping": np.r_[0, backwards],
        "weights": np.r_[0.0, np.full(len(WORDS), 2.0)].astype(np.float32),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    same = StaticWords(vectors=str(tmp_path)).fit_transform(texts, context=SEED)
    np.testing.assert_allclose(same, plain, rtol=1e-5)


@pytest.mark.parametrize("name", ["arrays.npz", "model2vec"])
@pytest.mark.parametrize("keep", ["all", "seen", "reference"])
def test_states_of_each_size_answer_to_the_last_bit(folder, texts, new_texts, name, keep):
    options = {"vectors": str(folder / name), "keep": keep}
    component = StaticWords(**options).fit(texts[:8], context=SEED)
    state = component.get_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        expected = component.transform(new_texts)
        assert made(options, state).transform(new_texts).tobytes() == expected.tobytes()
        alone = [component.transform(new_texts[i : i + 1]) for i in range(len(new_texts))]
        known = component.coverage(new_texts).mean()
    assert np.concatenate(alone).tobytes() == expected.tobytes()
    everything = StaticWords(vectors=options["vectors"]).fit(texts, context=SEED)
    assert (known < everything.coverage(new_texts).mean()) == (keep == "seen")


def test_a_reference_needs_the_same_file(tmp_path, table, texts):
    path = tmp_path / "own.npz"
    np.savez(path, words=np.array(WORDS), vectors=table)
    options = {"vectors": str(path), "keep": "reference"}
    state = StaticWords(**options).fit(texts, context=SEED).get_state()
    np.savez(path, words=np.array(WORDS), vectors=table + 1)
    with pytest.raises(StateError, match="other word vectors than those that the model was fitted"):
        made(options, state)
    path.unlink()
    with pytest.raises(StateError, match=r"refers to word vectors: .*there is not such a file"):
        made(options, state)


def test_unknown_words_are_counted_and_reported(folder):
    component = StaticWords(vectors=str(folder / "glove.txt"))
    with pytest.warns(
        DataWarning, match="1 of 2 texts are empty or have no word .* first is row 1"
    ):
        z = component.fit_transform(objects("ship oven zeppelin", "the of"), context=SEED)
    assert not z[1].any()
    with pytest.warns(DataWarning, match="does not know 2 of 3 words"):
        component.transform(objects("quark ship gluon"))


def write(path, content):
    path.write_bytes(content)
    return str(path)


def test_vectors_that_cannot_be_read_are_refused_before_training(tmp_path, table):
    wide = ["ship 1 2 3", "oven 1 2"]
    infinite = np.full_like(table, np.inf)
    np.savez(tmp_path / "inf.npz", words=np.array(WORDS), vectors=infinite)
    np.savez(tmp_path / "less.npz", words=np.array(WORDS[1:]), vectors=table)
    np.savez(tmp_path / "none.npz", vectors=table)
    save_file({"other": table}, tmp_path / "other.safetensors")
    (tmp_path / "tokenizer.json").write_text("{}")
    for source, message in [
        (write(tmp_path / "a.txt", "\n".join(wide).encode()), "line 2 is not a word and 3 numbers"),
        (write(tmp_path / "b.txt", b""), "there is not a word in it"),
        (write(tmp_path / "c.vec.gz", b"no gzip"), "it cannot be read"),
        (write(tmp_path / "d.txt", b"\xff\xfe 1 2"), "it cannot be read"),
        (str(tmp_path / "inf.npz"), "row 0 has values that are not finite"),
        (str(tmp_path / "less.npz"), f"{len(WORDS) - 1} words and {len(WORDS)} vectors"),
        (str(tmp_path / "none.npz"), "it cannot be read"),
        (str(tmp_path / "other.safetensors"), "none of the tensors embeddings"),
    ]:
        with pytest.raises(DataError, match=message):
            StaticWords(vectors=source).fit(objects("ship", "oven"), context=SEED)
    for source, message in [
        ("nowhere.txt", "nowhere.txt: there is not such a file, .*wordllama"),
        (write(tmp_path / "e.pickle", b""), "vectors can be read from .txt"),
        (str(tmp_path.parent), "no model.safetensors and tokenizer.json in it"),
    ]:
        (reason,) = StaticWords(vectors=source).check_input(10, ())
        assert re.search(message, reason)


def test_states_are_checked(folder, texts):
    options = {"vectors": str(folder / "model2vec")}
    state = StaticWords(**options).fit(texts, context=SEED).get_state()
    vectors = dict(state["vectors"])
    few = {**vectors, "table": vectors["table"][:3]}
    nonsense = {**vectors, "tokenizer": np.frombuffer(b"{}", dtype=np.uint8)}
    for wrong in (few, nonsense, {"table": vectors["table"]}, 3):
        with pytest.raises(StateError, match=r"vectors|strings"):
            made(options, {**state, "vectors": wrong})


def test_vectors_of_an_installed_package():
    if find_spec("wordllama") is None:
        pytest.skip("needs the vectors that wordllama brings")
    component = StaticWords()
    texts = objects("a cargo vessel", "the ship sailed", "bake a cake", "recipe with flour")
    z = component.fit_transform(texts, context=SEED)
    assert z.shape == (4, 256)
    cosine = z.astype(np.float64) @ z.T
    assert min(cosine[0, 1], cosine[2, 3]) > max(cosine[0, 2], cosine[0, 3], cosine[1, 2])
    assert json.loads(component.vectors_.tokenizer)["model"]["type"] == "BPE"
    # A bundle refers to the package; those of earlier versions hold all vectors.
    state = component.get_state()
    assert state["vectors"].keys() == {"digest", "version"}
    whole = StaticWords(keep="all").fit(texts, context=SEED).get_state()
    for stored in (state, whole):
        assert made({}, stored).transform(texts).tobytes() == z.tobytes()
    other = {**state, "vectors": {"digest": "0" * 64, "version": "0.0.1"}}
    with pytest.raises(StateError, match=r"other word vectors .*install wordllama 0\.0\.1"):
        made({}, other)
