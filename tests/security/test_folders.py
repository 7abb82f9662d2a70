"""Untrusted folders of comparisons: nothing in them connects, runs code, or ends raw."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import n2d_framework as n2d
from n2d_framework.errors import ConfigError, DataError, N2DError, OutputError
from n2d_framework.experiment import open_comparison
from n2d_framework.plan.store import PROTOCOLS, StageStore
from n2d_framework.reproduce import reproduce

LIMIT = 5.0


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)) + np.repeat([[0.0], [6.0], [12.0]], 20, axis=0)
    out = tmp_path_factory.mktemp("comparison") / "out"
    config = {
        "embedders": [{"name": "pca", "latent_dim": 2}],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_init": 1}],
        "n_clusters": [2, 3],
        "seeds": 2,
        "dbcv_rows": 0,
    }
    n2d.compare(config, out, data={"blobs": (x, np.repeat([0, 1, 2], 20))})
    return out


@pytest.fixture
def folder(finished, tmp_path) -> Path:
    shutil.copytree(finished, tmp_path / "taken")
    return tmp_path / "taken"


def change(folder: Path, **fields) -> None:
    mark = json.loads((folder / "comparison.json").read_text())
    (folder / "comparison.json").write_text(json.dumps(mark | fields))


def use_all(folder: Path, **options) -> None:
    """Everything that a person does with a folder."""
    comparison = open_comparison(folder, **options)
    for question in (
        lambda: comparison.table,
        comparison.leaderboard,
        comparison.to_markdown,
        comparison.to_latex,
        comparison.to_csv,
        comparison.numbers_of_clusters,
        comparison.against,
        comparison.label_free,
        lambda: comparison.best(data="blobs"),
        lambda: comparison.report(folder / "again.html", pictures=1, max_points=50),
        lambda: comparison.report(folder / "again.html", pictures=0),
    ):
        try:
            question()
        except N2DError:
            continue


# Connections ------------------------------------------------------------------------------------

URLS = [
    "http://127.0.0.1:9/x", "https://x/y", "s3://bucket/x", "S3://bucket/x", "memory://x",
    "file:///etc", "local:/etc", "data:,x", "reference::http://x", "simplecache::s3://b/x",
    "zip://a::file:///x.zip", "/tmp/a::zip", "ssh://host/x", "github://a:b@/", "//host/share",
    "\\\\host\\share", "a\nb", "a\x00b", "x\u202ey",
]  # fmt: skip


@pytest.fixture
def no_other_place(monkeypatch):
    import fsspec
    import fsspec.core

    def refuse(*args, **options):
        raise AssertionError(f"a file made this machine open {args!r:.100}")

    for module, name in ((fsspec.core, "url_to_fs"), (fsspec, "filesystem"), (fsspec, "open")):
        monkeypatch.setattr(module, name, refuse)


@pytest.mark.parametrize("url", URLS)
def test_a_url_in_a_folder_is_never_opened(folder, url, no_other_place):
    change(folder, store=url)
    comparison = open_comparison(folder)
    assert len(comparison.leaderboard()) == 2
    comparison.report(folder / "x.html", pictures=0)
    for needs_it in (comparison.best, comparison.report, comparison.label_free):
        with pytest.raises(DataError, match="names it"):
            needs_it()


def test_the_person_may_name_the_place(folder):
    change(folder, store="s3://bucket/stages")
    comparison = open_comparison(folder, store=folder / "stages")
    assert comparison.best().n_clusters_ == 3
    with pytest.raises(ConfigError, match="github"):
        open_comparison(folder, store="github://a:b@/")


def test_a_local_path_in_a_folder_is_opened(folder, tmp_path):
    shutil.move(folder / "stages", tmp_path / "elsewhere")
    for name in (str(tmp_path / "elsewhere"), "../elsewhere"):
        change(folder, store=name)
        assert open_comparison(folder).best().n_clusters_ == 3


@pytest.mark.parametrize(
    "url",
    ["http://x/y", "reference://", "simplecache::s3://x", "dask://x", "s3://a::memory://b",
     "github://a:b@/", "dir::s3://x", "blockcache://x"],
)  # fmt: skip
def test_protocols_of_stores_are_on_a_list(url, monkeypatch):
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda *a, **k: pytest.fail("fsspec was asked"))
    if "://" in url and not url.split("://")[0].count("::") and url.split("://")[0] in PROTOCOLS:
        with pytest.raises(ConfigError, match="chained"):
            StageStore(url)
    else:
        with pytest.raises(ConfigError, match="protocol"):
            StageStore(url)


def test_a_folder_with_a_strange_name_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data:x", "a::zip", "memory:", "reference::x"):
        store = StageStore(name)
        assert isinstance(store._fs, LocalFileSystem)
        store.write("ab" * 8, {}, {"state": {"a": np.zeros(2)}})
        assert "ab" * 8 in store
        assert Path(name).is_dir()


@pytest.mark.parametrize("key", ["../../x", "..", "a/b", "/etc/passwd", "", "a\0b", "x" * 200])
def test_keys_do_not_leave_the_store(tmp_path, key):
    with pytest.raises(N2DError):
        StageStore(tmp_path).read(key)


# Damage -----------------------------------------------------------------------------------------


def parts(folder: Path) -> list[Path]:
    return [folder / "comparison.json", *sorted(folder.glob("records/*.parquet"))]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"PAR1",
        b"1" * 5000,
        b'{"version": 2}',
        b'{"version": []}',
    ],
)
def test_replaced_files_are_errors_of_the_framework(folder, content):
    for path in parts(folder):
        kept = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(DataError, match=path.name):
            open_comparison(folder)
        path.write_bytes(kept)


def test_truncated_files_are_errors_of_the_framework(folder):
    for path in parts(folder):
        kept = path.read_bytes()
        for length in np.linspace(0, len(kept) - 1, 12).astype(int):
            path.write_bytes(kept[:length])
            with pytest.raises(DataError, match=path.name):
                open_comparison(folder)
        path.write_bytes(kept)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_devices_do_not_hang(folder):
    for path in parts(folder):
        kept = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(DataError, match="regular"):
            open_comparison(folder)
        path.unlink()
        path.symlink_to("/dev/zero")
        with pytest.raises(DataError, match="regular"):
            open_comparison(folder)
        path.unlink()
        path.write_bytes(kept)


WRONG = [None, True, -1, 1.5, 10**400, "", "x", "../../x", [], [[]], {}, {"a": {}}, "[" * 5000]


def test_wrong_values_of_a_mark_are_errors_of_the_framework(folder):
    mark = json.loads((folder / "comparison.json").read_text())
    places = [(name,) for name in mark]
    places += [("data", 0, name) for name in mark["data"][0]]
    places += [("cells", 1, name) for name in mark["cells"][1]]
    for *way, name in places:
        for value in ("gone", *WRONG):
            wrong = json.loads(json.dumps(mark))
            place = wrong
            for step in way:
                place = place[step]
            if value == "gone":
                del place[name]
            else:
                place[name] = value
            (folder / "comparison.json").write_text(json.dumps(wrong))
            try:
                comparison = open_comparison(folder)
                assert len(comparison.table) == 4
                if way == []:
                    comparison.leaderboard()
            except N2DError:
                continue


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=st.data())
def test_any_values_anywhere_are_right_or_errors_of_the_framework(folder, finished, data):
    mark = json.loads((finished / "comparison.json").read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = mark
        while isinstance(place, (dict, list)) and place:
            keys = sorted(place) if isinstance(place, dict) else range(len(place))
            key = data.draw(st.sampled_from(list(keys)))
            if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
                place[key] = data.draw(_TREES)
                break
            place = place[key]
    (folder / "comparison.json").write_text(json.dumps(mark))
    start = time.process_time()
    with contextlib.suppress(N2DError):
        use_all(folder)
    assert time.process_time() - start < 2 * LIMIT


def records(folder: Path, **columns) -> Path:
    """Replace all records by one file, with columns that are added or replaced."""
    paths = sorted(folder.glob("records/*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    names = dict.fromkeys(name for row in rows for name in row)
    table = {name: [row.get(name) for row in rows] for name in names} | columns
    for path in paths:
        path.unlink()
    pq.write_table(pa.table({k: v for k, v in table.items() if v is not ...}), paths[0])
    return paths[0]


@pytest.mark.parametrize("columns", [
    {"cell": [1, 2, 3, 4]}, {"status": ["done", "done", "done", "other"]}, {"cell": ...},
    {"status": ...}, {"acc": ["a", "b", "c", "d"]}, {"versions": ["{", "{}", "{}", "{}"]},
    {"versions": ["[]"] * 4}, {"versions": ["[" * 100_000] * 4}, {"acc": [[1.0]] * 4},
    {"new": [{"a": 1}] * 4}, {"error": [1, 2, 3, 4]}, {"silhouette": ["1"] * 4},
    {"pca": [b"x"] * 4}, {"embedder_seconds": [float("inf")] * 4}, {"cell": [None] * 4},
])  # fmt: skip
def test_records_of_wrong_types_are_errors_of_the_framework(folder, columns):
    path = records(folder, **columns)
    with pytest.raises(DataError, match=path.name):
        open_comparison(folder)


def test_scores_that_are_infinite_or_unknown_are_shown(folder):
    values = [float("inf"), float("-inf"), float("nan"), 1.0]
    records(folder, strange=values, silhouette=values)
    use_all(folder)
    comparison = open_comparison(folder)
    assert "strange" in comparison.metrics
    comparison.report(folder / "x.html", pictures=2)


# Costs ------------------------------------------------------------------------------------------

BOMBS = """
import io, json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from n2d_framework.errors import N2DError
from n2d_framework.experiment import open_comparison
import pandas, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    open_comparison(sys.argv[1]).table
    print("opened")
except N2DError as error:
    print("refused", error)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_maxrss - before, used.ru_utime]))
"""


def _many_lists(folder):
    change(folder, notes=[])
    text = (folder / "comparison.json").read_text()
    (folder / "comparison.json").write_text(
        text.replace('"notes": []', f'"notes": [{"[]," * 15_000_000}[]]')
    )


def _many_rows(folder):
    path = records(folder)
    table = pa.table({"cell": pa.array(["x"] * 2_000_000), "status": ["done"] * 2_000_000})
    pq.write_table(table, path)


def _repeated_text(folder):
    path = records(folder)
    count = 50_000
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * 1_000_000])
    cells = pa.array([str(number) for number in range(count)])
    table = pa.table(
        {
            "cell": cells,
            "status": ["done"] * count,
            "error": texts,
        }
    )
    pq.write_table(table, path)


def _packed(folder):
    path = records(folder)
    text = ["y" * 40_000_000]
    pq.write_table(pa.table({"cell": text, "status": ["done"]}), path, compression="zstd")


def _many_columns(folder):
    path = records(folder)
    table = {"cell": ["a"], "status": ["done"]} | {f"s{i}": [1.0] for i in range(5000)}
    pq.write_table(pa.table(table), path)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")
@pytest.mark.parametrize("bomb", [_many_lists, _many_rows, _repeated_text, _packed, _many_columns])
def test_small_files_do_not_cost_much(folder, bomb):
    bomb(folder)
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("refused"), done.stderr[-500:]
    more, seconds = json.loads(done.stdout.splitlines()[-1])
    assert more < 1 << 20, "KiB"
    assert seconds < 4 * LIMIT


def test_declared_sizes_are_not_believed(folder):
    mark = json.loads((folder / "comparison.json").read_text())
    mark["data"][0]["n_rows"] = 10**15
    mark["data"][0]["row_shape"] = [10**6, 10**6]
    mark["data"][0]["n_classes"] = 10**9
    (folder / "comparison.json").write_text(json.dumps(mark))
    start = time.process_time()
    use_all(folder)
    assert time.process_time() - start < 2 * LIMIT


# Links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.html", "table.csv"])
def test_nothing_is_written_through_links(folder, tmp_path, name):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(precious)
    comparison = open_comparison(folder)
    with pytest.raises(OutputError, match="link"):
        comparison.report(pictures=0) if name == "report.html" else comparison.write_tables()
    assert precious.read_text() == "mine"
    comparison.report(tmp_path / "elsewhere.html", pictures=0)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff", b"", None])
def test_the_mark_of_a_reproduction_is_read_with_care(tmp_path, content):
    folder = tmp_path / "out"
    folder.mkdir()
    if content is None:
        os.mkfifo(folder / "reproduce.json")
    else:
        (folder / "reproduce.json").write_bytes(content)
    with pytest.raises(ConfigError, match="no readable"):
        reproduce("paper", folder, data=["usps"])
