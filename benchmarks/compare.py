"""Savings and costs of comparisons, each in one run on one machine.

    python benchmarks/compare.py sharing  # digits: 72 cells, each stage once, or cell by cell
    python benchmarks/compare.py usps     # the same with networks of 60 epochs on USPS
    python benchmarks/compare.py workers  # one process against two
    python benchmarks/compare.py scale    # 10,000 cells: planning, memory, and running them
    python benchmarks/compare.py sharing usps workers scale --write benchmarks/results/compare.md

`sharing` and `usps` run each cell of a grid with a store of its own, one after the other, and then
the grid as a comparison does; scores must be equal. What a dry run foretells is reported beside.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import description

import n2d_framework as n2d
from n2d_framework.core.events import StageFinished
from n2d_framework.experiment import plan_comparison
from n2d_framework.experiment.estimate import estimate
from n2d_framework.experiment.materials import keep_material
from n2d_framework.experiment.planning import make_graph
from n2d_framework.experiment.run_comparison import Planned
from n2d_framework.plan.executors.task_graph import run_here
from n2d_framework.plan.executors.tasks import Outcome, Settings
from n2d_framework.plan.store import StageStore
from n2d_framework.types import ROLES

DIGITS = {
    "data": "digits",
    "embedders": [
        {"name": "dense_ae", "hidden": [64, 64], "epochs": 20},
        {"name": "denoising_ae", "hidden": [64, 64], "epochs": 20},
        "pca",
    ],
    "manifolders": [{"name": "umap", "n_neighbors": 10}, "isomap", "pca", "identity"],
    "clusterers": [{"name": "gmm", "n_init": 3}, "kmeans", "hdbscan"],
    "seeds": 2,
    "n_clusters": 10,
    "dbcv_rows": 500,
}
USPS = {
    "data": "usps",
    "embedders": [{"name": "dense_ae", "hidden": [200, 200], "epochs": 60}],
    "manifolders": [{"name": "umap", "n_neighbors": 20, "min_dist": 0.0}, "identity"],
    "clusterers": [
        {"name": "gmm", "n_init": [1, 3]},
        {"name": "kmeans", "n_init": 3},
        {"name": "hdbscan", "min_cluster_size": 50},
    ],
    "seeds": 1,
    "n_clusters": 10,
    "dbcv_rows": 500,
}
#: Cells that are bound by one core.
BOUND = {
    "data": "digits",
    "embedders": [{"name": "pca", "latent_dim": [10, 16, 24, 32]}],
    "manifolders": ["identity"],
    "clusterers": [{"name": "gmm", "n_init": 40}],
    "seeds": 4,
    "n_clusters": 10,
    "dbcv_rows": 0,
}
#: 10,000 cells of next to no work: what is measured is the machinery.
MANY = {
    "data": "few.npz",
    "embedders": [{"name": "pca", "latent_dim": {"from": 2, "to": 6}}],
    "manifolders": ["identity", {"name": "pca", "n_components": 2}],
    "clusterers": [{"name": "kmeans", "n_init": 1, "max_iter": {"from": 1, "to": 100}}],
    "seeds": 10,
    "n_clusters": 3,
    "dbcv_rows": 0,
}


class Fits:
    """Counts fits by role."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, event: object) -> None:
        """Take an event."""
        if isinstance(event, StageFinished) and not event.cached:
            self.counts[event.role] += 1


def one_by_one(planned: Planned) -> tuple[float, dict[str, float], Counter[str]]:
    """Seconds for all cells without sharing, the accuracy of each, and the fits."""
    seconds, found, fits = 0.0, {}, Fits()
    for cell in planned.plan.cells:
        with tempfile.TemporaryDirectory() as folder:
            for material in planned.materials:
                keep_material(material, StageStore(folder))

            def receive(_key: str, result: Any) -> None:
                if isinstance(result, Outcome):
                    for event in result.events:
                        fits(event)
                else:
                    found[result["cell"]] = result["acc"]

            start = time.perf_counter()
            run_here(make_graph([cell], Settings(folder, n_jobs=cores())), receive)
            seconds += time.perf_counter() - start
    return seconds, found, fits.counts


def shared(planned: Planned) -> tuple[float, dict[str, float], Counter[str]]:
    """The same for a comparison."""
    fits = Fits()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = n2d.compare(planned, Path(folder) / "out", listeners=[fits], n_jobs=cores())
        seconds = time.perf_counter() - start
        return seconds, dict(zip(found.table["cell"], found.table["acc"], strict=True)), fits.counts


def sharing(config: dict[str, Any] = DIGITS) -> list[str]:
    """Cell by cell against a comparison."""
    planned = plan_comparison(config)
    start = time.perf_counter()
    foretold = estimate(planned.plan, planned.materials, n_jobs=cores())
    trials = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:  # imports and compilation
        few = config | {"seeds": [99], "clusterers": ["kmeans"], "data": "digits"}
        n2d.compare(few, Path(folder) / "out", overrides=["embedders=[pca]"])
    together, ours, fits = shared(planned)
    apart, theirs, all_fits = one_by_one(planned)
    assert ours.keys() == theirs.keys()
    differ = [cell for cell in ours if not math.isclose(ours[cell], theirs[cell], abs_tol=1e-12)]
    assert not differ, f"the scores of {len(differ)} cells differ"
    assert [fits[role] for role in ROLES] == [planned.plan.count(role) for role in ROLES]
    counted = " + ".join(str(fits[role]) for role in ROLES)
    all_counted = " + ".join(str(all_fits[role]) for role in ROLES)
    return [
        f"{len(ours)} cells of `{json.dumps(config)}`.",
        "",
        "| | fits | seconds |",
        "|---|---|---|",
        f"| cell by cell | {all_counted} | {apart:.1f} |",
        f"| a comparison | {counted} | {together:.1f} |",
        "",
        f"**{apart / together:.1f} times faster**, with equal scores. After {trials:.0f} s of "
        f"trials a dry run foretold {foretold.seconds:.0f} s of fitting and "
        f"{foretold.scoring_seconds:.0f} s of scoring, at most {foretold.peak_memory:.0f} MiB.",
    ]


def workers() -> list[str]:
    """The command with one worker process, on one core and on all, and with two."""
    ways = (("1, on one core", 1, 1), ("1, on all cores", 1, 0), ("2, on a core each", 2, 1))
    seconds, tables = [], []
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "bound.json"
        config.write_text(json.dumps(BOUND))
        for i, (_, n, n_jobs) in enumerate(ways):
            out = Path(name) / f"out{i}"
            threads = ("--n-jobs", n_jobs) if n_jobs else ()
            start = time.perf_counter()
            run_command(
                "compare", config, "--out", out, "--workers", n, *threads, "--no-report", "-q"
            )
            seconds.append(time.perf_counter() - start)
            tables.append((out / "table.csv").read_bytes())
    assert len(set(tables)) == 1, "the tables differ"
    return [
        f"`n2d compare` of `{json.dumps(BOUND)}`, from its start to its end, without the report.",
        "",
        "| worker processes | seconds |",
        "|---|---|",
        *(f"| {way} | {spent:.1f} |" for (way, *_), spent in zip(ways, seconds, strict=True)),
        "",
        f"**{seconds[0] / seconds[2]:.2f} times faster** than one worker on one core, "
        f"{seconds[1] / seconds[2]:.2f} times than one on all, with the same table to the byte.",
    ]


def run_command(*words: object) -> None:
    command = [sys.executable, "-m", "n2d_framework.cli", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


#: Run in a process of its own: the most memory that it has ever taken is asked for.
PLAN = """
import resource, sys, time
from n2d_framework.experiment import plan_comparison
from n2d_framework.experiment.planning import make_graph
from n2d_framework.plan.executors.tasks import Settings
start = time.perf_counter()
plan = plan_comparison(sys.argv[1]).plan
planned = time.perf_counter() - start
graph = make_graph(plan.cells, Settings("/stages"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(len(plan.cells), planned, time.perf_counter() - start - planned, peak)
"""
RUN = """
import json, resource, sys, time
import n2d_framework as n2d
if __name__ == "__main__":
    start = time.perf_counter()
    found = n2d.compare(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), n_jobs=1)
    assert (found.table["status"] == "done").all()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(len(found.table), time.perf_counter() - start, peak)
"""


def scale() -> list[str]:
    """Planning and running 10,000 cells."""
    import numpy as np

    with tempfile.TemporaryDirectory() as name:
        rng = np.random.default_rng(0)
        y = np.arange(120) % 3
        np.savez(Path(name) / "few.npz", x=rng.normal(size=(120, 8)) + 4 * y[:, None], y=y)
        config = Path(name) / "many.json"
        config.write_text(json.dumps(MANY | {"data": str(Path(name) / "few.npz")}))
        n, planning, graph, peak = in_a_process(name, PLAN, config)
        n_run, seconds, run_peak = in_a_process(name, RUN, config, Path(name) / "out", 2)
        start = time.perf_counter()
        table = n2d.open_comparison(Path(name) / "out").table
        opened = time.perf_counter() - start
        size = (Path(name) / "out" / "table.csv").stat().st_size / 1e6
    assert n == n_run == len(table)
    return [
        f"{n:.0f} cells of `{json.dumps(MANY)}` on 120 rows.",
        "",
        f"- planning: **{planning:.2f} s** (and {graph:.2f} s for the graph), "
        f"at most {peak:.0f} MiB",
        f"- the whole, by two workers: {seconds:.0f} s, the driver took at most "
        f"**{run_peak:.0f} MiB**",
        f"- reading the results: {opened:.1f} s; `table.csv` has {size:.1f} MB",
    ]


def in_a_process(folder: str, program: str, *words: object) -> list[float]:
    script = Path(folder) / "program.py"
    script.write_text(program)
    command = [sys.executable, str(script), *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(word) for word in done.stdout.split()]


def cores() -> int:
    return len(os.sched_getaffinity(0))


MODES: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "sharing": ("Stages shared: digits", sharing),
    "usps": ("Stages shared: USPS, networks of 60 epochs", lambda: sharing(USPS)),
    "workers": ("Two worker processes", workers),
    "scale": ("Ten thousand cells", scale),
}
HEAD = "# Comparisons\n\nWritten by `benchmarks/compare.py`, each section by one run.\n"


def write(path: Path, sections: dict[str, str]) -> None:
    """Put sections into the file of results; others stay."""
    text = path.read_text() if path.exists() else HEAD
    found = (
        dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
        | sections
    )
    order = [title for title, _ in MODES.values()]
    body = "".join(f"\n## {title}\n\n{found[title].strip()}\n" for title in order if title in found)
    path.write_text(HEAD + body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modes", nargs="*", choices=[[], *MODES], default=list(MODES))
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the results there")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for mode in chosen.modes:
        title, measure = MODES[mode]
        about = f"{description()} Load at the start: {os.getloadavg()[0]:.1f}."
        text = "\n".join([*measure(), "", about])
        print(f"## {title}\n\n{text}\n", flush=True)
        if chosen.write is not None:
            write(chosen.write, {title: text})


if __name__ == "__main__":
    main()
