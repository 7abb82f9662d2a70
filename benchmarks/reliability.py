"""Nothing is lost and no file is half written, whatever happens to a process.

Run as ``python benchmarks/reliability.py``; ``--only NAME,…`` chooses checks, ``--moments``,
``--entries`` and ``--processes`` their size, ``-o FILE`` writes a page. A small version is in
``tests/cli/test_reliability.py``. It needs POSIX.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import attrs
import psutil
from commands_tried import (
    COMMANDS,
    COMPARE,
    FIRST,
    RUN,
    SECONDS,
    SIGNALS,
    Place,
    output_of_compare,
    place,
    reset_compare,
)  # fmt: skip
from lacks import descriptors, full_disk, read_only, small_disk


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
    """A store of so many entries, and of a tenth: what listing, pruning and a run cost."""
    few, many = _store_costs(number // 10), _store_costs(number)
    said = []
    for what, (least, _, _) in few.items():
        computing, seconds, memory = many[what]
        said.append(f"{what} {computing:.1f} s of computing in {seconds:.0f} s, {memory:.0f} MiB")
        grown = f"{what}: {least:.2f} s for a tenth of the entries, {computing:.2f} s for all"
        assert computing < 15 * least + 1, grown
    return f"{number:,} entries: {'; '.join(said)}; of a tenth of them in proportion or less"


def _store_costs(number: int) -> dict[str, tuple[float, float, float]]:
    """Seconds of computing, seconds in all and MiB of resident memory of commands on a store."""
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
        costs = {
            what: _costs(here, *words)
            for what, words in (
                ("nothing", ("--version",)),
                ("listing", ("store", "--store", "store", "--json")),
                ("a run", RUN),
                ("pruning half", ("store", "prune", "--store", "store", "--older-than", "30d")),
                ("pruning the rest", ("store", "prune", "--store", "store", "--all", "--now")),
            )
        }
        assert here.check_store() == 0
        return costs


def _costs(here: Place, *words: object) -> tuple[float, float, float]:
    start = time.perf_counter()
    usage = here.do(*words, seconds=20 * SECONDS).usage
    assert usage is not None
    seconds = time.perf_counter() - start
    return usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024


def interrupted(command: str, moments: int) -> str:
    """Signals at random moments: old or new, whole, and the next start cleans up and resumes."""
    words, check, reset = COMMANDS[command]
    with place() as here:
        here.do(*RUN[:2], *FIRST)
        reset(here)
        durations: list[float] = []
        for _ in range(3):
            reset(here)
            durations.append(_costs(here, *words)[0])
        usual = median(durations)
        whole, met = check(here), Counter[str]()
        for number in range(moments):
            reset(here)
            old = check(here)
            name = SIGNALS[number % len(SIGNALS)]
            process = here.start(*words)
            process.compute(usual * (number + random.random()) / moments)
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
            assert not here.hidden(), f"{where}: {here.hidden()}"
        listed = ", ".join(f"{count} {name}" for name, count in sorted(met.items()))
        size = f"{moments} moments in {usual:.2f} s of computing"
        return f"{size} ({listed}): old or new, whole; none lost"


def _codes(name: str) -> set[int]:
    number = getattr(signal, name)
    # Before the command has set its handlers, the default action ends the process.
    return {0, -number} if name == "SIGKILL" else {0, 128 + number, -number}


def dying_workers(number: int) -> str:
    """A worker of a comparison, or of a scheduler, dies after some stage: the same table."""
    with place() as here:
        here.do(*COMPARE)
        whole, entries = output_of_compare(here), here.check_store()
        words = [sys.executable, "-m", "n2d_framework", *COMPARE]
        met = Counter[str]()
        for moment in range(number):
            reset_compare(here)
            with _cluster() if moment % 2 else contextlib.nullcontext() as cluster:
                by_hand = ("--scheduler", cluster.address) if cluster else ("--workers", "2")
                said = here.folder / "said"
                with said.open("wb") as output:
                    process = subprocess.Popen(
                        [*words, *by_hand], cwd=here.folder, stdout=output, stderr=output,
                        env=os.environ | {"PYTHONFAULTHANDLER": "1"},
                    )  # fmt: skip
                done = random.randrange(entries)
                while process.poll() is None and _entries(here) < done:
                    time.sleep(0.005)
                workers = _workers(cluster.pids if cluster else [process.pid])
                victim = random.choice(workers) if workers and process.poll() is None else None
                if victim is not None:
                    victim.kill()
                try:
                    code = process.wait(SECONDS)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGABRT)  # it says where it is
                    code = process.wait()
                assert code == 0, f"{by_hand}, after {done} stages: {said.read_text()}"
            met["too late" if victim is None else by_hand[0]] += 1
            assert output_of_compare(here) == whole, f"{by_hand}, after {done} stages"
            assert here.check_store() == entries, f"{by_hand}, after {done} stages"
            assert not here.hidden(), here.hidden()
        listed = ", ".join(f"{count} {name}" for name, count in sorted(met.items()))
        return f"{number} workers killed after some of {entries} stages ({listed}): the same table"


@attrs.frozen
class _Cluster:
    address: str
    pids: list[int]


@contextlib.contextmanager
def _cluster() -> Iterator[_Cluster]:
    """A scheduler and two workers, each with a process that starts it again."""
    from distributed import Client

    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as started:
        about = Path(folder) / "scheduler.json"

        def start(*words: str) -> subprocess.Popen[bytes]:
            command = [*dask, *words, "--scheduler-file", str(about), "--no-dashboard"]
            process = subprocess.Popen(command, cwd=folder, **quiet)
            started.callback(process.wait, SECONDS)
            started.callback(process.terminate)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
        while not about.exists() or not about.read_text().endswith("}"):
            assert scheduler.poll() is None
            time.sleep(0.05)
        workers = [start("worker", "--nthreads", "1", "--local-directory", folder) for _ in "ab"]
        address = json.loads(about.read_text())["address"]
        with Client(address) as client:
            client.wait_for_workers(2, timeout=SECONDS)
        yield _Cluster(address, [process.pid for process in workers])


def _entries(here: Place) -> int:
    return len(list((here.folder / "store").rglob("*.stage")))


def _workers(pids: Sequence[int]) -> list[psutil.Process]:
    """Processes that fit stages, among those that these have started."""
    found = []
    for pid in pids:
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
        whole = output_of_compare(here)
        reset_compare(here)
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
    parser.add_argument("--workers", type=int, default=20, help="how many are killed")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    checks: dict[str, Callable[[], str]] = {
        "processes": lambda: many_processes(chosen.processes),
        "store": lambda: large_store(chosen.entries),
        **{name: lambda name=name: interrupted(name, chosen.moments) for name in COMMANDS},
        "files": full_disk,
        "disk": small_disk,
        "read-only": read_only,
        "descriptors": descriptors,
        "workers": lambda: dying_workers(chosen.workers),
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
