"""Transformer models by path: small ones that are made here."""

from __future__ import annotations

import json
import shutil
import string
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from n2d_text.sentence_models import ModelFolder
from n2d_text.transformer import Transformer
from text_samples import SUBJECTS, objects
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from n2d_framework.errors import ConfigError, DataError, DataWarning, StateError
from n2d_framework.plugin import FitContext, resolve
from n2d_framework.testing import run_checks

SEED = FitContext(seed=3)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(set(" ".join(SUBJECTS).split()))]
LETTERS = [*WORDS[:4], *string.printable]
TABLE = np.random.default_rng(4).normal(size=(len(LETTERS), 5)).astype(np.float32)
ONNX = pytest.mark.skipif(
    find_spec("onnxruntime") is None or find_spec("onnx") is None, reason="needs onnx, onnxruntime"
)
TORCH = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="needs sentence-transformers"
)


def tokenizer_to(path: Path, words: Sequence[str] = WORDS) -> None:
    """A tokenizer that knows some words, or letters."""
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    by_letters = pre_tokenizers.Split("", "isolated")
    made.pre_tokenizer = pre_tokenizers.Whitespace() if words is WORDS else by_letters
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_truncation(max_length=200)
    made.enable_padding(length=9)
    made.save(str(path))


def onnx_to(path: Path, *, inputs: tuple[str, ...] = ("input_ids", "attention_mask")) -> None:
    """A network that looks up vectors of tokens, each times its mark in the mask."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    fed = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, None]) for name in inputs]
    given = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, None, 5])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("Cast", [inputs[-1]], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["weights"]),
        helper.make_node("Mul", ["found", "weights"], ["last_hidden_state"]),
    ]
    table = numpy_helper.from_array(TABLE, "table")
    axis = numpy_helper.from_array(np.array([2], dtype=np.int64), "axis")
    graph = helper.make_graph(nodes, "lookup", fed, [given], [table, axis])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(path))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A folder with an ONNX file that sees eight tokens."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer_to(folder / "tokenizer.json")
    (folder / "onnx").mkdir()
    onnx_to(folder / "onnx/model.onnx")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    return folder


@ONNX
def test_the_vector_of_a_text_is_the_mean_of_its_tokens(model):
    component = Transformer(model=str(model), normalize=False)
    with pytest.warns(DataWarning, match=r"1 of 3 texts are longer .* row 1; 1 tokens at their"):
        z = component.fit_transform(objects("Ship oven", "ship oven moon", "moon"), context=SEED)
    ids = [[2, WORDS.index(a), WORDS.index(b), 3] for a, b in [("ship", "oven")] * 2]
    expected = [TABLE[row].mean(axis=0) for row in [*ids, [2, WORDS.index("moon"), 3]]]
    np.testing.assert_allclose(z, expected, rtol=1e-6)
    (model / "1_Pooling").mkdir()
    ways = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (model / "1_Pooling/config.json").write_text(json.dumps(ways))
    first = Transformer(model=str(model / "onnx/model.onnx"), normalize=False)
    np.testing.assert_array_equal(
        first.fit_transform(objects("ship", "oven"), context=SEED), TABLE[[2, 2]]
    )
    shutil.rmtree(model / "1_Pooling")


@ONNX
def test_empty_texts_lie_at_the_origin_and_are_reported(model):
    component = Transformer(model=str(model))
    with pytest.warns(DataWarning, match="3 of 4 texts are empty or have no word .* row 1"):
        z = component.fit_transform(objects("ship", "", " \n", None), context=SEED)
    assert not z[1:].any()
    assert np.linalg.norm(z[0]) == pytest.approx(1.0)


#: Those of answers and states.
CHECKS = (
    "abilities", "options_described", "options_round_trip", "options_bounded", "clone_and_params",
    "output", "refit_forgets", "components_are_independent", "state_is_plain",
    "state_refuses_damage", "input_unchanged", "arrays_are_its_own", "fewest_rows",
    "batch_invariance", "not_fitted", "in_a_model", "same_seed", "state_round_trip",
)  # fmt: skip


@ONNX
def test_the_kit_finds_nothing_wrong(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "letters")
    tokenizer_to(folder / "tokenizer.json", LETTERS)
    write(folder / "sentence_bert_config.json")
    report = run_checks("embedder/transformer", options={"model": str(folder)}, only=CHECKS)
    assert len(report.outcomes) == len(CHECKS)
    assert report.ok, str(report)


@ONNX
def test_a_bundle_refers_to_the_files(model, tmp_path, texts):
    folder = shutil.copytree(model, tmp_path / "copy")
    component, again = Transformer(model=str(folder)), Transformer(model=str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        state = component.fit(texts[:8], context=SEED).get_state()
        assert state.keys() == {"digest"}
        again.set_state(state)
        assert again.transform(texts).tobytes() == component.transform(texts).tobytes()
    onnx_to(folder / "onnx/model.onnx", inputs=("input_ids",))
    with pytest.raises(StateError, match="another model than the one of the fit"):
        again.set_state(state)
    shutil.rmtree(folder)
    with pytest.raises(StateError, match=r"refers to a model: .*there is not such a folder"):
        again.set_state(state)


def write(path: Path, content: str = "{}") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path.parent


def modules(*kinds: str) -> str:
    return json.dumps([{"idx": i, "path": "", "type": kind} for i, kind in enumerate(kinds)])


def test_models_that_cannot_be_read_or_would_run_code_are_refused(tmp_path):
    own = "sentence_transformers.models."
    plain = modules(f"{own}Transformer", f"{own}Pooling")
    for source, message in [
        (tmp_path / "nowhere", "there is not such a folder; .*nothing is downloaded"),
        (write(tmp_path / "a/config.json"), "neither an ONNX file"),
        (write(tmp_path / "b/modules.json", modules("evil.Module")), "evil.Module is code"),
        (write(tmp_path / "c/modules.json", plain), "there is no .safetensors"),
        (write(tmp_path / "d/modules.json", "[1"), "cannot be read"),
    ]:
        with pytest.raises(DataError, match=message):
            ModelFolder.of(str(source))
        (reason,) = Transformer(model=str(source)).check_input(9, ())
        assert str(source) in reason
    with pytest.raises(ConfigError, match="model"):
        resolve("embedder", "transformer")


@ONNX
def test_onnx_files_that_do_not_fit_are_refused(tmp_path):
    def folder(name: str, parts: str = "[]", **files: str) -> Path:
        found = write(tmp_path / name / "modules.json", parts)
        onnx_to(found / "model.onnx", inputs=("input_ids", files.pop("mask", "attention_mask")))
        for path, content in files.items():
            write(found / path, content)
        return found

    own = "sentence_transformers.models."
    dense = modules(f"{own}Transformer", f"{own}Pooling", f"{own}Dense")
    odd = folder("odd", mask="pixel_values")
    widest = {"1_Pooling/config.json": '{"pooling_mode_max_tokens": true}'}
    for source, message in [
        (folder("bare"), "no tokenizer.json"),
        (odd, "its input pixel_values is none of"),
        (folder("dense", dense), "part .*Dense is not in its ONNX file"),
        (folder("max", **widest), "its pooling is max_tokens"),
    ]:
        if source.name != "bare":
            tokenizer_to(source / "tokenizer.json")
        with pytest.raises(DataError, match=message):
            Transformer(model=str(source)).fit(objects("ship", "oven"), context=SEED)
    write(odd / "model.onnx", "nonsense")
    with pytest.raises(DataError, match="its model cannot be read"):
        Transformer(model=str(odd)).fit(objects("ship", "oven"), context=SEED)


@TORCH
def test_folders_of_sentence_transformers(tmp_path, texts):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling
    from sentence_transformers.models import Transformer as Encoder
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer_to(tmp_path / "tokenizer.json")
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"), **marks)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    encoder = Encoder(str(tmp_path / "bert"), max_seq_length=12)
    made = SentenceTransformer(modules=[encoder, Pooling(8)], device="cpu")
    made.save_pretrained(str(tmp_path / "model"))
    component = Transformer(model=str(tmp_path / "model"), normalize=False)
    with pytest.warns(DataWarning, match="120 of 120 texts are longer than the model sees"):
        z = component.fit_transform(texts, context=SEED)
    np.testing.assert_allclose(z, made.encode(texts.tolist()), atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        alone = np.concatenate([component.transform(texts[i : i + 1]) for i in range(5)])
    assert alone.tobytes() == z[:5].tobytes()
