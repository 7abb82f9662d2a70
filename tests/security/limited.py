"""Cases of a fuzzer in processes with limits of time and memory, and how they end."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import psutil

#: Of the processor, so that a busy machine is not a failure; and of the clock, when nothing comes.
SECONDS, PATIENCE = 5.0, 90.0
MEMORY = 1 << 30

#: Name of a base or a kind of cases, and number or name of the case.
Item = tuple[str, int | str]


def limit_memory() -> None:
    """From here on this process may take a GiB more than it has now."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def spent() -> float:
    """Processor time of this process and of those that it started, in seconds."""
    total = sum(psutil.Process().cpu_times()[:4])
    for listed in Path("/proc/self/task").glob("*/children"):
        for pid in listed.read_text().split():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(psutil.Process(int(pid)).cpu_times()[:4])
    return total


def report(item: Any, reported: str, run: Callable[[], str]) -> None:
    """Print one line before and one after a case."""
    print(json.dumps([item, reported, "started"]), flush=True)
    start = spent()
    try:
        outcome = run()
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps([item, reported, outcome, spent() - start]), flush=True)


def watch(command: Sequence[str]) -> tuple[list[Any], str]:
    """Run a worker until it ends or is silent for too long; its lines and how it ended."""
    environment = os.environ | {
        "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own reserves a GiB at once
    }  # fmt: skip
    # Workers import what lies beside them, also where the command n2d was called before.
    environment.pop("PYTHONSAFEPATH", None)
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=out, stderr=errors, env=environment) as process,
    ):
        size, silent, death = -1, time.monotonic(), ""
        while process.poll() is None:
            time.sleep(0.05)
            if (now := os.fstat(out.fileno()).st_size) != size:
                size, silent = now, time.monotonic()
            elif size > 0 and time.monotonic() - silent > PATIENCE:
                process.kill()
                death = "no end"
        out.seek(0)
        lines = [json.loads(line) for line in out.read().splitlines() if line.endswith("]")]
        errors.seek(0)
        if process.returncode and not death:
            death = f"ended with {process.returncode}: {errors.read()[-500:]}"
    if death and not lines:
        raise RuntimeError(f"the worker did not start: {death}")
    return lines, death


def campaign(
    command: Sequence[str], folder: Path, items: Sequence[Item], allowed: Collection[str]
) -> dict[str, Any]:
    """Run cases in limited processes, and count how they ended.

    Parameters
    ----------
    command : sequence of str
        Starts a worker, which runs what ``items.json`` in the folder lists, each by
        :func:`report`, after :func:`limit_memory`.
    folder : Path
    items : sequence of (str, int or str)
    allowed : collection of str
        How a case may end.

    Returns
    -------
    dict
        ``outcomes`` by name; ``ends``: how each case ended; ``bad``: the cases that did not end
        as they may; ``slowest`` in seconds.
    """
    outcomes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    bad: list[Any] = []
    ends: dict[str, str] = {}
    slowest, left = 0.0, [list(item) for item in items]
    while left:
        (folder / "items.json").write_text(json.dumps(left))
        lines, death = watch(command)
        started, reported, finished = left[0], "", list[Any]()
        for item, reported, outcome, *seconds in lines:
            started = item
            if not seconds:
                continue
            finished.append(item)
            slowest = max(slowest, seconds[0])
            ends[str(item[1])] = outcome
            outcomes[item[0]][outcome if outcome in allowed else "bad"] += 1
            if outcome not in allowed or seconds[0] > SECONDS:
                bad.append([*item, reported, outcome, round(seconds[0], 2)])
        done = set(map(tuple, finished))
        left = [item for item in left if tuple(item) not in done]
        if death:
            if started not in left:
                raise RuntimeError(f"the worker crashed between cases: {death}")
            bad.append([*started, reported, death])
            outcomes[started[0]]["bad"] += 1
            left.remove(started)
    counted = {name: dict(counter) for name, counter in sorted(outcomes.items())}
    return {"outcomes": counted, "ends": ends, "bad": bad, "slowest": round(slowest, 3)}
