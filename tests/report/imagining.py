"""A comparison of any size that no one ran, with scores that are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from n2d_framework.experiment import Comparison

#: A name that would break a page that does not escape it.
NASTY = "<img src=x onerror=alert(1)> & </script><b>\"'"


def _cell(number: int, names: tuple[str, str, str, str], seed: int) -> dict[str, Any]:
    roles = ("embedder", "manifolder", "clusterer")
    row: dict[str, Any] = {"cell": f"c{number}", "data": names[0], "scaler": "minmax"}
    row |= dict(zip(roles, names[1:], strict=True)) | {"n_clusters": None, "seed": seed}
    for depth, role in enumerate(roles, start=1):
        row[f"{role}_key"] = "-".join([*names[: depth + 1], str(seed)])
        row[f"{role}_component"] = f"somebody:{names[depth]}"
        row[f"{role}_options"] = "{}"
    return row | {"data_key": "none", "scaler_options": "{}"}


def _record(cell: dict[str, Any], rng: np.random.Generator, status: str) -> dict[str, Any]:
    record: dict[str, Any] = {"cell": cell["cell"], "status": status}
    if status == "failed":
        reason = f"ValueError: {NASTY} is not a number"
        return record | {"error": reason, "traceback": f"Traceback\n{NASTY}", "failed": "scores"}
    scores = ("acc", "nmi", "ari", "ami", "silhouette", "coverage", "davies_bouldin")
    record |= dict(zip(scores, rng.random(len(scores)).tolist(), strict=True))
    for role in ("embedder", "manifolder", "clusterer"):
        record[f"{role}_seconds"] = float(rng.random())
        record[f"{role}_peak_memory"] = 100.0
    return record | {"versions": json.dumps({"numpy": "2.0"})}


def imagined(
    out: Path, shape: tuple[int, int, int, int], seeds: int, *, failed: int = 0
) -> Comparison:
    """A comparison with made-up scores: datasets x embedders x manifolders x clusterers.

    The first clusterer has a nasty name; every `failed`-th cell failed; no stage is stored.
    """
    rng = np.random.default_rng(0)
    data, embedders, manifolders, clusterers = (
        [f"{kind}{number}" for number in range(count)]
        for kind, count in zip(("set", "embedder", "manifolder", "clusterer"), shape, strict=True)
    )
    clusterers[0] = NASTY
    cells = [
        _cell(0, (d, e, m, c), seed)
        for d in data
        for e in embedders
        for m in manifolders
        for c in clusterers
        for seed in range(seeds)
    ]
    for number, cell in enumerate(cells):
        cell["cell"] = f"c{number}"
    records = {
        cell["cell"]: _record(
            cell, rng, "failed" if failed and number % failed == failed - 1 else "done"
        )
        for number, cell in enumerate(cells)
    }
    reason = f"{NASTY} needs at least 21 rows"
    trio = {"embedder": embedders[0], "manifolder": "umap", "clusterer": NASTY}
    mark = {
        "config": {"data": data, "seeds": seeds, "metric": None, "baseline": None, "title": NASTY},
        "data": [
            {
                "name": name,
                "key": "k",
                "truth": None,
                "n_rows": 10,
                "row_shape": [2],
                "n_classes": 2,
            }
            for name in data
        ],
        "illegal": [{"data": data[0], **trio, "n_clusters": None, "reason": reason}],
        "notes": [f"a note of {NASTY}"],
        "store": str(out / "stages"),
        "cells": cells,
    }
    return Comparison(out, mark, records)
