"""The first example of the old README, in the language of n2d_framework."""

from __future__ import annotations

from common import arguments, new_data, scaler

import n2d_framework as n2d
from n2d_framework import plots
from n2d_framework.metrics import match_labels


def main() -> None:
    args = arguments(__doc__)
    # with --data har: found = n2d_framework.data.load("har")
    found = new_data(args.data)
    model = n2d.N2D(
        {"name": "dense_ae", "epochs": args.epochs},
        {"name": "umap", "n_components": 2, "n_neighbors": 10},
        "gmm",
        n_clusters=len(found.names),
        scaler=scaler(args.data),
        random_state=0,
        store="stages",  # what weight_id and weights were for: no stage is fitted twice
    )
    labels = model.fit_predict(found.x)

    matched = match_labels(found.y, labels)
    grid = plots.truth_and_prediction(model.manifold_, found.y, matched, found.names)
    plots.write_png(grid[0, 0].figure, "har.png")
    scores = model.assess(found.y)
    print(tuple(round(scores[name], 5) for name in ("acc", "nmi", "ari")))


if __name__ == "__main__":
    main()
