"""Keys that the data cannot be meant by are refused, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from PIL import Image

from n2d_framework.data import load
from n2d_framework.errors import DataError

X = np.random.default_rng(0).normal(size=(12, 3))


def written(folder: Path, kind: str) -> Path:
    path = folder / f"a{kind}"
    if kind == ".npy":
        np.save(path, X)
    elif kind == ".npz":
        np.savez(path, x=X)
    elif kind == "sparse.npz":
        sp.save_npz(path, sp.csr_array(np.abs(X)))
    elif kind == ".h5":
        with h5py.File(path, "w") as file:
            file["x"] = X
    elif kind == ".parquet":
        pd.DataFrame(X, columns=list("pqr")).to_parquet(path)
    elif kind == ".jsonl":
        pd.DataFrame(X, columns=list("pqr")).to_json(path, orient="records", lines=True)
    elif kind == ".csv":
        pd.DataFrame(X, columns=list("pqr")).to_csv(path, index=False)
    else:
        path = folder / "photos"
        path.mkdir()
        for row in range(3):
            Image.new("L", (4, 4), 50 * row).save(path / f"{row}.png")
    return path


@pytest.mark.parametrize("kind", [".npy", ".npz", "sparse.npz", ".h5", "photos"])
@pytest.mark.parametrize(
    "keys",
    [{"text": "x"}, {"kinds": {"x": "category"}}, {"id": "x", "time": "t"}],
    ids=["text", "kinds", "time"],
)
def test_keys_of_tables_are_refused_elsewhere(
    tmp_path: Path, kind: str, keys: dict[str, Any]
) -> None:
    path = written(tmp_path, kind)
    with pytest.raises(DataError, match=rf"{path.name}.*(only; drop it|no array|drop|drop them)"):
        load({"path": path, **keys})
    assert load(path).n_rows in (3, 12)


@pytest.mark.parametrize("kind", [".npy", ".npz", ".h5", ".parquet"])
@pytest.mark.parametrize("header", [True, False])
def test_only_text_tables_have_a_header(tmp_path: Path, kind: str, header: bool) -> None:
    path = written(tmp_path, kind)
    with pytest.raises(DataError, match="header: for text tables only; drop it"):
        load({"path": path, "header": header})


@pytest.mark.parametrize("kind", [".npz", ".csv", ".parquet", ".h5"])
@pytest.mark.parametrize("key", ["resize", "mode", "on_error"])
def test_keys_of_images_are_refused_elsewhere(tmp_path: Path, kind: str, key: str) -> None:
    value = {"resize": [4, 4], "mode": "grey", "on_error": "skip"}[key]
    with pytest.raises(DataError, match=rf"{key}: for folders of images only; drop it"):
        load({"path": written(tmp_path, kind), key: value})
