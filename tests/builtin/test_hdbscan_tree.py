"""The condensed tree of the hdbscan component, as the plots take it."""

from __future__ import annotations

import hdbscan
import numpy as np
from sklearn.decomposition import PCA

from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_framework.plugin import FitContext


def test_the_tree_is_the_one_of_the_library(digits):
    rows = PCA(5, random_state=0).fit_transform(digits[0]).astype(np.float32)
    found = Hdbscan(min_cluster_size=20).fit(rows, context=FitContext()).condensed_tree_
    library = hdbscan.HDBSCAN(min_cluster_size=20).fit(rows).condensed_tree_.to_numpy()

    def edges(table):
        return sorted(zip(table["lambda_val"].tolist(), table["child_size"].tolist(), strict=True))

    assert len(found["parent"]) == len(library)
    ours, theirs = np.array(edges(found)), np.array(edges(library))
    np.testing.assert_allclose(ours[:, 0], theirs[:, 0], rtol=1e-5)
    assert sorted(found["child_size"]) == sorted(library["child_size"])
    assert set(found["child"]) | {len(rows)} == set(range(len(rows), found["child"].max() + 1)) | (
        set(range(len(rows)))
    )


def test_there_is_no_tree_before_fitting():
    assert Hdbscan().condensed_tree_ is None
