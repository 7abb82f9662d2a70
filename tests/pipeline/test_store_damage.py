"""Damaged entries of a store, of any kind: the fit continues, and says so in one line."""

from __future__ import annotations

import os
import socket
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n2d_framework import N2D, StageStore
from n2d_framework.core.events import StageFinished
from n2d_framework.core.state import check_state
from n2d_framework.errors import BundleError, StoreWarning
from n2d_framework.plan.store.entry_files import opened_entry, sealed_entry
from n2d_framework.plan.store.prune import prune_store, store_usage
from n2d_framework.storage import decode, encode, header


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(60, 5)) + 9 * np.repeat([0, 1, 2], 20)[:, None]).astype(np.float32)


def fit(rows: np.ndarray, store: Path, listener: Callable[[Any], None] | None = None) -> N2D:
    model = N2D(
        {"name": "pca", "latent_dim": 3},
        {"name": "umap", "n_neighbors": 8, "n_epochs": 11},
        {"name": "gmm", "n_clusters": 3, "n_init": 1},
        random_state=1,
        store=store,
        listeners=() if listener is None else (listener,),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", StoreWarning)
        return model.fit(rows)


@pytest.fixture(scope="module")
def pristine(rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, N2D]:
    place = tmp_path_factory.mktemp("pristine")
    return place, fit(rows, place)


@pytest.fixture
def store(pristine: tuple[Path, N2D], tmp_path: Path) -> Path:
    """A store of which every entry is whole."""
    place = tmp_path / "store"
    for path in pristine[0].rglob("*.stage"):
        copy = place / path.relative_to(pristine[0])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return place


def entry(place: Path, role: str) -> Path:
    for path in sorted(place.rglob("*.stage")):
        manifest, _ = decode(path.read_bytes(), kind="stage")
        if manifest["role"] == role and "part" not in manifest:
            return path
    raise AssertionError(role)


def check_refitted(rows: np.ndarray, store: Path, expected: N2D, n_lines: int = 1) -> str:
    """Fit; one line per entry, the same labels, and everything cached the next time."""
    with pytest.warns(
        StoreWarning, match=r"entry .* is damaged .*; it is computed again"
    ) as reported:
        model = fit(rows, store)
    lines = [str(warning.message) for warning in reported if warning.category is StoreWarning]
    assert len(lines) == n_lines, lines
    assert all("\n" not in line and len(line) < 600 for line in lines)
    assert np.array_equal(model.labels_, expected.labels_)
    assert model.predict(rows).tobytes() == expected.predict(rows).tobytes()
    cached = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", StoreWarning)
        fit(rows, store, lambda event: cached.append(event))
    assert all(event.cached for event in cached if isinstance(event, StageFinished))
    return lines[0]


def _socket(path: Path) -> None:
    # The name of a socket may have about 100 characters.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s")
        Path("s").rename(path.name)
    finally:
        os.chdir(here)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "precious").write_text("kept")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _sparse_with_header(path: Path) -> None:
    """A file that says that it is an entry of 200 MiB, and holds nothing."""
    size = 200 << 20
    head = header.pack("stage", b"").replace(b"length 0\n", b"length %d\n" % size).rstrip(b"\0")
    with path.open("wb") as file:
        file.write(head)
        file.truncate(512 + size)


SPECIAL: dict[str, Callable[[Path], Any]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "folder": _folder,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/stdin"),
    "loop of links": lambda path: path.symlink_to(path.name),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "sparse": _sparse,
    "sparse with a header": _sparse_with_header,
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_special_files_in_the_place_of_an_entry(rows, store, pristine, kind):
    path = entry(store, "embedder")
    path.unlink()
    SPECIAL[kind](path)
    reported = check_refitted(rows, store, pristine[1])
    assert kind != "pipe" or "a pipe" in reported
    assert stat.S_ISREG(path.lstat().st_mode)
    (aside,) = store.rglob("precious") if kind == "folder" else [None]
    assert aside is None or aside.read_text() == "kept"


@pytest.mark.parametrize("kind", ["pipe", "socket", "loop of links", "link to nothing", "empty"])
def test_special_files_in_the_place_of_a_folder_of_entries(rows, store, pristine, kind):
    path = entry(store, "embedder")
    folder = path.parent
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    SPECIAL[kind](folder)
    check_refitted(rows, store, pristine[1])


def test_links_are_neither_followed_nor_removed_through(rows, store, pristine, tmp_path):
    """Not to an entry elsewhere, not to a folder elsewhere, not round in circles."""
    path = entry(store, "embedder")
    other = tmp_path / "other" / path.parent.name
    other.mkdir(parents=True)
    path.rename(other / path.name)
    path.symlink_to(other / path.name)
    (store / "zz").symlink_to(tmp_path / "other")
    (store / "zy").symlink_to(store)
    (path.parent / "up").symlink_to(store)
    assert path.stem not in StageStore(store)
    listed = [file.key for file in StageStore(store).files()]
    assert path.stem not in listed
    assert store_usage(StageStore(store)).entries == len(set(listed)) == len(listed)
    prune_store(StageStore(store), older_than=0, recent=0)
    assert (other / path.name).exists()
    assert StageStore(store).keys() == set()
    fit(rows, store)
    assert (other / path.name).exists()
    assert not path.is_symlink()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in pairs:
        if isinstance(value, (dict, list)):
            yield from _places(value)
        else:
            yield tree, key


def _other(value: Any) -> Any:
    """A plausible value of the same kind, but another one."""
    if isinstance(value, np.ndarray):
        return value[::-1].copy() if len(value) > 1 and value.ndim else value * 0 + 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"


@pytest.mark.parametrize("role", ["embedder", "manifolder", "clusterer"])
def test_no_value_of_an_entry_is_taken_that_is_not_the_one_written(store, role):
    """State, output, published values, seconds, losses, options: whatever is altered."""
    path = entry(store, role)
    image = path.read_bytes()
    chosen = StageStore(store)
    assert chosen.read(path.stem) is not None
    manifest, parts = decode(image, kind="stage")
    for number in range(len(list(_places([manifest, parts])))):
        manifest, parts = decode(image, kind="stage")
        container, name = list(_places([manifest, parts]))[number]
        before = container[name]
        container[name] = _other(before)
        if isinstance(before, np.ndarray) and np.array_equal(before, container[name]):
            continue
        path.write_bytes(encode(manifest, parts, created="", kind="stage"))
        with pytest.raises(BundleError, match="not what was written under this key"):
            chosen.read(path.stem)
    path.write_bytes(image)
    assert chosen.read(path.stem) is not None


def test_an_entry_under_the_key_of_another_is_computed_again(rows, store, pristine, tmp_path):
    """As after a mistake when stores are copied together: whole, of the same shape, and wrong."""
    moved = rows[::-1].copy()
    fit(moved, tmp_path / "other")
    other = entry(tmp_path / "other", "embedder")
    entry(store, "embedder").write_bytes(other.read_bytes())
    check_refitted(rows, store, pristine[1])


def _set(part: int, *keys: Any, value: Any) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        place = found[part]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


MANIFEST, PARTS = 0, 1
HOSTILE: dict[str, Callable[[Any], None]] = {
    "seconds: text": _set(MANIFEST, "seconds", value="soon"),
    "seconds: none": _set(MANIFEST, "seconds", value=None),
    "seconds: infinite": _set(MANIFEST, "seconds", value=float("inf")),
    "seconds: negative": _set(MANIFEST, "seconds", value=-3.0),
    "seconds: nan": _set(MANIFEST, "seconds", value=float("nan")),
    "seconds: a list": _set(MANIFEST, "seconds", value=[1.0]),
    "losses: a list": _set(MANIFEST, "losses", value=[1.0]),
    "losses: text": _set(MANIFEST, "losses", value={"loss": "small"}),
    "output: none": _set(PARTS, "output", value={}),
    "output: one number": _set(PARTS, "output", "values", value=np.array(1.0)),
    "output: other rows": _set(PARTS, "output", "values", value=np.zeros((7, 3), np.float32)),
    "output: flat": _set(PARTS, "output", "values", value=np.zeros(60, np.float32)),
    "output: nan": _set(PARTS, "output", "values", value=np.full((60, 3), np.nan, np.float32)),
    "output: a list": _set(PARTS, "output", "values", value=[1, 2]),
    "state: none": _set(PARTS, "state", value={}),
    "state: other names": _set(PARTS, "state", value={"a": 1}),
    "state: a number": _set(PARTS, "state", "mean", value=3.5),
    "state: text": _set(PARTS, "state", "mean", value="x" * 10_000),
    "state: other shape": _set(PARTS, "state", "mean", value=np.zeros((2, 2, 2))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_entry_with_a_right_digest_and_wrong_values_is_computed_again(
    rows, store, pristine, name
):
    path = entry(store, "embedder")
    chosen = StageStore(store)
    found = chosen.read(path.stem)
    assert found is not None
    if name.startswith("state: ") and "mean" not in found[PARTS]["state"]:
        found[PARTS]["state"]["mean"] = None
    HOSTILE[name](found)
    chosen.write(path.stem, *found)
    check_refitted(rows, store, pristine[1])


@pytest.mark.parametrize("labels", [
    np.full(60, -1), np.zeros(60), np.full(60, -(2**63)), np.zeros((60, 1), np.int64),
    np.zeros(59, np.int64),
])  # fmt: skip
def test_labels_that_a_mixture_cannot_give_are_computed_again(rows, store, pristine, labels):
    path = entry(store, "clusterer")
    chosen = StageStore(store)
    manifest, parts = chosen.read(path.stem)
    parts["output"]["values"] = labels
    chosen.write(path.stem, manifest, parts)
    check_refitted(rows, store, pristine[1])


def test_entries_of_format_1_had_no_digest_and_are_still_used(rows, store, pristine, monkeypatch):
    for path in store.rglob("*.stage"):
        manifest, parts = decode(path.read_bytes(), kind="stage")
        del manifest["digest"]
        with monkeypatch.context() as before:
            before.setattr(header, "FORMAT_VERSION", 1)
            path.write_bytes(encode(manifest, parts, created="", kind="stage"))
    cached = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", StoreWarning)
        fit(rows, store, cached.append)
    assert all(event.cached for event in cached if isinstance(event, StageFinished))


def test_a_sparse_entry_takes_no_memory(store):
    import tracemalloc

    path = entry(store, "embedder")
    _sparse_with_header(path)
    tracemalloc.start()
    with pytest.raises(BundleError, match="altered"):
        StageStore(store).read(path.stem)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


#: Whatever a state may hold, but arrays and mappings of it.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text(max_size=5),
    st.floats(width=32).map(np.float32),
    st.floats(width=16).map(np.float16),
    st.floats().map(np.float64),
    st.integers(-128, 127).map(np.int8),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.booleans().map(np.bool_),
    st.text(max_size=5).map(np.str_),
    st.sampled_from([np.arange(6.0).reshape(2, 3).T, np.array(7), np.zeros((0, 3), "f4")]),
)
STATES = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(
            st.from_regex(r"[a-z_][a-z0-9_\-]{0,5}", fullmatch=True), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(state=STATES)
@settings(max_examples=100, deadline=None)
def test_an_entry_holds_every_state_that_a_bundle_holds(state):
    parts = {"state": {"value": state}}
    check_state(parts["state"])
    _, found = opened_entry("key", sealed_entry("key", {}, parts))
    again = sealed_entry("key", {}, found)
    assert again == sealed_entry("key", {}, parts)
