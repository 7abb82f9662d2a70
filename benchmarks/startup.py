"""Time what a person waits for before anything happens: imports and light commands.

Run as ``python benchmarks/startup.py``. Each command is started afresh several times; the
median of the wall times is printed beside the goal.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7
N2D = str(Path(sys.executable).with_name("n2d"))
CASES = (
    ("python -c pass", [sys.executable, "-c", "pass"], None),
    ("import n2d_framework", [sys.executable, "-c", "import n2d_framework"], None),
    ("n2d --help", [N2D, "--help"], 0.3),
    ("n2d components", [N2D, "components"], 0.5),
    ("n2d datasets", [N2D, "datasets"], 0.5),
)


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    print(f"{'command':<24}{'median s':>10}{'goal s':>10}")
    for name, command, goal in CASES:
        seconds(command)
        median = statistics.median(seconds(command) for _ in range(RUNS))
        print(f"{name:<24}{median:>10.3f}{goal or '':>10}")


if __name__ == "__main__":
    main()
