"""``n2d compare``: what it prints, and how it ends."""

from __future__ import annotations

import json
from functools import partial

import pytest
from typer.testing import CliRunner

from n2d_framework.cli import app


@pytest.fixture
def n2d():
    runner = CliRunner()

    def run(*arguments):
        return runner.invoke(app, ["compare", *map(str, arguments)])

    return run


@pytest.fixture
def config(digits_file, grid, tmp_path):
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid | {"data": str(digits_file)}))
    return path


def test_it_ranks_and_leaves_a_table(n2d, config, tmp_path):
    result = n2d(config, "--out", tmp_path / "out", "--n-jobs", 1, "--no-report")
    assert result.exit_code == 0, result.output
    assert "95 % interval" in result.stdout
    assert "identity / identity / kmeans  " in result.stdout
    assert "2 seeds: the intervals are rough" in result.stderr
    assert (tmp_path / "out" / "table.csv").read_text().count("\n") == 17


def test_json_is_for_programs(n2d, config, tmp_path):
    result = n2d(
        config, "--out", tmp_path / "out", "--n-jobs", 1, "--no-report", "--json", "--metric", "nmi"
    )
    record = json.loads(result.stdout)
    assert record["metric"] == "nmi"
    assert record["cells"] == 16
    means = [row["mean"] for row in record["leaderboard"]]
    assert len(means) == 8
    assert means == sorted(means, reverse=True)


def test_a_dry_run_shows_the_plan_and_leaves_nothing(n2d, config, tmp_path):
    out = tmp_path / "out"
    result = n2d(config, "--out", out, "--dry-run", "--calibrate", 5)
    assert result.exit_code == 0, result.output
    assert "16 cells" in result.stdout
    assert "28 instead of 48" in result.stdout
    assert "of scoring with one worker of" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["embedder", "manifolder", "clusterer", "seed"] in lines
    assert [line for line in lines if line[1:] == ["identity", "kmeans", "1"]] == [
        ["pca", "identity", "kmeans", "1"], ["identity", "identity", "kmeans", "1"],
    ]  # fmt: skip
    assert not out.exists()


def test_a_dry_run_lists_the_cells_and_takes_the_threads_of_the_run(n2d, config, tmp_path):
    arguments = (config, "--out", tmp_path / "out", "--dry-run", "--calibrate", 0)
    found = n2d(*arguments, "--json", "--n-jobs", 3, "--set", "seeds=3")
    record = json.loads(found.stdout)
    assert len(record["planned"]) == record["cells"] == 24
    last = record["planned"][-1]
    assert (last["embedder"], last["manifolder"], last["clusterer"]) == ("identity", "pca", "gmm")
    assert (last["n_clusters"], last["seed"], last["scaler"]) == (10, 2, "minmax")
    assert len({cell["cell"] for cell in record["planned"]}) == 24
    assert record["estimate"]["threads"] == 3
    shown = n2d(*arguments, "--set", "seeds=3", "--n-jobs", 3).stdout
    assert "… and 4 more" in shown
    assert "one worker of 3 threads" in shown


def test_the_trials_of_a_dry_run_use_these_threads(n2d, config, tmp_path, monkeypatch):
    from n2d_framework.experiment import estimate

    seen = []
    real = estimate.run_step

    def run_step(step, edge, seed, context):
        seen.append(context.resources.threads)
        return real(step, edge, seed, context)

    monkeypatch.setattr(estimate, "run_step", run_step)
    few = ["--set", "embedders=[identity]", "--set", "seeds=1", "--set", "manifolders=[identity]"]
    n2d(config, "--out", tmp_path / "out", "--dry-run", "--calibrate", 5, "--n-jobs", 2, *few)
    assert set(seen) == {2}


def test_a_dry_run_reports_what_is_illegal_and_what_is_stored(n2d, config, tmp_path):
    out = tmp_path / "out"
    n2d(config, "--out", out, "--n-jobs", 1, "--no-report")
    more = ["--set", "manifolders=[identity, {name: umap, n_neighbors: 400}]"]
    result = n2d(config, "--out", out, "--dry-run", "--json", "--calibrate", 5, *more)
    record = json.loads(result.stdout)
    assert record["cells"] == 8
    assert record["fits"] == {
        "embedder": 4, "manifolder": 4, "clusterer": 8, "total": 16, "stored": 16,
    }  # fmt: skip
    assert len(record["illegal"]) == 4
    assert "at least 401 rows" in record["illegal"][0]["reason"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["--set", "embedders=[]"], "embedders: needs at least 1"),
        (["--set", "seeds=0"], "seeds: is the number of seeds"),
        (["--store", "memory://here", "--workers", "2"], "seen by one process only"),
    ],
)
def test_a_wrong_request_ends_with_2(n2d, config, settings, said, tmp_path):
    result = n2d(config, "--out", tmp_path / "out", *settings)
    assert result.exit_code == 2
    assert said in result.stderr


def test_when_every_cell_fails_it_ends_with_1(n2d, odd, config, tmp_path):
    settings = ["--set", "manifolders=[{name: odd, mode: raise}]", "--metric", "nmi"]
    result = n2d(config, "--out", tmp_path / "out", "--n-jobs", 1, *settings)
    assert result.exit_code == 1
    assert "ZeroDivisionError: by zero" in result.stderr


def test_a_file_that_cannot_be_written_in_the_end_costs_only_itself(n2d, config, tmp_path):
    out = tmp_path / "out"
    few = (f"--set={only}" for only in ("embedders=[pca]", "clusterers=[kmeans]", "n_clusters=3"))
    compare = partial(n2d, config, "--out", out, "--n-jobs", 1, *few)
    # One comparison for all of them, whose stages are fitted once.
    assert compare("--no-report").exit_code == 0
    names = {"report": "report.html", "table": "table.csv"}
    for broken, how in (("report", ()), ("table", ("--json",))):
        for name in names.values():
            (out / name).unlink(missing_ok=True)
        (out / names[broken]).mkdir()
        result = compare(*how)
        assert result.exit_code == 1
        assert "is missing" in result.stderr
        assert "is a folder" in result.stderr
        if how:
            assert list(json.loads(result.stdout)["missing"]) == [broken]
        else:
            assert "95 % interval" in result.stdout
            assert str(out) in result.stdout
        assert {name for name in names if (out / names[name]).is_file()} == {*names} - {broken}
        (out / names[broken]).rmdir()
    assert compare().exit_code == 0


def test_a_surprise_while_the_report_is_made_costs_only_the_report(
    n2d, config, tmp_path, monkeypatch
):
    def surprise(*_, **__):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("n2d_framework.report.write_report", surprise)
    result = n2d(config, "--out", tmp_path / "out", "--n-jobs", 1)
    assert result.exit_code == 1
    assert "report is missing: unexpected ZeroDivisionError: odd" in result.stderr
    assert "95 % interval" in result.stdout
