"""The README's example of another autoencoder: your own Keras graph that removes noise, old form.

Run it with ``--data fashion --epochs 10`` for the real thing. Two mistakes of the original are
fixed: ``Input`` takes a shape, and the name of the autoencoder is spelt alike everywhere.
"""

from __future__ import annotations

import numpy as np
from common import arguments, old_data, save_figures
from keras.layers import Dense, Input

import n2d_framework.n2d as n2d

RNG = np.random.default_rng(0)


def add_noise(x: np.ndarray, noise_factor: float) -> np.ndarray:
    """Rows with normal noise, still in [0, 1]."""
    return np.clip(x + noise_factor * RNG.normal(loc=0.0, scale=1.0, size=x.shape), 0.0, 1.0)


def main() -> None:
    args = arguments(__doc__)
    x, y, y_names = old_data(args.data)
    n_clusters = len(y_names)
    umapgmm = n2d.UmapGMM(n_clusters)

    hidden_dims = [500, 500, 2000]
    input_dim = x.shape[-1]
    inputs = Input((input_dim,))
    encoded = inputs
    for d in hidden_dims:
        encoded = Dense(d, activation="relu")(encoded)
    encoded = Dense(n_clusters)(encoded)
    decoded = encoded
    for d in hidden_dims[::-1]:
        decoded = Dense(d, activation="relu")(decoded)
    outputs = Dense(input_dim)(decoded)

    denoising_ae = n2d.autoencoder_generator(
        (inputs, encoded, outputs), x_lambda=lambda x: add_noise(x, 0.5)
    )
    model = n2d.n2d(denoising_ae, umapgmm)
    model.fit(x, epochs=args.epochs, verbose=args.verbose)
    model.predict(x)
    model.visualize(y, y_names, n_clusters=n_clusters)
    save_figures("denoising")
    print(model.assess(y))


if __name__ == "__main__":
    main()
