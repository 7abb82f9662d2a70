"""Nothing is lost and no file is half written, whatever happens to a process.

Run as ``python benchmarks/reliability.py``; ``--only NAME,…`` chooses checks, ``--moments``,
``--entries`` and ``--processes`` their size, ``-o FILE`` writes a page. A small version is in
``tests/cli/test_reliability.py``. It needs POSIX: commands run in forks of one process that has
imported everything, so that a signal meets the work and not the imports.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import contextlib
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import attrs
import numpy as np

#: Rows of what is fitted, and of what is predicted.
FITTED, PREDICTED = 300, 20_000
SIGNALS = ("SIGKILL", "SIGSTOP", "SIGTERM", "SIGHUP")
_SECONDS = 180


@attrs.define(eq=False)
class Process:
    """A command in a fork of this process."""

    pid: int
    _reader: int
    _status: int | None = None
    _said: str | None = None

    @property
    def said(self) -> str:
        """Output after the process has ended: through a pipe, which no limit on files reaches."""
        if self._said is None:
            with os.fdopen(self._reader, "rb") as pipe:
                self._said = pipe.read().decode()
        return self._said

    def wait(self, seconds: float = _SECONDS) -> int:
        """Exit code; minus the signal that killed it."""
        deadline = time.monotonic() + seconds
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError(f"not done after {seconds} s: {self.said}")
            else:
                time.sleep(0.002)
        return self._status

    def ended(self) -> bool:
        """Return whether it has ended."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status is not None


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

    def do(self, *words: object) -> str:
        """Run a command that must succeed."""
        process = self.start(*words)
        code = process.wait()
        assert code == 0, f"{words}: exit code {code}: {process.said}"
        return process.said

    def hidden(self) -> list[str]:
        """Hidden files and folders anywhere below."""
        found = self.folder.rglob(".*")
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def check_store(self, name: str = "store") -> int:
        """Number of entries, each of which must be whole."""
        from n2d_framework.pipeline.store import StageStore

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


def many_processes(number: int) -> str:
    """As many runs at once on one store: the same labels everywhere, every entry whole."""
    with place() as here:
        started = [here.start(*RUN[:2], "--out", f"out{i}", *RUN[4:]) for i in range(number)]
        for process in started:
            assert process.wait() == 0, process.said
        labels = {(here.folder / f"out{i}/labels.csv").read_bytes() for i in range(number)}
        assert len(labels) == 1
        assert not here.hidden(), here.hidden()
        return f"{number} runs: all ended well with the same labels; {here.check_store()} entries"


def large_store(number: int) -> str:
    """A store of so many entries: seconds and memory of listing and pruning, and of a run."""
    with place() as here:
        here.do(*RUN)
        entry = next((here.folder / "store").rglob("*.stage")).read_bytes()
        long_ago = time.time() - 90 * 86400
        for i in range(number):
            key = f"{i * 2654435761 % 2**32:08x}{i:056x}"
            path = here.folder / "store" / key[:2] / f"{key}.stage"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(entry[:64])
            if i % 2:
                os.utime(path, (long_ago, long_ago))
        said = []
        for what, words in (
            ("nothing", ("--version",)),
            ("listing", ("store", "--store", "store", "--json")),
            ("a run", RUN),
            ("pruning half", ("store", "prune", "--store", "store", "--older-than", "30d")),
            ("pruning the rest", ("store", "prune", "--store", "store", "--all", "--now")),
        ):
            seconds, size = _costs(here, words)
            said.append(f"{what} {seconds:.1f} s, {size:.0f} MiB")
        assert here.check_store() == 0
        return f"{number:,} entries: {'; '.join(said)}"


def _costs(here: Place, words: tuple[object, ...]) -> tuple[float, float]:
    """Seconds, and MiB of resident memory at most."""
    start = time.perf_counter()
    process = here.start(*words)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, process.said
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def interrupted(command: str, moments: int) -> str:
    """Signals at random moments: old or new, whole, and the next start cleans up and goes on."""
    words, check, reset = _COMMANDS[command]
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        reset(here)
        durations: list[float] = []
        for _ in range(3):
            reset(here)
            durations.append(_seconds(here, words))
        whole, met = check(here), Counter[str]()
        for number in range(moments):
            reset(here)
            old = check(here)
            name = SIGNALS[number % len(SIGNALS)]
            process = here.start(*words)
            usual = median(durations[-3:])  # whatever else the machine is doing by now
            time.sleep(usual * (number + random.random()) / moments)
            late = process.ended()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, getattr(signal, name))
            if name == "SIGSTOP" and not late:
                time.sleep(0.05)
                os.killpg(process.pid, signal.SIGCONT)
            code, said = process.wait(), process.said
            met["too late" if late or (code == 0 and name != "SIGSTOP") else name] += 1
            where = f"{command}, {name} at moment {number}, exit code {code}"
            allowed = {0} if late or name == "SIGSTOP" else _codes(name)
            assert code in allowed, f"{where}: {said}"
            assert check(here) in (old, whole), where
            if name != "SIGKILL":
                assert not here.hidden(), f"{where}: {here.hidden()}"
            here.check_store()
            here.do(*words)
            assert check(here) == whole, where
            if number % 5 == 0:
                reset(here)
                durations.append(_seconds(here, words))
            assert not here.hidden(), f"{where}: {here.hidden()}"
        listed = ", ".join(f"{count} {name}" for name, count in sorted(met.items()))
        usual = median(durations)
        return f"{moments} moments in {usual:.2f} s ({listed}): old or new, whole; none lost"


def _seconds(here: Place, words: tuple[str, ...]) -> float:
    start = time.monotonic()
    here.do(*words)
    return time.monotonic() - start


def _codes(name: str) -> set[int]:
    number = getattr(signal, name)
    # Before the command has set its handlers, the default action ends the process.
    return {0, -number} if name == "SIGKILL" else {0, 128 + number, -number}


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


def _reset_compare(here: Place) -> None:
    _no_store(here)
    shutil.rmtree(here.folder / "cells", ignore_errors=True)


def _output_of_compare(here: Place) -> object:
    from n2d_framework import open_comparison

    out = here.folder / "cells"
    if not (out / "comparison.json").exists():
        return None
    open_comparison(out)
    table = out / "table.csv"
    return table.read_bytes() if table.exists() else None


_COMMANDS: dict[str, tuple[tuple[str, ...], Callable[[Place], object], Callable[[Place], None]]] = {
    "run": (RUN, _output_of_run, _reset_run),
    "predict": (PREDICT, _output_of_predict, _reset_predict),
    "compare": (COMPARE, _output_of_compare, _reset_compare),
}


def _refused(here: Place, before: Callable[[], object], where: str) -> dict[str, int]:
    """Each command under some lack: it succeeds, or says what is wrong and leaves no half file."""
    codes = {}
    for command, (words, check, reset) in _COMMANDS.items():
        reset(here)
        old = check(here)
        process = here.start(*words, before=before)
        codes[command] = process.wait()
        said = process.said
        assert codes[command] in (0, 1, 2), f"{where}, {command}: {said}"
        _check_words(said, f"{where}, {command}")
        assert codes[command] == 0 or "error" in said, f"{where}, {command}: {said}"
        hidden = here.hidden()
        assert not hidden, f"{where}, {command}: {hidden}: {said}"
        if codes[command]:
            assert command == "run" or check(here) == old, f"{where}, {command}"
        here.check_store()
        here.do(*words)
    return codes


def _check_words(said: str, where: str) -> None:
    """No failure may come as a surprise."""
    assert not any(word in said for word in ("unexpected", "Traceback")), f"{where}: {said}"


def full_disk(sizes: tuple[int, ...] = (0, 4, 32, 128, 512)) -> str:
    """No file may be larger than so many KiB (and SIGXFSZ is not sent): each write fails."""

    def limit(size: int) -> Callable[[], None]:
        def lower() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size * 1024, size * 1024))

        return lower

    with place() as here:
        here.do(*RUN[:2], *FIRST)
        found = {size: _refused(here, limit(size), f"files of {size} KiB") for size in sizes}
        return f"largest file in KiB, and exit codes: {_listed(found)}"


def descriptors(limits: tuple[int, ...] = (64, 32, 20, 14, 10)) -> str:
    """So few files may be open at once."""

    def limit(number: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    with place() as here:
        here.do(*RUN[:2], *FIRST)
        found = {n: _refused(here, limit(n), f"{n} descriptors") for n in limits}
        return f"descriptors, and exit codes: {_listed(found)}"


def _listed(found: dict[int, dict[str, int]]) -> str:
    return "; ".join(
        f"{limit}: {', '.join(f'{name} {code}' for name, code in codes.items())}"
        for limit, codes in found.items()
    )


def read_only() -> str:
    """Nothing may be written: no command leaves anything, each says so."""
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        mounted = _mounted(here.folder, "--bind", str(here.folder)) and _mounted(
            here.folder, "-o", "remount,bind,ro"
        )
        before = sorted(str(path) for path in here.folder.rglob("*"))
        user = 0 if mounted or os.geteuid() else 65534
        if not mounted:
            here.folder.chmod(0o555)
        said = Path(tempfile.gettempdir()) / f"n2d-said-{os.getpid()}"
        try:
            for command, (words, _, _) in _COMMANDS.items():
                pid = os.fork()
                if pid == 0:
                    output = os.open(said, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
                    os.dup2(output, 1)
                    os.dup2(output, 2)
                    if user:
                        os.setuid(user)
                    os.chdir(here.folder)
                    os.execv(sys.executable, [sys.executable, "-m", "n2d_framework", *words])
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                text = said.read_text()
                assert code in (1, 2), f"read-only, {command}: {code}: {text}"
                _check_words(text, f"read-only, {command}")
        finally:
            said.unlink(missing_ok=True)
            if mounted:
                subprocess.run(["umount", str(here.folder)], check=True)
            here.folder.chmod(0o700)
        assert sorted(str(path) for path in here.folder.rglob("*")) == before
        how = "a read-only mount" if mounted else "a folder without permission to write"
        return f"{how}: each command says so and leaves nothing"


def _mounted(folder: Path, *options: str) -> bool:
    if shutil.which("mount") is None:
        return False
    command = ["mount", *options, str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def small_disk(sizes: tuple[int, ...] = (64, 128, 256, 512)) -> str:
    """A file system in memory of so many KiB for everything that is written."""
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        disk = here.folder / "disk"
        disk.mkdir()
        found: dict[int, dict[str, int]] = {}
        for size in sizes:
            options = ("-t", "tmpfs", "-o", f"size={size}k", "tmpfs")
            if not _mounted(disk, *options):
                return "file systems cannot be mounted here; see the largest file instead"
            try:
                found[size] = {}
                for command, words in (
                    ("run", (*RUN[:2], "--out", "disk/out", "--store", "disk/store", "--no-plots")),
                    ("predict", (*PREDICT[:4], "disk/p.csv")),
                    ("compare", (*COMPARE[:2], "--out", "disk/cells", "--no-report")),
                ):
                    process = here.start(*words)
                    code = found[size][command] = process.wait()
                    said = process.said
                    assert code in (0, 1), said
                    _check_words(said, f"{size} KiB, {command}")
                    assert not here.hidden(), here.hidden()
            finally:
                subprocess.run(["umount", str(disk)], check=True)
        return f"size in KiB, and exit codes: {_listed(found)}"


def dying_workers(number: int) -> str:
    """A worker of Dask is killed during a comparison: the same table."""
    import psutil

    with place() as here:
        here.do(*COMPARE)
        whole = _output_of_compare(here)
        words = [sys.executable, "-m", "n2d_framework", *COMPARE, "--workers", "2"]
        killed = 0
        for _ in range(number):
            _reset_compare(here)
            with (here.folder / "said-workers").open("wb") as said:
                process = subprocess.Popen(words, cwd=here.folder, stdout=said, stderr=said)
                workers: list[psutil.Process] = []
                while len(workers) < 2 and process.poll() is None:
                    time.sleep(0.02)
                    workers = _workers(process.pid)
                time.sleep(random.random())
                with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                    random.choice(workers).kill()
                    killed += 1
                assert process.wait(_SECONDS) == 0, (here.folder / "said-workers").read_text()
            assert _output_of_compare(here) == whole
            assert not here.hidden(), here.hidden()
        return f"{killed} workers killed: the same table"


def _workers(pid: int) -> list[object]:
    import psutil

    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
    return found


def two_comparisons(number: int = 2) -> str:
    """Comparisons at once on one store, two of them in one folder: the same tables."""
    with place() as here:
        here.do(*COMPARE)
        whole = _output_of_compare(here)
        _reset_compare(here)
        names = [f"cells{i}" for i in range(number)] + ["cells0"]
        started = [here.start(*COMPARE[:3], name, *COMPARE[4:]) for name in names]
        for process in started:
            assert process.wait() == 0, process.said
        for name in names:
            assert (here.folder / name / "table.csv").read_bytes() == whole
        assert not here.hidden(), here.hidden()
        entries = here.check_store()
        return f"{number} comparisons, one of them twice: the same tables; {entries} entries"


def main() -> None:
    """Run the checks and say what they found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="names of checks, separated by commas")
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    checks: dict[str, Callable[[], str]] = {
        "processes": lambda: many_processes(chosen.processes),
        "store": lambda: large_store(chosen.entries),
        **{name: lambda name=name: interrupted(name, chosen.moments) for name in _COMMANDS},
        "files": full_disk,
        "disk": small_disk,
        "read-only": read_only,
        "descriptors": descriptors,
        "workers": lambda: dying_workers(5),
        "comparisons": two_comparisons,
    }
    names = [name for name in chosen.only.split(",") if name] or list(checks)
    found = {}
    for name in names:
        start = time.perf_counter()
        try:
            found[name] = checks[name]()
        except (AssertionError, OSError, ValueError) as error:
            found[name] = f"FAILED: {error}"
        print(f"{name} ({time.perf_counter() - start:.0f} s): {found[name]}", flush=True)
    if chosen.output is not None:
        from machine import description

        rows = "\n".join(f"| {name} | {text} |" for name, text in found.items())
        command = " ".join(["python benchmarks/reliability.py", *sys.argv[1:]])
        page = [
            "# Reliability",
            description(),
            f"`{command}`",
            f"| check | found |\n|---|---|\n{rows}",
        ]
        chosen.output.write_text("\n\n".join(page) + "\n")
    sys.exit(any(text.startswith("FAILED") for text in found.values()))


if __name__ == "__main__":
    main()
