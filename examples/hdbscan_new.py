"""The README's example of HDBSCAN on UMAP, in the language of n2d_framework."""

from __future__ import annotations

from common import arguments, new_data, sizes

import n2d_framework as n2d


def main() -> None:
    args = arguments(__doc__)
    found = new_data(args.data)
    model = n2d.N2D(
        {"name": "dense_ae", "latent_dim": 40, "epochs": args.epochs},
        {"name": "umap", "n_components": 2, "n_neighbors": 30},
        {"name": "hdbscan", **sizes(found.x)},
        random_state=0,
    )
    model.fit(found.x)
    print(model.clusterer_.probabilities_)
    print(model.labels_)
    print(model.manifolder_.n_neighbors, "neighbours")

    new_rows = found.x[: len(found.x) // 7]
    print(model.predict(new_rows), model.strengths(new_rows))
    print({name: round(value, 3) for name, value in model.assess(found.y).items()})


if __name__ == "__main__":
    main()
