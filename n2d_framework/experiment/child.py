"""The process of one stage; started by :mod:`n2d_framework.experiment.isolation` only."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path

from n2d_framework.experiment.fitting import fit_here

__all__ = ["main"]


def _end_with_parent() -> None:
    """End at once when the pipe closes: whoever started this is gone."""
    sys.stdin.buffer.read()
    os._exit(1)


def main(folder: Path) -> None:
    """Read the work from standard input, do it, and leave the result in a file."""
    size = int.from_bytes(sys.stdin.buffer.read(8), "little")
    task, settings = pickle.loads(sys.stdin.buffer.read(size))  # noqa: S301  # from our parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    (folder / "began").touch()
    result: object
    try:
        result = fit_here(task, settings)
    except Exception as error:  # noqa: BLE001  # raised again by the parent
        result = error
    temporary = folder / "result.tmp"
    temporary.write_bytes(pickle.dumps(result))
    temporary.replace(folder / "result")
    # Without waiting for the thread that holds standard input.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
