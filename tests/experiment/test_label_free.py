"""Rankings without true classes: what cannot be judged is never the best."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import n2d_framework as n2d
from n2d_framework.analysis import label_free
from n2d_framework.analysis.label_free import CRITERIA, curves, rank_without_labels

NOISE = "identity / identity / hdbscan"


@pytest.fixture(scope="module")
def noisy(few_digits, tmp_path_factory):
    """Beside others, a density-based clusterer that finds nothing but noise."""
    config = {
        "embedders": ["identity"],
        "manifolders": ["identity", {"name": "pca", "n_components": 3}],
        "clusterers": [
            {"name": "hdbscan", "min_cluster_size": 120},
            {"name": "kmeans", "n_init": 1},
        ],
        "n_clusters": 10,
        "seeds": 2,
        "dbcv_rows": 100,
        "exclude": [{"clusterer": "hdbscan", "manifolder": "pca"}],
    }
    out = tmp_path_factory.mktemp("noisy") / "out"
    return n2d.compare(config, out, data={"few": few_digits}, n_jobs=1)


def test_nothing_but_noise_ranks_last(noisy):
    found = noisy.label_free()
    table = found.table.set_index("method")
    assert (noisy.table["n_clusters_found"][noisy.table["clusterer"] == "hdbscan"] == 0).all()
    assert np.isnan(table.loc[NOISE, list(CRITERIA)].astype(float)).all()
    assert table.loc[NOISE, "rank"] == len(table) == 3
    assert table["rank"].drop(NOISE).max() <= 2


def test_what_found_no_clusters_is_named(noisy):
    reported = next(text for text in noisy.label_free().warnings if "fewer than two" in text)
    assert f"by {NOISE} (2 of 2 seeds): no criterion can judge that" in reported
    assert "kmeans" not in reported


def with_one_cluster(table, rows):
    """The same comparison, had some cells found one cluster only."""
    table = table.copy()
    table.loc[rows, "n_clusters_found"] = 1
    table.loc[rows, ["silhouette", "dbcv"]] = np.nan
    return table


def test_one_lucky_seed_does_not_rank(noisy):
    method = (noisy.table["manifolder"] == "pca") & (noisy.table["clusterer"] == "kmeans")
    table = noisy.table.copy()
    table.loc[method, ["silhouette", "dbcv"]] = 0.99
    table = with_one_cluster(table, method & (table["seed"] == 0))
    found = rank_without_labels(table, noisy._labels)
    row = found.table.set_index("method").loc["identity / pca / kmeans"]
    assert np.isnan(row[list(CRITERIA)].astype(float)).all()
    assert row["rank"] == found.table["rank"].max()
    assert row["acc"] > 0
    assert any("identity / pca / kmeans (1 of 2 seeds)" in text for text in found.warnings)


@pytest.fixture(scope="module")
def grid(few_digits, tmp_path_factory):
    """Five methods, two of which give nearly the same."""
    config = {
        "embedders": ["identity"],
        "manifolders": ["identity", {"name": "pca", "n_components": [1, 20]}],
        "clusterers": [{"name": "kmeans", "n_init": 2}, {"name": "hdbscan", "min_cluster_size": 5}],
        "n_clusters": 10,
        "seeds": 2,
        "dbcv_rows": 0,
        "exclude": [{"clusterer": "hdbscan", "manifolder": {"n_components": 20}}],
    }
    out = tmp_path_factory.mktemp("grid") / "out"
    return n2d.compare(config, out, data={"few": few_digits}, n_jobs=1)


def alone(labels):
    """Each row of noise as a cluster of its own."""
    return np.where(labels < 0, 1000 + np.arange(len(labels)), labels)


def test_consensus_is_the_mean_agreement_with_other_methods(grid):
    found = grid.label_free().table.set_index("method")["consensus"]
    cells = grid.table[grid.table["seed"] == 0]
    labels = {
        f"{row.embedder} / {row.manifolder} / {row.clusterer}": grid._labels(row.clusterer_key)
        for row in cells.itertuples()
    }
    assert set(labels) == set(found.index)
    assert len(labels) == 5
    assert any((one < 0).any() for one in labels.values())
    for method, mine in labels.items():
        others = [
            adjusted_rand_score(alone(mine), alone(other))
            for name, other in labels.items()
            if name != method
        ]
        assert found[method] == pytest.approx(np.mean(others))


def test_ranks_are_those_of_modularity_consensus_and_covered_silhouette(grid):
    found = grid.label_free().table
    covered = found["silhouette"] * found["coverage"]
    ranks = [
        values.rank(ascending=False)
        for values in (found["modularity"], found["consensus"], covered)
    ]
    np.testing.assert_allclose(found["rank"], np.mean(ranks, axis=0))


def test_without_modularity_the_others_rank(grid):
    old = rank_without_labels(grid.table.drop(columns="modularity"), grid._labels).table
    covered = (old["silhouette"] * old["coverage"]).rank(ascending=False)
    expected = (covered + old["consensus"].rank(ascending=False)) / 2
    np.testing.assert_allclose(old["rank"], expected)


def test_many_rows_and_methods_are_sampled_the_same_each_time(grid, monkeypatch):
    monkeypatch.setattr(label_free, "_MOST_OTHERS", 2)
    monkeypatch.setattr(label_free, "_MOST_ROWS", 50)
    one, other = grid.label_free().table, grid.label_free().table
    np.testing.assert_array_equal(one["consensus"], other["consensus"])
    assert one["consensus"].between(-0.5, 1).all()


def test_one_method_has_no_consensus(grid):
    kept = (grid.table["manifolder"] == "identity") & (grid.table["clusterer"] == "kmeans")
    found = rank_without_labels(grid.table[kept].reset_index(drop=True), grid._labels).table
    assert np.isnan(found["consensus"]).all()
    assert list(found["rank"]) == [1]


def test_what_cannot_be_judged_counts_in_the_agreement(noisy):
    found = noisy.label_free()
    assert (found.agreement["methods"] == 3).all()
    by = found.agreement.set_index("criterion")["spearman"]
    # Noise alone has the least accuracy, and the last place by each criterion.
    assert found.table.set_index("method")["acc"].idxmin() == NOISE
    assert (by >= 0.5).all()


def test_one_cluster_is_not_stable(few_digits, tmp_path):
    config = {
        "embedders": ["identity"],
        "manifolders": [{"name": "pca", "n_components": 3}],
        "clusterers": [{"name": "gmm", "n_init": 1}],
        "n_clusters": [1, 3],
        "seeds": 2,
        "dbcv_rows": 0,
    }
    found = n2d.compare(config, tmp_path, data={"few": few_digits}, n_jobs=1)
    judged = found.numbers_of_clusters().set_index("n_clusters")
    assert np.isnan(judged.loc[1, "stability"])
    assert judged.loc[1, "bic"] > 0
    assert {"stability", "silhouette"} <= set(judged.loc[3, "best_by"].split(", "))
    once = (found.table["n_clusters"] == 3) & (found.table["seed"] == 0)
    lucky = curves(with_one_cluster(found.table, once), found._labels).set_index("n_clusters")
    assert np.isnan(lucky.loc[3, ["silhouette", "stability"]].astype(float)).all()
    assert lucky["bic"].notna().all()
    assert not lucky["best_by"].str.contains("silhouette").any()
