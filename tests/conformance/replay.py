"""Load bundles and fit trios in a process of its own; used by test_trios.

Run as ``python replay.py FOLDER``: every ``*.n2d`` in FOLDER answers for the rows in
``rows.npy``; the answers go to ``<name>.npz``. Then every trio is fitted to ``training.npy`` with
one thread; the labels go to ``labels.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

import n2d_framework as n2d
from n2d_framework.errors import UnsupportedError
from n2d_framework.types import ROLES


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
    np.savez(folder / "labels.npz", **fitted_again(np.load(folder / "training.npy")))


def fitted_again(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Labels of every trio."""
    from test_trios import TRIOS, choice

    store, labels = n2d.StageStore("memory://again"), {}
    for trio in TRIOS:
        chosen = [choice(role, name) for role, name in zip(ROLES, trio, strict=True)]
        model = n2d.N2D(*chosen, n_clusters=5, random_state=0, store=store, n_jobs=1)
        labels["-".join(trio)] = model.fit(rows).labels_
    return labels


if __name__ == "__main__":
    main(Path(sys.argv[1]))
