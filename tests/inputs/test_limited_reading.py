"""Formats whose libraries damaged files break are read in a process that may end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import input_fuzzing
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from n2d_framework.data import load, open_rows
from n2d_framework.data.apart import limited
from n2d_framework.data.apart.limited import LimitedReader
from n2d_framework.errors import DataError, DataWarning

X = np.arange(60.0).reshape(20, 3)
Y = [f"class {row % 3}" for row in range(20)]
spent = input_fuzzing.limited.spent
LIMITS = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")


def write(path: Path) -> Path:
    """Rows and labels in any of the formats."""
    if path.suffix == ".parquet":
        columns = {name: X[:, place] for place, name in enumerate("abc")}
        pq.write_table(pa.table(columns | {"label": Y}), path)
        return path
    with h5py.File(path, "w") as file:
        file["x"] = X
        file.create_dataset("y", data=Y, dtype=h5py.string_dtype())
    return path


class Toy:
    """Effects of a library on the process that it is in."""

    def __init__(self, does: str = "nothing", when: str = "parts") -> None:
        self.does, self.when = does, when
        self.act("open")

    def act(self, when: str) -> None:
        if when != self.when:
            return
        if self.does == "loop":
            while True:
                pass
        if self.does == "grow":
            self.held = bytearray(3 << 30)
        if self.does == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.does == "print":
            os.write(1, b"x" * 100)
        if self.does == "fail":
            raise KeyError("a fault of ours")
        if self.does == "wait":
            time.sleep(60)

    def about(self) -> Any:
        return os.getpid()

    def parts(self, count: int = 1) -> Iterator[Any]:
        self.act("parts")
        for number in range(count):
            yield number, [np.full((number, 2), number), np.array(["ä"] * number)]

    def close(self) -> None:
        return None


def toy(path: Path, *arguments: str) -> LimitedReader:
    return LimitedReader(path, 1000, Toy, *arguments)


# Damage that libhdf5 does not survive -----------------------------------------------------------


def endless(path: Path) -> None:
    """Let an object in the heap of strings take no room, so that libhdf5 stays at it for ever."""
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL") + 16
    content[heap + 8 : heap + 16] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(content)


@LIMITS
@pytest.mark.timeout(60, method="thread")
@pytest.mark.parametrize("place", ["labels", "ids", "names", "class names", "table"])
def test_a_damaged_heap_of_strings_is_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place != "labels":  # one waits as long as users do
        monkeypatch.setattr(limited, "_SECONDS", 0.3)
    path = tmp_path / "table.h5"
    strings = h5py.string_dtype()
    ask: dict[str, Any] = {"path": str(path)}
    with h5py.File(path, "w") as file:
        if place == "table":
            kinds = np.dtype([("a", "f8"), ("b", "f8"), ("label", strings)])
            file["table"] = np.array([(1.0, 2.0, "u"), (3.0, 4.0, "v")], dtype=kinds)
        else:
            file["x"] = X
            name, values = {
                "labels": ("y", Y), "ids": ("key", Y), "names": ("feature_names", ["a", "b", "c"]),
                "class names": ("class_names", ["u", "v"]),
            }[place]  # fmt: skip
            file.create_dataset(name, data=values, dtype=strings)
            if place == "ids":
                ask["id"] = "key"
            if place == "class names":
                file["y"] = np.arange(20) % 2
    load(ask)
    endless(path)
    before = spent()
    with pytest.raises(DataError, match=r"table\.h5: .* more time than its size explains; .*write"):
        load(ask)
    assert spent() - before < 5
    write(path)
    assert load(path).y.tolist() == Y


# What a library may do --------------------------------------------------------------------------


@LIMITS
@pytest.mark.parametrize("when", ["open", "parts"])
@pytest.mark.parametrize(
    ("does", "says"),
    [("loop", "more time than"), ("grow", "more memory than"), ("crash", "crashed on it .SIGSEGV")],
)
def test_faults_of_a_library_are_errors_that_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, says: str, when: str
) -> None:
    monkeypatch.setattr(limited, "_SECONDS", 0.3)
    path, before = tmp_path / "some.h5", spent()
    with pytest.raises(DataError, match=rf"some\.h5: .*{says}.*; write it again"):
        list(toy(path, does, when).parts(size=100))
    assert spent() - before < 5
    with toy(path) as reader:
        assert len(list(reader.parts(3, size=100))) == 3


def test_faults_of_ours_are_not_taken_for_damage(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a fault of ours"):
        toy(tmp_path, "fail", "open")


def test_what_a_library_prints_does_not_come_between(tmp_path: Path) -> None:
    with toy(tmp_path, "print") as reader:
        parts = list(reader.parts(3, size=0))
    assert [number for number, _ in parts] == [0, 1, 2]
    for number, (numbers, strings) in parts:
        assert numbers.tolist() == [[number, number]] * number
        assert strings.tolist() == ["ä"] * number


def test_one_process_serves_one_file_after_the_other(tmp_path: Path) -> None:
    with toy(tmp_path) as first:
        with toy(tmp_path) as beside:
            assert beside.about != first.about
        assert list(first.parts(2, size=0))
    with toy(tmp_path) as again:
        assert again.about in (first.about, beside.about)
    with pytest.raises(DataError, match="closed"):
        list(again.parts(size=0))


def test_a_process_that_is_gone_is_replaced(tmp_path: Path) -> None:
    with toy(tmp_path) as reader:
        process = psutil.Process(reader.about)
    process.kill()
    process.wait()
    with toy(tmp_path) as reader:
        assert reader.about != process.pid


@pytest.mark.parametrize("end", ["SIGKILL", "idle"])
def test_a_process_that_goes_just_when_it_is_asked_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    with toy(tmp_path) as reader:
        before = reader.about
    popen = limited._idle[-1].popen
    assert popen.pid == before
    if end == "SIGKILL":
        popen.kill()
    else:
        popen.stdin.close()
    popen.wait()
    monkeypatch.setattr(popen, "poll", lambda: None)
    if end == "idle":
        monkeypatch.setattr(popen, "stdin", Path(os.devnull).open("wb"))  # noqa: SIM115
    with toy(tmp_path) as reader:
        assert reader.about != before


def test_an_interrupt_ends_the_process(tmp_path: Path) -> None:
    with toy(tmp_path, "wait") as reader:
        process = psutil.Process(reader.about)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                list(reader.parts(size=0))
        finally:
            signal.signal(signal.SIGALRM, before)
        assert not process.is_running()


def test_the_process_does_not_outlive_this_one(tmp_path: Path) -> None:
    code = """
        import os, sys
        from n2d_framework.data import open_rows
        import psutil
        source = open_rows(sys.argv[1])
        print(psutil.Process().children()[0].pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    path = write(tmp_path / "rows.h5")
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    end = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)


# Rows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rows.h5", "rows.parquet"])
def test_rows_in_pieces_and_twice_at_once(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    with open_rows(path) as source, open_rows(path) as other:
        for one, two, three in zip(
            source.blocks(7), source.blocks(7), other.blocks(7), strict=True
        ):
            assert np.array_equal(one.x, two.x)
            assert np.array_equal(one.y, three.y)
        next(source.chunks(1))
        assert np.array_equal(np.concatenate(list(source.chunks(3))), X)
    assert load(path).y.tolist() == Y


@pytest.mark.parametrize("name", ["rows.h5", "rows.parquet"])
def test_relative_paths_are_those_of_the_current_folder(tmp_path: Path, monkeypatch, name) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        write(Path(name))
        assert len(load(name).x) == len(X)
        Path(name).unlink()
        with pytest.raises(DataError, match=f"^{name}: "):
            load(name)


def test_remarks_of_the_process_are_warnings_here(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.h5")
    with h5py.File(path, "a") as file:
        file["notes"] = np.zeros(3)
    with pytest.warns(DataWarning, match="not used: 'notes'"):
        load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataWarning):
            load(path)
        with toy(path) as reader:
            assert len(list(reader.parts(2, size=0))) == 2
