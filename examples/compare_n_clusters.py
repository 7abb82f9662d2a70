"""Number of clusters: the criteria side by side, on manifolds that are computed once.

Run it as ``python examples/compare_n_clusters.py``.
"""

from __future__ import annotations

import tempfile

import n2d_framework as n2d

CONFIG = {
    "data": "digits",
    "embedders": ["identity"],
    "manifolders": [{"name": "umap", "n_neighbors": 10, "min_dist": 0.0, "n_epochs": 200}],
    "clusterers": [{"name": "gmm", "n_init": 3}],
    "n_clusters": {"from": 6, "to": 14},
    "seeds": 3,
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        comparison = n2d.compare(CONFIG, folder)
        curves = comparison.numbers_of_clusters()
        columns = ["n_clusters", "bic", "silhouette", "dbcv", "stability", "best_by"]
        print(curves[columns].to_string(index=False))


if __name__ == "__main__":
    main()
