"""Downloads from a real server: what comes is whole and as announced, or an error and nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import attrs
import numpy as np
import pytest
from web_server import WebServer

from n2d_framework import data
from n2d_framework.core.dataset import DataFile, Dataset, DatasetSpec
from n2d_framework.data.sets import files_of, load_set, whereabouts
from n2d_framework.data.sets.transfer import Transfer
from n2d_framework.errors import DataError, DownloadError, UnknownComponentError

CONTENT = np.random.default_rng(0).bytes(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def load_bytes(files):
    """The loader of the sets below."""
    x = np.frombuffer(files["rows.bin"].read_bytes(), np.uint8).reshape(-1, 100)
    return Dataset(name="bytes", x=x)


@pytest.fixture
def server():
    running = WebServer(CONTENT)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for name in ("N2D_DATA", "N2D_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def spec(*urls: str, **about) -> DatasetSpec:
    given = {"name": "set/rows.bin", "urls": urls, "sha256": DIGEST, "size": len(CONTENT)} | about
    return DatasetSpec(
        name="bytes",
        loader="test_sets_download:load_bytes",
        summary="s",
        n_rows=3000,
        row_shape=(100,),
        files=(DataFile(**given),),
    )


def visible(cache):
    """Files that a user of the cache may take for data."""
    return [p for p in cache.rglob("*") if p.is_file() and ".unfinished" not in p.parts]


def parts(cache):
    return list(cache.rglob("*.part"))


def test_it_comes_once_and_is_cached(server, cache):
    wanted = spec(server.url("good"))
    assert whereabouts(wanted) == "remote"
    for _ in range(2):
        paths = files_of(wanted)
        assert paths["rows.bin"] == cache / "set" / "rows.bin"
        assert paths["rows.bin"].read_bytes() == CONTENT
    assert server.asked["good"] == 1
    assert whereabouts(wanted) == "cached"
    assert visible(cache) == [cache / "set" / "rows.bin"]
    assert load_set(wanted).x.shape == (3000, 100)


def test_nothing_is_printed_where_no_one_looks(server, capfd):
    files_of(spec(server.url("good")))
    assert capfd.readouterr() == ("", "")


def test_a_bar_is_drawn_on_request(server, capfd):
    files_of(spec(server.url("good")), progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "rows.bin" in err
    assert "300.0/300.0 kB" in err


def test_mirrors_in_order(server):
    files_of(spec(server.url("missing"), server.url("other"), server.url("good")))
    assert dict(server.asked) == {"missing": 1, "other": 1, "good": 1}


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("missing", "the server answered 404 Not Found"),
        ("broken", "the server answered 500"),
        ("other", r"not what was announced \(SHA-256 differs\)"),
        ("truncated", "the answer broke off before its end"),
        ("endless", "more than the announced 300000 bytes came"),
        ("silent", r"no answer within 0\.5 s"),
        ("stalled", r"no answer within 0\.5 s"),
    ],
)
def test_failures_are_reported_and_leave_nothing(server, cache, behaviour, message):
    with pytest.raises(DownloadError, match=message) as caught:
        files_of(spec(server.url(behaviour)), timeout=0.5)
    reported = str(caught.value)
    assert server.url(behaviour) in reported
    assert "N2D_DATA" in reported
    assert "set/rows.bin" in reported
    assert isinstance(caught.value, DataError)
    assert caught.value.exit_code == 1
    assert visible(cache) == []
    assert parts(cache) == []


def test_all_mirrors_are_reported(server):
    with pytest.raises(DownloadError) as caught:
        files_of(spec(server.url("missing"), server.url("other")))
    assert "404" in str(caught.value)
    assert "SHA-256" in str(caught.value)


def test_no_network(cache):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/rows.bin"
    with pytest.raises(DownloadError, match="no connection; check the network"):
        files_of(spec(url))
    assert visible(cache) == []


def test_no_such_host(cache):
    with pytest.raises(DownloadError, match="no connection; check the network"):
        files_of(spec("http://no-such-host.invalid/rows.bin"))


def test_a_proxy_that_is_down_is_named(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(DownloadError, match="check HTTP_PROXY"):
        files_of(spec(server.url("good")))


def test_a_proxy_is_used(server, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url("").removesuffix("//rows.bin"))
    url = "http://data.invalid/good/rows.bin"
    assert files_of(spec(url))["rows.bin"].read_bytes() == CONTENT
    assert server.hosts == ["data.invalid"]


def test_addresses_that_need_no_proxy(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT


def test_a_full_disk(server, cache, monkeypatch):
    original = Transfer._write

    def write(self, answer, have):
        self._part.write_bytes(CONTENT[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Transfer, "_write", write)
    with pytest.raises(DownloadError, match=r"could not be written to .*No space left"):
        files_of(spec(server.url("good")))
    assert visible(cache) == parts(cache) == []
    monkeypatch.setattr(Transfer, "_write", original)
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT


def test_offline(server, monkeypatch, cache):
    monkeypatch.setenv("N2D_OFFLINE", "1")
    with pytest.raises(DownloadError, match="N2D_OFFLINE forbids downloads"):
        files_of(spec(server.url("good")))
    assert not server.asked
    monkeypatch.setenv("N2D_OFFLINE", "0")
    files_of(spec(server.url("good")))
    monkeypatch.setenv("N2D_OFFLINE", "yes")
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT
    (cache / "set" / "rows.bin").write_bytes(b"damaged")
    with pytest.raises(DownloadError, match="is damaged and N2D_OFFLINE"):
        files_of(spec(server.url("good")))


def test_an_unclear_wish_to_be_offline(server, monkeypatch):
    monkeypatch.setenv("N2D_OFFLINE", "perhaps")
    with pytest.raises(DataError, match="N2D_OFFLINE='perhaps' is neither yes nor no"):
        files_of(spec(server.url("good")))


def test_a_broken_answer_is_continued(server):
    files_of(spec(server.url("resumable")))
    assert server.asked["resumable"] == 3
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_an_interrupted_download_continues_next_time(server, cache, monkeypatch):
    monkeypatch.setattr("n2d_framework.data.sets.transfer._TRIES", 1)
    with pytest.raises(DownloadError, match="broke off"):
        files_of(spec(server.url("resumable")))
    assert visible(cache) == []
    assert parts(cache)[0].read_bytes() == CONTENT[:100_000]
    server.asked["resumable"] = 5
    assert files_of(spec(server.url("resumable")))["rows.bin"].read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]


def test_remains_of_another_content_do_not_stay(server, cache):
    (cache / ".unfinished").mkdir(parents=True)
    (cache / ".unfinished" / f"{DIGEST}.part").write_bytes(b"?" * 100_000)
    server.asked["resumable"] = 5
    assert files_of(spec(server.url("resumable")))["rows.bin"].read_bytes() == CONTENT
    assert server.ranges == ["bytes=100000-", None]


def test_remains_beyond_the_end(server, cache):
    (cache / ".unfinished").mkdir(parents=True)
    (cache / ".unfinished" / f"{DIGEST}.part").write_bytes(CONTENT + b"?")
    assert files_of(spec(server.url("exhausted")))["rows.bin"].read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, cache):
    (cache / ".unfinished").mkdir(parents=True)
    (cache / ".unfinished" / f"{DIGEST}.part").write_bytes(CONTENT[:1000])
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_replaced(server, cache):
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "rows.bin").write_bytes(CONTENT[:-1])
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT
    assert server.asked["good"] == 1


def test_a_damaged_file_is_kept_if_nothing_better_comes(server, cache):
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "rows.bin").write_bytes(b"old")
    with pytest.raises(DownloadError):
        files_of(spec(server.url("truncated")))
    assert (cache / "set" / "rows.bin").read_bytes() == b"old"


def test_a_cache_that_cannot_be_made(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match=r"cannot be written .* N2D_CACHE"):
        files_of(spec(server.url("good")))


def test_own_folder_comes_first(server, tmp_path, monkeypatch):
    own = tmp_path / "own"
    (own / "set").mkdir(parents=True)
    (own / "set" / "rows.bin").write_bytes(b"x" * 200)
    monkeypatch.setenv("N2D_DATA", str(own))
    wanted = spec(server.url("good"))
    assert whereabouts(wanted) == "local"
    assert load_set(wanted).x.shape == (2, 100)
    assert not server.asked


def test_own_folder_that_does_not_exist(server, tmp_path, monkeypatch):
    monkeypatch.setenv("N2D_DATA", str(tmp_path / "typo"))
    with pytest.raises(DataError, match=r"N2D_DATA='.*typo' is not a directory"):
        files_of(spec(server.url("good")))


def test_two_processes_download_once(server, cache):
    """Both begin at once; one downloads, the other waits and finds the file."""
    program = textwrap.dedent(
        """
        import json, sys
        from n2d_framework.core.dataset import DataFile, DatasetSpec
        from n2d_framework.data.sets import files_of
        about = json.loads(sys.argv[1])
        about["urls"] = tuple(about["urls"])
        spec = DatasetSpec(name="bytes", loader="none:none", summary="s", n_rows=1, row_shape=(1,),
                           files=(DataFile(**about),))
        import pooch, requests
        print("ready", flush=True)
        sys.stdin.readline()
        print(len(files_of(spec)["rows.bin"].read_bytes()), flush=True)
        """
    )
    about = json.dumps(attrs.asdict(spec(server.url("slow")).files[0]))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, about],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        assert process.communicate(timeout=60)[0] == f"{len(CONTENT)}\n"
        assert process.returncode == 0
    assert server.asked["slow"] == 1
    assert visible(cache) == [cache / "set" / "rows.bin"]


def test_a_process_killed_while_it_downloads_holds_up_no_one(server, cache):
    program = (
        "import json, sys\n"
        "from n2d_framework.core.dataset import DataFile, DatasetSpec\n"
        "from n2d_framework.data.sets import files_of\n"
        "about = json.loads(sys.argv[1])\n"
        "files_of(DatasetSpec(name='bytes', loader='none:none', summary='s', n_rows=1,\n"
        "    row_shape=(1,), files=(DataFile(**{**about, 'urls': tuple(about['urls'])}),)))\n"
    )
    about = json.dumps(attrs.asdict(spec(server.url("stalled")).files[0]))
    with subprocess.Popen([sys.executable, "-c", program, about]) as process:
        while not server.asked["stalled"] and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert visible(cache) == []
    assert files_of(spec(server.url("good")))["rows.bin"].read_bytes() == CONTENT


def test_fetch_by_name(server, use_plugin, cache):
    use_plugin(
        "web_plugin",
        "from n2d_framework.plugin import *\n"
        "@hookimpl\n"
        "def n2d_datasets():\n"
        "    return [DatasetSpec(name='web', loader='web_plugin:load', summary='s', n_rows=3000,\n"
        "        row_shape=(100,), files=(DataFile(name='web/rows.bin',\n"
        f"        urls=({server.url('good')!r},), sha256={DIGEST!r}),))]\n"
        "def load(files):\n"
        "    import numpy as np\n"
        "    x = np.frombuffer(files['rows.bin'].read_bytes(), np.uint8).reshape(-1, 100)\n"
        "    return Dataset(name='web', x=x)\n",
    )
    assert data.fetch("web") == [cache / "web" / "rows.bin"]
    assert data.load("web").x.shape == (3000, 100)
    assert data.fetch("digits") == []
    with pytest.raises(UnknownComponentError, match="did you mean 'web'"):
        data.fetch("wep")
    assert server.asked["good"] == 1


@pytest.mark.parametrize(
    "about",
    [
        {"sha256": "abc"},
        {"sha256": ""},
        {"name": "../rows.bin"},
        {"name": "/rows.bin"},
        {"name": ""},
        {"urls": ()},
        {"urls": ("ftp://somewhere/rows.bin",)},
    ],
)
def test_a_file_without_digest_or_with_a_strange_place_cannot_be_announced(about):
    with pytest.raises((ValueError, TypeError)):
        spec("http://somewhere/rows.bin", **about)


def test_the_loader_needs_its_files():
    with pytest.raises(TypeError, match="read from files"):
        spec("http://somewhere/rows.bin").load()
