"""Common parts of the examples: their arguments, and small data in place of large ones."""

from __future__ import annotations

import argparse

import attrs
import numpy as np

from n2d_framework import data
from n2d_framework.core.dataset import Dataset


def arguments(about: str | None, data: str = "digits") -> argparse.Namespace:
    """``--data``, ``--epochs`` and ``--verbose``; quick by default."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", default=data, help="name of a dataset, or a path")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--verbose", type=int, default=0, help="what Keras shows of training")
    return parser.parse_args()


def new_data(name: str) -> Dataset:
    """Rows with their classes, as they are; classes without names are named by themselves."""
    found = data.load(name)
    return attrs.evolve(found, names=found.names or tuple(map(str, np.unique(found.y))))


def old_data(name: str) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Flat rows, classes and their names, as the loaders of the old package gave them.

    ``har``, ``mnist``, ``fashion`` and the others that had a loader come from it. All else, such
    as the small digits, is brought to [0, 1].
    """
    from n2d_framework.n2d import datasets

    load = getattr(datasets, f"load_{name}", None)
    if load is not None:
        x, y, *names = load()
        return x, y, names[0] if names else {digit: str(digit) for digit in range(10)}
    found = new_data(name)
    x = found.x.reshape(len(found.x), -1).astype(np.float64)
    return (x - x.min()) / (x.max() - x.min()), found.y, dict(enumerate(found.names))


def scaler(name: str) -> str:
    """HAR comes in [-1, 1]; the old package trained on it as it is."""
    return "none" if name == "har" else "minmax"


def sizes(x: np.ndarray) -> dict[str, int]:
    """HDBSCAN's options of the README for 70,000 rows, smaller for fewer."""
    return {"min_samples": 10, "min_cluster_size": max(20, 500 * len(x) // 70000)}


def save_figures(name: str) -> None:
    """Save what ``visualize`` drew; at home you would write ``plt.show()``."""
    from matplotlib import pyplot as plt

    for number in plt.get_fignums():
        plt.figure(number).savefig(f"{name}-{number}.png")
    plt.close("all")
