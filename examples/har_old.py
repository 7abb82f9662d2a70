"""The first example of the old README: cluster the HAR data, as written for n2d 0.3.2.

Only the import has changed. Run it with ``--data har --epochs 1000`` for the real thing.
"""

from __future__ import annotations

from common import arguments, old_data, save_figures

import n2d_framework.n2d as n2d


def main() -> None:
    args = arguments(__doc__)
    # with --data har: x, y, y_names = data.load_har()
    x, y, y_names = old_data(args.data)
    n_clusters = len(y_names)

    ae = n2d.AutoEncoder(x.shape[-1], n_clusters)
    manifold_clusterer = n2d.UmapGMM(n_clusters)
    harcluster = n2d.n2d(ae, manifold_clusterer)

    harcluster.fit(x, weight_id="har.h5", epochs=args.epochs, verbose=args.verbose)
    # The next time, the weights are loaded instead.
    harcluster.fit(x, weights="har.h5")

    harcluster.predict(x)
    harcluster.visualize(y, y_names, n_clusters=n_clusters)
    save_figures("har")
    print(harcluster.assess(y))


if __name__ == "__main__":
    main()
