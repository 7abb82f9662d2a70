"""Two environments exchange bundles: each loads what the other has saved, and must answer alike.

    python tests/archives/exchange.py save FOLDER       # in the one environment
    python tests/archives/exchange.py check FOLDER      # in the other

``check`` prints a line for each bundle and ends with 1 if labels differ or coordinates move.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from make import answers, main

#: Largest change of coordinates and probabilities, as a share of the largest one.
TOLERANCE = 1e-6


def moved(found: np.ndarray, stored: np.ndarray) -> float:
    """Largest change as a share of the largest value; infinite when shapes differ."""
    if found.shape != stored.shape or found.dtype != stored.dtype:
        return float("inf")
    scale = float(np.abs(stored).max(initial=0.0)) or 1.0
    wide = found.astype(np.float64) - stored.astype(np.float64)
    return float(np.abs(wide).max(initial=0.0)) / scale


def differences(path: Path) -> dict[str, float]:
    """Distance of each answer of a bundle from the stored one."""
    import n2d_framework as n2d

    with np.load(path.parent / "rows.npz", allow_pickle=False) as file:
        rows = file["rows"]
    found = answers(n2d.load(path), rows)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        if set(found) != set(stored):
            return {"abilities": float("inf")}
        changed = {name: moved(found[name], stored[name]) for name in stored}
    # A label is the same or it is not.
    changed["predict"] = float("inf") if changed["predict"] else 0.0
    return changed


def check(folder: Path) -> int:
    """Compare every bundle of a folder."""
    bad = 0
    for path in sorted(folder.glob("*.n2d")):
        changed = differences(path)
        bad += max(changed.values()) > TOLERANCE
        reported = ", ".join(f"{name} {value:.1e}" for name, value in changed.items() if value)
        print(f"{path.name}: {reported or 'identical'}")
    return bool(bad)


if __name__ == "__main__":
    command, place = sys.argv[1], Path(sys.argv[2])
    if command == "save":
        main(place)
    else:
        sys.exit(check(place))
