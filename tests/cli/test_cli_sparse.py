"""Sparse rows through ``n2d run`` and ``n2d predict``, without a configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

Run = Callable[..., object]
RNG = np.random.default_rng(0)
KINDS = RNG.integers(0, 3, 90)
SHARES = RNG.gamma(0.2, size=(3, 40))
COUNTS = sp.csr_array(
    np.stack([RNG.multinomial(60, SHARES[kind] / SHARES[kind].sum()) for kind in KINDS])
)
WORDS = (
    "--set", "model.manifolder=identity", "--set", "model.clusterer=kmeans", "--set",
    "model.n_clusters=3", "--no-store", "-q",
)  # fmt: skip


def cells(path: str, order: np.ndarray) -> str:
    """Counts with names of genes, in any order of the columns."""
    matrix, text = sp.csc_array(COUNTS[:, order]), h5py.string_dtype()
    with h5py.File(path, "w") as file:
        group = file.create_group("X")
        group.attrs.update({"encoding-type": "csc_matrix", "shape": matrix.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(matrix, part)
        names = {"obs": [f"cell-{i}" for i in range(90)], "var": [f"g{i}" for i in order]}
        for place, index in names.items():
            file.create_group(place).attrs["_index"] = "_index"
            file[place].create_dataset("_index", data=index, dtype=text)
    return path


@pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning")
def test_cells_are_clustered_and_new_ones_matched_by_their_genes(n2d: Run) -> None:
    said = n2d("run", cells("a.h5ad", np.arange(40)), *WORDS)
    assert said.exit_code == 0, said.output
    record = json.loads(Path("n2d-out/a/run.json").read_text())
    assert record["config"]["model"]["embedder"]["name"] == "truncated_svd"
    assert record["missing"] == {}
    made = pd.read_csv("n2d-out/a/labels.csv", dtype=str)
    assert pd.crosstab(made["label"], KINDS).to_numpy().max(axis=1).sum() == 90
    other = cells("b.h5ad", RNG.permutation(40))
    for path in ("a.h5ad", other):
        said = n2d("predict", "n2d-out/a/a.n2d", path, "-o", "new.csv", "--chunk", "40")
        assert said.exit_code == 0, said.output
        pd.testing.assert_frame_equal(pd.read_csv("new.csv", dtype=str), made)
    sp.save_npz("plain.npz", COUNTS)
    said = n2d("predict", "n2d-out/a/a.n2d", "plain.npz", "-o", "new.csv")
    assert said.exit_code == 0, said.output
    assert list(pd.read_csv("new.csv", dtype=str)["label"]) == list(made["label"])


def test_what_is_in_a_sparse_file_is_shown_with_each_remark_once(n2d: Run) -> None:
    path = cells("a.h5ad", np.arange(40))
    with h5py.File(path, "a") as file:
        file["obsm/X_pca"] = np.zeros((90, 2))
    said = n2d("inspect-data", path)
    assert said.exit_code == 0, said.output
    shown = " ".join(said.output.split())
    assert f"90 rows of 40 int64 (sparse, {COUNTS.nnz:,} values are not 0)" in shown
    assert shown.count("arrays that are not used: 'obsm/X_pca'") == 1


def test_components_that_take_no_sparse_rows_are_refused_by_those_that_do(n2d: Run) -> None:
    sp.save_npz("m.npz", COUNTS)
    said = n2d("run", "m.npz", *WORDS, "--set", "model.embedder=pca")
    assert said.exit_code != 0
    assert "use nmf or random_projection or truncated_svd" in " ".join(said.output.split())
    assert not Path("n2d-out").exists()
