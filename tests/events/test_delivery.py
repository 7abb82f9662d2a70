"""Delivery: events of runs, and receivers that fail."""

from __future__ import annotations

import logging
import pickle

import pytest

import n2d_framework as n2d
from n2d_framework.core.events import FilesWritten, RunAssessed, RunFinished, RunStarted
from n2d_framework.registry import default_catalogue

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
    for word in ("falls-over:falls_over", "RunStarted", "store down", "which continues"):
        assert word in record.getMessage()
    light().fit(rows[0])
    assert falls_over.CALLS == ["started"] * 2, "another run is another chance"


def test_where_it_failed_is_reported_to_who_debugs(rows, use_plugin, caplog):
    use_plugin("falls_over", BROKEN.format(error="RuntimeError('store down')"))
    with caplog.at_level(logging.DEBUG, logger="n2d_framework.events.bus"):
        light().fit(rows[0])
    assert "falls_over.py" in caplog.text


def test_a_run_reports_its_seed_and_what_it_found(rows):
    heard = []
    model = light(listeners=[heard.append]).fit(rows[0])
    assert isinstance(heard[0], RunStarted)
    assert (heard[0].random_state, heard[0].row_shape) == (3, (64,))
    assert isinstance(heard[-1], RunFinished)
    assert heard[-1].n_clusters == model.n_clusters_ == 10
    assert heard[0].run_id == model.run_id_


def test_scores_and_bundles_are_reported_with_the_run_that_made_the_model(rows, tmp_path):
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


def test_a_loaded_model_has_no_run_to_report(rows, tmp_path, use_plugin):
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


WRAPS = """
from n2d_framework.plugin import hookimpl

CALLS = []

@hookimpl(wrapper=True)
def n2d_run_started(event):
    CALLS.append("new: before")
    results = yield
    CALLS.append(f"new: after {results}")
    return results

@hookimpl(hookwrapper=True, specname="n2d_run_started")
def older(event):
    CALLS.append("old: before")
    outcome = yield
    CALLS.append(f"old: after {outcome.get_result()}")

@hookimpl(trylast=True, specname="n2d_run_started")
def last():
    CALLS.append("last")

@hookimpl(specname="n2d_run_started")
def plain(event):
    CALLS.append("plain")
    return event.random_state

@hookimpl(tryfirst=True, specname="n2d_run_started")
def first(event):
    CALLS.append("first")
"""


def test_wrappers_and_orders_are_pluggy_s(rows, use_plugin):
    """Beside what pluggy itself does with the same plugin."""
    use_plugin("wraps", WRAPS)
    import wraps

    light().fit(rows[0])
    ours, wraps.CALLS[:] = list(wraps.CALLS), []
    event = RunStarted("id", {}, 1, (1,), 3)
    default_catalogue().manager.hook.n2d_run_started(event=event)
    assert ours == wraps.CALLS
    assert sorted(ours[:2]) == ["new: before", "old: before"]
    assert ours[2:5] == ["first", "plain", "last"]
    assert sorted(ours[5:]) == ["new: after [3]", "old: after [3]"]


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('at first')\n    yield",
        "yield\n    raise RuntimeError('at last')",
        "if False:\n        yield",
        "yield\n    yield",
    ],
)
def test_a_wrapper_that_fails_is_logged_once_and_is_in_no_ones_way(rows, use_plugin, caplog, body):
    source = "from n2d_framework.plugin import hookimpl\n\n"
    source += f"@hookimpl(wrapper=True)\ndef n2d_run_started(event):\n    {body}\n"
    use_plugin("wraps_badly", source, distribution="wraps-badly")
    use_plugin("hears", BROKEN.replace("raise {error}", "pass"))
    import hears

    light().fit(rows[0])
    assert hears.CALLS == ["started", "stage", "stage", "stage", "finished"]
    (record,) = caplog.records
    assert "wraps-badly:wraps_badly failed on RunStarted" in record.getMessage()


async def never_awaited(event):
    pass


def never_run(event):
    yield event


@pytest.mark.parametrize("listener", [never_awaited, never_run])
def test_a_listener_of_which_nothing_is_run_is_logged(rows, caplog, listener):
    light(listeners=[listener]).fit(rows[0])
    (record,) = caplog.records
    assert "which nothing runs" in record.getMessage()
