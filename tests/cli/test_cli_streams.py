"""Terminals without all characters, readers that go away, plugins that print: real processes."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from n2d_framework.cli import app
from n2d_framework.cli.terminal.streams import Stream

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="POSIX signals and descriptors"),
]
N2D = [sys.executable, "-c", "from n2d_framework.cli import main; main()"]


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*N2D, *map(str, words)], stderr=subprocess.PIPE, check=False, timeout=120, **options
    )


@pytest.fixture
def table(elsewhere: Path) -> Path:
    """Rows whose columns, ids and classes are not ASCII."""
    rng = np.random.default_rng(0)
    lines = ["größe,长度,id,y"]
    for i, (a, b) in enumerate(rng.normal(size=(40, 2)) + 9 * np.repeat([[0], [1]], 20, axis=0)):
        lines.append(f"{a},{b},Zeile-ü{i}≥,{'жук' if i < 20 else 'муха'}")
    (elsewhere / "odd.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (elsewhere / "odd.yaml").write_text(
        "data: {path: odd.csv, id: id, y: y}\n"
        "model: {embedder: identity, manifolder: identity, clusterer: kmeans, n_clusters: 2}\n",
        encoding="utf-8",
    )
    return elsewhere / "odd.csv"


@pytest.fixture
def bundle_of_table(n2d: Callable[..., Any], table: Path) -> Path:
    result = n2d("run", "odd.yaml", "--out", "out", "--no-plots", "--no-store")
    assert result.exit_code == 0, result.output
    return Path("out/odd.n2d")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r", "utf-8"])
def test_commands_end_well_in_every_encoding(bundle_of_table: Path, encoding: str) -> None:
    """With the same results: JSON in escapes, and labels as in a file."""

    def call(*words: object) -> bytes:
        found = CliRunner(charset=encoding).invoke(app, [str(word) for word in words])
        assert found.exit_code == 0, (words, found.stderr_bytes)
        return found.stdout_bytes

    again = ("run", "odd.yaml", "--out", "out", "--no-plots", "--no-store", "--overwrite")
    call(*again)
    record = json.loads(call(*again, "--json").decode("utf-8"))
    assert record == json.loads(Path("out/run.json").read_text(encoding="utf-8"))
    call("predict", bundle_of_table, "odd.csv", "-o", "p.csv")
    labels = call("predict", bundle_of_table, "odd.csv")
    assert labels == Path("p.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(labels.decode("utf-8"))))
    assert rows[3]["id"] == "Zeile-ü3≥"
    inside = json.loads(call("inspect", bundle_of_table, "--json").decode("utf-8"))
    assert "größe" in json.dumps(inside, ensure_ascii=False)
    for words in (
        ("inspect", bundle_of_table), ("verify", bundle_of_table), ("components",), ("datasets",),
        ("components", "clusterer/gmm"), ("store", "--store", "größe"), ("schema",),
    ):  # fmt: skip
        call(*words)


def test_a_process_in_ascii_writes_labels_and_words(bundle_of_table: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = run("predict", bundle_of_table, "odd.csv", env=environment)
    assert done.returncode == 0, done.stderr
    assert "Zeile-ü3≥" in done.stdout.decode("utf-8")
    reported = run("predict", bundle_of_table, "größe.csv", env=environment)
    assert (reported.returncode, b"gr\\xf6" in reported.stderr) == (2, True)


def test_an_encoding_writes_what_it_lacks_as_escapes() -> None:
    read, write = os.pipe()
    like = io.TextIOWrapper(io.BytesIO(), "koi8-r", "strict")
    with Stream(write, like) as stream:
        stream.write("жук ≥ 长\n")
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read().decode("koi8-r") == "жук ≥ \\u957f\n"


CLOSED = ["sh", "-c", 'exec "$@" >&-', "sh", *N2D]


def test_a_closed_stdout_costs_nothing_but_what_was_to_be_read(
    config: Path, tmp_path: Path
) -> None:
    words = ["run", str(config), "--out", "out"]
    done = subprocess.run([*CLOSED, *words], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (b"", b"")
    record = json.loads(Path("out/run.json").read_text())
    assert record["missing"] == {}
    # No file of the run took the number of stdout, and what was printed, into itself.
    assert Path("out/labels.csv").read_text().splitlines()[0] == "row,label,strength"
    words = ["predict", record["paths"]["bundle"], "blobs.npz"]
    refused = subprocess.run([*CLOSED, *words], capture_output=True, check=False, timeout=120)
    assert refused.returncode == 2
    assert b"stdout is closed" in refused.stderr
    all_closed = ["sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", *N2D, *words, "-o", "p.csv"]
    assert subprocess.run(all_closed, check=False, timeout=120).returncode == 0
    assert len(Path("p.csv").read_text().splitlines()) == 61


def piped(*words: object) -> tuple[int, bytes]:
    """Into a pipe whose reader is gone before a word is written."""
    read, write = os.pipe()
    os.close(read)
    done = run(*words, stdout=write)
    os.close(write)
    return done.returncode, done.stderr


def test_a_reader_that_goes_away_fails_only_what_is_written_for_it(config: Path) -> None:
    assert piped("run", config, "--out", "out", "--no-plots") == (0, b"")
    assert piped("run", config, "--out", "out", "--no-plots", "--overwrite", "--json") == (0, b"")
    bundle = Path("out/quick.n2d")
    assert piped("inspect", bundle) == (0, b"")
    assert piped("predict", bundle, "blobs.npz", "-o", "p.csv") == (0, b"")
    code, said = piped("predict", bundle, "blobs.npz")
    assert (code, said) == (
        1,
        b"error: stdout: its reader went away before all labels were written\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_behind_stdout_is_an_error(config: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("run", config, "--out", "out", "--no-plots", stdout=full)
        assert done.returncode == 1
        assert b"stdout: No space left" in done.stderr
        assert Path("out/run.json").is_file()
        done = run("predict", "out/quick.n2d", "blobs.npz", stdout=full)
    assert done.returncode == 1
    assert b"No space left" in done.stderr


NOISY = """
import ctypes, os, subprocess, sys
print("PRINTED")
sys.__stdout__.write("TO THE FIRST STDOUT\\n"); sys.__stdout__.flush()
os.write(1, b"TO THE DESCRIPTOR\\n")
ctypes.CDLL(None).puts(b"FROM C"); ctypes.CDLL(None).fflush(None)
subprocess.run(["echo", "FROM A CHILD"])

from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    print("PRINTED BY THE HOOK")
    yield ComponentSpec(role="clusterer", name="noisy", factory="loud:Loud", summary="prints")

@component
class Loud:
    def fit(self, m, *, context):
        print("FITTED")
    def predict(self, m):
        print("PREDICTED")
        os.write(1, b"PREDICTED\\n")
        return (m[:, 0] > m[:, 0].mean()).astype(int)
    def get_state(self):
        return {}
    def set_state(self, state):
        print("RESTORED")
"""


def test_what_plugins_print_is_not_among_the_results(
    config: Path, tmp_path: Path, install_plugin: Callable[..., None]
) -> None:
    install_plugin("loud", NOISY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    words = ("--set", "model.clusterer={name: noisy}", "--out", "out", "--no-plots", "--json")
    done = run("run", config, *words, env=environment)
    assert done.returncode == 0, done.stderr
    bundle = json.loads(done.stdout)["paths"]["bundle"]
    for word in (b"PRINTED", b"FIRST STDOUT", b"DESCRIPTOR", b"FROM C", b"FROM A CHILD", b"FITTED"):
        assert word in done.stderr
    labels = run("predict", bundle, "blobs.npz", env=environment)
    assert labels.returncode == 0
    assert labels.stdout.startswith(b"row,label\n0,")
    assert b"PREDICTED" not in labels.stdout
    for command in (["components", "--json"], ["doctor", "--json"], ["inspect", bundle, "--json"]):
        json.loads(run(*command, env=environment).stdout)


SLOW = """
import signal, time
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    yield ComponentSpec(role="clusterer", name="sleeper", factory="slow:Sleeper", summary="waits")

@component
class Sleeper:
    def fit(self, m, *, context):
        open("asleep", "w").close()
        time.sleep(60)
    def predict(self, m): ...
    def get_state(self): return {}
    def set_state(self, state): ...
"""


SIGNALS = ("SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT")


@pytest.mark.parametrize(
    ("ignored", "sent"),
    [*((False, (name,)) for name in SIGNALS), (True, SIGNALS)],
    ids=[*SIGNALS, "ignored"],
)
def test_signals_leave_nothing_unfinished(
    config: Path,
    tmp_path: Path,
    install_plugin: Callable[..., None],
    ignored: bool,
    sent: tuple[str, ...],
) -> None:
    numbers = [int(getattr(signal, name)) for name in sent]
    install_plugin("slow", SLOW.replace("time.sleep(60)", "time.sleep(1)") if ignored else SLOW)
    launch = (
        "import signal, sys; numbers = eval(sys.argv.pop(1));"
        f"[signal.signal(number, signal.SIG_IGN) for number in numbers if {ignored}];"
        "from n2d_framework.cli import main; main()"
    )
    words = ["run", str(config), "--set", "model.clusterer={name: sleeper}", "--out", "a/b"]
    process = subprocess.Popen(
        [sys.executable, "-c", launch, str(numbers), *words],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not Path("asleep").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    for number in numbers:
        process.send_signal(number)
        if not ignored:
            process.send_signal(number)  # impatience does not leave more behind
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    # A sleeper that is left alone returns no labels in the end.
    expected = 1 if ignored else 130 if sent == ("SIGINT",) else 128 + numbers[0]
    assert process.returncode == expected, said
    assert not Path("a").exists()
    # Of the stages, those before it were finished.
    assert len(list((tmp_path / "store").rglob("*.stage"))) == 2


def test_a_user_without_a_home_has_caches_for_the_time_of_a_command(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from n2d_framework.cli.store_location import cache_places, private_caches, usable_store

    names = ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "KERAS_HOME")
    for name in (*names, "N2D_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    with private_caches():
        usual = {name: os.environ.get(name) for name in names}
    assert set(usual.values()) == {None}
    Path("file").write_text("x")
    for home in ("~", str(Path("file/home").absolute())):
        monkeypatch.setenv("HOME", home)
        caplog.clear()
        with private_caches():
            folders = [Path(os.environ[name]) for name in names]
            assert all(os.access(folder, os.W_OK) for folder in folders)
            assert [str(cache_places()[name]) for name in names] == [str(f) for f in folders]
            assert home == "~" or usable_store(None) is None
        assert not any(folder.exists() for folder in folders)
        assert not any(name in os.environ for name in names)
        assert len(caplog.records) == 1
    assert not Path("~").exists()


@pytest.mark.parametrize("words", [
    ("predict", "out/quick.n2d", "-", "-o", "new/labels.csv"),
    ("run", "quick.yaml", "--no-plots", "--out", "new/run"),
    ("compare", "compare.yaml", "--out", "new"),
])  # fmt: skip
def test_where_no_temporary_files_can_be_made_they_are_beside_the_output(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Nothing but the output folder can be written in a container that is read-only."""
    del bundle
    import tempfile

    Path("compare.yaml").write_text(
        "data: blobs.npz\nembedders: [identity]\nmanifolders: [identity]\nclusterers: [kmeans]\n"
        "n_clusters: 2\ntimeout: 100\n"  # with a limit, fits run in another process
    )
    Path("new").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)

    def gettempdir() -> str:
        if tempfile.tempdir is None:
            raise FileNotFoundError(2, "No usable temporary directory found")
        return tempfile.tempdir

    monkeypatch.setattr(tempfile, "gettempdir", gettempdir)
    rows = "\n".join(",".join(map(str, row)) for row in np.load("blobs.npz")["x"])
    result = CliRunner().invoke(app, list(words), input=rows)
    assert result.exit_code == 0, result.output
    assert any(Path("new").iterdir())
    assert tempfile.tempdir is None
    assert "TMPDIR" not in os.environ
    assert not [*Path().glob(".*"), *Path("new").glob(".*")]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOSPC, errno.EROFS, errno.EFBIG])
def test_what_the_machine_lacks_is_named_with_a_remedy(
    n2d: Callable[..., Any], config: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def lack(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/proc/meminfo")

    monkeypatch.setattr("n2d_framework.cli.run_to_folder.execute", lack)
    result = n2d("run", config)
    assert result.exit_code == 1
    assert os.strerror(number) in result.stderr
    assert "/proc/meminfo" in result.stderr
    assert "; " in result.stderr
    assert "unexpected" not in result.stderr


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_a_signal_while_a_plugin_is_imported_ends_the_command(name, tmp_path):
    """The guard against a plugin that calls ``sys.exit`` does not take it for one."""
    number = getattr(signal, name)
    (tmp_path / "ends.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\nX = 1\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from n2d_framework.cli import entry\n"
        "from n2d_framework.core.spec import load_object\n"
        "entry.app = lambda **_: load_object('ends:X', what='it')\n"
        "entry.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    said = f"stopped: terminated by {name}\n".encode()
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", said)


def test_ctrl_c_while_the_commands_are_imported_ends_the_command(tmp_path):
    (tmp_path / "typer.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {N2D[2]}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"stopped: interrupted\n")
