"""``n2d report``, and the report that ``n2d compare`` leaves."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from n2d_framework.cli import app


@pytest.fixture
def n2d():
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def compared(n2d, few, tmp_path):
    np.savez(tmp_path / "few.npz", x=few[0], y=few[1])
    config = {
        "data": str(tmp_path / "few.npz"), "embedders": ["identity"], "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_init": 1}], "seeds": 1, "n_clusters": 3,
        "dbcv_rows": 0,
    }  # fmt: skip
    (tmp_path / "grid.json").write_text(json.dumps(config))
    return lambda *more: n2d(
        "compare", tmp_path / "grid.json", "--out", tmp_path / "out", "--n-jobs", 1, "-q", *more
    )


def test_compare_leaves_a_report_and_notifies_plugins(compared, tmp_path, use_plugin):
    use_plugin("hears", HEARS)
    result = compared()
    assert result.exit_code == 0, result.output
    written = tmp_path / "out" / "report.html"
    assert f"report: {written}" in result.stdout
    heard = sys.modules["hears"].heard
    assert [list(files) for _, files in heard] == [["table"], ["report"]]
    assert heard[1][1]["report"] == (str(written),)
    assert len({run_id for run_id, _ in heard}) == 1
    assert "one seed: no interval" in written.read_text(encoding="utf-8")


def test_compare_can_go_without(compared, tmp_path):
    result = compared("--no-report", "--json")
    assert json.loads(result.stdout)["report"] is None
    assert not (tmp_path / "out" / "report.html").exists()


def test_report_writes_it_again_and_elsewhere(compared, n2d, tmp_path):
    compared("--no-report")
    elsewhere = tmp_path / "elsewhere.html"
    result = n2d("report", tmp_path / "out", "-o", elsewhere, "--metric", "nmi", "--json")
    record = json.loads(result.stdout)
    assert record == {"report": str(elsewhere), "bytes": elsewhere.stat().st_size}
    assert '"metric":"nmi"' in elsewhere.read_text(encoding="utf-8")
    again = n2d("report", tmp_path / "out", "--pictures", 0)
    assert again.exit_code == 0
    assert again.stdout.strip() == f"report: {tmp_path / 'out' / 'report.html'}"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--metric", "accc"), 2, "did you mean"),
        (("-o", "no/such/folder/report.html"), 1, "there is no folder"),
        (("--pictures", "-1"), 2, "--pictures"),
    ],
)
def test_a_wrong_request_is_refused(compared, n2d, tmp_path, words, code, said):
    compared("--no-report")
    result = n2d("report", tmp_path / "out", *words)
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [(".", "is not the output of a comparison"), ("gone", "does not exist"), ("f", "is not a dir")],
)
def test_a_folder_of_something_else_is_refused(n2d, tmp_path, name, why):
    (tmp_path / "f").write_text("")
    result = n2d("report", tmp_path / name)
    assert result.exit_code != 0
    assert why in " ".join(result.stderr.split())


HEARS = """
from n2d_framework.plugin import hookimpl

heard = []

@hookimpl
def n2d_files_written(event):
    heard.append((event.run_id, dict(event.files)))
"""
