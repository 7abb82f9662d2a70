"""Whatever cannot be read is one kind of error: the place, the reason, the remedy."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError

X = np.arange(40.0).reshape(10, 4)


def npy_bytes(x: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, x, **options)
    return buffer.getvalue()


def valid(path: Path) -> Path:
    frame = pd.DataFrame(X, columns=list("abcd"))
    match path.suffix:
        case ".npy":
            np.save(path, X)
        case ".npz":
            np.savez_compressed(path, x=X, y=np.arange(10))
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".h5":
            with h5py.File(path, "w") as file:
                file["x"] = X
        case ".png":
            Image.fromarray(X.astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".csv.gz", ".jsonl.gz"])
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-32"])
def test_other_encodings_are_refused_with_the_line(
    tmp_path: Path, suffix: str, encoding: str
) -> None:
    lines = ['{"a": 1, "b": "plain"}', '{"a": 2, "b": "Größe"}']
    if "csv" in suffix:
        lines = ["a,b", "2,Größe"]
    content = "\n".join(lines).encode(encoding)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    name = encoding.upper() if encoding.startswith("utf") else "line 2 has bytes that are not UTF-8"
    with pytest.raises(DataError, match=f"a{suffix}: .*{name}.* save it as UTF-8"):
        load(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_what_is_compressed_and_not_called_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(DataError, match=f"a{suffix}: it is compressed with gzip; give it .* .gz"):
        load(path)


BINARY = [".npy", ".npz", ".parquet", ".h5"]


@pytest.mark.parametrize("suffix", [*BINARY, ".csv", ".tsv"])
def test_empty_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(DataError, match=f"{path.name}: the file is empty"):
        load(path)


@pytest.mark.parametrize("suffix", BINARY)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_file(tmp_path: Path, suffix: str, share: float) -> None:
    path = valid(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=f"{path.name}"):
        load(path)


@pytest.mark.parametrize("suffix", [*BINARY, ".csv"])
@pytest.mark.parametrize("other", [*BINARY, ".png"])
def test_wrong_suffix(tmp_path: Path, suffix: str, other: str) -> None:
    if suffix == other:
        pytest.skip("the right suffix")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(valid(tmp_path / f"b{other}").read_bytes())
    with pytest.raises(DataError, match=r"wrong suffix|no number|no rows|columns"):
        load(path)


@pytest.mark.parametrize("suffix", BINARY)
@given(data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_bytes_give_rows_or_a_data_error(
    suffix: str, data: st.DataObject, tmp_path: Path
) -> None:
    path = valid(tmp_path / f"a{suffix}")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(DataError):  # and nothing else
        assert load(path).x.ndim >= 2


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.mkdir, (str(tmp_path / "pwned"),))

    objects = np.array([[Evil()]], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=objects, allow_pickle=True)
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(DataError, match=name):
            load(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.array([["a", "b"]]), "not real numbers"),
        (np.ones((2, 2), dtype=complex), "not real numbers"),
        (np.zeros((2, 2), dtype="datetime64[s]"), "not real numbers"),
        (np.zeros(3, dtype=[("a", "f4")]), "not real numbers"),
        (np.arange(5.0), r"reshape a single feature to \(n, 1\)"),
        (np.float64(3), "reshape"),
        (np.empty((0, 4)), "empty"),
        (np.empty((4, 0)), "empty"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_that_are_not_rows(tmp_path: Path, suffix: str, x: np.ndarray, reason: str) -> None:
    path = tmp_path / f"a{suffix}"
    np.save(path, x) if suffix == ".npy" else np.savez(path, x=x)
    with pytest.raises(DataError, match=reason) as caught:
        load(path)
    assert path.name in str(caught.value)


def test_npz_that_declares_more_than_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = npy_bytes(np.zeros((2, 4)))
    for shape in ("(9000000000, 4)", "(4611686018427387904, 16)"):
        text = header.replace(b"(2, 4)", shape.encode())
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", text)
        with pytest.raises(DataError, match="x"):
            load(path)


def test_rows_beyond_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=(10**13, 64), dtype="f8", chunks=(1024, 64))
    with pytest.raises(DataError, match="made to fill the memory"):
        load(path)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.arange(9), "9 labels for 10 rows"),
        (np.zeros((10, 3)), "one per row"),
        (np.zeros(10, dtype=complex), "cannot be read"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, suffix: str, y: np.ndarray, reason: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, x=X, y=y)
    else:
        with h5py.File(path, "w") as file:
            file["x"], file["y"] = X, y
    with pytest.raises(DataError, match=reason):
        load(path)


def test_archives_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, first=X, second=X)
    with pytest.raises(DataError, match=r"first, second.*x: NAME"):
        load(path)
    with pytest.raises(DataError, match="no array 'third'; it has first, second"):
        load({"path": path, "x": "third"})
    with pytest.raises(DataError, match="one array"):
        load({"path": path, "x": ["first", "second"]})
    np.savez(path, x_train=X, x_test=X[:, :2])
    with pytest.raises(DataError, match="do not fit those of"):
        load(path)
    np.savez(path, x_train=X, x_test=X, z=X)
    with pytest.raises(DataError, match="name the array of rows too"):
        load({"path": path, "y": "z"})
    np.savez(path)
    with pytest.raises(DataError, match="holds no array"):
        load(path)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = h5py.Empty("f8")
    with pytest.raises(DataError, match="is empty"):
        load(tmp_path / "a.h5")
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(DataError, match="without a name"):
        load({"path": tmp_path / "a.npy", "x": "x"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3,oops\n5,4\n", "column 'b' has 'oops' in row 2 .*not a number as in most"),
        ("a,y\n1,u\n3,\n", "column 'y' has no value in row 2"),
        ("a,b\n1,2,3\n", "Expected 2 columns, got 3"),
        ("a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("a,b\n", "no rows"),
        ("\n\n", "no rows"),
        ("a,a\n1,2\n", "several columns are named 'a'"),
        ("y\n1\n", "no column is left"),
        ("a,label,class\n1,2,3\n", "'label' or 'class'"),
    ],
)
def test_text_tables(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=reason) as caught:
        load(path)
    assert "t.csv" in str(caught.value)
    with pytest.raises(DataError), open_rows(path) as source:  # noqa: PT012
        joined = list(source.chunks(1))
        if "column 'y'" in reason:  # a stream leaves labels out, so their holes do not matter
            assert len(joined) == 2
            raise DataError("as expected")


def test_rows_are_counted_across_blocks(tmp_path: Path) -> None:
    """The file is longer than one block of the reader."""
    path = tmp_path / "long.csv"
    line = ",".join(["0.123456789"] * 50)
    rows = [line] * 40_000
    rows[35_000] = line.replace("0.123456789", "bad", 1)
    path.write_text("\n".join([",".join(f"f{i}" for i in range(50)), *rows]))
    with pytest.raises(DataError, match="column 'f0' has 'bad' in row 35001"):
        load(path)
    rows[35_000] = line.replace("0.123456789", "", 1)
    path.write_text("\n".join([",".join(f"f{i}" for i in range(50)), *rows]))
    data = load(path)
    assert data.x.missing() == (35_000, "f0")


def test_parquet_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2], "b": [[1], [2]]}).to_parquet(path)
    with pytest.raises(DataError, match=r"column 'b' holds list.*drop: b"):
        load(path)
    with pytest.raises(DataError, match="no column 'c'; it has a, b"):
        load({"path": path, "x": ["c"]})
    with pytest.raises(DataError, match="no column 'c'"):
        load({"path": path, "y": "c"})
    with pytest.raises(DataError, match="feature and label"):
        load({"path": path, "x": ["a"], "y": "a"})
    pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}).to_parquet(path)
    assert load(path).x.missing() == (1, "a")
    pd.DataFrame({"a": pd.array([], dtype="float64")}).to_parquet(path)
    with pytest.raises(DataError, match="no rows"):
        load(path)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        load(path)


def image(path: Path, mode: str = "L", size: tuple[int, int] = (4, 4)) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new(mode, size).save(path)


def test_image_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image"):
        load(tmp_path)
    image(tmp_path / "a.png")
    image(tmp_path / "odd.png", size=(5, 4))
    with pytest.raises(DataError, match=r"odd.png: it is 4 x 5 pixels in mode L, but a.png is 4 x"):
        load({"path": tmp_path, "resize": "none"})
    image(tmp_path / "odd.tif", mode="F")
    with pytest.raises(DataError, match=r"odd.tif: its values have 32 bits"):
        load(tmp_path)
    (tmp_path / "odd.tif").unlink()
    (tmp_path / "odd.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(DataError, match=r"odd.png: cannot be read as an image"):
        load(tmp_path)
    (tmp_path / "odd.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"odd.png: the file is empty"):
        load(tmp_path)
    (tmp_path / "odd.png").unlink()
    image(tmp_path / "kind" / "b.png")
    with pytest.raises(DataError, match="beside the sub-folder 'kind'"):
        load(tmp_path)
    with pytest.raises(DataError, match="no names for x and y"):
        load({"path": tmp_path, "x": "x"})


def test_animations_and_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("L", (4, 4), level) for level in (0, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="2 frames"):
        load(tmp_path)
    (tmp_path / "a.gif").unlink()
    image(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 10_001, 10_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a.png: it has 10,000 x 10,001 pixels.*scale it down"):
        load(tmp_path)
    image(tmp_path / "a.png", size=(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="scale it down"):
        load(tmp_path)


def test_references_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'digits'"):
        load("digit")
    with pytest.raises(DataError, match="neither a known dataset nor a file") as caught:
        load("zzz")
    assert str(caught.value).count(" digits,") == 1
    assert ":digits" not in str(caught.value)
    with pytest.raises(DataError, match="did you mean 'n2d_framework:digits'"):
        load("n2d_framework:digit")
    with pytest.raises(DataError, match="no such file"):
        load(tmp_path / "none.npy")
    with pytest.raises(DataError, match="no such file"):
        load({"path": tmp_path / "none.npy"})
    with pytest.raises(DataError, match=r"no such file|no usable path"):
        load("a\0b.npy")
    with pytest.raises(DataError, match="not a usable path"):
        load("~nobody-of-that-name/b.npy")  # codespell:ignore nobody
    with pytest.raises(DataError, match="is a known dataset; drop x, y"):
        load({"path": "digits", "x": "a"})
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(DataError, match=r"suffix '.xlsx' cannot be read"):
        load(tmp_path / "a.xlsx")
    image(tmp_path / "a.png")
    with pytest.raises(DataError, match="give the folder"):
        load(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        (3, "must be the name of a dataset"),
        ({}, "data.path"),
        ({"path": 3}, "data.path"),
        ({"path": "a", "z": 1}, "data.z: unknown key"),
        ({"path": "a", "x": 1}, "data.x"),
        ({"path": "a", "x": []}, "data.x"),
        ({"path": "a", "x": ["a", 2]}, "data.x"),
        ({"path": "a", "y": 1}, "data.y"),
        ({"path": "a", "y": True}, "data.y"),
        ({"path": "a", "header": "no"}, "data.header"),
        ({"path": "a", "resize": [3]}, r"data.resize: must be \[height, width\]"),
        ({"path": "a", "resize": [0, 3]}, "data.resize"),
        ({"path": "a", "resize": "3x3"}, "data.resize"),
        ({"path": "a", "mode": "L"}, "data.mode: must be one of grey, rgb, rgba"),
        ({"path": "a", "on_error": True}, "data.on_error"),
    ],
)
def test_mappings_are_checked(ref: object, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        load(ref)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path: Path) -> None:
    path = valid(tmp_path / "a.npz")
    path.chmod(0)
    with pytest.raises(DataError, match="permissions"):
        load(path)
