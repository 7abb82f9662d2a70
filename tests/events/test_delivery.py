"""Who hears what: events of runs, and receivers that fail."""

from __future__ import annotations

import logging
import pickle

import pytest

import n2d_framework as n2d
from n2d_framework.core.events import FilesWritten, RunAssessed, RunFinished, RunStarted

BROKEN = """
from n2d_framework.plugin import hookimpl

CALLS = []

@hookimpl
def n2d_run_started():
    CALLS.append("started")
    raise {error}

@hookimpl
def n2d_stage_finished(event):
    CALLS.append("stage")

@hookimpl
def n2d_run_finished(event):
    CALLS.append("finished")
"""


@pytest.fixture
def rows(digits):
    return digits[0][:200], digits[1][:200]


def light(**given):
    return n2d.N2D("pca", "identity", "kmeans", n_clusters=10, random_state=3, **given)


@pytest.mark.parametrize("error", ["RuntimeError('store down')", "SystemExit('store down')"])
def test_a_plugin_that_raises_is_logged_once_and_left_alone(rows, use_plugin, caplog, error):
    use_plugin("falls_over", BROKEN.format(error=error), distribution="falls-over")
    import falls_over

    labels = light().fit_predict(rows[0])
    assert len(labels) == 200
    assert falls_over.CALLS == ["started"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    for word in ("falls-over:falls_over", "RunStarted", "store down", "which goes on"):
        assert word in record.getMessage()
    light().fit(rows[0])
    assert falls_over.CALLS == ["started"] * 2, "another run is another chance"


def test_where_it_failed_is_told_to_who_debugs(rows, use_plugin, caplog):
    use_plugin("falls_over", BROKEN.format(error="RuntimeError('store down')"))
    with caplog.at_level(logging.DEBUG, logger="n2d_framework.events.bus"):
        light().fit(rows[0])
    assert "falls_over.py" in caplog.text


def test_a_run_tells_its_seed_and_what_it_found(rows):
    heard = []
    model = light(listeners=[heard.append]).fit(rows[0])
    assert isinstance(heard[0], RunStarted)
    assert (heard[0].random_state, heard[0].row_shape) == (3, (64,))
    assert isinstance(heard[-1], RunFinished)
    assert heard[-1].n_clusters == model.n_clusters_ == 10
    assert heard[0].run_id == model.run_id_


def test_scores_and_bundles_are_told_with_the_run_that_made_the_model(rows, tmp_path):
    heard = []
    model = light(listeners=[heard.append]).fit(rows[0])
    heard.clear()
    scores = model.assess(rows[1])
    model.assess(rows[1][:50], rows[0][:50])
    path = tmp_path / "model.n2d"
    model.save(path)
    assert heard == [
        RunAssessed(model.run_id_, scores, training=True),
        RunAssessed(model.run_id_, heard[1].scores, training=False),
        FilesWritten(model.run_id_, {"bundle": (str(path),)}),
    ]


def test_a_loaded_model_has_no_run_to_tell_of(rows, tmp_path, use_plugin):
    source = BROKEN.replace("raise {error}", "pass").replace("run_finished", "files_written")
    path = tmp_path / "model.n2d"
    light().fit(rows[0]).save(path)
    use_plugin("hears", source)
    import hears

    model = n2d.load(path)
    model.assess(rows[1], rows[0])
    model.save(tmp_path / "again.n2d")
    assert not hasattr(model, "run_id_")
    assert hears.CALLS == []


def test_a_copy_of_a_model_still_knows_its_run(rows):
    model = light().fit(rows[0])
    assert pickle.loads(pickle.dumps(model)).run_id_ == model.run_id_
