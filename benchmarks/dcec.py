"""Deep embedded clustering before and after the joint training, beside UMAP and a mixture.

Run as ``python benchmarks/dcec.py usps --seeds 0 1 2`` where the plugin ``n2d-deep`` is installed;
``N2D_DATA`` names the folder of the data. For each method and seed one line of a Markdown table:
accuracy and NMI of k-means on the latent space of the pretrained autoencoder, of the soft
assignment after the joint training, and of UMAP and a mixture of Gaussians on both latent
spaces. For ``idec`` and ``dec`` the pretrained autoencoder is that of ``dense_ae``, so that
"UMAP before" is ``dense_ae -> umap -> gmm``. Everything goes through a stage store: what is
there already, such as the pretraining, is not repeated.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import numpy as np

from n2d_framework import N2D
from n2d_framework.core.events import EpochFinished
from n2d_framework.data import load

#: A joint training of one step that moves nothing: the pretrained network and its k-means.
BEFORE = {"max_iter": 1, "update_interval": 1, "tol": 0.0, "joint_learning_rate": 1e-30}
UMAP = ({"name": "umap"}, {"name": "gmm"})
SOFT = ({"name": "identity"}, {"name": "soft_assignment"})


def options_of(arguments: argparse.Namespace, method: str, row_shape: tuple[int, ...]) -> dict:
    options: dict[str, Any] = {"name": method, "epochs": arguments.epochs, "precision": "float32"}
    options |= json.loads(arguments.options)
    if method == "dcec" or options.get("augmentation"):
        side = round(np.prod(row_shape) ** 0.5)
        options["image_shape"] = [side, side]
    return options


class Run:
    """Fits trios on one dataset with one seed."""

    def __init__(self, arguments: argparse.Namespace, data: Any, seed: int) -> None:
        self.arguments, self.data, self.seed = arguments, data, seed

    def fit(self, embedder: dict, behind: tuple[dict, dict]) -> N2D:
        """Fit a trio; its stages come from the store where they are there."""

        def heard(event: Any) -> None:
            if self.arguments.verbose and isinstance(event, EpochFinished):
                shown = {name: round(value, 4) for name, value in event.metrics.items()}
                print(f"  epoch {event.epoch} {shown}", flush=True)

        return N2D(
            embedder, *behind, n_clusters=10, random_state=self.seed,
            store=self.arguments.store, listeners=[heard],
        ).fit(self.data.x)  # fmt: skip

    def scores(self, embedder: dict, behind: tuple[dict, dict]) -> str:
        """Accuracy and NMI of a trio."""
        found = self.fit(embedder, behind).assess(self.data.y)
        return f"{found['acc']:.3f} / {found['nmi']:.3f}"

    def line(self, method: str) -> str:
        """The table's line of one method."""
        after = options_of(self.arguments, method, self.data.x.shape[1:])
        start = time.perf_counter()
        model = self.fit(after, SOFT)
        seconds = time.perf_counter() - start
        history = model.embedder_.history_
        scored = model.assess(self.data.y)
        cells = [
            method,
            str(self.seed),
            self.scores(after | BEFORE, SOFT),
            f"{scored['acc']:.3f} / {scored['nmi']:.3f}",
            self.scores(after | BEFORE, UMAP) if self.arguments.umap else "",
            self.scores(after, UMAP) if self.arguments.umap else "",
            str(len(history["loss"])),
            f"{history['label_changes'][-1]:.4f}",
            f"{seconds:.0f}",
        ]
        return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--methods", nargs="+", default=["dcec", "idec", "dec"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=60, help="of the pretraining")
    parser.add_argument("--options", default="{}", help="further options of the embedder, as JSON")
    parser.add_argument("--store", default=None)
    parser.add_argument("--no-umap", dest="umap", action="store_false")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    arguments.store = arguments.store or tempfile.mkdtemp(prefix="n2d-dcec-")
    data = load(arguments.data)
    print(f"{arguments.data}, {arguments.epochs} epochs of pretraining, {arguments.options}\n")
    header = (
        "embedder",
        "seed",
        "k-means before",
        "after",
        "UMAP + GMM before",
        "UMAP + GMM after",
        "intervals",
        "last label changes",
        "s",
    )
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for seed in arguments.seeds:
        for method in arguments.methods:
            print(Run(arguments, data, seed).line(method), flush=True)


if __name__ == "__main__":
    main()
