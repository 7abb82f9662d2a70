"""Folders of photos of several sizes and modes: what they become, and what is left out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from n2d_framework import N2D
from n2d_framework import load as load_bundle
from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError, DataWarning
from n2d_framework.types import AnyArray

RED, BLUE = (200, 30, 40), (20, 60, 190)


def photo(path: Path, size: tuple[int, int], colour: Any = RED, mode: str = "RGB") -> None:
    """An image of one colour; size is height and width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", size[::-1], colour)
    if mode == "I;16":
        picture = Image.fromarray(np.full(size, 257 * colour[0], dtype=np.uint16))
    (picture if mode in ("I;16", "RGB") else picture.convert(mode)).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for n in range(6):
        colour = RED if n % 2 else BLUE
        photo(folder / "ab"[n % 2] / f"{n}.png", (30 + 10 * n, 80 - 10 * n), colour)
    return folder


def quiet(ref: Any, **options: Any) -> AnyArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load(ref, **options).x


def test_mixed_sizes_get_one_and_it_is_said(photos: Path) -> None:
    with pytest.warns(DataWarning, match=r"6 images of 30 x 80 to 80 x 30 .* scaled to 55 x 55"):
        data = load(photos)
    assert data.x.shape == (6, 55, 55, 3)
    assert data.names == ("a", "b")
    assert data.ids is not None
    assert data.ids[0] == "a/0.png"
    assert (data.x[:3] == BLUE).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = load({"path": photos, "resize": [10, 20], "mode": "grey"})
    assert chosen.x.shape == (6, 10, 20)
    with open_rows({"path": photos, "resize": [10, 20], "mode": "grey"}) as source:
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(4))), chosen.x)


@pytest.mark.parametrize(
    ("modes", "wanted", "shape", "dtype", "value"),
    [
        (["L", "RGB"], None, (4, 4, 3), np.uint8, 200),
        (["L", "LA"], None, (4, 4), np.uint8, 82),
        (["L", "I;16"], None, (4, 4), np.uint8, 200),
        (["I;16", "I;16"], "grey", (4, 4), np.uint16, 257 * 200),
        (["RGB", "RGBA"], None, (4, 4, 3), np.uint8, 200),
        (["P", "RGBA"], "rgba", (4, 4, 4), np.uint8, 200),
        (["CMYK", "RGB"], None, (4, 4, 3), np.uint8, 200),
        (["1", "RGB"], None, (4, 4, 3), np.uint8, 200),
    ],
)
def test_modes_get_one(
    tmp_path: Path, modes: list[str], wanted: str | None, shape: Any, dtype: Any, value: int
) -> None:
    for n, mode in enumerate(modes):
        photo(tmp_path / f"{n}.tif", (4, 4), mode=mode)
    x = quiet({"path": tmp_path, "mode": wanted})
    assert (x.shape[1:], x.dtype) == (shape, dtype)
    assert abs(int(x[1].ravel()[0]) - value) <= 1


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 3), (10, 20, 30, 0)).save(tmp_path / "a.png")
    Image.new("L", (3, 3), 7).save(tmp_path / "b.png")
    x = quiet(tmp_path)
    assert (x[0] == 255).all()
    assert (x[1] == 7).all()


def test_orientation_of_a_camera_counts_for_the_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for n in range(2):
        Image.new("RGB", (600, 300), RED).save(tmp_path / f"{n}.jpg", exif=exif)
    with pytest.warns(DataWarning, match="of 600 x 300 pixels .* scaled to 64 x 32"):
        assert load(tmp_path).x.shape == (2, 64, 32, 3)
    assert quiet({"path": tmp_path, "resize": "none"}).shape == (2, 600, 300, 3)


def test_broken_images_are_left_out_if_wanted(photos: Path) -> None:
    (photos / "a" / "0.png").write_bytes(b"")
    whole = (photos / "b" / "1.png").read_bytes()
    (photos / "b" / "1.png").write_bytes(whole[: len(whole) // 2])
    ref = {"path": photos, "resize": [8, 8]}
    with pytest.raises(
        DataError, match=r"0.png: the file is empty.*on_error: skip, or --on-error skip, leaves"
    ):
        load(ref)
    with pytest.warns(DataWarning, match=r"left out, 2 of 6: 'a/0.png', 'b/1.png'; the first"):
        data = load({**ref, "on_error": "skip"})
    assert data.ids is not None
    assert data.ids.tolist() == ["a/2.png", "a/4.png", "b/3.png", "b/5.png"]
    assert data.y is not None
    assert data.y.tolist() == [0, 0, 1, 1]
    for path in photos.glob("*/*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of 6 images can be read"):
        load({**ref, "on_error": "skip"})


def test_options_of_images_are_refused_elsewhere(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.0, 2.0]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match="resize, mode: for folders of images only"):
        load({"path": tmp_path / "t.csv", "resize": "auto", "mode": "grey"})


def test_a_bundle_remembers_how_images_were_read(photos: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = load(photos)
    model = N2D("pca", "identity", "kmeans", n_clusters=2, random_state=0).fit(data)
    model.save(tmp_path / "m.n2d")
    again = load_bundle(tmp_path / "m.n2d")
    photo(tmp_path / "new" / "other.png", (300, 500), RED)
    photo(tmp_path / "new" / "third.png", (20, 20), BLUE, mode="RGBA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = load(tmp_path / "new", like=again.schema_)
    assert new.x.shape == (2, 55, 55, 3)
    labels = model.labels_
    assert again.predict(new).tolist() == [labels[5], labels[0]]
