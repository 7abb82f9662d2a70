"""``n2d reproduce``: from few rows to a report, again, and where it refuses."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner

from n2d_framework.cli import app
from n2d_framework.core.events import StageFinished
from n2d_framework.registry import default_catalogue
from n2d_framework.reproduce import read_study, reproduce, study


@pytest.fixture
def n2d():
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["reproduce", *map(str, arguments)])


@pytest.fixture
def quick(n2d, own_data, stand_in, tmp_path):
    """One method without training."""
    stand_in(own_data, "usps", 60, 16)
    common = ("--data", "usps", "--methods", "kmeans", "--seeds", 1, "--n-jobs", 1)
    return lambda *more: n2d("paper", *common, "--out", tmp_path / "out", *more)


@pytest.mark.slow
def test_the_whole_table_on_few_rows(n2d, own_data, stand_in, tmp_path):
    stand_in(own_data, "usps", 100, 16)
    out = tmp_path / "out"
    result = n2d("paper", "--data", "usps,mnist", "--epochs", 1, "--seeds", 2, "--out", out)
    assert result.exit_code == 0, result.output
    assert "ACC and NMI (usps, 100 rows)" in result.stdout
    assert "not measured: mnist: it is not on this machine" in result.stderr

    report = json.loads((out / "report.json").read_text())
    assert list(report["skipped"]) == ["mnist"]
    methods = read_study("paper").tables[0].methods
    assert {line["method"] for line in report["lines"]} == set(methods)
    assert len(report["lines"]) == 2 * len(methods)
    assert all(0 < line["mean"] <= 1 and line["seeds"] == 2 for line in report["lines"])
    assert all(line["failed"] == 0 and line["reason"] == "" for line in report["lines"])
    n2d_row = report["lines"][0]
    assert (n2d_row["method"], n2d_row["published"]) == ("n2d", 0.958)
    assert n2d_row["low"] <= n2d_row["mean"] <= n2d_row["high"]
    assert n2d_row["difference"] == pytest.approx(n2d_row["mean"] - 0.958)
    reported = " ".join(report["remarks"]["explanations"])
    assert "1 epoch instead of 1000" in reported
    assert "100 rows were found here, the published dataset has 9,298" in reported
    assert "2 seeds: the intervals are rough" in reported
    assert "umap-learn" in reported

    rows = list(csv.DictReader((out / "report.csv").open()))
    assert len(rows) == len(report["lines"])
    assert float(rows[0]["mean"]) == n2d_row["mean"]
    page = (out / "report.md").read_text()
    assert "| N2D: autoencoder, UMAP, mixture (one start) " in page
    assert "## Where the numbers differ" in page
    assert "https://arxiv.org/abs/1908.05968" in page

    heard = []
    again = reproduce("paper", out, data=["usps"], epochs=1, seeds=2, watch=listening(heard))
    assert fitted(heard) == []
    assert again.lines() == report["lines"]


def test_more_seeds_use_what_is_there(quick, tmp_path):
    assert quick().exit_code == 0
    heard = []
    about = {"data": ["usps"], "methods": ["kmeans"], "seeds": 3, "n_jobs": 1}
    more = reproduce("paper", tmp_path / "out", **about, watch=listening(heard))
    assert {line["seeds"] for line in more.lines()} == {3}
    assert (len(fitted(heard)), len(finished(heard))) == (6, 9)


def listening(heard):
    return lambda name, planned: nullcontext(heard.append)


def finished(heard):
    return [event for event in heard if isinstance(event, StageFinished)]


def fitted(heard):
    return [event for event in finished(heard) if not event.cached]


def test_one_method_and_json(quick):
    result = quick("--json", "--quiet")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [line["method"] for line in report["lines"]] == ["kmeans", "kmeans"]
    assert report["lines"][0]["published"] is None
    assert report["lines"][0]["low"] is None
    assert report["settings"] == {"epochs": None, "seeds": 1, "methods": ["kmeans"]}


def test_what_cannot_be_run_says_why(n2d, own_data, stand_in, tmp_path):
    stand_in(own_data, "usps", 20, 16)
    common = ("paper", "--data", "usps", "--seeds", 1, "--out", tmp_path / "out", "--n-jobs", 1)
    result = n2d(*common, "--methods", "kmeans,umap_gmm", "--json")
    lines = json.loads(result.stdout)["lines"]
    assert [line["mean"] for line in lines if line["method"] == "umap_gmm"] == [None, None]
    reported = json.loads(result.stdout)["remarks"]["not_measured"]
    assert len(reported) == 1
    assert reported[0].startswith("usps, UMAP, mixture: it cannot be run: ")
    assert "needs at least 21 rows" in reported[0]


def test_the_thesis_and_what_is_not_installed(n2d, own_data, stand_in, tmp_path, monkeypatch):
    stand_in(own_data, "fashion", 60, 28)
    without = [e for e in default_catalogue().components("embedder") if e.spec.name != "dcec"]
    monkeypatch.setattr(study, "default_catalogue", lambda: Namespace(components=lambda _: without))
    arguments = ("--methods", "kmeans,pca_hdbscan,dcec", "--seeds", 1, "--n-jobs", 1)
    result = n2d("thesis", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Table 12.1: Eight combinations on Fashion-MNIST (fashion, 60 rows)" in result.stdout
    assert "Table 13.1" in result.stdout
    assert "fashion, DCEC, gamma 0.1: it needs the embedder 'dcec' of the plugin" in result.stderr
    assert "fashion, PCA 50, HDBSCAN (noise left out): it cannot be run" in result.stderr
    for name in ("mnist", "cifar10"):
        assert f"not measured: {name}: it is not on this machine" in result.stderr
    lines = list(csv.DictReader((tmp_path / "out" / "report.csv").open()))
    dcec = [line for line in lines if line["method"] == "dcec"]
    assert (dcec[0]["published"], dcec[0]["mean"]) == ("0.6616", "")


def test_nothing_in_memory_ends_with_1(n2d, own_data, tmp_path):
    result = n2d("paper", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "paper: nothing was run" in result.stderr
    for name in read_study("paper").data_names:
        assert f"{name}: it is not on this machine" in result.stderr
    assert "N2D_DATA" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_is_skipped_by_name(n2d, own_data, stand_in, tmp_path):
    stand_in(own_data, "usps", 60, 16)
    (own_data / "har.npz").write_bytes(b"no archive")
    arguments = ("--data", "usps,har", "--methods", "kmeans", "--seeds", 1, "--n-jobs", 1)
    result = n2d("paper", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "not measured: har: " in result.stderr
    assert "har.npz" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["books"], "unknown study 'books'"),
        (
            ["paper", "--data", "uspps"],
            "--data: 'uspps' is not in these tables; did you mean 'usps'",
        ),
        (["thesis", "--data", "usps"], "'usps' is not in these tables"),
        (["paper", "--methods", "kmean"], "did you mean 'kmeans'"),
        (["paper", "--seeds", "0"], "seeds"),
        (["paper", "--epochs", "0"], "epochs"),
    ],
)
def test_a_wrong_request_ends_with_2(n2d, own_data, arguments, said, tmp_path):
    result = n2d(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_strange_folder_is_left_alone(quick, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.md").write_text("mine")
    result = quick()
    assert result.exit_code == 2
    assert "not the output of a reproduction" in result.stderr
    assert (tmp_path / "out" / "report.md").read_text() == "mine"


def test_the_folder_of_another_study_is_left_alone(quick, n2d, tmp_path):
    assert quick().exit_code == 0
    result = n2d("thesis", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "the results of another study" in result.stderr


def test_a_file_is_not_a_folder(quick, tmp_path):
    (tmp_path / "out").write_text("mine")
    result = quick()
    assert result.exit_code == 2
    assert "is not a directory" in result.stderr


@pytest.mark.parametrize(
    ("name", "missing"),
    [("report.md", "markdown"), ("report.csv", "csv"), ("report.json", "json")],
)
def test_a_report_that_cannot_be_written_loses_neither_tables_nor_results(
    quick, tmp_path, name, missing
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "reproduce.json").write_text('{"study": "paper"}')
    (out / name).mkdir()
    result = quick()
    assert result.exit_code == 1
    assert f"{missing} is missing: cannot write" in result.stderr
    assert "k-means" in result.stdout
    written = {path.name for path in out.glob("report.*") if path.is_file()}
    assert written == {"report.md", "report.csv", "report.json"} - {name}
    assert list(out.glob("usps-*/table.csv"))
