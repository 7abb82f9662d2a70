"""Score every legal trio of built-in components on one dataset, one seed.

Run as ``python benchmarks/trios.py digits`` or with a path; ``--image-shape 16 16`` for flat
images, ``--set embedder.epochs=60`` style options apply to the components that have them.
Stages are shared through a store, so that each distinct stage is fitted once. The table goes
to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from typing import Any

from n2d_framework import N2D
from n2d_framework.core.options import options_of
from n2d_framework.data import load
from n2d_framework.errors import CompositionError
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES


def choices(role: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for entry in default_catalogue().components(role):
        if entry.distribution == "n2d_framework" and not entry.spec.imports_code:
            known = {opt.name for opt in options_of(entry.spec.load())}
            options = {name: value for name, value in given.items() if name in known}
            if {"encoder", "decoder"} <= known:
                continue
            found.append({"name": entry.spec.name, **options})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--n-clusters", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-shape", type=int, nargs="+", default=None)
    parser.add_argument("--store", default=None)
    arguments = parser.parse_args()
    data = load(arguments.data)
    given = {"epochs": arguments.epochs}
    if arguments.image_shape:
        given["image_shape"] = arguments.image_shape
    store = arguments.store or tempfile.mkdtemp(prefix="n2d-trios-")
    header = ("embedder", "manifolder", "clusterer", "ACC", "NMI", "ARI", "coverage", "found", "s")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for trio in itertools.product(*(choices(role, given) for role in ROLES)):
        names = [part["name"] for part in trio]
        start = time.perf_counter()
        try:
            model = N2D(
                *trio, n_clusters=arguments.n_clusters, random_state=arguments.seed, store=store
            ).fit(data.x)
        except CompositionError as error:
            print(f"| {' | '.join(names)} | {error} |", flush=True)
            continue
        seconds = time.perf_counter() - start
        scores = model.assess(data.y)
        cells = [f"{scores[name]:.3f}" for name in ("acc", "nmi", "ari", "coverage")]
        row = [*names, *cells, str(model.n_clusters_), f"{seconds:.1f}"]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
