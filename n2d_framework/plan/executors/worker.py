"""The process of stages; started by :mod:`n2d_framework.plan.executors.subprocess_runner` only."""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
from pathlib import Path
from typing import Any

import sklearn.base  # noqa: F401  # most components need it: its import is not part of their time

from n2d_framework.plan.executors.inline import fit_here

__all__ = ["main"]


def _receive(works: queue.Queue[Any]) -> None:
    """Read work from standard input; end at once when it closes: our parent is gone."""
    while True:
        head = sys.stdin.buffer.read(8)
        if len(head) < 8:
            os._exit(1)
        works.put(sys.stdin.buffer.read(int.from_bytes(head, "little")))


def main() -> None:
    """Fit one stage after the other, and leave each result in the folder named with it."""
    works: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_receive, args=(works,), daemon=True).start()
    while True:
        name, task, settings = pickle.loads(works.get())  # noqa: S301  # from our parent
        folder = Path(name)
        (folder / "began").touch()
        result: object
        try:
            result = fit_here(task, settings)
        except Exception as error:  # noqa: BLE001  # raised again by the parent
            result = error
        temporary = folder / "result.tmp"
        temporary.write_bytes(pickle.dumps(result))
        temporary.replace(folder / "result")


if __name__ == "__main__":
    main()
