"""The README's example of another manifold learner and clusterer: UMAP and HDBSCAN, old form.

Run it with ``--data mnist --epochs 10`` for the real thing.
"""

from __future__ import annotations

import hdbscan
import umap
from common import arguments, old_data, sizes

import n2d_framework.n2d as n2d


def main() -> None:
    args = arguments(__doc__)
    x, *_ = old_data(args.data)
    ae = n2d.AutoEncoder(input_dim=x.shape[-1], latent_dim=40)

    # arguments for clusterer go in a dict
    hdbscan_args = {**sizes(x), "prediction_data": True}
    # arguments for manifold learner go in a dict
    umap_args = {"metric": "euclidean", "n_components": 2, "n_neighbors": 30, "min_dist": 0}
    db = n2d.manifold_cluster_generator(umap.UMAP, umap_args, hdbscan.HDBSCAN, hdbscan_args)

    db_clust = n2d.n2d(ae, db)
    db_clust.fit(x, epochs=args.epochs, verbose=args.verbose)

    # the clusterer is a normal hdbscan object
    print(db_clust.clusterer.probabilities_)
    print(db_clust.clusterer.labels_)
    print(db_clust.manifolder)

    db_clust.fit_predict(x, epochs=args.epochs, verbose=args.verbose)

    # this failed with the old package
    print(db_clust.predict(x))

    x_test = x[: len(x) // 7]
    test_embedding = db_clust.encoder.predict(x_test, verbose=args.verbose)
    test_labels, strengths = hdbscan.approximate_predict(
        db_clust.clusterer, db_clust.manifolder.transform(test_embedding)
    )
    print(test_labels, strengths)


if __name__ == "__main__":
    main()
