"""A bundle that other processes read, map, lock, replace or overwrite at the same moment."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import toy_plugin

from n2d_framework import bundle
from n2d_framework.errors import BundleError, OutputError
from n2d_framework.storage import decode, encode, files, read_file, write_atomic

CATALOGUE = toy_plugin.catalogue()

#: Each holds the file in its way, says so, and on request looks at it once more.
HOLDERS = {
    "open for reading": "held = open(path, 'rb'); look = lambda: held.read(10)",
    "open for writing": "held = open(path, 'r+b'); look = lambda: held.read(10)",
    "mapped": """
        import mmap
        file = open(path, 'rb'); held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        look = lambda: held[:10]""",
    "locked by flock": """
        import fcntl
        held = open(path, 'rb'); fcntl.flock(held, fcntl.LOCK_EX); look = lambda: held.read(10)""",
    "locked by lockf": """
        import fcntl
        held = open(path, 'r+b'); fcntl.lockf(held, fcntl.LOCK_EX); look = lambda: held.read(10)""",
}


@contextmanager
def holding(path, how):
    """Another process that holds the file."""
    code = "import sys\npath = sys.argv[1]\n" + textwrap.dedent(HOLDERS[how])
    code += "\nprint('held', flush=True)\ninput()\nprint(look(), flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "held\n"

        def look():
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield look
        process.stdin.close()


@pytest.mark.parametrize("how", HOLDERS)
def test_it_is_loaded_and_replaced_whatever_another_process_holds(tmp_path, how):
    path = tmp_path / "a.n2d"
    model = toy_plugin.model()
    model.save(path)
    before = path.read_bytes()
    with holding(path, how) as look:
        assert bundle.load(path, catalogue=CATALOGUE).get_params() == model.get_params()
        assert bundle.inspect(path).file_size == len(before)
        model.save(path)
        bundle.upgrade(path, path, catalogue=CATALOGUE)
        # The other process keeps the file that it had, whole.
        assert look() == repr(b"n2d bundle")
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.n2d"]


_SAVER = """
import sys
import numpy as np
from n2d_framework.storage import encode, write_atomic
path, which, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
image = encode({"which": which}, {"p": {"a": np.full(size, int(which), "u1")}}, created="")
print("go", flush=True)
input()
for _ in range(40):
    write_atomic(path, image)
"""


def test_savers_and_readers_at_the_same_moment(tmp_path):
    """Every reader gets a whole file, and the last saver has its way."""
    path = tmp_path / "a.n2d"
    sizes = {"0": 10, "1": 200_000, "2": 3_000_000}
    write_atomic(path, encode({"which": "0"}, {"p": {"a": np.zeros(10, "u1")}}, created=""))
    savers = [
        subprocess.Popen(
            [sys.executable, "-c", _SAVER, str(path), which, str(size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for which, size in sizes.items()
    ]  # fmt: skip
    for saver in savers:
        assert saver.stdout.readline() == "go\n"
    for saver in savers:
        saver.stdin.write("\n")
        saver.stdin.flush()
    seen = []
    while any(saver.poll() is None for saver in savers):
        seen.append(_whole(path, sizes))
    seen.append(_whole(path, sizes))
    for saver in savers:
        assert saver.wait() == 0
        saver.stdin.close()
        saver.stdout.close()
    assert len(set(seen)) > 1
    assert [item.name for item in tmp_path.iterdir()] == ["a.n2d"]


def _whole(path, sizes) -> str:
    manifest, parts = decode(read_file(path))
    which = manifest["which"]
    assert parts["p"]["a"].tolist().count(int(which)) == sizes[which]
    return which


@pytest.mark.parametrize("sizes", [(10, 100_000), (100_000, 10)])
def test_replaced_between_opening_and_reading(tmp_path, monkeypatch, sizes):
    """A file of another length takes the name just then: the one that is open is read."""
    old, new = (
        encode({"n": size}, {"p": {"a": np.arange(size)}}, created="2026") for size in sizes
    )
    path = tmp_path / "a.n2d"
    write_atomic(path, old)
    original = os.fstat

    def replace_now(handle):
        monkeypatch.setattr(files.os, "fstat", original)
        write_atomic(path, new)
        return original(handle)

    monkeypatch.setattr(files.os, "fstat", replace_now)
    assert read_file(path) == old
    assert read_file(path) == new


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_another_program_is_writing_in_place(tmp_path, share):
    """A copy under way, for example: refused with what to do, until it is complete."""
    path = tmp_path / "a.n2d"
    toy_plugin.model().save(path)
    image = path.read_bytes()
    with path.open("wb") as other:
        other.write(image[: int(share * len(image))])
        other.flush()
        with pytest.raises(BundleError, match=r"empty|truncated"):
            bundle.load(path, catalogue=CATALOGUE)
        other.write(image[int(share * len(image)) :])
        other.flush()
        assert bundle.load(path, catalogue=CATALOGUE)


def test_a_file_that_vanishes(tmp_path):
    path = tmp_path / "a.n2d"
    toy_plugin.model().save(path)
    with path.open("rb"):
        path.unlink()
        with pytest.raises(BundleError, match="there is no such file"):
            bundle.load(path, catalogue=CATALOGUE)


def test_a_system_that_forbids_replacing_a_file_in_use(tmp_path, monkeypatch):
    """As Windows does while another program has it open."""
    path = tmp_path / "a.n2d"
    model = toy_plugin.model()
    model.save(path)
    before = path.read_bytes()

    def refuse(*args):
        raise PermissionError(errno.EACCES, "The file is being used by another process")

    monkeypatch.setattr(files.Path, "replace", refuse)
    with pytest.raises(OutputError, match=r"used by another process; what was there .* unchanged"):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.n2d"]


def test_one_model_saved_by_two_threads(tmp_path):
    path = tmp_path / "a.n2d"
    model = toy_plugin.model()
    model.save(path)
    before, failures = path.read_bytes(), []

    def save():
        try:
            for _ in range(20):
                model.save(path)
                bundle.load(path, catalogue=CATALOGUE)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert path.read_bytes() == before
