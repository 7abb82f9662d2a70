"""Code that the documentation prints, run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("pyts")

PAGE = Path(__file__).parents[3] / "docs" / "sequences.md"
README = Path(__file__).parents[1] / "README.md"
FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [block["text"] for block in found if block["language"] == language]


@pytest.mark.skipif(not PAGE.exists(), reason="the package lies outside its repository")
@pytest.mark.slow
def test_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    for text in blocks(PAGE, "py"):
        exec(compile(text, str(PAGE), "exec"), namespace)
    model, x = namespace["model"], namespace["x"]
    assert (model.predict(x) == model.labels_).all()
    assert namespace["varied"].embed(namespace["motions"].x).shape == (80, 4)


@pytest.mark.parametrize("page", [PAGE, README], ids=["guide", "readme"])
def test_comparisons_are_well_formed(page, tmp_path):
    from n2d_framework.config.comparison_config import read_compare_config

    if not page.exists():
        pytest.skip("the package lies outside its repository")
    found = blocks(page, "yaml")
    assert found
    for text in found:
        (tmp_path / "grid.yaml").write_text(text)
        read_compare_config(tmp_path / "grid.yaml")
