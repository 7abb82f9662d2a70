"""Damaged stores and folders of comparisons: the same answers, computed again, or refused."""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from damage_cases import mutate
from memory_cases import SMALL
from table_cases import Case, require
from truth import Rng, some

import n2d_framework as n2d
from n2d_framework.errors import N2DError
from n2d_framework.experiment import open_comparison
from n2d_framework.storage import decode, encode


@functools.cache
def _rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(18, 3)) + 9 * np.repeat(np.eye(3), 6, axis=0)


def _model(store: Path | None) -> n2d.N2D:
    return n2d.N2D(**SMALL, n_clusters=3, random_state=0, store=store)  # type: ignore[arg-type]


@functools.cache
def _kept() -> Path:
    """A folder for what all cases start from; removed when the worker ends."""
    folder = tempfile.TemporaryDirectory(prefix="n2d-inputs-")
    _FOLDERS.append(folder)
    return Path(folder.name)


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def _store() -> tuple[Path, np.ndarray, np.ndarray]:
    """A store with every stage, and the labels and coordinates that come out of it."""
    place = _kept() / "store"
    fitted = _model(place).fit(_rows())
    assert np.array_equal(fitted.labels_, _model(None).fit(_rows()).labels_)
    return place, fitted.labels_, fitted.manifold_


@functools.cache
def _comparison() -> Path:
    """A finished comparison of two cells."""
    out = _kept() / "comparison"
    config = {
        "embedders": [SMALL["embedder"]], "manifolders": ["identity"],
        "clusterers": [SMALL["clusterer"]], "n_clusters": [2, 3], "seeds": 1, "dbcv_rows": 0,
    }  # fmt: skip
    n2d.compare(config, out, data={"groups": (_rows(), np.repeat([0, 1, 2], 6))})
    return out


def prepare() -> None:
    """Make what the cases start from, before any limits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _store()
        _comparison()


def _special(rng: Rng, path: Path) -> str:
    """Something else than a file in the place of one."""
    path.unlink()
    way = some(rng, ["directory", "pipe", "link", "device", "loop", "gone", "empty"])
    if way == "directory":
        path.mkdir()
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "link":
        path.symlink_to("/etc/hostname")
    elif way == "device":
        path.symlink_to("/dev/zero")
    elif way == "loop":
        path.symlink_to(path.name)
    elif way == "empty":
        path.touch()
    return str(way)


def _forged(rng: Rng, path: Path) -> str:
    """An entry that is written properly, with another value."""
    manifest, parts = decode(path.read_bytes(), kind="stage")
    name = some(rng, sorted(parts))
    key = some(rng, sorted(parts[name]))
    value: Any = parts[name][key]
    if isinstance(value, np.ndarray) and value.size:
        changed = value.copy()
        changed.reshape(-1)[int(rng.integers(value.size))] = some(rng, [0, 1, 2])
        parts[name][key] = changed
    else:
        parts[name][key] = some(rng, [None, 0, 1.5, "x", []])
    path.write_bytes(encode(manifest, parts, created="", kind="stage"))
    return f"forged {name}/{key}"


def store(rng: Rng, folder: Path) -> Case:
    """An entry that is damaged, swapped, forged or none at all: the same labels all the same."""
    pristine, labels, manifold = _store()
    place = folder / "store"
    shutil.copytree(pristine, place)
    paths = sorted(place.rglob("*.stage"))
    path = some(rng, paths)
    way = some(rng, ["bytes", "bytes", "special", "swapped", "forged"])
    if way == "bytes":
        path.write_bytes(mutate(rng, path.read_bytes()))
    elif way == "special":
        way = _special(rng, path)
    elif way == "swapped":
        other = some(rng, [item for item in paths if item != path])
        path.write_bytes(other.read_bytes())
    else:
        way = _forged(rng, path)

    def run() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = _model(place).fit(_rows())
            except N2DError:
                return "refused"
        assert np.array_equal(found.labels_, labels), f"labels {found.labels_}"
        assert np.array_equal(found.manifold_, manifold), "coordinates"
        return "recomputed"

    return f"{way} of {path.parent.name}", run


def _answers(folder: Path, pictures: int | None = None) -> str:
    """Contents of a folder as a user reads them; with a number of pictures, a report is written."""
    comparison = open_comparison(folder)
    found = [comparison.table.to_csv(), comparison.leaderboard().to_csv(), comparison.to_markdown()]
    if pictures is not None:
        comparison.report(folder / "again.html", pictures=pictures, max_points=20)
    found.append(str(comparison.best(data="groups").labels_.tolist()))
    return "\n".join(found)


@functools.cache
def _right_answers() -> str:
    return _answers(_comparison())


def _same_meaning(path: Path, content: bytes) -> bool:
    """Return whether what changed in a mark is only how it is written."""
    try:
        return bool(json.loads(content) == json.loads(path.read_bytes()))
    except (ValueError, RecursionError):
        return False


def comparison(rng: Rng, folder: Path) -> Case:
    """A folder in which one file has changed bytes, is another thing, or is gone."""
    place = folder / "comparison"
    shutil.copytree(_comparison(), place)
    _right_answers()
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".html")
    own = [path for path in files if path.suffix in (".json", ".parquet")]
    path = some(rng, own if rng.random() < 0.6 else files)
    kept = path.read_bytes()
    way = "bytes"
    pictures = some(rng, [None] * 16 + [0, 1])  # a report costs as much as a hundred other cases
    if rng.random() < 0.8:
        path.write_bytes(mutate(rng, kept, text=path.suffix == ".json"))
    else:
        way = _special(rng, path)

    def run() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = _answers(place, pictures)
            except N2DError as error:
                require(len(str(error)) < 5000, "the message is too long")
                return "refused"
        if found == _right_answers():
            return "right"
        # A mark is plain JSON that a person may edit; a record that is gone is not shown.
        if way != "gone":
            assert path.name == "comparison.json", "other values came out"
            original = _comparison() / path.name
            assert not _same_meaning(original, path.read_bytes()), "other values of the same"
        return "edited"

    return f"{way} of {path.relative_to(place)}", run
