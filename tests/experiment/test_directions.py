"""Scores of which less is better, and metrics of plugins: what counts, and what is reported."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.errors import ConfigError, DataError
from n2d_framework.experiment import plan_comparison
from n2d_framework.registry import default_catalogue

PLUGIN = """
import numpy as np
from n2d_framework.plugin import MetricSpec, hookimpl

def spread(coordinates, labels):
    groups = [coordinates[labels == label] for label in np.unique(labels)]
    return sum(float(np.square(group - group.mean(axis=0)).sum()) for group in groups)

def unlike_loss(coordinates, labels):
    return -spread(coordinates, labels)

@hookimpl
def n2d_metrics():
    about = {"needs_truth": False, "summary": "s"}
    yield MetricSpec(name="spread", function="spread:spread", greater_is_better=False, **about)
    yield MetricSpec(name="unlike_loss", function="spread:unlike_loss", **about)
"""
CONFIG = {
    "embedders": [{"name": "pca", "latent_dim": [2, 8]}],
    "manifolders": ["identity"],
    "clusterers": [{"name": "kmeans", "n_init": 1}, {"name": "gmm", "n_init": 1}],
    "seeds": 2,
    "n_clusters": 10,
    "dbcv_rows": 0,
}


BROKEN = """
from n2d_framework.plugin import MetricSpec, hookimpl

@hookimpl
def n2d_metrics():
    yield MetricSpec(name="broken", function="builtins:len", summary="s")
"""
RESERVED = """
from n2d_framework.plugin import MetricSpec, hookimpl

@hookimpl
def n2d_metrics():
    for name in ("error", "status", "seed", "embedder_seconds", "clusterer_val_loss"):
        yield MetricSpec(name=name, function="sklearn.metrics:rand_score", summary="s")
"""
ADDRESS = """
from n2d_framework.plugin import MetricSpec, hookimpl

def score(y, labels):
    raise ValueError(f"cannot use {object()},\\nnor this")

@hookimpl
def n2d_metrics():
    yield MetricSpec(name="addressed", function="addressed:score", summary="s")
"""
SMALL = {"seeds": 2, "embedders": ["identity"], "clusterers": [{"name": "kmeans", "n_init": 1}]}


@pytest.fixture
def spread(use_plugin, tmp_path):
    """The plugin, and how to take it away again."""
    use_plugin("spread", PLUGIN)

    def remove() -> None:
        (next((tmp_path / "site").glob("*.dist-info")) / "entry_points.txt").unlink()
        default_catalogue.cache_clear()

    return remove


@pytest.fixture
def found(spread, few_digits, tmp_path):
    return run(tmp_path, few_digits)


def run(folder, few_digits, **changes):
    config = CONFIG | {"metric": "spread"} | changes
    return n2d.compare(config, folder / "out", data={"few": few_digits}, n_jobs=1)


def test_the_direction_of_a_plugins_metric_counts(found):
    table = found.table
    board = found.leaderboard()
    assert board["mean"].is_monotonic_increasing
    assert found.best().random_state == table["seed"][table["spread"].idxmin()]
    assert found.best().embedder["latent_dim"] == 2
    assert (
        found.to_markdown(metrics=["spread"]).splitlines()[2].split(" | ")[1].startswith("pca(la")
    )
    page = found.report(pictures=0).read_text(encoding="utf-8")
    assert '{"name":"spread","less":true' in page
    assert '{"name":"unlike_loss","less":false' in page
    assert found.significance().ranks.index[0] == board["method"][0]
    wins = found.against(board["method"].iloc[-1]).table
    assert wins["wins"].tolist()[0] == 2
    assert wins["method"].tolist()[0] == board["method"][0]


def test_a_folder_knows_it_without_the_plugin(found, spread, few_digits, tmp_path):
    best = found.leaderboard()["method"][0]
    spread()
    assert n2d.open_comparison(found.out).leaderboard()["method"][0] == best
    again = run(tmp_path, few_digits, metric=None)
    assert again.leaderboard("spread")["method"][0] == best
    assert not again.less_is_better("unlike_loss")


def test_a_folder_of_an_earlier_version_asks_the_plugin(found):
    mark = json.loads((found.out / "comparison.json").read_text())
    del mark["less_is_better"]
    (found.out / "comparison.json").write_text(json.dumps(mark))
    older = n2d.open_comparison(found.out)
    assert older.leaderboard()["mean"].is_monotonic_increasing


def test_a_win_is_the_better_value(few_digits, tmp_path):
    found = run(tmp_path, few_digits, metric="davies_bouldin")
    board = found.leaderboard()
    pairs = found.against(board["method"][1])
    table = pairs.table.set_index("method")
    values = found.table.pivot(
        index="seed", columns=["embedder", "manifolder", "clusterer"], values="davies_bouldin"
    )
    values.columns = [" / ".join(names) for names in values.columns]
    less = values.lt(values[pairs.baseline], axis="index").sum()
    more = values.gt(values[pairs.baseline], axis="index").sum()
    for method, row in table.iterrows():
        assert (row["wins"], row["losses"]) == (less[method], more[method]), method
    assert table["difference"].is_monotonic_increasing
    assert table["difference"].iloc[0] < 0 < table["wins"].iloc[0]


def test_a_metric_that_fails_costs_its_own_score_and_is_reported(use_plugin, few_digits, tmp_path):
    use_plugin("broken", BROKEN)
    found = run(tmp_path, few_digits, metric="broken", seeds=1, embedders=["identity"])
    assert (found.table["status"] == "done").all()
    assert found.table["acc"].notna().all()
    assert found.table["warnings"].str.contains("metric 'broken' of broken 1.0 has no score").all()
    assert found.leaderboard()["mean"].isna().all()
    with pytest.raises(DataError, match=r"'broken'; see the column 'warnings' of Compar"):
        found.best()


@pytest.mark.parametrize("named", ["error", "status", "embedder_seconds"])
def test_a_metric_has_no_name_of_a_column(named, use_plugin, few_digits, tmp_path):
    use_plugin("reserved", RESERVED)
    with pytest.raises(ConfigError, match=f"metric: unknown metric '{named}'"):
        plan_comparison(CONFIG | {"metric": named}, data={"few": few_digits})
    if named != "error":
        return
    found = run(tmp_path, few_digits, metric=None, **SMALL)
    assert found.table["status"].tolist() == ["done", "done"]
    assert found.table["seed"].tolist() == [0, 1]
    assert found.table["error"].isna().all()
    assert "clusterer_val_loss" not in found.table
    reported = found.table["warnings"][0]
    assert reported.count("but a column of the framework has that name") == 5


def test_what_has_no_score_is_reported_once_and_does_not_depend_on_the_process(
    use_plugin, digits_file, tmp_path
):
    use_plugin("addressed", ADDRESS)
    config = CONFIG | SMALL | {"data": str(digits_file), "metric": "addressed"}
    (tmp_path / "grid.json").write_text(json.dumps(config))
    arguments = ["compare", str(tmp_path / "grid.json"), "--out", str(tmp_path / "out"), "--quiet"]
    shown = CliRunner().invoke(app, [*arguments, "--no-report"])
    assert shown.exit_code == 0, shown.output
    why = "'addressed' of addressed 1.0 has no score: ValueError: cannot use <object object>, nor"
    assert shown.stderr.count(why) == 1, shown.stderr
    assert shown.stderr.count("no cell has a score 'addressed'") == 1
    assert why in (tmp_path / "out" / "table.csv").read_text()


def test_failures_are_named_where_there_are_any(odd, few_digits, tmp_path):
    odds = [{"name": "odd", "mode": "raise"}]
    found = run(tmp_path, few_digits, metric=None, manifolders=odds, **SMALL)
    with pytest.raises(DataError, match=r"a score 'silhouette'; see Comparison\.failures"):
        found.best()


def test_a_metric_that_two_plugins_offer_ranks_nothing(use_plugin, install_plugin, few_digits):
    install_plugin("other", BROKEN)
    use_plugin("broken", BROKEN)
    with pytest.raises(ConfigError, match=r"metric: 'broken' is offered by broken .* and other"):
        plan_comparison(CONFIG | {"metric": "broken"}, data={"few": few_digits})


def test_a_run_says_of_which_scores_less_is_better(spread, digits_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"data": str(digits_file), "model": {"embedder": "pca", "manifolder": "identity"}}
    config["model"] |= {"clusterer": "kmeans", "n_clusters": 10}
    (tmp_path / "run.json").write_text(json.dumps(config))
    shown = CliRunner().invoke(app, ["run", "run.json", "--no-plots"])
    assert shown.exit_code == 0, shown.output
    marked = [line.split()[0] for line in shown.stdout.splitlines() if "(less is better)" in line]
    assert marked == ["davies_bouldin", "spread"]
