"""Every example of the old package runs in both forms, quickly, and prints what it should."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

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
@pytest.mark.parametrize("name", [name for name in SCRIPTS if name.rpartition("_")[0] in PRINTS])
def test_example(name, tmp_path, few_digits, run_example):
    import keras

    keras.utils.set_random_seed(
        0
    )  # the old examples have no seed: some starts get worse in 2 epochs
    printed = run_example(name, "--data", str(few_digits), "--epochs", "2")
    assert re.search(PRINTS[name.rpartition("_")[0]], printed), printed
    if name in ("har_old", "denoising_old"):
        assert len(list(tmp_path.glob("*.png"))) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["old", "new"])
def test_hdbscan(form, few_digits, run_example):
    """Labels, their strengths, and those of new rows, which were among the training rows."""
    import keras

    keras.utils.set_random_seed(0)
    printed = run_example(f"hdbscan_{form}", "--data", str(few_digits), "--epochs", "2")
    truth = np.load(few_digits)["y"]
    found = [np.array(text.split(), float) for text in re.findall(r"\[([-\d.\se+]+)\]", printed)]
    strengths, labels, *again, new_labels, new_strengths = found
    assert (len(strengths), len(labels), len(new_labels), len(new_strengths)) == (300, 300, 42, 42)
    for some, their_strengths in ((labels, strengths), (new_labels, new_strengths)):
        assert ((their_strengths >= 0) & (their_strengths <= 1)).all()
        assert (their_strengths[some == -1] == 0).all()
    if form == "old":
        assert "n_neighbors=30" in printed
        (labels,) = again
        assert len(labels) == 300
    else:
        assert "30 neighbours" in printed
        np.testing.assert_array_equal(new_labels, labels[:42])
        np.testing.assert_allclose(new_strengths, strengths[:42], atol=1e-6)
        score = re.search(r"'ari': ([-\d.]+)", printed)
        assert float(score[1]) == round(adjusted_rand_score(truth, labels), 3)
    assert len(np.unique(labels[labels >= 0])) >= 2
    assert normalized_mutual_info_score(truth, labels) > 0.1


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


def test_data_are_those_of_the_old_loaders(tmp_path, monkeypatch, few_digits):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("N2D_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    features, images = rng.uniform(-1, 1, (6, 561)), rng.integers(0, 256, (4, 784))
    np.savez(tmp_path / "har.npz", x=features, y=np.arange(6))
    np.savez(tmp_path / "mnist.npz", x=images, y=np.arange(4))
    common = runpy.run_path(str(FOLDER / "common.py"))
    x, _, names = common["old_data"]("har")
    np.testing.assert_array_equal(x, features)
    assert (names[5], common["scaler"]("har")) == ("Laying", "none")
    x, _, names = common["old_data"]("mnist")
    np.testing.assert_array_equal(x, images / 255)
    assert names == {digit: str(digit) for digit in range(10)}
    x, y, names = common["old_data"](str(few_digits))
    assert (x.shape, x.min(), x.max(), len(names)) == ((300, 64), 0, 1, 10)
    np.testing.assert_array_equal(y, np.load(few_digits)["y"])


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
