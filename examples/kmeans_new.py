"""K-means in place of the mixture, in the language of n2d_framework."""

from __future__ import annotations

from common import arguments, new_data, scaler

import n2d_framework as n2d


def main() -> None:
    args = arguments(__doc__)
    found = new_data(args.data)
    model = n2d.N2D(
        {"name": "dense_ae", "epochs": args.epochs},
        {"name": "umap", "n_components": 2, "n_neighbors": 10},
        "kmeans",
        n_clusters=len(found.names),
        scaler=scaler(args.data),
        random_state=0,
    )
    model.fit(found.x)
    scores = model.assess(found.y)
    print(tuple(round(scores[name], 5) for name in ("acc", "nmi", "ari")))


if __name__ == "__main__":
    main()
