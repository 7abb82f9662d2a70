"""Train the convolutional autoencoder and DCEC beside plain Keras loops, alternating, in one call.

Run as ``python benchmarks/conv.py`` where the plugin ``n2d-deep`` is installed. Two works, two
contenders each, every one in a process of its own:

- ``ae``: an epoch of the 32-64-128 network. The peer is ``model.fit`` of the same layers.
- ``dcec``: an interval of ``--steps`` steps of joint training with its update of the target. The
  peer is the loop of the paper's own code: ``predict`` on all rows, then ``train_on_batch``.

Seconds are those of ``--units`` epochs or intervals less those of one, over their difference, so
that neither imports nor tracing nor pretraining count; the best of ``--rounds`` rounds is
reported. The table goes to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SIDES = {"usps": (9298, 16), "mnist_test": (10_000, 28)}
FILTERS, KERNELS = (32, 64, 128), (5, 5, 3)
LATENT, CLUSTERS, BATCH, GAMMA = 10, 10, 256, 0.1
Train = Callable[[np.ndarray, int], None]


def ours_ae(steps: int) -> Train:
    del steps
    from n2d_builtin import ConvAutoencoder
    from n2d_framework.plugin import FitContext

    def train(x: np.ndarray, units: int) -> None:
        model = ConvAutoencoder(epochs=units, latent_dim=LATENT, batch_size=BATCH)
        model.fit(x, context=FitContext(seed=0))

    return train


def ours_dcec(steps: int) -> Train:
    from n2d_deep.embedders import Dcec

    from n2d_framework.plugin import FitContext

    remembered: dict[str, Any] = {}

    def remember(name: str, depends_on: Any, compute: Callable[[], Any]) -> Any:
        del depends_on
        if name not in remembered:
            remembered[name] = compute()
        return remembered[name]

    def train(x: np.ndarray, units: int) -> None:
        model = Dcec(
            epochs=1, latent_dim=LATENT, n_clusters=CLUSTERS, batch_size=BATCH, gamma=GAMMA,
            update_interval=steps, max_iter=units * steps, tol=0.0, n_init=1,
        )  # fmt: skip
        model.fit(x, context=FitContext(seed=0, remember=remember))

    return train


def network(side: int) -> tuple[Any, Any]:
    """Encoder and decoder in plain Keras, shaped as ours."""
    import keras

    sides = [side]
    for _ in FILTERS:
        sides.append(-(-sides[-1] // 2))
    common: dict[str, Any] = {"strides": 2, "padding": "same"}
    relu: dict[str, Any] = {"activation": "relu", **common}
    layers = keras.layers
    encoder = [layers.Conv2D(n, k, **relu) for n, k in zip(FILTERS, KERNELS, strict=True)]
    encoder += [layers.Flatten(), layers.Dense(LATENT)]
    decoder: list[Any] = [
        layers.Dense(sides[-1] ** 2 * FILTERS[-1], activation="relu"),
        layers.Reshape((sides[-1], sides[-1], FILTERS[-1])),
    ]
    for index in reversed(range(len(FILTERS))):
        more = relu if index else common
        channels = FILTERS[index - 1] if index else 1
        decoder.append(layers.Conv2DTranspose(channels, KERNELS[index], **more))
        surplus = 2 * sides[index + 1] - sides[index]
        if surplus:
            decoder.append(layers.Cropping2D(((0, surplus), (0, surplus))))
    inputs = keras.Input((side, side, 1))
    latent = keras.Sequential(encoder)(inputs)
    return keras.Model(inputs, latent), keras.Model(inputs, keras.Sequential(decoder)(latent))


def keras_ae(steps: int) -> Train:
    del steps

    def train(x: np.ndarray, units: int) -> None:
        _, model = network(x.shape[1])
        model.compile(optimizer="adam", loss="mse")
        model.fit(x, x, batch_size=BATCH, epochs=units, verbose=0)

    return train


def keras_dcec(steps: int) -> Train:
    import keras

    class Clustering(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.centers = self.add_weight(shape=(CLUSTERS, shape[-1]))

        def call(self, z: Any) -> Any:
            apart = keras.ops.expand_dims(z, 1) - self.centers
            q = 1 / (1 + keras.ops.sum(keras.ops.square(apart), axis=2))
            return q / keras.ops.sum(q, axis=1, keepdims=True)

    def train(x: np.ndarray, units: int) -> None:
        encoder, decoded = network(x.shape[1])
        outputs = [Clustering()(encoder.output), decoded.output]
        model = keras.Model(encoder.input, outputs)
        model.compile(optimizer="adam", loss=["kl_divergence", "mse"], loss_weights=[GAMMA, 1.0])
        index = 0
        for step in range(units * steps):
            if step % steps == 0:
                q, _ = model.predict(x, verbose=0)
                p = q**2 / q.sum(axis=0)
                p /= p.sum(axis=1, keepdims=True)
            rows = slice(index * BATCH, (index + 1) * BATCH)
            model.train_on_batch(x[rows], [p[rows], x[rows]])
            index = 0 if (index + 1) * BATCH >= len(x) else index + 1
        model.predict(x, verbose=0)

    return train


CONTENDERS: dict[str, Callable[[int], Train]] = {
    "ae ours": ours_ae,
    "ae keras": keras_ae,
    "dcec ours": ours_dcec,
    "dcec keras": keras_dcec,
}


def child(name: str, shape: str, steps: int, units: int) -> None:
    train = CONTENDERS[name](steps)
    rows, side = SIDES[shape]
    x = np.random.default_rng(0).random((rows, side, side, 1), dtype=np.float32)
    train(x[: 2 * BATCH], 1)
    seconds = []
    for count in (1, units):
        start = time.perf_counter()
        train(x, count)
        seconds.append(time.perf_counter() - start)
    print((seconds[1] - seconds[0]) / (units - 1))


def measure(name: str, shape: str, steps: int, units: int) -> float:
    sizes = ["--steps", str(steps), "--units", str(units)]
    done = subprocess.run(
        [sys.executable, __file__, "--child", name, "--shape", shape, *sizes],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return float(done.stdout.split()[-1])


def flops_per_row(side: int) -> int:
    """Forward, and twice that backward; two operations per weight and place."""
    places, before, total = side, 1, 0
    for channels, kernel in zip(FILTERS, KERNELS, strict=True):
        places = -(-places // 2)
        total += places**2 * kernel**2 * before * channels
        before = channels
    total += places**2 * before * LATENT
    return 2 * 3 * 2 * total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SIDES, nargs="+", default=["usps"])
    parser.add_argument("--works", choices=("ae", "dcec"), nargs="+", default=["ae", "dcec"])
    parser.add_argument("--units", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.shape[0], arguments.steps, arguments.units)
        return
    from machine import description, matrix_peak

    peak = max(matrix_peak().values())
    print(f"{description()} Matrix peak {peak:.0f} GFLOP/s.\n")
    print("| data | work | ours, s | Keras loop, s | ours is faster by | ours, share of peak |")
    print("|---|---|---|---|---|---|")
    for shape in arguments.shape:
        rows, side = SIDES[shape]
        for work in arguments.works:
            best = {"ours": float("inf"), "keras": float("inf")}
            for _ in range(arguments.rounds):
                for who in best:
                    found = measure(f"{work} {who}", shape, arguments.steps, arguments.units)
                    best[who] = min(best[who], found)
            trained = rows if work == "ae" else arguments.steps * BATCH
            work_done = trained * flops_per_row(side) + (work == "dcec") * rows * (
                flops_per_row(side) / 6
            )
            share = work_done / best["ours"] / 1e9 / peak
            print(
                f"| {shape} | {work} | {best['ours']:.2f} | {best['keras']:.2f} | "
                f"{best['keras'] / best['ours']:.2f} | {share:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
