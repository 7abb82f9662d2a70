"""``n2d run --write-back``: labels in the file that the cells came from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from n2d_framework.data import load
from n2d_framework.data.formats.write_back import WriteBack
from n2d_framework.errors import OutputError

Run = Callable[..., object]
CELLS = [f"cell-{number}" for number in range(60)]
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(60, 5)) + 9 * (np.arange(60) % 3)[:, None]).astype(np.float32)
WORDS = (
    "--set", "model.embedder=identity", "--set", "model.manifolder=identity", "--set",
    "model.clusterer=kmeans", "--set", "model.n_clusters=3", "--no-plots", "--no-store", "-q",
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning")


def write(path: Path, version: str) -> Path:
    """A small file of AnnData in one of its layouts: of now, of 0.7, and before."""
    text, nullable = h5py.string_dtype(), version == "nullable"
    version = "now" if nullable else version
    with h5py.File(path, "w") as file:
        file["X"] = X
        if version == "0.6":
            kinds = [("index", "S9"), ("size", "f4")]
            file["obs"] = np.array(list(zip(CELLS, range(60), strict=True)), dtype=kinds)
            file["var"] = np.array([(f"g{i}",) for i in range(5)], dtype=[("index", "S9")])
            return path
        if version == "now":
            file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        encoding = "0.2.0" if version == "now" else "0.1.0"
        for group, names in (("obs", CELLS), ("var", [f"g{i}" for i in range(5)])):
            made = file.create_group(group)
            about = {"encoding-type": "dataframe", "encoding-version": encoding, "_index": "_index"}
            made.attrs.update(about)
            made.attrs.create("column-order", ["size"] if group == "obs" else [], dtype=text)
            made.create_dataset("_index", data=names, dtype=text)
            if version == "now":
                about = {"encoding-type": "string-array", "encoding-version": "0.2.0"}
                made["_index"].attrs.update(about)
            if nullable:  # strings of pandas 3
                del made["_index"]
                strings = made.create_group("_index")
                about = {"encoding-type": "nullable-string-array", "encoding-version": "0.1.0"}
                strings.attrs.update(about)
                about = {"encoding-type": "string-array", "encoding-version": "0.2.0"}
                strings.create_dataset("values", data=names, dtype=text).attrs.update(about)
                about = {"encoding-type": "array", "encoding-version": "0.2.0"}
                strings["mask"] = np.zeros(len(names), dtype=bool)
                strings["mask"].attrs.update(about)
        file["obs/size"] = np.arange(60.0)
        if version == "now":
            about = {"encoding-type": "array", "encoding-version": "0.2.0"}
            file["obs/size"].attrs.update(about)
            file["X"].attrs.update(about)
    return path


def labels(folder: str = "n2d-out/a") -> list[str]:
    return list(pd.read_csv(f"{folder}/labels.csv", dtype=str)["label"])


@pytest.mark.parametrize("version", ["now", "nullable", "0.7", "0.6"])
@pytest.mark.parametrize("to", ["itself", "copy"])
def test_labels_come_back_as_columns_of_obs(n2d: Run, version: str, to: str) -> None:
    path = write(Path("a.h5ad"), version)
    before = path.read_bytes()
    flags = ["--write-back"] if to == "itself" else ["--write-back-to", "b.h5ad"]
    said = n2d("run", path, *WORDS, *flags)
    assert said.exit_code == 0, said.output
    made = path if to == "itself" else Path("b.h5ad")
    assert (path.read_bytes() == before) == (to == "copy")
    found = load({"path": made, "y": "obs/n2d_label"})
    assert list(map(str, found.y.tolist())) == labels()
    strengths = load({"path": made, "y": "obs/n2d_strength"}).y
    assert ((strengths > 0) & (strengths <= 1)).all()
    np.testing.assert_array_equal(found.x, X)
    assert found.ids.tolist() == CELLS
    assert load({"path": made, "y": "obs/size"}).y.tolist() == list(range(60))
    assert sorted(item.name for item in Path().iterdir()) == sorted(
        {"a.h5ad", made.name, "n2d-out"}
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", ["now", "0.7"])
def test_anndata_reads_what_was_written_back(n2d: Run, version: str) -> None:
    anndata = pytest.importorskip("anndata")
    anndata.settings.allow_write_nullable_strings = True  # those of pandas 3
    path = write(Path("a.h5ad"), version)
    if version == "now":
        frame = pd.DataFrame({"kind": pd.Categorical(["a", "b"] * 30)}, index=CELLS)
        anndata.AnnData(X, frame).write_h5ad(path)
    said = n2d("run", path, *WORDS, "--write-back")
    assert said.exit_code == 0, said.output
    obs = anndata.read_h5ad(path).obs
    assert list(obs) == ["kind" if version == "now" else "size", "n2d_label", "n2d_strength"]
    assert obs["n2d_label"].astype(str).tolist() == labels()
    assert obs["n2d_label"].cat.categories.tolist() == ["0", "1", "2"]


def test_columns_are_replaced_only_if_the_user_says_so(n2d: Run) -> None:
    path = write(Path("a.h5ad"), "now")
    assert n2d("run", path, *WORDS, "--write-back").exit_code == 0
    first = path.read_bytes()
    shutil.rmtree("n2d-out")
    said = n2d("run", path, *WORDS, "--write-back")
    assert said.exit_code == 1
    assert "a column 'n2d_label', 'n2d_strength' already; add --overwrite" in said.output
    assert not Path("n2d-out").exists()
    assert path.read_bytes() == first
    said = n2d("run", path, *WORDS, "--write-back", "--overwrite", "--seed", "4")
    assert said.exit_code == 0, said.output
    with h5py.File(path) as file:
        assert list(file["obs"].attrs["column-order"]) == ["size", "n2d_label", "n2d_strength"]
    assert list(map(str, load({"path": path, "y": "obs/n2d_label"}).y)) == labels()
    shutil.copy(path, "b.h5ad")
    said = n2d("run", path, *WORDS, "--write-back-to", "b.h5ad", "--out", "other")
    assert said.exit_code == 1
    assert "b.h5ad exists" in said.output


def test_predictions_come_back_as_well(n2d: Run) -> None:
    path = write(Path("a.h5ad"), "now")
    assert n2d("run", path, *WORDS).exit_code == 0
    said = n2d("predict", "n2d-out/a/a.n2d", path, "--write-back", "--chunk", 7, "-q")
    assert said.exit_code == 0, said.output
    first, *others = said.stdout.splitlines()
    assert first.startswith("a.h5ad: 60 rows in ")
    assert others == [
        "written back as obs/n2d_label, obs/n2d_strength", "labels 0: 20, 1: 20, 2: 20"
    ]  # fmt: skip
    found = load({"path": path, "y": "obs/n2d_label"})
    assert list(map(str, found.y.tolist())) == labels()
    assert len(load({"path": path, "y": "obs/n2d_strength"}).y) == 60
    said = n2d("predict", "n2d-out/a/a.n2d", path, "--write-back")
    assert said.exit_code == 1
    assert "add --overwrite" in said.output


@pytest.mark.parametrize("flag", ["--proba", "--confidence"])
def test_what_is_not_written_back_needs_an_output(n2d: Run, flag: str) -> None:
    path = write(Path("a.h5ad"), "now")
    assert n2d("run", path, *WORDS).exit_code == 0
    said = n2d("predict", "n2d-out/a/a.n2d", path, "--write-back", flag)
    assert said.exit_code == 2
    assert f"{flag}: is not written back" in said.output
    said = n2d("predict", "n2d-out/a/a.n2d", path, "--write-back", "--proba", "-o", "a.csv")
    assert said.exit_code == 0, said.output
    assert len(pd.read_csv("a.csv").columns) > 4


@pytest.mark.parametrize("data", ["a.h5", "a.csv", "digits", "a.zarr"])
def test_other_data_are_refused_before_training(n2d: Run, data: str) -> None:
    with h5py.File("a.h5", "w") as file:
        file["x"] = X
    pd.DataFrame(X).to_csv("a.csv", index=False)
    Path("a.zarr").mkdir()
    said = n2d("run", data, *WORDS, "--write-back")
    assert said.exit_code == 2, said.output
    assert "written back into a file of AnnData (.h5ad) only" in " ".join(said.output.split())
    assert not Path("n2d-out").exists()


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    folder.mkdir()
    path = write(folder / "a.h5ad", "now")
    before = path.read_bytes()
    back = WriteBack(path, path, overwrite=False, names=("n2d_label",))
    back.check()
    with pytest.raises(Exception, match="60 cells now and had 7"):
        back.write({"n2d_label": np.zeros(7, dtype=np.int64)})
    assert path.read_bytes() == before
    assert [item.name for item in folder.iterdir()] == ["a.h5ad"]
    path.chmod(0o444)
    with pytest.raises(OutputError, match="write-protected"):
        back.check()
