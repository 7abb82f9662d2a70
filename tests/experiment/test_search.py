"""A search within a stated time: what it tries, how it ends, what it leaves."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import n2d_framework as n2d
from n2d_framework.cli import app
from n2d_framework.errors import ConfigError, DeadlineError, MissingLibraryError
from n2d_framework.experiment.search.rungs import rung_sizes
from n2d_framework.plan.executors import subprocess_runner

CONFIG = {
    "embedders": ["identity", {"name": "pca", "latent_dim": [4, 8]}],
    "manifolders": ["identity"],
    "clusterers": [{"name": "kmeans", "n_init": [1, 2]}, {"name": "gmm", "n_init": 1}],
    "n_clusters": 10,
    "dbcv_rows": 0,
}
FEW = CONFIG | {"embedders": ["identity"], "clusterers": [{"name": "kmeans", "n_init": [1, 2]}]}
COLUMNS = ["embedder", "manifolder", "clusterer", "n_rows", "modularity"]


@pytest.fixture(scope="module")
def rows(digits) -> tuple[np.ndarray, np.ndarray]:
    return digits


@pytest.fixture(scope="module")
def whole(rows, tmp_path_factory):
    """A search that tries everything."""
    folder = tmp_path_factory.mktemp("search") / "out"
    seen = []
    found = n2d.search(
        CONFIG, folder, seconds=400, data={"digits": rows}, n_jobs=1, watch=seen.append
    )
    return found, seen, folder


@pytest.mark.parametrize(
    ("n_rows", "sizes"),
    [(1, [1]), (1499, [1499]), (1500, [500, 1500]), (10_000, [1111, 3333, 10_000])],
)
def test_rungs_are_thirds_of_thirds_of_the_rows(n_rows, sizes):
    assert rung_sizes(n_rows) == sizes


def test_with_time_enough_every_trio_is_tried_once_on_each_number_of_rows(whole):
    found, seen, _ = whole
    assert found.exhausted
    assert found.complete
    assert found.left == 0
    assert found.n_rows == 1797
    trials = found.trials
    assert len(trials) == len(seen) == 2 * 9
    assert not trials.duplicated(["embedder", "manifolder", "clusterer", "n_rows"]).any()
    assert set(trials["n_rows"]) == {599, 1797}


def test_the_best_third_of_a_round_is_tried_on_all_rows_before_the_next_round(whole):
    trials = whole[0].trials
    first, then = trials[:9], trials[9:12]
    assert set(first["n_rows"]) == {599}
    assert set(then["n_rows"]) == {1797}
    best = first.sort_values("modularity", ascending=False, kind="stable")[:3]
    names = ["embedder", "manifolder", "clusterer"]
    assert then[names].to_numpy().tolist() == best[names].to_numpy().tolist()


def test_classes_choose_nothing(whole, rows, tmp_path):
    found, _, folder = whole
    assert found.comparison.metric == "modularity"
    blind = n2d.search(
        CONFIG, tmp_path / "out", seconds=400, data={"digits": rows[0]}, store=folder / "stages"
    )
    pd.testing.assert_frame_equal(blind.trials[COLUMNS], found.trials[COLUMNS])
    assert "acc" in found.comparison.metrics
    assert "acc" not in blind.comparison.metrics


def test_the_best_is_a_fitted_model_of_all_rows(whole, rows):
    found, _, _ = whole
    best = found.best()
    board = found.comparison.leaderboard()
    assert board["mean"].iloc[0] == found.trials["modularity"][found.trials["n_rows"] == 1797].max()
    np.testing.assert_array_equal(best.predict(rows[0]), best.labels_)


def test_the_folder_is_one_of_a_comparison_and_continues(whole, rows):
    found, _, folder = whole
    again = n2d.open_comparison(folder)
    assert again.to_csv() == found.comparison.to_csv()
    assert len(pd.read_csv(folder / "trials.csv")) == 18
    # Another seed draws other rows: the trios on all of them are there already.
    more = n2d.search(CONFIG, folder, seconds=400, seed=1, data={"digits": rows}, n_jobs=1)
    assert more.exhausted
    assert not more.trials[COLUMNS].equals(found.trials[COLUMNS])


def test_a_time_that_ends_before_the_first_fit_is_said(few_digits, tmp_path):
    out, data = tmp_path / "out", {"few": few_digits}
    with pytest.raises(DeadlineError, match=r"ended before any trio was fitted.*resumes"):
        n2d.search(FEW, out, seconds=1e-6, data=data, n_jobs=1)
    assert set(n2d.open_comparison(out).table["status"]) == {"waiting"}
    assert n2d.search(FEW, out, seconds=400, data=data, n_jobs=1).exhausted


def test_a_fit_in_progress_is_ended_with_the_time(odd, few_digits, tmp_path):
    config = FEW | {"manifolders": [{"name": "odd", "mode": "sleep"}]}
    with pytest.raises(DeadlineError, match=r"the 3 s ended before any trio"):
        n2d.search(config, tmp_path / "out", seconds=3, data={"few": few_digits}, n_jobs=1)
    assert not subprocess_runner._here.child.alive


def test_trios_that_fail_are_not_promoted_and_cost_nothing_but_themselves(odd, rows, tmp_path):
    config = FEW | {"manifolders": [{"name": "odd", "mode": ["raise", "good"]}]}
    found = n2d.search(config, tmp_path / "out", seconds=400, data={"digits": rows}, n_jobs=1)
    assert found.exhausted
    failed = found.trials[found.trials["modularity"].isna()]
    assert set(failed["n_rows"]) == {599}
    assert len(failed) == 2
    assert set(found.comparison.table["manifolder"]) == {"odd(mode=good)"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seconds": 0}, "seconds: must be a positive number"),
        ({"seconds": float("nan")}, "seconds: must be a positive number"),
        ({"data": {"a": np.eye(20), "b": np.eye(20)}}, "a search is on one dataset, got a, b"),
        ({"config": CONFIG | {"metric": "acc"}}, "'acc' needs true classes"),
    ],
)
def test_wrong_requests_are_refused(changes, words, rows, tmp_path):
    given = {"config": CONFIG, "seconds": 60, "data": {"digits": rows[0]}} | changes
    with pytest.raises(ConfigError, match=words):
        n2d.search(out=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_comparison_is_not_taken(few_digits, tmp_path):
    n2d.compare(FEW, tmp_path / "out", data={"few": few_digits}, n_jobs=1)
    with pytest.raises(ConfigError, match="results of a comparison, not of a search"):
        n2d.search(FEW, tmp_path / "out", seconds=60, data={"few": few_digits})


def test_without_optuna_the_command_that_installs_it_is_named(monkeypatch, rows, tmp_path):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "optuna" else find(name)
    )
    with pytest.raises(MissingLibraryError, match=r'pip install "n2d_framework\[search\]"'):
        n2d.search(CONFIG, tmp_path / "out", seconds=60, data={"digits": rows})


def test_lists_that_are_left_out_are_all_that_is_installed(rows, tmp_path):
    config = {"manifolders": ["identity"], "clusterers": ["kmeans"], "n_clusters": 10}
    with pytest.raises(DeadlineError):
        n2d.search(config, tmp_path / "out", seconds=1e-6, data={"digits": rows})
    listed = json.loads((tmp_path / "out" / "comparison.json").read_text())["config"]["embedders"]
    assert {"identity", "pca", "dense_ae"} <= set(listed)
    assert {"keras", "adapted"}.isdisjoint(listed)


def test_the_command_leaves_table_bundle_and_report(digits_file, tmp_path):
    (tmp_path / "grid.json").write_text(json.dumps(FEW | {"data": str(digits_file)}))
    words = ["search", str(tmp_path / "grid.json"), "--time", "5m", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--n-jobs", "1", "--json"])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["exhausted"]
    assert record["trials"] == 2
    for name in ("table.csv", "trials.csv", "report.html", "comparison.json"):
        assert (tmp_path / "out" / name).exists()
    assert n2d.load(record["bundle"]).labels_.shape == (300,)


def test_the_command_names_the_time_that_was_asked_for(digits_file, tmp_path):
    """Not what reading the configuration, the data and the plugins has left of it."""
    (tmp_path / "grid.json").write_text(json.dumps(FEW | {"data": str(digits_file)}))
    words = ["search", str(tmp_path / "grid.json"), "--time", "0.02s", "--out"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "out")])
    assert done.exit_code != 0
    assert "the 0.02 s ended before any trio" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--time", "soon"], "expected an amount such as 10m"),
        (["--time", "0s"], "must be more than nothing"),
    ],
)
def test_the_command_says_what_is_wrong(words, said, digits_file, tmp_path):
    done = CliRunner().invoke(app, ["search", str(digits_file), "--out", str(tmp_path), *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_data_without_classes_need_a_number_of_clusters(few_digits, tmp_path):
    np.save(tmp_path / "x.npy", few_digits[0])
    done = CliRunner().invoke(app, ["search", str(tmp_path / "x.npy"), "--time", "1s"])
    assert done.exit_code == 2
    assert "nothing says how many clusters" in " ".join(done.output.split())
