"""Methods ranked over datasets: ranks, groups, losses, and what is said where little was run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_builtin.autoencoders.dense import DenseAutoencoder
from n2d_framework.analysis.significance import compare_methods, compare_scores
from n2d_framework.cli import app
from n2d_framework.errors import DataError
from n2d_framework.plugin import ROLES, Rows
from n2d_framework.reproduce import Report, read_study
from n2d_framework.reproduce.measurements import Measured, Ran, Score
from n2d_framework.reproduce.study_remarks import Settings

STUDY = read_study("tabular")
METHODS = STUDY.tables[0].methods
DATA = STUDY.data_names


def report_of(scores, *, chosen=()):
    """A report of means by method, one for each of the first datasets; `None` failed."""
    n_data = max(map(len, scores.values()))
    ran = {
        name: Ran(
            n_rows=10, expected_rows=10, folder=Path("out"), versions={},
            measured={
                method: Measured({}, 3, "it failed") if values[place] is None
                else Measured({"ari": Score.of([values[place]])})
                for method, values in scores.items()
            },
        )
        for place, name in enumerate(DATA[:n_data])
    }  # fmt: skip
    return Report(STUDY, Settings(None, 1, list(chosen or scores)), ran, {}, Path("out"))


def spread(n=12, seed=0):
    """Six methods, each better than the next, on `n` datasets."""
    noise = np.random.default_rng(seed).normal(0, 0.01, (6, n))
    names = ["n2d", "umap_gmm", "umap_hdbscan", "spectral", "kmeans", "gmm"]
    return {name: list(0.9 - 0.1 * place + noise[place]) for place, name in enumerate(names)}


def test_ranks_and_tests_are_those_of_the_means():
    scores = spread()
    (found,) = report_of(scores).rankings()
    rows = found.rows()
    assert [row["method"] for row in rows] == list(scores)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]
    expected = friedmanchisquare(*scores.values())
    assert found.significance.statistic == pytest.approx(expected.statistic)
    assert rows[0]["mean"] == pytest.approx(np.mean(scores["n2d"]))
    assert rows[0]["best_on"] == 12


def test_groups_are_the_largest_runs_that_the_test_does_not_distinguish():
    (found,) = report_of(spread()).rankings()
    p_values = found.significance.p_values
    order = list(found.significance.ranks.index)
    groups = found.groups()
    assert len(groups) > 1
    for group in groups:
        assert (p_values.loc[group, group] >= 0.05).all(axis=None)
        first, last = order.index(group[0]), order.index(group[-1])
        for further in order[max(first - 1, 0) : first] + order[last + 1 : last + 2]:
            assert (p_values.loc[[further], group] < 0.05).any(axis=None)
    assert {name for group in groups for name in group} == set(order)
    letters = {row["method"]: row["groups"] for row in found.rows()}
    for one in order:
        for other in order:
            together = bool(set(letters[one]) & set(letters[other]))
            assert together == (p_values.loc[one, other] >= 0.05)


@pytest.mark.parametrize("failed", ["n2d", "kmeans"])
def test_a_failure_ranks_last_and_has_no_score(failed):
    scores = spread()
    scores[failed][3] = None
    (found,) = report_of(scores).rankings()
    without = found.scores.drop(columns=failed).iloc[3]
    assert np.isnan(found.scores.loc[DATA[3], failed])
    ranks = found.significance.scores.rank(axis="columns", ascending=False)
    assert ranks.loc[DATA[3], failed] == 6
    assert without.notna().all()
    mean = next(row["mean"] for row in found.rows() if row["method"] == failed)
    assert mean == pytest.approx(np.mean([v for v in scores[failed] if v is not None]))
    text = report_of(scores).to_markdown()
    assert "it failed" in text


def test_losses_are_against_the_best_other_the_largest_first():
    scores = {"umap_gmm": [0.5, 0.9, 0.4], "kmeans": [0.6, 0.1, 0.9], "gmm": [0.7, 0.2, None]}
    (found,) = report_of(scores).rankings()
    losses = [(row["data"], row["best"], round(row["difference"], 9)) for row in found.losses()]
    assert losses == [
        (DATA[2], "kmeans", -0.5),
        (DATA[0], "gmm", -0.2),
        (DATA[1], "gmm", 0.7),
    ]
    assert found.means() == pytest.approx({"kmeans": 0.2 / 3, "gmm": 0.25})
    titles = [block.title for block in report_of(scores).blocks()]
    assert "ARI: umap_gmm against the best other of each dataset: below on 2 of 3" in titles


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"n2d": [0.5], "kmeans": [0.6], "gmm": [0.7]}, "one dataset: nothing can be said"),
        ({"n2d": [0.5, 0.4], "kmeans": [0.6, 0.7]}, "2 methods: Friedman's test needs three"),
        ({"gmm": [0.5, 0.5], "kmeans": [0.5, 0.5], "n2d": [0.5, 0.5]}, "nothing to test"),
    ],
)
def test_where_nothing_is_tested_it_is_said(scores, said):
    report = report_of(scores)
    (found,) = report.rankings()
    assert found.groups() == []
    assert said in next(report.blocks()).title
    json.dumps(report.to_dict(), allow_nan=False)


def test_without_the_main_method_there_are_no_losses():
    scores = {name: values for name, values in spread().items() if name != "umap_gmm"}
    (found,) = report_of(scores).rankings()
    assert (found.losses(), found.means()) == ([], {})


def test_what_failed_everywhere_is_ranked_by_nothing():
    assert report_of({"n2d": [None, None], "kmeans": [None, None]}).rankings() == []


def test_other_studies_rank_nothing():
    report = Report(read_study("paper"), Settings(), {}, {}, Path("out"))
    assert report.rankings() == []


def test_scores_of_a_matrix_and_of_a_table_are_tested_alike():
    scores = pd.DataFrame(spread(), index=DATA[:12])
    cells = scores.stack().rename("acc").rename_axis(["data", "embedder"]).reset_index()
    cells = cells.assign(
        manifolder="m", clusterer="c", n_clusters=3, seed=0, scaler="", status="done"
    )
    one, other = compare_methods(cells, "acc"), compare_scores(scores, "acc")
    assert one.p_value == pytest.approx(other.p_value)
    np.testing.assert_allclose(one.p_values.to_numpy(), other.p_values.to_numpy())
    with pytest.raises(DataError, match="posthoc must be"):
        compare_scores(scores, "acc", posthoc="t")


def test_there_are_20_tables_beside_those_of_generators():
    made = [name for name in DATA if name.startswith("made_")]
    assert len(DATA) - len(made) == 20
    assert set(STUDY.ranking["against"]) | {STUDY.ranking["main"]} <= set(METHODS)


def test_the_main_method_is_the_default_of_narrow_rows():
    rows = Rows.of(np.zeros((4, 64)))
    default = n2d.N2D(n_clusters=3).composition().for_rows(rows)
    trio = {role: default.choice(role).name for role in ROLES}
    (main,) = [method for name, method in STUDY.methods.items() if name == STUDY.ranking["main"]]
    assert dict(main.trio) == trio


def test_the_rows_are_the_default_and_the_preset():
    embedders = [item for item in STUDY.comparison["embedders"] if item != "identity"]
    assert n2d.preset("fast")["embedder"] in embedders
    (default,) = [item for item in embedders if item["schedule"] == "constant"]
    usual = DenseAutoencoder()
    assert all(getattr(usual, key) == value for key, value in default.items() if key != "name")


def test_the_command_ranks_what_is_embedded_and_skips_the_rest(own_data, tmp_path):
    arguments = ["tabular", "--data", "iris,wine,seeds", "--methods", "kmeans,agglomerative,gmm"]
    where = ["--seeds", "2", "--n-jobs", "1", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["reproduce", *arguments, *where])
    assert result.exit_code == 0, result.output
    assert "not measured: seeds: it is not on this machine" in result.stderr
    assert "Mean ranks by ARI over 2 datasets" in " ".join(result.stdout.split())
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    (ari, _, _) = report["rankings"]
    assert ari["data"] == ["iris", "wine"]
    assert {row["method"] for row in ari["methods"]} == {"kmeans", "agglomerative", "gmm"}
    assert ari["losses"] == []
    page = (tmp_path / "out" / "report.md").read_text()
    assert "published" not in page.lower().replace("published dataset", "")
    assert "| method " in page
