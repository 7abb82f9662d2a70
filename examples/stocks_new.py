"""The stock example in the language of n2d_framework: one comparison over numbers of clusters.

Jitter is drawn again for every batch, in place of copies of the table, and the autoencoder gives
back the series without it. The network and the manifold are fitted once for all numbers of
clusters. For longer series, or several values a day, the plugin n2d-sequence has convolutions,
and more ways to vary series; see the page on time series.
"""

from __future__ import annotations

import tempfile

import numpy as np
from common import arguments
from prices import MADE, load_prices

import n2d_framework as n2d
from n2d_framework import plots

CONFIG = {
    "data": "stocks",
    "scaler": "none",  # each series was standardised by itself
    "embedders": [
        {
            "name": "denoising_ae",
            "noise": "gaussian",
            "noise_level": 0.5,
            "hidden": [64, 32],
            "latent_dim": 5,
            "batch_size": 16,
        }
    ],
    "manifolders": [{"name": "umap", "n_components": 2, "n_neighbors": 10}],
    "clusterers": ["gmm"],
    "n_clusters": {"from": 2, "to": 6},
    "metric": "silhouette",
    "seeds": 1,
    "dbcv_rows": 0,
}


def main() -> None:
    args = arguments(__doc__, data=MADE)
    tickers, dates, x = load_prices(args.data)
    CONFIG["embedders"][0]["epochs"] = args.epochs

    with tempfile.TemporaryDirectory() as folder:
        comparison = n2d.compare(CONFIG, folder, data={"stocks": x})
        curves = comparison.numbers_of_clusters()
        print(curves[["n_clusters", "silhouette", "bic", "best_by"]].to_string(index=False))
        labels = comparison.best("silhouette").labels_

    for value in np.unique(labels):
        print("cluster:", *np.array(tickers)[labels == value])
    plots.write_png(plots.cluster_series(x, labels, dates), "stocks.png")


if __name__ == "__main__":
    main()
