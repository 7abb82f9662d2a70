"""Fits of rows that do not fit into the memory that a fit may take: the same, or a refusal."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.core.budget import scratch as scratch_module
from n2d_framework.core.budget.memory_sizes import memory_size
from n2d_framework.core.budget.scratch import Scratch, is_mapped
from n2d_framework.data import load, open_rows
from n2d_framework.errors import (
    CompositionError,
    ConfigError,
    DataError,
    OutputError,
    StageError,
    UnsupportedError,
)
from n2d_framework.pipeline.within_memory import WithinMemory
from n2d_framework.plan import out_of_core

#: What is too little for the rows of these tests in memory, and enough out of core.
LITTLE = "8192.6MiB"
ROWS, WIDTH = 1500, 12
MODEL: dict[str, Any] = {
    "embedder": {"name": "pca", "latent_dim": 4},
    "manifolder": {"name": "isomap", "max_landmarks": 120, "n_components": 2},
    "clusterer": {"name": "gmm", "n_init": 2, "max_landmarks": 400},
    "n_clusters": 4,
}


@pytest.fixture(autouse=True)
def far_from_what_libraries_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if libraries took 8 GiB: what a test process has taken for others does not matter."""
    monkeypatch.setattr(out_of_core, "_BASE", 8 << 30)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = 6 * rng.normal(size=(4, WIDTH))
    x = centres[rng.integers(0, 4, ROWS)] + rng.normal(size=(ROWS, WIDTH))
    x[700:720] = x[10:30]  # some rows come again
    return x.astype(np.float32)


def model(**changed: Any) -> n2d.N2D:
    return n2d.N2D(**(MODEL | {"random_state": 0} | changed))


def differences(a: Any, b: Any, path: str = "") -> Iterator[str]:
    """Places in two trees of plain values that are not equal to the bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            yield from differences(a[key], b[key], f"{path}/{key}")
    elif isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.tobytes() != b.tobytes():
            yield path
    elif a != b:
        yield path


def same(a: n2d.N2D, b: n2d.N2D) -> None:
    assert not [*differences(a.to_snapshot().parts, b.to_snapshot().parts)]
    for name in ("latent_", "manifold_", "labels_"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


@pytest.mark.parametrize(
    ("most", "changed"),
    [
        (64, {"scaler": "minmax"}),
        (1 << 16, {"scaler": "standard"}),
        (640, {"prepare": ["maxabs", "minmax"], "embedder": "identity"}),
        (64, {"scaler": "none", "manifolder": {"name": "lle", "max_landmarks": 120}}),
        (640, {"manifolder": ["pca", "identity"],
               "clusterer": {"name": "bayesian_gmm", "n_init": 1, "max_landmarks": 300}}),
    ],
)  # fmt: skip
def test_out_of_core_a_fit_is_the_same_to_the_bit(rows, monkeypatch, most, changed):
    monkeypatch.setattr(scratch_module, "_MOST_ROWS", most)
    given = rows.astype(np.float64 if most == 640 else np.float32)
    plain = model(**changed).fit(given)
    found = model(memory=LITTLE, **changed).fit(given)
    assert is_mapped(found.latent_)
    assert not is_mapped(plain.latent_)
    same(plain, found)


def _npy(path: Path, x: np.ndarray) -> Path:
    np.save(path / "rows.npy", x)
    return path / "rows.npy"


def _fortran(path: Path, x: np.ndarray) -> Path:
    np.save(path / "rows.npy", np.asfortranarray(x))
    return path / "rows.npy"


def _frame(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"c{j}" for j in range(x.shape[1])])


def _parquet(path: Path, x: np.ndarray) -> Path:
    _frame(x).to_parquet(path / "rows.parquet", row_group_size=200)
    return path / "rows.parquet"


def _parts(path: Path, x: np.ndarray) -> Path:
    folder = path / "rows"
    folder.mkdir()
    for number, part in enumerate((x[:700], x[:0], x[700:])):
        _frame(part).to_parquet(folder / f"part-{number}.parquet")
    return folder


def _hdf5(path: Path, x: np.ndarray) -> Path:
    import h5py

    with h5py.File(path / "rows.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(100, WIDTH))
        file["y"] = np.arange(len(x)) % 3
    return path / "rows.h5"


def _zarr(path: Path, x: np.ndarray) -> Path:
    zarr = pytest.importorskip("zarr")
    zarr.save_array(str(path / "rows.zarr"), x)
    return path / "rows.zarr"


@pytest.mark.parametrize("write", [_npy, _fortran, _parquet, _parts, _hdf5, _zarr])
def test_files_of_every_kind_are_fitted_where_they_are(rows, write, tmp_path):
    path = write(tmp_path, rows)
    plain = model().fit(load(path))
    with open_rows(path) as source:
        found = model(memory=LITTLE).fit(source)
    same(plain, found)
    assert found.schema_ == plain.schema_


def _dask_array(x: np.ndarray, lengths: tuple[int, ...]) -> Any:
    import dask.array as da

    return da.concatenate([da.from_array(x[i:j]) for i, j in _ends(lengths)])


def _dask_frame(x: np.ndarray, lengths: tuple[int, ...]) -> Any:
    import dask.dataframe as dd
    from dask import delayed

    return dd.from_delayed([delayed(_frame)(x[i:j]) for i, j in _ends(lengths)])


def _ends(lengths: tuple[int, ...]) -> list[tuple[int, int]]:
    ends = np.cumsum(lengths)
    return [(int(end) - n, int(end)) for n, end in zip(lengths, ends, strict=True)]


@pytest.mark.parametrize("make", [_dask_array, _dask_frame])
@pytest.mark.parametrize("lengths", [(1, 0, 699, 800), (500, 500, 500)])
def test_partitions_do_not_matter(rows, make, lengths):
    plain = model().fit(rows)
    found = model(memory=LITTLE).fit(make(rows, lengths))
    for name in ("latent_", "manifold_", "labels_"):
        assert getattr(plain, name).tobytes() == getattr(found, name).tobytes(), name


def test_a_mapped_array_and_one_of_hdf5_stay_where_they_are(rows, tmp_path):
    import h5py

    plain = model().fit(rows)
    mapped = np.load(_npy(tmp_path, rows), mmap_mode="r")
    same(plain, model(memory=LITTLE).fit(mapped))
    with h5py.File(_hdf5(tmp_path, rows)) as file:
        same(plain, model(memory=LITTLE).fit(file["x"]))


def _frames(*frames: pd.DataFrame) -> Any:
    import dask.dataframe as dd
    from dask import delayed

    return dd.from_delayed(
        [delayed(frame.copy)() for frame in frames], meta=frames[0].head(0), verify_meta=False
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.rename(columns={"c1": "other"}), "partition 1 (from row 100 on).*other"),
        (lambda f: f.drop(columns="c1"), "partition 1 .*its columns are not"),
        (lambda f: f.assign(c1="a"), "partition 1 "),
        (lambda f: f.assign(c1=np.nan), "partition 1 "),
        (lambda f: f.assign(c1=1e300), "partition 1 .*float64"),
    ],
    ids=["renamed", "missing", "strings", "gaps", "another type"],
)  # fmt: skip
def test_partitions_of_other_columns_are_refused_by_number(rows, change, message):
    frame = _frame(rows)
    with pytest.raises(DataError, match=message.replace("(", r"\(").replace(")", r"\)")):
        model(memory=LITTLE).fit(_frames(frame[:100], change(frame[100:])))


def test_a_corrupt_part_in_the_middle_is_named(rows, tmp_path):
    folder = _parts(tmp_path, rows)
    damaged = folder / "part-2.parquet"
    content = bytearray(damaged.read_bytes())
    content[100:30000] = b"\xff" * 29900
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=r"part-2\.parquet"), open_rows(folder) as source:
        model(memory=LITTLE).fit(source)


def test_rows_that_come_while_they_are_read_are_refused(rows, tmp_path, monkeypatch):
    with open_rows(_parquet(tmp_path, rows)) as source:
        source.n_rows = ROWS - 100
        with pytest.raises(DataError, match="changed while it was read"):
            model(memory=LITTLE).fit(source)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"embedder": "truncated_svd"}, "'truncated_svd' needs all rows in memory; use .*pca"),
        ({"embedder": {"name": "pca", "solver": "randomized"}}, "solver 'randomized'"),
        ({"manifolder": "umap"}, "umap.*max_landmarks"),
        ({"manifolder": {"name": "umap", "max_landmarks": 100, "metric": "cosine"}}, "cosine"),
        ({"clusterer": "hdbscan"}, "'hdbscan' needs all rows in memory"),
    ],
)
def test_what_cannot_be_fitted_out_of_core_is_named_before_it_starts(rows, changed, message):
    heard: list[Any] = []
    with pytest.raises(CompositionError, match=message) as caught:
        model(memory=LITTLE, listeners=[heard.append], **changed).fit(rows)
    assert "fit in memory, which takes about 8.1 GiB" in str(caught.value)
    assert not heard


def test_too_little_memory_for_anything_says_how_much_would_do(rows):
    with pytest.raises(ConfigError, match=r"out of core they need about 8\.1 GiB"):
        model(memory="1GiB").fit(rows)


def test_enough_memory_has_all_rows_in_memory(rows):
    found = model(memory="16 GiB").fit(rows)
    assert not is_mapped(found.latent_)
    same(model().fit(rows), found)


def test_more_memory_than_may_be_ends_the_fit(rows, monkeypatch):
    from n2d_framework.core import resources

    monkeypatch.setattr(resources, "own_memory", lambda: 9.0)
    with pytest.raises(StageError, match=r"more than its memory of 8\.1 GiB"):
        model(memory=LITTLE).fit(rows)


def test_numbers_of_clusters_are_tried_in_memory_only(rows, run, tmp_path):
    with pytest.raises(ConfigError, match="auto tries several numbers"):
        model(memory=LITTLE, n_clusters="auto").fit(rows)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"data": str(_npy(tmp_path, rows)), "model": MODEL}))
    found = run(config, "--memory", LITTLE, "--choose-k", "2:4", "--out", tmp_path / "found")
    assert found.exit_code == 2
    assert "--choose-k: tries several numbers" in found.stderr


def test_weights_are_refused(rows):
    with pytest.raises(UnsupportedError, match="sample_weight"):
        model(memory=LITTLE).fit(rows, sample_weight=np.ones(ROWS))


@pytest.mark.parametrize("size", ["", "0", "-1GiB", "4 gigs", "nan", True, "GiB"])
def test_sizes_of_memory_that_are_none(size, rows):
    with pytest.raises(ConfigError, match="memory"):
        model(memory=size).fit(rows)


@pytest.mark.parametrize(
    ("size", "gib"), [("4GiB", 4), ("512 MiB", 0.5), (2, 2), (1.5, 1.5), ("1073741824e0", None),
                      ("4.294967296GB", 4), ("1TiB", 1024)],
)  # fmt: skip
def test_sizes_of_memory(size, gib):
    if gib is None:
        with pytest.raises(ConfigError):
            memory_size(size)
    else:
        assert memory_size(size) == gib


def _full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_without_room_is_found_before_and_during_the_fit(rows, monkeypatch):
    monkeypatch.setattr(scratch_module.os, "posix_fallocate", _full)
    with pytest.raises(OutputError, match=r"No space left.*TMPDIR"):
        model(memory=LITTLE).fit(rows)
    monkeypatch.undo()
    monkeypatch.setattr(out_of_core, "_BASE", 8 << 30)
    free = out_of_core.shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(out_of_core.shutil, "disk_usage", lambda _: free)
    with pytest.raises(OutputError, match="are free there, and the fit needs"):
        model(memory=LITTLE).fit(rows)


def test_scratch_in_memory_is_refused(rows, monkeypatch):
    monkeypatch.setattr(out_of_core, "_in_memory", lambda folder: True)
    with pytest.raises(ConfigError, match="TMPDIR"):
        model(memory=LITTLE).fit(rows)


def test_scratch_leaves_nothing_behind(tmp_path):
    found = Scratch(folder=tmp_path).empty((3, 2), np.float32)
    found[:] = 7
    assert is_mapped(found[1:])
    assert not [*tmp_path.iterdir()]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    def call(*arguments: object) -> Any:
        plain = ["--no-plots", "--no-report", "--no-store", *map(str, arguments)]
        return CliRunner().invoke(app, ["run", *plain])

    return call


def test_run_writes_the_same_labels(rows, run, tmp_path):
    config = tmp_path / "config.json"
    data = _parquet(tmp_path, rows)
    config.write_text(json.dumps({"data": str(data), "model": MODEL}))
    plain = run(config, "--out", tmp_path / "plain")
    assert plain.exit_code == 0, plain.output
    found = run(config, "--memory", LITTLE, "--out", tmp_path / "found")
    assert found.exit_code == 0, found.output
    assert "out of core: 1500 rows of 12 values" in found.stderr
    first, second = ((tmp_path / name / "labels.csv").read_bytes() for name in ("plain", "found"))
    assert first == second
    again = run(config, "--memory", LITTLE, "--out", tmp_path / "found")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_run_refuses_data_that_change(rows, run, tmp_path, monkeypatch):
    path = _npy(tmp_path, rows)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"data": str(path), "model": MODEL, "memory": LITTLE}))
    choose = WithinMemory.rows

    def changing(self: WithinMemory, x: Any) -> Any:
        os.utime(path, (1, 1))
        return choose(self, x)

    monkeypatch.setattr(WithinMemory, "rows", changing)
    found = run(config, "--out", tmp_path / "found")
    assert found.exit_code == 2
    assert "changed while it was read" in found.stderr
    assert not (tmp_path / "found").exists()


def test_text_tables_larger_than_the_memory_need_another_format(rows, run, tmp_path):
    path = tmp_path / "rows.csv"
    _frame(rows).to_csv(path, index=False)
    found = run(path, "--memory", "0.1MiB", "--out", tmp_path / "found")
    assert found.exit_code == 2
    assert "Parquet" in found.stderr
