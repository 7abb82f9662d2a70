"""The TensorBoard tracker: its files are read back."""

from __future__ import annotations

import copy
import importlib.util
import logging
import subprocess
import sys

import pytest
from event_files import scalars, tags, texts
from sklearn.base import clone
from toys import PLUGIN

import n2d_framework as n2d
from n2d_framework.errors import MissingLibraryError, StageError


@pytest.fixture(autouse=True)
def toys(use_plugin):
    use_plugin("toys_plugin", PLUGIN)


@pytest.fixture
def rows(digits):
    return digits[0][:200], digits[1][:200]


def model(folder, embedder="pca", **given):
    board = n2d.TensorBoard(folder)
    return n2d.N2D(
        embedder, "identity", "kmeans", n_clusters=5, random_state=0, listeners=[board], **given
    )


def only(folder):
    (found,) = folder.iterdir()
    return found


def test_losses_seconds_scores_and_options_are_written(rows, tmp_path):
    fitted = model(tmp_path / "board", "in_epochs").fit(rows[0])
    scores = fitted.assess(rows[1])
    other = fitted.assess(rows[1][:90], rows[0][:90])
    run = only(tmp_path / "board")
    assert run.name.endswith("-in_epochs-identity-kmeans")
    found = scalars(run)
    assert found["embedder/loss"] == [(1, 1), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert found["embedder/val_loss"][0] == (1, 2)
    for name in ("embedder", "manifolder", "clusterer", "total"):
        assert found[f"seconds/{name}"][0][1] > 0
    assert found["scores/acc"] == [(0, pytest.approx(scores["acc"]))]
    assert found["scores_of_other_rows/acc"] == [(0, pytest.approx(other["acc"]))]
    assert found["clusters/found"] == [(0, 5)]
    assert "| embedder.epochs | 3 |" in texts(run)
    assert "_hparams_/session_start_info" in tags(run)


def test_every_fit_has_a_folder_of_its_own(rows, tmp_path):
    fitted = model(tmp_path / "board").fit(rows[0])
    fitted.fit(rows[0][:150])
    fitted.assess(rows[1][:150])
    first, second = sorted((tmp_path / "board").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert "scores/acc" not in scalars(first)
    assert "scores/acc" in scalars(second)


def test_a_run_that_fails_says_why(rows, tmp_path):
    failing = model(tmp_path / "board").set_params(manifolder="always_fails")
    with pytest.raises(StageError):
        failing.fit(rows[0])
    run = only(tmp_path / "board")
    assert "no way" in texts(run)
    assert "seconds/total" in scalars(run)


def test_a_comparison_has_a_folder_for_each_cell(rows, tmp_path):
    grid = {
        "data": "few",
        "embedders": ["in_epochs"],
        "manifolders": ["identity"],
        "clusterers": [{"name": "kmeans", "n_clusters": [3, 5]}],
        "dbcv_rows": 0,
    }
    board = n2d.TensorBoard(tmp_path / "board")
    found = n2d.compare(grid, tmp_path / "grid", data={"few": rows}, listeners=[board])
    comparison = only(tmp_path / "board")
    assert comparison.name.endswith("-grid-comparison")
    assert [path.name for path in comparison.iterdir()] == ["few"]
    cells = sorted((comparison / "few").glob("*/seed0"))
    assert len(cells) == 2
    assert sorted(scalars(cell)["scores/acc"][0][1] for cell in cells) == pytest.approx(
        sorted(found.table["acc"])
    )
    for cell in cells:
        values = scalars(cell)
        # The embedder was trained once; both cells show its losses.
        assert [step for step, _ in values["embedder/loss"]] == [1, 2, 3]
        assert {"seconds/embedder", "seconds/manifolder", "seconds/clusterer"} <= set(values)
        assert "| data | few |" in texts(cell)


def test_a_copy_begins_again(rows, tmp_path):
    fitted = model(tmp_path / "board").fit(rows[0])
    for copied in (clone(fitted), copy.deepcopy(fitted)):
        copied.fit(rows[0])
    assert len(list((tmp_path / "board").iterdir())) == 3


def test_a_folder_that_cannot_be_written_costs_only_the_files(rows, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.ERROR):
        labels = model(tmp_path / "file" / "board").fit_predict(rows[0])
    assert len(labels) == 200
    (record,) = caplog.records
    assert "TensorBoard(" in record.getMessage()


def test_a_missing_library_is_reported_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=r'pip install "n2d_framework\[tensorboard\]"'):
        n2d.TensorBoard(tmp_path)


def test_nothing_is_imported_or_made_before_it_is_needed(tmp_path):
    code = (
        "import sys, n2d_framework as n2d\n"
        f"n2d.TensorBoard({str(tmp_path / 'board')!r})\n"
        "assert not {'tensorboardX', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not (tmp_path / "board").exists()
