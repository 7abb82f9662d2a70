"""Every example of the old package runs in both forms, quickly, and prints what it should."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

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
    assert names == {"har", "hdbscan", "kmeans", "denoising", "save_load", "stocks"}
    assert len(SCRIPTS) == 12


@pytest.fixture
def run_example(tmp_path, monkeypatch, capsys):
    """Run a script in a folder of its own, and return what it printed."""
    import matplotlib as mpl

    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(FOLDER)

    def run(name: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *words])
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    yield run
    for shared in ("common", "prices"):
        sys.modules.pop(shared, None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in SCRIPTS if not name.startswith("stocks")])
def test_example(name, tmp_path, few_digits, run_example):
    printed = run_example(name, "--data", str(few_digits), "--epochs", "2")
    assert re.search(PRINTS.get(name.rpartition("_")[0], r"\d"), printed), printed
    if name in ("har_old", "denoising_old"):
        assert len(list(tmp_path.glob("*.png"))) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("form", "epochs"), [("old", "2"), ("new", "10")])
def test_stocks_find_the_industries_they_were_made_of(form, epochs, tmp_path, run_example):
    printed = run_example(f"stocks_{form}", "--epochs", epochs)
    lines = [line.split() for line in printed.splitlines()]
    assert {str(number) for number in range(2, 7)} <= {words[0] for words in lines}
    clusters = [words[1:] for words in lines if words[0] == "cluster:"]
    industries = [ticker.rstrip("0123456789") for tickers in clusters for ticker in tickers]
    labels = [number for number, tickers in enumerate(clusters) for _ in tickers]
    assert len(labels) == 48
    assert adjusted_rand_score(industries, labels) > 0.6
    assert (tmp_path / "stocks.png").stat().st_size > 10_000
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == (
        [".h5", ".png"] if form == "old" else [".png"]
    )


def test_prices_of_any_tickers_are_read_and_standardised(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    (tmp_path / "mine.csv").write_text(
        "Date,Y,LABEL\n2024-01-02,1,10\n2024-01-03,2,30\n2024-01-04,3,20\n"
    )
    read = runpy.run_path(str(FOLDER / "prices.py"))["load_prices"]
    tickers, dates, x = read(str(tmp_path / "mine.csv"))
    assert tickers == ["Y", "LABEL"]
    assert str(dates[-1]) == "2024-01-04"
    np.testing.assert_allclose(x, np.array([[-1, 0, 1], [-1, 1, 0]]) * 1.5**0.5)
