"""Recipes of training beside each other: how soon, and how surely, the classes are found.

Run as ``python benchmarks/time_to_quality.py DATA... [--recipes NAME...] [--seeds 5] [--rows N]
[--write FILE]``. DATA are names of datasets or files. For each dataset, recipe and seed the
default trio is fitted, whose autoencoder is trained by the recipe. Prints a table in Markdown for
each dataset: accuracy and NMI (mean, and accuracy of the worst seed), the loss that is reached,
the steps, and the seconds of training (of one process after another: compare them within a call).

``--write`` keeps every run, so that a call that is ended early resumes there.
``--recipe NAME=JSON`` adds a recipe: options of the autoencoder.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from machine import description

import n2d_framework as n2d
from n2d_framework.data import load
from n2d_framework.metrics import score
from n2d_framework.plugin import Dataset

COSINE = {"schedule": "cosine", "learning_rate": 2e-3}
RECIPES: dict[str, dict[str, Any]] = {
    "constant, 60 epochs of 256": {
        "schedule": "constant", "learning_rate": 1e-3, "epochs": 60, "batch_size": 256,
    },
    "cosine, 60 of 256": {**COSINE, "epochs": 60, "batch_size": 256},
    "cosine, 20 of 256": {**COSINE, "epochs": 20, "batch_size": 256},
    "cosine, 12 of 256": {**COSINE, "epochs": 12, "batch_size": 256},
    "cosine, 20 of 128": {**COSINE, "epochs": 20, "batch_size": 128},
    "cosine, 12 of 128": {**COSINE, "epochs": 12, "batch_size": 128},
    "one cycle, 20 of 256": {
        "schedule": "one_cycle", "learning_rate": 2e-3, "epochs": 20, "batch_size": 256,
    },
    "averages, 20 of 128": {
        "weight_averaging": 0.99, "learning_rate": 1e-3, "epochs": 20, "batch_size": 128,
    },
}  # fmt: skip


def measure(data: Any, options: dict[str, Any], seed: int) -> dict[str, float]:
    """Fit the default trio by one recipe."""
    model = n2d.N2D(
        {"name": "dense_ae", **options},
        n_clusters=len(np.unique(data.y)),
        random_state=seed,
    ).fit(data)
    scores = score(data.y, model.labels_)
    return {
        "acc": scores["acc"],
        "nmi": scores["nmi"],
        "loss": model.history_["embedder"]["loss"][-1],
        "seconds": model.seconds_["embedder"],
    }


def row(name: str, options: dict[str, Any], n_rows: int, runs: list[dict[str, float]]) -> str:
    """One line of the table."""

    def mean(key: str) -> float:
        return float(np.mean([run[key] for run in runs]))

    steps = options["epochs"] * math.ceil(n_rows / options["batch_size"])
    worst = min(run["acc"] for run in runs)
    return (
        f"| {name} | {len(runs)} | {mean('acc'):.3f} | {worst:.3f} | {mean('nmi'):.3f} "
        f"| {mean('loss'):.4f} | {steps} | {mean('seconds'):.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--recipe", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="take that many rows, the last ones")
    parser.add_argument("--write", type=Path, help="file that keeps the runs, to continue from")
    arguments = parser.parse_args()
    own = dict(text.split("=", 1) for text in arguments.recipe)
    recipes = {name: RECIPES[name] for name in arguments.recipes}
    recipes |= {
        name: {"epochs": 60, "batch_size": 256, **json.loads(text)} for name, text in own.items()
    }
    kept = arguments.write is not None and arguments.write.exists()
    known: dict[str, Any] = json.loads(arguments.write.read_text()) if kept else {}
    print(description())
    for path in arguments.data:
        data = load(path)
        if arguments.rows is not None:
            last = slice(-arguments.rows, None)
            data = Dataset(name=data.name, x=data.x[last], y=data.y[last])
        print(f"\n{data.name}, {len(data.x)} rows\n")
        print("| recipe | seeds | ACC | worst | NMI | loss | steps | s of training |")
        print("|---|---|---|---|---|---|---|---|")
        for name, options in recipes.items():
            runs = []
            for seed in range(arguments.seeds):
                key = json.dumps([data.name, len(data.x), options, seed], sort_keys=True)
                if key not in known:
                    known[key] = measure(data, options, seed)
                    if arguments.write is not None:
                        arguments.write.write_text(json.dumps(known))
                runs.append(known[key])
            print(row(name, options, len(data.x), runs), flush=True)


if __name__ == "__main__":
    main()
