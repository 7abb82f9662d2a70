"""Fit every trio in a process of its own with one thread; used by test_trios.

Run as ``python refit.py FOLDER``: fits on ``rows.npy``, writes ``labels.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from test_trios import TRIOS, choice

from n2d_framework import N2D, StageStore
from n2d_framework.types import ROLES


def main(folder: Path) -> None:
    rows = np.load(folder / "rows.npy")
    store = StageStore("memory://refit")
    labels = {}
    for trio in TRIOS:
        chosen = [choice(role, name) for role, name in zip(ROLES, trio, strict=True)]
        model = N2D(*chosen, n_clusters=5, random_state=0, store=store, n_jobs=1)
        labels["-".join(trio)] = model.fit(rows).labels_
    np.savez(folder / "labels.npz", **labels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
