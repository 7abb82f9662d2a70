"""Train the paper's autoencoder beside ``n2d`` 0.3.2 and ClustPy, alternating, in one call.

Run as ``python benchmarks/training.py --peers PYTHON``, where PYTHON is the interpreter of an
environment that has ``n2d==0.3.2`` and ``clustpy`` with a PyTorch and a torchvision that fit each
other (without it only ours and a plain Keras ``fit`` are measured). Every contender trains
d-500-500-2000-10 with Adam, batches of 256 and the mean squared error on the same rows, in a
process of its own. Seconds per epoch are those of ``--epochs`` epochs less those of one, over
their difference, so that neither imports nor tracing count; the best of ``--rounds`` rounds is
reported. The table goes to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SHAPES = {"usps": (9298, 256), "mnist_test": (10_000, 784), "mnist": (70_000, 784)}
HIDDEN = (500, 500, 2000)
LATENT = 10
BATCH = 256
PEERS = ("n2d", "clustpy")
Train = Callable[[np.ndarray, int], None]


def _ours(precision: str) -> Train:
    from n2d_builtin import DenseAutoencoder
    from n2d_framework.plugin import FitContext

    def train(x: np.ndarray, epochs: int) -> None:
        DenseAutoencoder(epochs=epochs, latent_dim=LATENT, precision=precision).fit(
            x, context=FitContext(seed=0)
        )

    return train


def _keras() -> Train:
    import keras

    def train(x: np.ndarray, epochs: int) -> None:
        widths = [*HIDDEN, LATENT, *reversed(HIDDEN), x.shape[1]]
        linear = (len(HIDDEN), len(widths) - 1)
        layers = [
            keras.layers.Dense(width, activation=None if index in linear else "relu")
            for index, width in enumerate(widths)
        ]
        model = keras.Sequential([keras.Input((x.shape[1],)), *layers])
        model.compile(optimizer="adam", loss="mse")
        model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)

    return train


def _n2d() -> Train:
    np.int = int  # type: ignore[attr-defined]  # noqa: NPY001 - the package expects it
    # Its libraries import torchvision where it is, which crashes beside TensorFlow.
    sys.modules["torchvision"] = None  # type: ignore[assignment]
    import n2d

    def train(x: np.ndarray, epochs: int) -> None:
        net = n2d.AutoEncoder(x.shape[1], LATENT)
        net.fit(x, BATCH, epochs, "mse", "adam", None, 0, None, None)

    return train


def _clustpy() -> Train:
    import torch
    from clustpy.deep.neural_networks import FeedforwardAutoencoder

    def train(x: np.ndarray, epochs: int) -> None:
        net = FeedforwardAutoencoder(
            [x.shape[1], *HIDDEN, LATENT], activation_fn=torch.nn.ReLU, random_state=0
        )
        net.fit(n_epochs=epochs, batch_size=BATCH, data=x, optimizer_params={"lr": 1e-3})

    return train


CONTENDERS: dict[str, Callable[[], Train]] = {
    "ours": lambda: _ours("auto"),
    "ours, float32": lambda: _ours("float32"),
    "ours, bfloat16": lambda: _ours("bfloat16"),
    "keras": _keras,
    "n2d": _n2d,
    "clustpy": _clustpy,
}


def child(name: str, data: str, epochs: int) -> None:
    train = CONTENDERS[name]()
    x = np.load(data)
    train(x[: 4 * BATCH], 1)  # what a process does once
    seconds = []
    for count in (1, epochs):
        start = time.perf_counter()
        train(x, count)
        seconds.append(time.perf_counter() - start)
    print((seconds[1] - seconds[0]) / (epochs - 1))


def measure(name: str, python: str, data: Path, epochs: int) -> float:
    done = subprocess.run(
        [python, __file__, "--child", name, "--data", str(data), "--epochs", str(epochs)],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return float(done.stdout.split()[-1])


def flops_per_row(features: int) -> int:
    """Forward, and twice that backward; two operations per weight."""
    widths = (features, *HIDDEN, LATENT)
    return 6 * 2 * sum(a * b for a, b in itertools.pairwise(widths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="interpreter of the environment with n2d and clustpy")
    parser.add_argument("--shape", choices=SHAPES, nargs="+", default=["usps", "mnist_test"])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--contenders", nargs="+", default=["ours", "keras", *PEERS])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.data, arguments.epochs)
        return
    from machine import description, matrix_peak

    peak = matrix_peak()
    print(description())
    print("2048 x 2048 products: " + ", ".join(f"{v:.0f} GFLOP/s {k}" for k, v in peak.items()))
    best_peak = max(peak.values())
    names = [name for name in arguments.contenders if arguments.peers or name not in PEERS]
    for shape in arguments.shape:
        rows, features = SHAPES[shape]
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "x.npy"
            np.save(data, np.random.default_rng(0).random((rows, features), dtype=np.float32))
            best = dict.fromkeys(names, float("inf"))
            for _ in range(arguments.rounds):
                for name in names:
                    python = arguments.peers if name in PEERS else sys.executable
                    best[name] = min(best[name], measure(name, python, data, arguments.epochs))
        print(f"\n{shape}: {rows} x {features}, {len(HIDDEN)} hidden layers, batch {BATCH}\n")
        print("| contender | s/epoch | rows/s | GFLOP/s | share of peak | ours is faster by |")
        print("|---|---|---|---|---|---|")
        for name, seconds in best.items():
            speed = rows * flops_per_row(features) / seconds / 1e9
            print(
                f"| {name} | {seconds:.2f} | {rows / seconds:,.0f} | {speed:.0f} | "
                f"{speed / best_peak:.0%} | {seconds / best['ours']:.2f} |"
            )


if __name__ == "__main__":
    main()
