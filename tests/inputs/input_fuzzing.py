"""A fuzzer for inputs: frames, arrays, files of every format, configurations, stores, comparisons.

Each case is made from its kind and number alone. What it holds is known, or is what the format's
own library reads; whatever the framework makes of it must be equal, or be refused by an
``N2DError`` that names the place. By hand, for a long campaign, and for one case again::

    python tests/inputs/input_fuzzing.py --cases 20000
    python tests/inputs/input_fuzzing.py --only damaged-file --first 17 --cases 1

Allowed ends: ``right`` (equal to what is known), ``refused``, ``recomputed`` (a damaged store gives
the same results) and ``edited`` (the plain JSON of a comparison says something else, or a record is
gone). No case may take more than five seconds or a GiB, or end the process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "security")]

import config_cases  # noqa: E402
import damage_cases  # noqa: E402
import folder_cases  # noqa: E402
import form_cases  # noqa: E402
import limited  # noqa: E402
import matrix_cases  # noqa: E402
import memory_cases  # noqa: E402
import mixed_cases  # noqa: E402
import numpy as np  # noqa: E402
import table_cases  # noqa: E402

ALLOWED = ("right", "refused", "recomputed", "edited")

#: Each kind with its share of all cases.
KINDS: dict[str, tuple[Callable[[np.random.Generator, Path], table_cases.Case], int]] = {
    "file": (table_cases.whole, 20),
    "stdin": (table_cases.on_stdin, 5),
    "faulty-file": (table_cases.faulty, 10),
    "mixed": (mixed_cases.mixed, 10),
    "images": (table_cases.image_folder, 5),
    "photos": (form_cases.photos, 3),
    "long-table": (form_cases.long_table, 2),
    "damaged-file": (damage_cases.damaged, 20),
    "matrix": (matrix_cases.whole, 3),
    "damaged-matrix": (matrix_cases.damaged, 8),
    "damaged-image": (damage_cases.picture, 5),
    "fit": (memory_cases.fitted, 6),
    "refused-rows": (memory_cases.refused, 6),
    "predict": (memory_cases.predicted, 6),
    "config": (config_cases.formats, 6),
    "damaged-config": (config_cases.damaged, 6),
    "store": (folder_cases.store, 3),
    "comparison": (folder_cases.comparison, 2),
}


def shares(cases: int) -> dict[str, int]:
    """Number of cases of each kind."""
    total = sum(share for _, share in KINDS.values())
    return {kind: -(-cases * share // total) for kind, (_, share) in KINDS.items()}


def make(kind: str, number: int, folder: Path) -> table_cases.Case:
    """Description of a case, and the function that runs it; its files are in the folder."""
    rng = np.random.default_rng([number, zlib.crc32(kind.encode())])
    return KINDS[kind][0](rng, folder)


def work(folder: Path) -> None:
    """Run the cases that ``items.json`` in a folder lists in this process."""
    warnings.simplefilter("ignore")
    items = json.loads((folder / "items.json").read_text())
    if {"store", "comparison"} & {kind for kind, _ in items}:
        folder_cases.prepare()
    limited.limit_memory()
    for kind, number in items:
        print(json.dumps([[kind, number], "", "made"]), flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            reported, run = make(kind, number, Path(place))
            again = f"python tests/inputs/input_fuzzing.py --only {kind} --first {number} --cases 1"
            limited.report([kind, number], f"{again}  # {reported}"[:300], run)


def campaign(folder: Path, items: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Run cases in limited processes, and count how they ended."""
    command = [sys.executable, __file__, "--work", str(folder)]
    return limited.campaign(command, folder, items, ALLOWED)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of a kind")
    parser.add_argument("--only", choices=sorted(KINDS), help="one kind")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work)
        return 0
    counts = {arguments.only: arguments.cases} if arguments.only else shares(arguments.cases)
    start, first = time.perf_counter(), arguments.first
    with tempfile.TemporaryDirectory() as folder:
        items = [(kind, n) for kind, count in counts.items() for n in range(first, first + count)]
        result = campaign(Path(folder), items)
    for kind, outcomes in result["outcomes"].items():
        print(f"{kind}: {outcomes}")
    for item in result["bad"]:
        print("   ", item)
    seconds = time.perf_counter() - start
    print(f"{len(items)} cases, {len(result['bad'])} wrong, slowest {result['slowest']} s, "
          f"{seconds:.0f} s in all")  # fmt: skip
    return bool(result["bad"])


if __name__ == "__main__":
    sys.exit(main())
