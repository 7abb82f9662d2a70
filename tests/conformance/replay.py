"""Load bundles in a process of its own and write what they answer; used by test_trios.

Run as ``python replay.py FOLDER``: every ``*.n2d`` in FOLDER answers for the rows in
``rows.npy``; the answers go to ``<name>.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import n2d_framework as n2d
from n2d_framework.errors import UnsupportedError


def answers(model: Any, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Everything a fitted model says about rows."""
    found = {
        "embed": model.embed(rows),
        "transform": model.transform(rows),
        "predict": model.predict(rows),
    }
    for name in ("predict_proba", "strengths", "reconstruct"):
        try:
            found[name] = getattr(model, name)(rows)
        except UnsupportedError:
            continue
    return found


def main(folder: Path) -> None:
    rows = np.load(folder / "rows.npy")
    for path in sorted(folder.glob("*.n2d")):
        np.savez(path.with_suffix(".npz"), **answers(n2d.load(path), rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
