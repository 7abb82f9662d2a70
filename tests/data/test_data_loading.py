"""Every format gives the same rows, whole and in a stream."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 4))
Y = np.arange(23) % 3


def write(path: Path, x: np.ndarray = X, y: np.ndarray | None = Y) -> Path:
    columns = [f"f{i}" for i in range(x.shape[1])]
    frame = pd.DataFrame(x, columns=columns)
    if y is not None:
        frame["label"] = y
    arrays = {"x": x} if y is None else {"x": x, "y": y}
    match path.suffix:
        case ".npy":
            np.save(path, x)
        case ".npz":
            np.savez_compressed(path, **arrays)
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            frame.to_parquet(path, row_group_size=10)
        case ".h5" | ".hdf5":
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[name] = array
    return path


SUFFIXES = [".npy", ".npz", ".csv", ".tsv", ".parquet", ".h5", ".hdf5"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_load_gives_what_was_written(tmp_path: Path, suffix: str) -> None:
    data = load(write(tmp_path / f"rows{suffix}"))
    assert data.name == "rows"
    assert data.x.dtype == np.float64
    np.testing.assert_array_equal(data.x, X)
    if suffix == ".npy":
        assert data.y is None
    else:
        assert data.y is not None
        np.testing.assert_array_equal(data.y, Y)
        assert data.y.dtype == np.int64
    assert data.x.flags.c_contiguous
    assert data.x.flags.writeable


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_joined_equal_load(tmp_path: Path, suffix: str, size: int) -> None:
    path = write(tmp_path / f"rows{suffix}")
    with open_rows(path) as source:
        assert source.row_shape == (4,)
        assert source.n_rows == (None if suffix in (".csv", ".tsv") else 23)
        parts = list(source.chunks(size))
        again = list(source.chunks(size))
    assert all(0 < len(part) <= size for part in parts)
    assert all(part.dtype == source.dtype for part in parts)
    joined = np.concatenate(parts)
    np.testing.assert_array_equal(joined, load(path).x)
    np.testing.assert_array_equal(np.concatenate(again), joined)


def test_a_chunk_needs_a_row(tmp_path: Path) -> None:
    with open_rows(write(tmp_path / "a.npy")) as source, pytest.raises(DataError, match="size=0"):
        list(source.chunks(0))


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_train_and_test_are_joined_in_that_order(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mnist{suffix}"
    images = rng.integers(0, 256, size=(9, 5, 5), dtype=np.uint8)
    labels = np.arange(9, dtype=np.uint8)
    arrays = {
        "x_test": images[6:], "x_train": images[:6], "y_test": labels[6:], "y_train": labels[:6],
    }  # fmt: skip
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    data = load(path)
    np.testing.assert_array_equal(data.x, images)
    np.testing.assert_array_equal(data.y, labels)
    assert (data.x.dtype, data.modality) == (np.uint8, "image")
    one = load({"path": path, "x": "x_test"})
    np.testing.assert_array_equal(one.x, images[6:])
    np.testing.assert_array_equal(one.y, labels[6:])
    assert load({"path": path, "y": False}).y is None


def test_names_choose_arrays_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "two.npz"
    np.savez(path, latent=X, truth=Y, other=X + 1)
    data = load({"path": str(path), "x": "other", "y": "truth"})
    np.testing.assert_array_equal(data.x, X + 1)
    np.testing.assert_array_equal(data.y, Y)
    table = load({"path": write(tmp_path / "t.csv"), "x": ["f2", "f0"], "y": "f1"})
    np.testing.assert_array_equal(table.x, X[:, [2, 0]])
    np.testing.assert_array_equal(table.y, X[:, 1])
    column = load({"path": write(tmp_path / "t.parquet"), "x": "f3"})
    np.testing.assert_array_equal(column.x, X[:, [3]])


def test_nested_hdf5_datasets_and_text_labels(tmp_path: Path) -> None:
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w") as file:
        file["train/x"] = X
        file["train/kind"] = np.array(["ä", "b", "c"] * 7 + ["ä", "b"], dtype=h5py.string_dtype())
    data = load({"path": path, "x": "train/x", "y": "train/kind"})
    np.testing.assert_array_equal(data.x, X)
    assert list(data.y[:2]) == ["ä", "b"]


def test_a_single_unnamed_array_is_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    np.savez(path, X)
    np.testing.assert_array_equal(load(path).x, X)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", ">f8", "int64", "bool"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_any_real_type_in_any_order(tmp_path: Path, suffix: str, dtype: str, order: str) -> None:
    x = np.asarray(rng.integers(0, 2, size=(11, 3, 2)), dtype=dtype, order=order)
    path = tmp_path / f"a{suffix}"
    np.save(path, x) if suffix == ".npy" else np.savez(path, x=x)
    data = load(path)
    np.testing.assert_array_equal(data.x, x)
    assert data.x.dtype == np.dtype(dtype).newbyteorder("=")
    with open_rows(path) as source:
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(4))), x)


@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    size=st.integers(1, 7),
)
@settings(max_examples=60, deadline=None)
def test_text_tables_keep_every_bit(
    x: np.ndarray, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", x, None)
    np.testing.assert_array_equal(load(path).x, x)
    with open_rows(path) as source:
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(size))), x)


@pytest.mark.parametrize(
    ("text", "features", "label"),
    [
        ("1,2,3\n4,5,6\n", 3, False),
        ("a,b,c\n4,5,6\n", 3, False),
        ("a,b,class\n4,5,dog\n1,2,cat\n", 2, True),
        ("0,1,2\n4,5,6\n", 3, False),
        (",f,g\n0,5,6\n1,7,8\n", 2, False),
        ("x,y\n1,2\n", 2, False),
        ("x,y,label\n1,2,0\n", 2, True),
        ("a;b;y\n1.5;2;0\n", 2, True),
        ("\ufeffa,Target\r\n1,2\r\n\r\n", 1, True),
        ("f,y\n1,0\n1.5,1\n", 1, True),
    ],
)
def test_header_label_and_delimiter_are_found(
    tmp_path: Path, text: str, features: int, label: bool
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    data = load(path)
    assert data.x.shape[1] == features
    assert (data.y is not None) == label


def test_header_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,2\n3,4\n5,6\n")
    assert len(load({"path": path, "header": True}).x) == 2
    assert len(load({"path": path, "header": False}).x) == 3
    columns = load({"path": path, "header": False, "y": "1"})
    np.testing.assert_array_equal(columns.y, [2, 4, 6])


def test_text_labels_stay_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,cat\n2,7\n")
    assert list(load(path).y) == ["cat", "7"]
    path.write_text("a,y\n1,0.5\n2,7\n")
    assert list(load(path).y) == [0.5, 7.0]


def test_an_index_stored_by_pandas_is_not_a_feature(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, index=[f"row {i}" for i in range(23)], columns=list("abcd"))
    frame["label"] = pd.Categorical(["u", "v", "u"] * 7 + ["u", "v"])
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv")
    for suffix in ("parquet", "csv"):
        data = load(tmp_path / f"a.{suffix}")
        np.testing.assert_array_equal(data.x, X)
        assert list(data.y[:2]) == ["u", "v"]


def test_parquet_takes_the_common_type(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"a": np.arange(3, dtype=np.uint8), "b": np.ones(3, np.float32)})
    frame.to_parquet(path)
    assert load(path).x.dtype == np.float32
    frame[["a"]].to_parquet(path)
    assert load(path).x.dtype == np.uint8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "shapes"
    for name, count in (("square", 3), ("circle", 2)):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.full((6, 5), 10 * i + len(name), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    (root / "notes.txt").write_text("not an image")
    (root / ".hidden").mkdir()
    return root


def test_image_folder_with_classes(folder: Path) -> None:
    data = load(folder)
    assert (data.name, data.x.shape, data.x.dtype) == ("shapes", (5, 6, 5), np.uint8)
    assert data.names == ("circle", "square")
    assert list(data.y) == [0, 0, 1, 1, 1]
    assert list(data.x[:, 0, 0]) == [6, 16, 6, 16, 26]
    with open_rows(folder) as source:
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(2))), data.x)
        assert source.n_rows == 5
    bare = load({"path": folder, "y": False})
    assert bare.y is None
    assert bare.names == ()


@pytest.mark.parametrize(
    ("mode", "shape", "dtype"),
    [
        ("L", (4, 3), np.uint8), ("RGB", (4, 3, 3), np.uint8), ("RGBA", (4, 3, 4), np.uint8),
        ("1", (4, 3), np.uint8), ("P", (4, 3, 3), np.uint8), ("I;16", (4, 3), np.uint16),
    ],
)  # fmt: skip
def test_flat_image_folder_in_each_mode(
    tmp_path: Path, mode: str, shape: tuple[int, ...], dtype: type
) -> None:
    for i in range(2):
        Image.new(mode, (3, 4), i).save(tmp_path / f"{i}.png")
    data = load(tmp_path)
    assert (data.x.shape, data.x.dtype, data.y) == ((2, *shape), dtype, None)


def test_digits_is_embedded() -> None:
    data = load("digits")
    assert (data.x.shape, data.modality, data.names[3]) == ((1797, 8, 8), "image", "3")
    assert data.x.max() == 16
    assert data.licence
    assert data.citation
    assert data.source
    np.testing.assert_array_equal(load("n2d_framework:digits").x, data.x)
    np.testing.assert_array_equal(load({"path": "digits"}).x, data.x)
    with open_rows("digits") as source:
        assert source.n_rows == 1797
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(500))), data.x)


def test_a_known_name_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    Image.new("L", (3, 3)).save("digits/a.png")
    assert len(load("digits").x) == 1797
    assert len(load("./digits").x) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5", ".parquet", ".csv"])
def test_streaming_memory_does_not_grow_with_rows(tmp_path: Path, suffix: str) -> None:
    """Reading ten times the rows in chunks takes no more memory."""
    import subprocess

    code = (
        "import re, sys, pathlib, n2d_framework.data as d\n"
        "with d.open_rows(sys.argv[1]) as s:\n"
        "    n = sum(len(c) for c in s.chunks(500))\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(n, int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)\n"
    )
    peaks = []
    for n in (40_000, 240_000):
        path = tmp_path / f"{n}{suffix}"
        block = np.tile(rng.normal(size=(1000, 40)).round(2), (n // 1000, 1))
        if suffix == ".parquet":
            pd.DataFrame(block, columns=[f"f{i}" for i in range(40)]).to_parquet(
                path, row_group_size=5000
            )
        elif suffix == ".csv":
            write(path, block[:1000], None)
            head, _, lines = path.read_text().partition("\n")
            path.write_text(head + "\n" + lines * (n // 1000))
        else:
            write(path, block, None)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        read, peak = map(int, done.stdout.split())
        assert read == n
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 45, "there were 64 MB more to read"
