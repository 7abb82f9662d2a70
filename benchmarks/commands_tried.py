"""A place with data and a store, and commands of ``n2d`` that are tried in it; needs POSIX.

Commands run in forks of one process that has imported everything, so that a signal meets the
work and not the imports.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import contextlib
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import numpy as np
import psutil

__all__ = [
    "COMMANDS",
    "COMPARE",
    "FIRST",
    "FITTED",
    "PREDICT",
    "RUN",
    "SECONDS",
    "SIGNALS",
    "Place",
    "Process",
    "check_words",
    "output_of_compare",
    "place",
    "reset_compare",
]

#: Rows of what is fitted, and of what is predicted.
FITTED, PREDICTED = 300, 20_000
SIGNALS = ("SIGKILL", "SIGSTOP", "SIGTERM", "SIGHUP")
SECONDS = 180


@attrs.define(eq=False)
class Process:
    """A command in a fork of this process."""

    pid: int
    _reader: int
    usage: resource.struct_rusage | None = None
    _status: int | None = None
    _said: str | None = None

    @property
    def said(self) -> str:
        """Output after the process has ended: through a pipe, which no limit on files reaches."""
        if self._said is None:
            with os.fdopen(self._reader, "rb") as pipe:
                self._said = pipe.read().decode()
        return self._said

    def ended(self) -> bool:
        """Return whether it has ended."""
        if self._status is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._status, self.usage = os.waitstatus_to_exitcode(status), usage
        return self._status is not None

    def wait(self, seconds: float = SECONDS) -> int:
        """Exit code; minus the signal that killed it."""
        deadline = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"not done after {seconds} s: {self.said}")
            time.sleep(0.002)
        assert self._status is not None
        return self._status

    def compute(self, seconds: float) -> None:
        """Wait until it has computed for so long, or has ended; what else runs does not matter."""
        while not self.ended():
            if sum(psutil.Process(self.pid).cpu_times()[:4]) >= seconds:
                return
            time.sleep(0.001)


@attrs.define(eq=False)
class Place:
    """A folder with data, configurations and a store, and the commands to try in it."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Place:
        """With small data in it."""
        rng = np.random.default_rng(0)
        y = np.repeat(np.arange(3), FITTED // 3)
        np.savez(folder / "few.npz", x=(rng.normal(size=(FITTED, 8)) + 9 * y[:, None]), y=y)
        np.save(folder / "many.npy", rng.normal(size=(PREDICTED, 8)) + 9)
        model = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans"}
        config = {"data": "few.npz", "model": {**model, "n_clusters": 3}, "random_state": 1}
        (folder / "run.json").write_text(json.dumps(config))
        grid = {
            "data": "few.npz", "embedders": ["pca", "identity"],
            "manifolders": ["identity", {"name": "pca", "n_components": 2}],
            "clusterers": ["kmeans"], "n_clusters": 3, "seeds": 2, "dbcv_rows": 0,
        }  # fmt: skip
        (folder / "grid.json").write_text(json.dumps(grid))
        return cls(folder)

    def start(self, *words: object, before: Callable[[], object] | None = None) -> Process:
        """Start ``n2d`` with these words; `before` runs in its process first."""
        sys.stdout.flush()
        reader, output = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.setsid()
                for name in SIGNALS[2:]:  # whoever started this may ignore them, as nohup does
                    signal.signal(getattr(signal, name), signal.SIG_DFL)
                os.chdir(self.folder)
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.closerange(3, 1024)  # what this process has open is not the command's
                sys.argv = ["n2d", *map(str, words)]
                sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
                if before is not None:
                    before()
                from n2d_framework.cli import main

                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            finally:
                os._exit(code)
        os.close(output)
        return Process(pid, reader)

    def do(self, *words: object, seconds: float = SECONDS) -> Process:
        """Run a command that must succeed."""
        process = self.start(*words)
        code = process.wait(seconds)
        assert code == 0, f"{words}: exit code {code}: {process.said}"
        return process

    def hidden(self) -> list[str]:
        """Hidden files and folders anywhere below."""
        found = self.folder.rglob(".*")
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def check_store(self, name: str = "store") -> int:
        """Number of entries, each of which must be whole."""
        from n2d_framework.plan.store import StageStore

        store = StageStore(self.folder / name)
        keys = store.keys()
        for key in keys:
            assert store.read(key) is not None, f"entry {key} is not whole"
        return len(keys)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A place in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="n2d-reliability-") as folder:
        here = Place.made(Path(folder))
        _import_all(here)
        yield here


def _import_all(here: Place) -> None:
    """Run each command once in this process, so that its forks have nothing left to import."""
    from typer.testing import CliRunner

    from n2d_framework.cli import app

    if _imported:
        return
    with contextlib.chdir(here.folder):
        for words in ((*RUN[:2], *FIRST), RUN, PREDICT, COMPARE):
            result = CliRunner().invoke(app, list(words))
            assert result.exit_code == 0, result.output
        for name in ("first", "out", "store", "cells"):
            shutil.rmtree(name)
        Path("p.csv").unlink()
    _imported.append(True)


_imported: list[bool] = []
RUN = ("run", "run.json", "--out", "out", "--store", "store", "--no-plots", "--overwrite")
FIRST = ("--out", "first", "--no-plots", "--no-store", "--seed", "2")
PREDICT = ("predict", "first/run.n2d", "many.npy", "-o", "p.csv", "--chunk", "512")
COMPARE = ("compare", "grid.json", "--out", "cells", "--store", "store", "--no-report")


def _no_store(here: Place) -> None:
    shutil.rmtree(here.folder / "store", ignore_errors=True)


def _reset_run(here: Place) -> None:
    _no_store(here)
    for path in here.folder.glob("out*"):
        shutil.rmtree(path)
    if random.random() < 0.5:  # also an earlier output that is replaced
        shutil.copytree(here.folder / "first", here.folder / "out")


def _output_of_run(here: Place) -> object:
    """Seed and labels; what comes after the labels may be missing, if it is listed as such."""
    from n2d_framework import load

    out = here.folder / "out"
    if not out.exists() or not any(out.iterdir()):
        return None
    record = json.loads((out / "run.json").read_text())
    if "bundle" not in record["missing"]:
        assert load(out / "run.n2d").labels_.shape == (FITTED,), "the bundle is not whole"
    return record["random_state"], (out / "labels.csv").read_bytes()


def _reset_predict(here: Place) -> None:
    _no_store(here)
    (here.folder / "p.csv").write_text("the old one\n")


def _output_of_predict(here: Place) -> object:
    return (here.folder / "p.csv").read_bytes()


def reset_compare(here: Place) -> None:
    _no_store(here)
    shutil.rmtree(here.folder / "cells", ignore_errors=True)


def output_of_compare(here: Place) -> object:
    from n2d_framework import open_comparison

    out = here.folder / "cells"
    if not (out / "comparison.json").exists():
        return None
    open_comparison(out)
    table = out / "table.csv"
    return table.read_bytes() if table.exists() else None


COMMANDS: dict[str, tuple[tuple[str, ...], Callable[[Place], object], Callable[[Place], None]]] = {
    "run": (RUN, _output_of_run, _reset_run),
    "predict": (PREDICT, _output_of_predict, _reset_predict),
    "compare": (COMPARE, output_of_compare, reset_compare),
}


def check_words(said: str, where: str) -> None:
    """No failure may come as a surprise."""
    assert not any(word in said for word in ("unexpected", "Traceback")), f"{where}: {said}"
