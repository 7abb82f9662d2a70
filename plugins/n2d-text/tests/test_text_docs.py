"""Code that the documentation prints, run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PAGE = Path(__file__).parents[3] / "docs" / "texts.md"


@pytest.mark.parametrize("page", [README, PAGE], ids=["readme", "guide"])
def test_the_examples_run(page, tmp_path, monkeypatch, capsys):
    if not page.exists():
        pytest.skip("the package lies outside its repository")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```py(?:thon)?\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    namespace: dict[str, object] = {}
    exec("\n".join(blocks), namespace)
    model, texts = namespace["model"], namespace["texts"]
    assert (model.predict(texts) == model.labels_).all()
    names = [about["name"] for about in model.descriptions_["class_tfidf"]["clusters"]]
    assert any("clustering" in name for name in names)
