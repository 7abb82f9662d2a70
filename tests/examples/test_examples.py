"""Every example of the old README runs in both forms, quickly, and prints what it should."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.stem for form in ("old", "new") for path in FOLDER.glob(f"*_{form}.py"))
SCORES = r"\(0\.\d+, 0\.\d+, -?0\.\d+\)"
PRINTS = {
    "har": SCORES,
    "denoising": SCORES,
    "kmeans": SCORES,
    "save_load": "the same labels: True",
}


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory) -> Path:
    """300 digits, so that training takes no time."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, x=x[:300], y=y[:300])
    return path


def test_each_example_has_both_forms():
    names = {name.rpartition("_")[0] for name in SCRIPTS}
    assert names == {"har", "hdbscan", "kmeans", "denoising", "save_load"}
    assert len(SCRIPTS) == 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SCRIPTS)
def test_example(name, tmp_path, few_digits, monkeypatch, capsys):
    import matplotlib as mpl

    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [name, "--data", str(few_digits), "--epochs", "2"])
    try:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    finally:
        sys.modules.pop("common", None)
    printed = capsys.readouterr().out
    assert re.search(PRINTS.get(name.rpartition("_")[0], r"\d"), printed), printed
    if name in ("har_old", "denoising_old"):
        assert len(list(tmp_path.glob("*.png"))) == 2
