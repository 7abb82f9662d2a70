"""The stock example of the old package: clusters of series, and how many of them; old form.

An autoencoder is trained on a hundred jittered copies of the series. Then the number of clusters
goes up, the silhouette is watched, and the best clustering is drawn. Run it with
``--data stock_close.csv --epochs 100`` for prices of your own. (The example went on to look for
cointegrated pairs within a cluster, which is a matter of statsmodels.)
"""

from __future__ import annotations

import numpy as np
from common import arguments
from prices import MADE, load_prices
from sklearn.metrics import silhouette_score

import n2d_framework.n2d as n2d
from n2d_framework import plots

COPIES, SIGMA = 100, 0.5
NUMBERS = range(2, 7)
RNG = np.random.default_rng(0)


def jitter(x: np.ndarray) -> np.ndarray:
    """Series with normal noise."""
    return x + RNG.normal(loc=0.0, scale=SIGMA, size=x.shape)


def main() -> None:
    args = arguments(__doc__, data=MADE)
    tickers, dates, x = load_prices(args.data)

    ae = n2d.AutoEncoder(x.shape[-1], latent_dim=5, architecture=[64, 32])
    augmented = np.concatenate([jitter(x) for _ in range(COPIES)])
    ae.fit(augmented, weight_id="stocks.h5", epochs=args.epochs, verbose=args.verbose)

    found, silhouettes = {}, {}
    for n_clusters in NUMBERS:
        model = n2d.n2d(ae, n2d.UmapGMM(n_clusters))
        found[n_clusters] = model.fit_predict(x, weights="stocks.h5")
        silhouettes[n_clusters] = silhouette_score(model.hle, found[n_clusters])
        print(n_clusters, round(float(silhouettes[n_clusters]), 3))

    labels = found[max(silhouettes, key=silhouettes.__getitem__)]
    for value in np.unique(labels):
        print("cluster:", *np.array(tickers)[labels == value])
    plots.write_png(plots.cluster_series(x, labels, dates), "stocks.png")


if __name__ == "__main__":
    main()
