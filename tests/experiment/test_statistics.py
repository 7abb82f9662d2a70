"""Intervals, tests over datasets, label-free ranking, and the number of clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare, spearmanr, wilcoxon

import n2d_framework as n2d
from n2d_framework.analysis.intervals import bootstrap_interval, leaderboard, seed_warnings
from n2d_framework.analysis.paired import against_baseline
from n2d_framework.analysis.result_tables import methods
from n2d_framework.analysis.significance import compare_methods
from n2d_framework.errors import ConfigError, DataError
from n2d_framework.metrics import stability


def table(scores: dict[str, list[float]], seeds: int = 1) -> pd.DataFrame:
    """Cells of methods (one value per dataset), each seed a little off."""
    rows = [
        {"data": f"d{index}", "scaler": "minmax", "embedder": method, "manifolder": "m"}
        | {"clusterer": "c", "n_clusters": 3, "seed": seed, "status": "done"}
        | {"acc": value + 0.01 * seed}
        for method, values in scores.items()
        for index, value in enumerate(values)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).astype({"n_clusters": "Int64"})


RNG = np.random.default_rng(3)
TWELVE = {
    name: list(base + RNG.normal(0, 0.02, 12))
    for name, base in (("good", 0.9), ("middle", 0.8), ("bad", 0.6))
}


def test_an_interval_is_always_the_same_and_holds_the_mean():
    values = [0.8, 0.9, 0.7, 0.85, 0.95]
    low, high = bootstrap_interval(values)
    assert (low, high) == bootstrap_interval(values)
    assert 0.7 < low < np.mean(values) < high < 0.95


def test_of_one_value_there_is_no_interval_and_of_equal_ones_a_point():
    assert np.isnan(bootstrap_interval([0.5])).all()
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [
        low <= 0 <= high
        for low, high in (bootstrap_interval(rng.normal(size=30)) for _ in range(100))
    ]
    assert 0.86 <= np.mean(inside) <= 1.0


def test_failed_cells_are_counted_and_never_are_zeros():
    cells = table({"a": [0.8]}, seeds=3)
    cells.loc[0, ["acc", "status"]] = [np.nan, "failed"]
    board = leaderboard(cells, "acc", ascending=False)
    assert board.loc[0, "mean"] == pytest.approx(0.815)
    assert (board.loc[0, "seeds"], board.loc[0, "failed"]) == (2, 1)


def test_the_leaderboard_goes_down_or_up():
    cells = table(TWELVE)
    down = leaderboard(cells, "acc", ascending=False)
    up = leaderboard(cells, "acc", ascending=True)
    assert list(down["embedder"][:3]) == ["good", "middle", "bad"]
    assert list(up["embedder"][:3]) == ["bad", "middle", "good"]


def test_a_method_is_named_with_its_number_of_clusters_where_there_are_several():
    cells = table({"a": [0.5], "b": [0.6]})
    cells.loc[1, "n_clusters"] = pd.NA
    assert methods(cells) == ["a / m / c", "b / m / c"]
    cells = pd.concat([cells, table({"a": [0.4]}).assign(n_clusters=4)]).astype(
        {"n_clusters": "Int64"}
    )
    assert methods(cells) == ["a / m / c, k=3", "b / m / c", "a / m / c, k=4"]


def test_seeds_are_warned_of():
    assert "one seed: no interval" in seed_warnings(table({"a": [0.5]}))[0]
    assert "3 seeds: the intervals are rough" in seed_warnings(table({"a": [0.5]}, seeds=3))[0]
    assert seed_warnings(table({"a": [0.5]}, seeds=5)) == []


@pytest.mark.parametrize("posthoc", ["nemenyi", "wilcoxon-holm"])
def test_methods_that_differ_are_found(posthoc):
    found = compare_methods(table(TWELVE), "acc", posthoc=posthoc)
    expected = friedmanchisquare(*TWELVE.values())
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert list(found.ranks.index) == [f"{name} / m / c" for name in ("good", "middle", "bad")]
    assert found.p_values.loc["good / m / c", "bad / m / c"] < 0.01
    assert (np.diag(found.p_values) == 1).all()
    assert found.warnings == []


def test_holm_corrects_wilcoxon():
    found = compare_methods(table(TWELVE), "acc", posthoc="wilcoxon-holm")
    plain = wilcoxon(TWELVE["good"], TWELVE["bad"]).pvalue
    assert found.p_values.loc["good / m / c", "bad / m / c"] == pytest.approx(3 * plain)


def test_less_may_be_better():
    found = compare_methods(table(TWELVE), "acc", less_is_better=True)
    assert found.ranks.index[0] == "bad / m / c"


@pytest.mark.parametrize(
    ("scores", "posthoc", "said"),
    [
        ({"a": [0.1], "b": [0.2], "c": [0.3]}, "nemenyi", "one dataset"),
        ({"a": [0.1, 0.2], "b": [0.2, 0.3]}, "nemenyi", "2 methods: Friedman's test needs three"),
        ({"a": [0.1, 0.2], "b": [0.2, 0.3], "c": [0.3, 0.4]}, "nemenyi", "weak below 10"),
        ({"a": [0.1, 0.2], "b": [0.2, 0.3], "c": [0.3, 0.4]}, "wilcoxon-holm", "fewer than 6"),
        ({"a": [0.5, 0.5], "b": [0.5, 0.5], "c": [0.5, 0.5]}, "nemenyi", "the same ranks"),
    ],
)
def test_too_few_for_a_claim_is_said(scores, posthoc, said):
    found = compare_methods(table(scores), "acc", posthoc=posthoc)
    assert any(said in text for text in found.warnings)


def test_a_method_without_a_score_somewhere_is_left_out_and_reported():
    cells = table(TWELVE | {"gap": [0.5] * 12})
    cells.loc[cells.index[-1], "acc"] = np.nan
    found = compare_methods(cells, "acc")
    assert "gap / m / c" not in found.ranks
    assert any("gap / m / c" in text for text in found.warnings)


def test_an_unknown_posthoc_and_no_scores_are_refused():
    with pytest.raises(DataError, match="posthoc must be"):
        compare_methods(table(TWELVE), "acc", posthoc="t-test")
    cells = table({"a": [0.5]}).assign(acc=np.nan)
    with pytest.raises(DataError, match="no method has"):
        compare_methods(cells, "acc")


def test_the_diagram_names_every_method():
    axes = compare_methods(table(TWELVE), "acc").diagram()
    texts = " ".join(text.get_text() for text in axes.texts)
    assert all(f"{name} / m / c" in texts for name in TWELVE)
    assert "12 datasets" in axes.get_title(loc="left")


def test_without_a_test_there_is_no_diagram():
    with pytest.raises(DataError, match=r"nothing was tested: .*one dataset"):
        compare_methods(table({"a": [0.1], "b": [0.2], "c": [0.3]}), "acc").diagram()


def test_pairs_are_datasets_where_there_are_several():
    found = against_baseline(table(TWELVE, seeds=5), "acc", "middle / m / c")
    assert found.unit == "datasets"
    good, bad = found.table.iloc[0], found.table.iloc[1]
    assert (good["method"], good["pairs"], good["wins"]) == ("good / m / c", 12, 12)
    difference = np.mean(np.subtract(TWELVE["good"], TWELVE["middle"]))
    assert good["difference"] == pytest.approx(difference)
    assert good["low"] < difference < good["high"]
    assert good["p_value"] == pytest.approx(wilcoxon(TWELVE["good"], TWELVE["middle"]).pvalue)
    assert good["p_holm"] >= good["p_value"]
    assert bad["losses"] == 12
    assert found.warnings == []


def test_pairs_are_seeds_with_one_dataset_and_that_is_said():
    found = against_baseline(table({"a": [0.5], "b": [0.6]}, seeds=3), "acc", "a / m / c")
    assert found.unit == "seeds"
    assert found.table["pairs"].iloc[0] == 3
    assert len(found.warnings) == 3


@pytest.fixture(scope="module")
def several(few_digits, tmp_path_factory):
    config = {
        "embedders": ["identity", {"name": "pca", "latent_dim": 5}],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_init": 1}, {"name": "gmm", "n_init": 1}],
        "seeds": 2,
        "n_clusters": {"from": 8, "to": 11},
        "dbcv_rows": 100,
        "baseline": {"embedder": "identity", "clusterer": "kmeans", "n_clusters": 10},
    }
    return n2d.compare(
        config, tmp_path_factory.mktemp("several"), data={"few": few_digits}, n_jobs=1
    )


def test_the_baseline_of_the_configuration_is_used(several):
    found = several.against()
    assert found.baseline == "identity / identity / kmeans, k=10"
    assert len(found.table) == 2 * 2 * 4 - 1


def test_a_baseline_must_fit_one_method(several):
    with pytest.raises(ConfigError, match="fits 4 methods"):
        several.against({"embedder": "identity", "clusterer": "gmm"})
    with pytest.raises(ConfigError, match="baseline: 'no one' is unknown"):
        several.against("no one")


def test_label_free_ranking_and_its_agreement(several):
    found = several.label_free()
    row = found.table.iloc[0]
    cells = several.table[
        (several.table.embedder == row.embedder)
        & (several.table.clusterer == row.clusterer)
        & (several.table.n_clusters == row.n_clusters)
    ]
    labels = [several.store.read(key)[1]["output"]["values"] for key in cells["clusterer_key"]]
    assert row.stability == pytest.approx(stability(labels))
    assert row.silhouette == pytest.approx(cells["silhouette"].mean())
    by = found.agreement.set_index("criterion")
    expected = spearmanr(found.table["silhouette"], found.table["acc"])
    assert by.loc["silhouette", "spearman"] == pytest.approx(expected.statistic)
    assert set(by.index) == {"modularity", "consensus", "silhouette", "dbcv", "stability"}


def test_the_number_of_clusters_is_judged_by_each_criterion(several):
    curves = several.numbers_of_clusters()
    assert len(curves) == 2 * 2 * 4
    one = curves[(curves.embedder == "identity") & curves.clusterer.str.startswith("gmm")]
    assert list(one["n_clusters"]) == [8, 9, 10, 11]
    best = one.set_index("n_clusters")
    assert "bic" in best.loc[best["bic"].idxmin(), "best_by"]
    assert "silhouette" in best.loc[best["silhouette"].idxmax(), "best_by"]
    kmeans = curves[curves.clusterer.str.startswith("kmeans")]
    assert kmeans["bic"].isna().all()


def test_one_number_of_clusters_is_not_a_choice(several, few_digits, grid, tmp_path):
    found = n2d.compare(grid | {"seeds": 1}, tmp_path, data={"few": few_digits}, n_jobs=1)
    with pytest.raises(DataError, match="has one n_clusters"):
        found.numbers_of_clusters()
    assert np.isnan(found.label_free().table["stability"]).all()
    assert any("one seed" in text for text in found.label_free().warnings)
