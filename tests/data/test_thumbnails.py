"""Pictures beside rows that are not images themselves: paths in a table, images beside numbers."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from n2d_framework import N2D
from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError, DataWarning

RED, BLUE = (210, 20, 30), (20, 40, 200)
RNG = np.random.default_rng(0)
N = 24


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Measured numbers of things, whose photos lie in a folder beside."""
    (tmp_path / "photos").mkdir()
    names = []
    for row in range(N):
        names.append(f"photos/{row}.{'png' if row % 3 else 'jpg'}")
        size = (40, 20 + row) if row % 2 else (25, 25)
        Image.new("RGB", size, RED if row < N // 2 else BLUE).save(tmp_path / names[-1])
    numbers = RNG.normal(size=(N, 2)) + 9 * (np.arange(N) >= N // 2)[:, None]
    frame = pd.DataFrame({"photo": names, "weight": numbers[:, 0], "length": numbers[:, 1]})
    frame.to_csv(tmp_path / "things.csv", index=False)
    return tmp_path / "things.csv"


def report(path: Path, ref: dict[str, Any], **options: Any) -> str:
    data = load(ref)
    model = N2D("identity", "identity", "kmeans", n_clusters=2, random_state=0).fit(data)
    return model.report(path.parent / "report.html", data, **options).read_text()


def shown(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Middle colour of the picture of each drawn row, and which row that is."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    sheet = data["sprite"]
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["src"].partition(",")[2])))
    width, height, columns = sheet["width"], sheet["height"], sheet["columns"]
    rows = np.frombuffer(base64.b64decode(data["points"]["row"]), "<u4")
    middle = [
        picture.convert("RGB").getpixel(
            ((i % columns) * width + width // 2, (i // columns) * height + height // 2)
        )
        for i in range(len(rows))
    ]
    return np.array(middle, dtype=int), rows


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".feather"])
def test_numbers_are_clustered_and_pictures_are_shown(table: Path, suffix: str) -> None:
    frame, path = pd.read_csv(table), table.with_suffix(suffix)
    if suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif suffix != ".csv":
        getattr(frame, {".parquet": "to_parquet", ".feather": "to_feather"}[suffix])(path)
    ref = {"path": path, "thumbnails": "photo"}
    data = load(ref)
    assert data.schema.names == ("weight", "length")
    assert data.x.shape == (N, 2)
    text = report(path, ref)
    colours, rows = shown(text)
    expected = np.where((rows < N // 2)[:, None], RED, BLUE)
    assert np.abs(colours - expected).max() <= 12  # JPEG is not exact
    assert text.count('alt="typical row') >= 10
    assert 'alt="mean of' not in text
    assert "weight" in text
    with open_rows(ref) as source:
        assert np.concatenate(list(source.chunks(7))).tolist() == data.x.tolist()


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 3), (36,)])
@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_arrays_of_images_are_shown_beside_arrays_of_numbers(
    tmp_path: Path, shape: tuple[int, ...], suffix: str
) -> None:
    dark = np.arange(N) < N // 2
    pictures = np.where(dark.reshape(-1, *[1] * len(shape)), 0, 255) * np.ones(shape)
    pictures = pictures.astype(np.uint8)
    z = RNG.normal(size=(N, 3)) + 9 * dark[:, None]
    path = tmp_path / f"latent{suffix}"
    if suffix == ".npz":
        np.savez(path, z=z, images=pictures)
    else:
        with h5py.File(path, "w") as file:
            file["z"], file["images"] = z, pictures
    text = report(path, {"path": path, "x": "z", "thumbnails": "images"})
    colours, rows = shown(text)
    assert (colours == np.where(rows < N // 2, 0, 255)[:, None]).all()
    assert text.count('alt="mean of') == 2
    assert 'alt="typical row' not in report(
        path, {"path": path, "x": "z", "thumbnails": "images"}, keep_rows=False
    )


def test_rows_without_a_picture_and_broken_ones_are_blank_and_said(table: Path) -> None:
    frame = pd.read_csv(table)
    frame.loc[3, "photo"] = None
    frame.loc[4, "photo"] = "photos/gone.png"
    frame.loc[5, "photo"] = "https://example.org/5.png"
    frame.to_csv(table, index=False)
    (table.parent / "photos/7.png").write_bytes(b"")
    Path(table.parent / "photos/8.png").write_bytes(b"no image")
    ref = {"path": table, "thumbnails": "photo"}
    with pytest.raises(DataError, match=r"no file 'photos/gone.png' in row 5 .* and 1 more"):
        load(ref)
    with pytest.warns(DataWarning) as noted:
        colours, rows = shown(report(table, {**ref, "on_error": "skip"}))
    said = "\n".join(str(note.message) for note in noted)
    assert "no file: 'photos/gone.png' in row 5" in said
    assert "cannot be read are blank, 2 of those shown" in said
    blank = np.isin(rows, [3, 4, 5, 7, 8])
    assert (colours[blank] > 235).all()
    assert not (colours[~blank] > 235).all(axis=1).any()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"thumbnails": "foto"}, "no column 'foto'; did you mean 'photo'"),
        ({"thumbnails": "weight"}, r"rows of shape \(1,\), which are not images"),
        ({"x": ["weight", "photo"]}, "cannot hold the thumbnails and something else"),
        ({"y": "photo"}, "cannot hold the thumbnails and something else"),
        ({"text": "photo"}, "cannot hold the thumbnails and something else"),
        ({"thumbnails": ["photo"]}, "must be the name of a column"),
        ({"id": "weight", "time": "length"}, "a series of a long table has many rows"),
    ],
)
def test_what_cannot_be_is_refused(table: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        load({"path": table, "thumbnails": "photo", **change})


def test_elsewhere_they_are_refused(tmp_path: Path, table: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.eye(5), i=np.zeros((5, 7)), j=np.zeros((4, 3, 3)))
    with pytest.raises(DataError, match=r"shape \(7,\), which are not images"):
        load({"path": tmp_path / "a.npz", "thumbnails": "i"})
    with pytest.raises(DataError, match="4 thumbnails in 'j' for 5 rows"):
        load({"path": tmp_path / "a.npz", "thumbnails": "j"})
    with pytest.raises(DataError, match="images of a folder are shown as they are"):
        load({"path": tmp_path / "photos", "thumbnails": "j"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (np.zeros((N - 1, 4, 4)), "thumbnails have 23 rows, the rows have 24"),
        (np.zeros((N, 4)), "must be images of shape"),
        (np.full((N, 2, 2), np.nan), "not finite"),
        ([3] * N, "must be images"),
        (np.array([None] * N), "must be images"),
    ],
)
def test_given_in_python_they_are_checked(table: Path, given: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        report(table, {"path": table, "drop": "photo"}, thumbnails=given)


def test_given_in_python_they_may_be_paths(table: Path) -> None:
    paths = [table.parent / name for name in pd.read_csv(table)["photo"]]
    colours, rows = shown(report(table, {"path": table, "drop": "photo"}, thumbnails=paths))
    assert np.abs(colours - np.where((rows < N // 2)[:, None], RED, BLUE)).max() <= 12
