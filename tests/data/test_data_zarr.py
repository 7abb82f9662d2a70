"""Zarr stores: arrays, sparse matrices and AnnData in folders; nothing that acts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from n2d_framework.data import load, open_rows
from n2d_framework.errors import DataError

zarr = pytest.importorskip("zarr")
pytestmark = [
    pytest.mark.filterwarnings("ignore::n2d_framework.errors.DataWarning"),
    pytest.mark.filterwarnings("ignore:.*Zarr format 3 specification"),
]
X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.array(["a", "b", "c"])[np.arange(30) % 3]
COUNTS = sp.csr_array((X > 0.5) * 3.0)


def store(path: Path, version: int, **arrays: Any) -> Path:
    """A store with arrays; names may be paths."""
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    for name, values in arrays.items():
        root.create_array(name, data=np.asarray(values), chunks=(7, *np.shape(values)[1:]))
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_arrays_are_read_whole_and_in_pieces(tmp_path: Path, version: int) -> None:
    ids = np.array([f"k{i}" for i in range(30)])
    path = store(tmp_path / "a.zarr", version, **{"x": X, "y": Y, "more/key": ids})
    found = load({"path": path, "id": "more/key"})
    np.testing.assert_array_equal(found.x, X)
    assert (found.x.dtype, found.y.tolist(), found.ids[-1]) == (X.dtype, Y.tolist(), "k29")
    with open_rows(path) as source:
        np.testing.assert_array_equal(np.concatenate(list(source.chunks(8))), X)
    with pytest.raises(DataError, match=r"a\.zarr: it has no array 'xs'; did you mean 'x'"):
        load({"path": path, "x": "xs"})


@pytest.mark.parametrize("version", [2, 3])
def test_one_array_alone_is_the_rows(tmp_path: Path, version: int) -> None:
    path = tmp_path / "without suffix"
    zarr.create_array(str(path), data=X, zarr_format=version)
    np.testing.assert_array_equal(load(path).x, X)


@pytest.mark.parametrize("version", [2, 3])
def test_cells_of_anndata_come_with_their_names(tmp_path: Path, version: int) -> None:
    path = tmp_path / "cells.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    root.attrs["encoding-type"] = "anndata"
    for name in ("X", "layers/counts"):
        group = root.create_group(name)
        group.attrs.update({"encoding-type": "csr_matrix", "shape": list(COUNTS.shape)})
        for part in ("data", "indices", "indptr"):
            group.create_array(part, data=getattr(COUNTS, part))
    for place, names in (("obs", [f"cell{i}" for i in range(30)]), ("var", list("wxyz"))):
        root.create_group(place).attrs["_index"] = "names"
        root[place].create_array("names", data=np.array(names))
    kinds = root["obs"].create_group("kind")
    kinds.create_array("categories", data=np.array(["a", "b", "c"]))
    kinds.create_array("codes", data=(np.arange(30) % 3).astype(np.int8))
    found = load({"path": path, "x": "layers/counts", "y": "obs/kind"})
    np.testing.assert_array_equal(found.x.toarray(), COUNTS.toarray())
    assert (found.y.tolist(), found.ids[-1]) == (Y.tolist(), "cell29")
    assert found.schema.names == ("w", "x", "y", "z")


def metadata(path: Path, change: Any) -> None:
    """Change what an array says of itself."""
    place = next(p for p in (path / "x/zarr.json", path / "x/.zarray") if p.exists())
    described = json.loads(place.read_text())
    change(described)
    place.write_text(json.dumps(described))


@pytest.mark.parametrize("name", ["pickle", "json2", "msgpack2"])
def test_codecs_that_make_objects_are_never_used(tmp_path: Path, name: str) -> None:
    path = store(tmp_path / "a.zarr", 2, x=X)
    metadata(path, lambda found: found.update(filters=[{"id": name}], dtype="|O", fill_value=None))
    with pytest.raises(DataError, match=rf"needs the codec '{name}'|cannot be read as a Zarr"):
        load(path)


def test_links_out_of_a_store_are_not_followed(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", 3, x=X)
    chunk = next(item for item in (path / "x/c").rglob("*") if item.is_file())
    chunk.rename(tmp_path / "elsewhere")
    chunk.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is a link, which is not followed"):
        load(path)


@pytest.mark.parametrize("version", [2, 3])
def test_a_store_that_declares_more_than_it_holds_is_refused(tmp_path: Path, version: int) -> None:
    path = store(tmp_path / "a.zarr", version, x=X)
    metadata(path, lambda found: found.update(shape=[10**10, 4]))
    with pytest.raises(DataError, match="made to fill the memory"):
        load(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_damage_is_refused_or_does_not_matter(tmp_path: Path, version: int, seed: int) -> None:
    rng = np.random.default_rng([seed, version])
    path = store(tmp_path / "a.zarr", version, x=X, y=Y)
    files = sorted(item for item in path.rglob("*") if item.is_file())
    place = files[int(rng.integers(len(files)))]
    content = bytearray(place.read_bytes())
    if rng.random() < 0.5:
        content = content[: int(rng.integers(len(content)))]
    else:
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    place.write_bytes(content)
    try:
        found = load(path)
    except DataError as error:
        message = str(error)
    else:
        message = f"{path}: rows of {found.x.shape[1:]}"
        assert found.x.shape == (30, 4)
    assert "a.zarr" in message


def test_without_zarr_the_message_says_what_to_install(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = store(tmp_path / "a.zarr", 2, x=X)
    code = (
        "import sys; sys.modules['zarr'] = None\n"
        "from n2d_framework.data import open_rows\n"
        f"open_rows({str(path)!r})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "n2d_framework[zarr]"' in said.stderr


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("codec", "place"), [("Blosc", 4), ("Blosc", 8), ("Blosc", 12), ("LZ4", 0)]
)
def test_sizes_that_no_piece_has_are_refused(tmp_path, codec, size, place):
    numcodecs = pytest.importorskip("numcodecs")
    path = tmp_path / "a.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=2)
    root.create_array(
        "x", data=np.ones((30, 4)), chunks=(30, 4), compressors=getattr(numcodecs, codec)()
    )
    piece = path / "x" / "0.0"
    content = bytearray(piece.read_bytes())
    content[place : place + 4] = size.to_bytes(4, "little")
    piece.write_bytes(content)
    for read in (load, lambda given: list(open_rows(given).blocks(7))):
        with pytest.raises(DataError, match=r"a\.zarr"):
            read(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("left", [0, 15, 16, 40])
def test_a_piece_that_is_cut_off_is_not_filled_from_memory(tmp_path, version, left):
    codec = zarr.codecs.BloscCodec() if version == 3 else pytest.importorskip("numcodecs").Blosc()
    path = tmp_path / "a.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    root.create_array("x", data=X, chunks=(10, 4), compressors=codec)
    np.testing.assert_array_equal(load(path).x, X)
    piece = path / "x" / ("1.0" if version == 2 else "c/1/0")
    piece.write_bytes(piece.read_bytes()[:left])
    for read in (load, lambda given: list(open_rows(given).blocks(7))):
        with pytest.raises(DataError, match=re.escape(str(piece)) if left else r"a\.zarr"):
            read(path)


def _sharded(path, location="end", compressors=None):
    root = zarr.open_group(str(path), mode="w", zarr_format=3)
    root.create_array(
        "x", data=X, chunks=(5, 4), shards={"shape": (10, 4), "index_location": location},
        compressors=compressors or zarr.codecs.BloscCodec(),
    )  # fmt: skip


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("claimed", [0, 17, 0x7FFFFFFF, 0xFFFFFFFF])
def test_pieces_of_blosc_within_shards_are_looked_at(tmp_path, location, claimed):
    path = tmp_path / "a.zarr"
    _sharded(path, location)
    np.testing.assert_array_equal(load(path).x, X)
    shard = path / "x" / "c" / "1" / "0"
    content = bytearray(shard.read_bytes())
    index = content[-36:-4] if location == "end" else content[:32]
    start = int.from_bytes(index[16:24], "little")  # of the second piece
    content[start + 12 : start + 16] = claimed.to_bytes(4, "little")
    shard.write_bytes(content)
    for read in (load, lambda given: list(open_rows(given).blocks(7))):
        with pytest.raises(DataError, match=re.escape(str(shard))):
            read(path)


@pytest.mark.parametrize("left", [0, 10, 40, -1])
def test_a_shard_that_is_cut_off_is_refused(tmp_path, left):
    path = tmp_path / "a.zarr"
    _sharded(path)
    shard = path / "x" / "c" / "0" / "0"
    shard.write_bytes(shard.read_bytes()[:left])
    with pytest.raises(DataError, match=r"a\.zarr"):
        load(path)


def test_blosc_that_cannot_be_looked_at_is_refused(tmp_path):
    path = tmp_path / "a.zarr"
    _sharded(path, compressors=[zarr.codecs.BloscCodec(), zarr.codecs.Crc32cCodec()])
    with pytest.raises(DataError, match="write it again with Blosc as the last codec"):
        load(path)
