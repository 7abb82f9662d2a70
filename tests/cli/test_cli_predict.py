"""``n2d predict``: the model's own answers, in any format, in constant memory."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import n2d_framework
from n2d_framework.data import load

Run = Callable[..., Any]


def expected(bundle: Path, data: str = "blobs.npz") -> np.ndarray:
    return n2d_framework.load(bundle).predict(load(data).x)


def test_labels_go_to_stdout(n2d: Run, bundle: Path) -> None:
    result = n2d("predict", bundle, "blobs.npz", "--chunk", "7")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [int(row["label"]) for row in rows] == expected(bundle).tolist()
    assert [int(row["row"]) for row in rows] == list(range(60))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".npy"])
@pytest.mark.parametrize("source", ["blobs.npz", "blobs.csv"])
def test_each_format(n2d: Run, bundle: Path, suffix: str, source: str) -> None:
    frame = pd.DataFrame(load("blobs.npz").x)
    frame.to_csv("blobs.csv", index=False)
    result = n2d("predict", bundle, source, "-o", f"labels{suffix}", "--chunk", "25")
    assert result.exit_code == 0, result.output
    if suffix == ".npy":
        labels = np.load("labels.npy")
    elif suffix == ".parquet":
        labels = pd.read_parquet("labels.parquet")["label"].to_numpy()
    else:
        labels = pd.read_csv(f"labels{suffix}", sep=None, engine="python")["label"].to_numpy()
    np.testing.assert_array_equal(labels, expected(bundle))
    assert "60 rows" in result.stdout
    assert not list(Path().glob(".*"))


def test_probabilities(n2d: Run, bundle: Path) -> None:
    assert n2d("predict", bundle, "blobs.npz", "--proba", "-o", "p.parquet").exit_code == 0
    frame = pd.read_parquet("p.parquet")
    assert list(frame) == ["row", "label", "strength", "p_0", "p_1", "p_2"]
    model = n2d_framework.load(bundle)
    shares = model.predict_proba(load("blobs.npz").x)
    np.testing.assert_array_equal(frame[["p_0", "p_1", "p_2"]].to_numpy(), shares)
    np.testing.assert_array_equal(frame["label"], expected(bundle))


def test_noise_has_its_own_column(n2d: Run, config: Path) -> None:
    words = ("--set", "model.clusterer={name: hdbscan, min_cluster_size: 5}", "--no-plots")
    assert n2d("run", config, *words).exit_code == 0
    made = pd.read_csv("n2d-out/quick/labels.csv")
    assert list(made) == ["row", "label", "strength"]
    result = n2d("predict", "n2d-out/quick/quick.n2d", "blobs.npz", "--proba")
    assert result.stdout.splitlines()[0].endswith("p_noise")


def test_summary_as_json(n2d: Run, bundle: Path) -> None:
    result = n2d("predict", bundle, "blobs.npz", "-o", "labels.csv", "--json")
    reported = json.loads(result.stdout)
    assert (reported["rows"], reported["labels"]) == (60, {"0": 20, "1": 20, "2": 20})
    refused = n2d("predict", bundle, "blobs.npz", "--json")
    assert (refused.exit_code, "--output" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.npy"], 2, "no such file"),
        (["blobs.npz", "-o", "labels.xlsx"], 2, "a table ends in"),
        (["blobs.npz", "-o", "labels.npy", "--proba"], 2, "labels only"),
        (["blobs.npz", "-o", "none/labels.csv"], 1, "there is no folder"),
        (["blobs.npz", "-o", "folder.csv"], 1, "it is a folder"),
        (["wide.npy"], 2, "has 5 features"),
        (["nan.npy", "--chunk", "10"], 2, "rows 10 to 19"),
        (["bad.csv"], 2, "column 'b' has 'x' in row 2"),
        (["blobs.npz", "--chunk", "0"], 2, "chunk"),
    ],
)
def test_wrong_requests(n2d: Run, bundle: Path, words: list[str], code: int, said: str) -> None:
    np.save("wide.npy", np.zeros((3, 5)))
    rows = np.zeros((30, 4))
    rows[14, 2] = np.nan
    np.save("nan.npy", rows)
    Path("bad.csv").write_text("a,b,c,d\n1,2,3,4\n1,x,3,4\n")
    Path("folder.csv").mkdir()
    result = n2d("predict", bundle, *words)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_failure_leaves_the_old_labels(n2d: Run, bundle: Path) -> None:
    Path("labels.csv").write_text("precious")
    rows = np.zeros((30, 4))
    rows[25] = np.nan
    np.save("nan.npy", rows)
    assert n2d("predict", bundle, "nan.npy", "-o", "labels.csv", "--chunk", "5").exit_code == 2
    assert Path("labels.csv").read_text() == "precious"
    assert not list(Path().glob(".*"))


def test_what_is_read_is_not_written(n2d: Run, bundle: Path) -> None:
    Path("rows.csv").write_text("a,b,c,d\n1,2,3,4\n")
    before = Path("rows.csv").read_bytes()
    assert "what is read" in n2d("predict", bundle, "rows.csv", "-o", "rows.csv").stderr
    assert Path("rows.csv").read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"not a bundle at all"])
def test_no_bundle(n2d: Run, blobs: Path, content: bytes | None) -> None:
    if content is not None:
        Path("a.n2d").write_bytes(content)
    for command in (["predict", "a.n2d", "blobs.npz"], ["inspect", "a.n2d"], ["verify", "a.n2d"]):
        result = n2d(*command)
        assert result.exit_code == 1
        assert "a.n2d" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_does_not_grow_with_rows(bundle: Path) -> None:
    code = (
        "import atexit, pathlib, re, sys\n"
        "from n2d_framework.cli import main\n"
        "read = lambda: pathlib.Path('/proc/self/status').read_text()\n"
        "atexit.register(lambda: sys.stderr.write(re.search(r'VmHWM:\\s+(\\d+)', read())[1]))\n"
        "main()\n"
    )
    peaks = []
    for n in (20_000, 2_000_000):
        np.save("rows.npy", np.zeros((n, 4), dtype=np.float64))
        done = subprocess.run(
            [sys.executable, "-c", code, "predict", str(bundle), "rows.npy", "-o", "l.npy"],
            capture_output=True, text=True, check=True, env=os.environ,
        )  # fmt: skip
        assert len(np.load("l.npy")) == n
        peaks.append(int(re.findall(r"\d+", done.stderr)[-1]) / 1024)
    assert peaks[1] - peaks[0] < 30, "there were 60 MB more to read"
