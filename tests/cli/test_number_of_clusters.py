"""The number of clusters of ``n2d run`` for data without a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Run = Callable[..., Any]
WORDS = (
    "--set", "model.embedder=identity", "--set", "model.manifolder=identity", "--no-plots",
    "--no-report", "--no-store", "--out", "out",
)  # fmt: skip


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    group = np.arange(60) % 3
    frame = pd.DataFrame(rng.normal(size=(60, 3)) + 8 * group[:, None], columns=list("pqr"))
    frame.assign(kind=np.array(["x", "y", "z"])[group]).to_csv("rows.csv", index=False)
    return Path("rows.csv")


ONCE = ("--set", "model.clusterer.n_init=1")
KMEANS = ("--set", "model.clusterer=kmeans")


@pytest.mark.parametrize(
    ("flags", "expected", "said"),
    [
        (("--y", "kind", *KMEANS), 3, "rows: 3 clusters, as many as there are classes"),
        (("--y", "kind", "-k", "2", *KMEANS), 2, ""),
        (("--y", "kind", *KMEANS, "--set", "model.clusterer.n_clusters=4"), 4, ""),
        (("--drop", "kind", *KMEANS), 8, "nothing says how many clusters there are"),
        (("--y", "p", "--drop", "kind", *KMEANS), 8, "nothing says how many clusters there are"),
        (("--y", "kind", "--set", "model.clusterer=hdbscan"), 3, ""),
    ],
)
def test_it_is_given_or_that_of_the_classes_and_is_said(
    n2d: Run, table: Path, flags: tuple[str, ...], expected: int, said: str
) -> None:
    done = n2d("run", table, *flags, *WORDS)
    assert done.exit_code == 0, done.stderr
    assert pd.read_csv("out/labels.csv")["label"].nunique() == expected
    assert (said or "clusters") in done.output
    if not said:
        assert "as many as" not in done.stderr
        assert "nothing says" not in done.stderr


def test_a_configuration_decides_for_itself(n2d: Run, table: Path) -> None:
    Path("c.yaml").write_text(
        "data: {path: rows.csv, y: kind}\n"
        "model: {embedder: identity, manifolder: identity, clusterer: kmeans}\n"
    )
    done = n2d("run", "c.yaml", "--no-plots", "--no-report", "--no-store", "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert pd.read_csv("out/labels.csv")["label"].nunique() == 8
    done = n2d("run", "c.yaml", "-k", "3", "--no-plots", "--no-report", "--no-store", "--out", "b")
    assert pd.read_csv("b/labels.csv")["label"].nunique() == 3


def test_a_run_chooses_it_on_request(n2d: Run, table: Path) -> None:
    done = n2d("run", table, "--drop", "kind", "-k", "auto", *KMEANS, *ONCE, *WORDS)
    assert done.exit_code == 0, done.stderr
    assert "3 clusters by rank" in done.output
    assert "choose the number" in done.output
    assert pd.read_csv("out/labels.csv")["label"].nunique() == 3
    assert n2d("run", table, "-k", "some", *WORDS, "--overwrite").exit_code == 2
