"""K-means in place of the mixture, as older READMEs of n2d showed it; with the generator of 0.3.2.

The class that those READMEs wrote by hand (`UmapKmeans`) is what the generator makes. Run it with
``--data har --epochs 1000`` for the real thing.
"""

from __future__ import annotations

import umap
from common import arguments, old_data
from sklearn.cluster import KMeans

import n2d_framework.n2d as n2d


def main() -> None:
    args = arguments(__doc__)
    x, y, y_names = old_data(args.data)
    n_clusters = len(y_names)

    umap_args = {"n_components": 2, "n_neighbors": 10, "min_dist": 0.0, "random_state": 0}
    kmeans_args = {"n_clusters": n_clusters, "random_state": 0}  # scikit-learn dropped n_jobs
    manifold_km = n2d.manifold_cluster_generator(umap.UMAP, umap_args, KMeans, kmeans_args)

    kmclust = n2d.n2d(n2d.AutoEncoder(x.shape[-1], n_clusters), manifold_km)
    kmclust.fit(x, epochs=args.epochs, verbose=args.verbose)
    kmclust.predict(x)
    print(kmclust.assess(y))


if __name__ == "__main__":
    main()
