"""Autoencoder training on the accelerator that Keras finds, beside the processor of the machine.

Run as ``python benchmarks/gpu.py [--backends tensorflow jax] [--epochs E]`` where Keras has a GPU.
Trains d-500-500-2000-10 on rows of MNIST's shape (70,000 x 784, batches of 256) in a process of its
own for each backend and device; seconds per epoch are those of ``--epochs`` epochs less those of
one, over their difference. The share is that of the best 4096 x 4096 product on the same device,
in float32 or bfloat16. Where there is no accelerator it says so, measures the processor and ends
with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
from machine import best_seconds, description
from training import BATCH, HIDDEN, LATENT, SHAPES, flops_per_row

SIDE = 4096
WITHOUT = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def products() -> dict[str, float]:
    """GFLOP/s of a product of square matrices, by what it multiplies."""
    from keras import ops

    found = {}
    for dtype in ("float32", "bfloat16"):
        matrix = ops.full((SIDE, SIDE), 0.5, dtype=dtype)
        seconds = best_seconds(
            lambda matrix=matrix: float(ops.cast(ops.matmul(matrix, matrix)[0, 0], "float32"))
        )
        found[dtype] = 2 * SIDE**3 / seconds / 1e9
    return found


def child(epochs: int) -> dict[str, Any]:
    import keras

    from n2d_builtin import DenseAutoencoder
    from n2d_framework.plugin import FitContext

    x = np.random.default_rng(0).random(SHAPES["mnist"], dtype=np.float32)
    seconds = []
    # The first is for what a process does once.
    for rows, count in ((x[: 4 * BATCH], 1), (x, 1), (x, epochs)):
        model = DenseAutoencoder(
            hidden=HIDDEN, latent_dim=LATENT, batch_size=BATCH, epochs=count, precision="auto"
        )
        start = time.perf_counter()
        model.fit(rows, context=FitContext(seed=0))
        seconds.append(time.perf_counter() - start)
    return {
        "devices": list(keras.distribution.list_devices()),
        "epoch": (seconds[2] - seconds[1]) / (epochs - 1),
        "peak": products(),
    }


def measure(backend: str, epochs: int, without: bool) -> dict[str, Any]:
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--child", "--epochs", str(epochs)]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env=environment | (WITHOUT if without else {}),
    )
    if done.returncode:
        sys.exit(f"{backend} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", nargs="+", default=["tensorflow"])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(child(arguments.epochs)))
        return
    rows, features = SHAPES["mnist"]
    print(f"{description()}\n\n{rows} x {features}, batches of {BATCH}\n", flush=True)
    print("| backend | device | s/epoch | rows/s | GFLOP/s | share of the best product |")
    print("|---|---|---|---|---|---|")
    accelerated = True
    for backend in arguments.backends:
        epochs = {}
        for without in (False, True):
            found = measure(backend, arguments.epochs, without)
            others = [name for name in found["devices"] if not name.lower().startswith("cpu")]
            if not others and not without:
                accelerated = False
                continue
            device = "processor" if without else ", ".join(others)
            epochs[device] = found["epoch"]
            speed = rows * flops_per_row(features) / found["epoch"] / 1e9
            print(
                f"| {backend} | {device} | {found['epoch']:.2f} | {rows / found['epoch']:,.0f} "
                f"| {speed:,.0f} | {speed / max(found['peak'].values()):.0%} |",
                flush=True,
            )
        if len(epochs) == 2:
            ours, processor = epochs.values()
            print(f"\n{backend}: {processor / ours:.1f} times the processor.\n")
    if not accelerated:
        sys.exit("Keras found no accelerator.")


if __name__ == "__main__":
    main()
