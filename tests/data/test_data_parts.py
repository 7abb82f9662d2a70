"""Data in several parts: all are used, or a line says which are not."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from n2d_framework.core.dataset import class_names
from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError, DataWarning

X = np.arange(60.0).reshape(20, 3) % 7
Y = np.arange(20) % 4


def write(path: Path, **arrays: np.ndarray) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    return path


def remarks(path: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(path)
    return [str(item.message) for item in caught if item.category is DataWarning]


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize(
    "parts",
    [("train", "val", "test"), ("train", "valid"), ("validation", "test"), ("train", "dev")],
)
def test_every_part_is_joined_with_its_labels(
    tmp_path: Path, suffix: str, case: object, parts: tuple[str, ...]
) -> None:
    arrays = {}
    for at, part in enumerate(reversed(parts)):
        arrays |= {case(f"y_{part}"): Y[at::3], case(f"x_{part}"): X[at::3]}
    path = write(tmp_path / f"a{suffix}", **arrays)
    order = list(reversed(range(len(parts))))
    data = load(path)
    np.testing.assert_array_equal(data.x, np.concatenate([X[at::3] for at in order]))
    np.testing.assert_array_equal(data.y, np.concatenate([Y[at::3] for at in order]))
    assert remarks(path) == []
    one = load({"path": path, "x": case(f"x_{parts[0]}")})
    np.testing.assert_array_equal(one.y, Y[len(parts) - 1 :: 3])


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_parts_that_are_not_used_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    (line,) = remarks(write(path, x=X, y=Y, weights=Y, x_val=X))
    assert "not used: " in line
    assert "'weights'" in line
    assert "'x_val'" in line
    (line,) = remarks(write(path, x=X, y=Y, label=Y))
    assert "'label'" in line
    lines = remarks(write(path, x_train=X, y_train=Y, x_test=X))
    assert any("no labels are used, since there are none for 'x_test'" in line for line in lines)
    assert load(path).y is None
    lines = remarks(write(path, x_train=X, y_train=Y, x_test=X, mean=X[0]))
    assert any("'mean'" in line for line in lines)
    assert remarks({"path": path, "x": "x_train"}) == [], "the user has chosen"
    assert remarks({"path": write(path, x=X, y=Y), "y": False}) == []
    assert remarks(write(path, x=X, y=Y, feature_names=np.array(list("abc"), "S"))) == []


def test_parts_of_different_shape_are_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", x_train=X, x_val=X[:, :2], x_test=X)
    with pytest.raises(DataError, match=r"'x_val': its rows .* do not fit"):
        load(path)


def test_an_archive_with_a_name_twice_or_other_files(tmp_path: Path) -> None:
    import zipfile

    path = write(tmp_path / "a.npz", x=X)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "hello")
    (line,) = remarks(path)
    assert "'readme.txt'" in line
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x.npy", archive.read("x.npy"))
    with pytest.raises(DataError, match=r"two arrays 'x\.npy'"):
        load(path)


def picture(path: Path, value: int, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 5), value, np.uint8)).save(path, **options)


def test_pictures_deeper_in_a_folder_belong_to_its_class(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png", 1)
    picture(tmp_path / "cat" / "more" / "2.png", 2)
    picture(tmp_path / "cat" / "more" / "deep" / "3.png", 3)
    picture(tmp_path / "dog" / "more" / "4.png", 4)
    (tmp_path / "empty").mkdir()
    (tmp_path / "dog" / "notes.txt").touch()
    (tmp_path / "dog" / ".hidden.png").touch()
    for name in (".DS_Store", "Thumbs.db", "._1.png"):
        (tmp_path / "cat" / name).touch()
    (tmp_path / ".git" / "x.png").parent.mkdir()
    data = load(tmp_path)
    assert list(data.x[:, 0, 0]) == [1, 2, 3, 4]
    assert (data.names, list(data.y)) == (("cat", "dog"), [0, 0, 0, 1])
    assert list(data.ids) == [
        str(Path(*parts))
        for parts in [("cat", "1.png"), ("cat", "more", "2.png"), ("cat", "more", "deep", "3.png"),
                      ("dog", "more", "4.png")]
    ]  # fmt: skip
    deeper, empty, others = remarks(tmp_path)
    assert "3 images lie deeper" in deeper
    assert empty.endswith("'empty'")
    assert "'dog/notes.txt'" in others
    assert "hidden.png" in others
    assert "DS_Store" not in others
    picture(tmp_path / "loose.png", 5)
    with pytest.raises(DataError, match="beside the sub-folder 'cat'"):
        load(tmp_path)


def test_only_deeper_pictures_still_have_classes(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "x" / "1.png", 1)
    picture(tmp_path / "b" / "x" / "1.png", 2)
    assert load(tmp_path).names == ("a", "b")


def test_pictures_of_cameras_with_a_preview(tmp_path: Path) -> None:
    """Cameras write .jpg files with further frames (MPO)."""
    views = [Image.new("RGB", (12, 8), (shade, 9, 9)) for shade in (200, 30)]
    for name in ("a.jpg", "b.jpeg"):
        views[0].save(tmp_path / name, format="MPO", save_all=True, append_images=views[1:])
    with pytest.warns(DataWarning, match=r"of 2 pictures .* first frame .*'a\.jpg', 'b\.jpeg'"):
        data = load(tmp_path)
    assert data.x.shape == (2, 8, 12, 3)
    assert data.x[:, :, :, 0].min() > 150, "the first frame, not the preview"


@pytest.mark.parametrize(
    ("suffix", "kind"), [("gif", "GIF"), ("tif", "TIFF"), ("png", "PNG"), ("webp", "WEBP")]
)
def test_other_pictures_with_frames_are_refused(tmp_path: Path, suffix: str, kind: str) -> None:
    frames = [Image.new("RGB", (12, 8), (shade, 9, 9)) for shade in (200, 30)]
    frames[0].save(tmp_path / f"a.{suffix}", format=kind, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=rf"a\.{suffix}: it has 2 frames"):
        load(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_damaged_pictures_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    picture(tmp_path / f"a.{suffix}", 1)
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(tmp_path / f"b.{suffix}")
    whole = (tmp_path / f"b.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole)
    for at in range(10, len(whole), max(1, len(whole) // 40)):
        for content in (whole[:at], whole[:at] + b"\xff\x00\xff" + whole[at + 3 :]):
            (tmp_path / f"b.{suffix}").write_bytes(content)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    load(tmp_path)
            except DataError as error:
                assert f"b.{suffix}" in str(error)  # noqa: PT017


def parts(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    for name, frame in frames.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(folder / name)
    return folder


FRAME = pd.DataFrame(X, columns=list("abc")).assign(label=[f"c{i}" for i in Y])


@pytest.mark.parametrize("folder", ["table", "table.parquet"])
def test_a_folder_of_parquet_parts_is_one_table(tmp_path: Path, folder: str) -> None:
    path = parts(
        tmp_path / folder,
        {"part-1.parquet": FRAME[6:15], "part-0.parquet": FRAME[:6], "part-2.parquet": FRAME[15:]},
    )
    (path / "_SUCCESS").touch()
    (path / "_metadata").touch()
    (path / ".part-0.parquet.crc").touch()
    data = load(path)
    np.testing.assert_array_equal(data.x, X)
    assert list(data.y) == list(FRAME["label"])
    assert (data.name, data.schema.names) == ("table", ("a", "b", "c"))
    assert remarks(path) == []
    with open_rows(path) as source:
        assert source.n_rows == 20
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(4))), X)
    chosen = load({"path": path, "x": ["c", "a"], "y": False})
    np.testing.assert_array_equal(chosen.x, X[:, [2, 0]])


def test_parts_in_folders_and_files_beside_them(tmp_path: Path) -> None:
    path = parts(
        tmp_path,
        {"year=2020/a.parquet": FRAME[:6], "year=2021/a.parquet": FRAME[6:][["label", *"cab"]]},
    )
    (path / "notes.txt").touch()
    np.testing.assert_array_equal(load(path).x, X)
    lines = remarks(path)
    assert any("'notes.txt'" in line for line in lines)
    assert any("'year=2020', 'year=2021'" in line for line in lines)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (FRAME[["a", "b", "label"]], r"1\.parquet: its columns are not those of 0\.parquet.*'c'"),
        (FRAME.assign(d=1), r"1\.parquet.*'d'"),
        (FRAME.assign(b="u"), r"1\.parquet: column 'b' holds .*string, in 0\.parquet double"),
        (FRAME.assign(b=pd.Timestamp("2020")), r"1\.parquet: column 'b' holds timestamp"),
        (
            FRAME.assign(b=pd.Categorical(FRAME["label"])),
            r"1\.parquet: column 'b' holds dictionary",
        ),
        (FRAME.assign(b=np.inf), "column 'b' has inf in row 21 .*infinite"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    tmp_path: Path, second: pd.DataFrame, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        load(parts(tmp_path, {"0.parquet": FRAME, "1.parquet": second}))


def test_gaps_may_be_in_one_part_only(tmp_path: Path) -> None:
    gaps = FRAME.assign(b=pd.array([None, *range(19)], "Int64"))
    data = load(parts(tmp_path, {"0.parquet": FRAME, "1.parquet": gaps}))
    assert data.x.missing() == (20, "b")
    np.testing.assert_array_equal(data.x.column("b")[21:], np.arange(19.0))


def test_a_truncated_part_and_tables_with_a_log(tmp_path: Path) -> None:
    path = parts(tmp_path, {"0.parquet": FRAME, "1.parquet": FRAME})
    content = (path / "1.parquet").read_bytes()
    (path / "1.parquet").write_bytes(content[:-50])
    with pytest.raises(DataError, match=r"1\.parquet: cannot be read"):
        load(path)
    (path / "1.parquet").unlink()
    (path / "_delta_log").mkdir()
    with pytest.raises(DataError, match="Delta"):
        load(path)


NAMES = ["zero", "one", "two"]


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("called", ["class_names", "target_names", "label_names", "names"])
@pytest.mark.parametrize("rows", ["x", "measured"])
def test_names_of_classes_beside_the_labels_are_used(tmp_path, suffix, called, rows, recwarn):
    path = tmp_path / f"named{suffix}"
    names = np.array(NAMES, dtype=object if suffix == ".h5" else None)
    labels = np.array([0, 1, 2, 2, 1, 0])
    write(path, **{rows: np.arange(12.0).reshape(6, 2), "y": labels, called: names})
    assert load(path).names == tuple(NAMES)
    assert [str(w.message) for w in recwarn if issubclass(w.category, DataWarning)] == []


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 2, 2, 0], {0: "zero", 2: "two"}),  # some classes do not occur
        ([3, 5, 9, 3], {3: "zero", 5: "one", 9: "two"}),  # in their order
        ([-1, 1, 0, 2], {0: "zero", 1: "one", 2: "two"}),  # noise needs no name
        ([-1, 4, 6, 4], {4: "one", 6: "two"}),  # or has one
    ],
)
def test_each_class_has_its_own_name(tmp_path, y, expected):
    path = tmp_path / "named.npz"
    np.savez(path, x=np.eye(4), y=y, names=NAMES)
    found = load(path)
    assert class_names(np.unique(found.y).tolist(), found.names) == expected


@pytest.mark.parametrize("y", [[4, 7, 4, 7], [0, 1, 2, 3], [-1, 5, 5, 5]])
def test_names_that_do_not_fit_the_classes_are_pointed_out(tmp_path, y):
    path = tmp_path / "named.npz"
    np.savez(path, x=np.eye(4), y=y, names=NAMES)
    with pytest.warns(DataWarning, match=f"3 names are not used, since .* {len(set(y))} classes"):
        assert load(path).names == ()


def test_names_without_labels_are_not_used(tmp_path):
    path = tmp_path / "named.npz"
    np.savez(path, x=np.eye(4), names=["a", "b", "c", "d"])
    with pytest.warns(DataWarning, match="arrays that are not used: 'names'"):
        assert load(path).names == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load({"path": str(path), "id": "names"}).ids.tolist() == ["a", "b", "c", "d"]


def test_categories_of_anndata_name_the_codes(tmp_path):
    path = tmp_path / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = np.eye(4)
        file["obs/kind/codes"] = np.array([1, 0, 1, 2], dtype=np.int8)
        file["obs/kind/categories"] = ["B", "NK", "T"]
    found = load({"path": str(path), "x": "X", "y": "obs/kind/codes"})
    assert found.y.tolist() == [1, 0, 1, 2]
    assert found.names == ("B", "NK", "T")
