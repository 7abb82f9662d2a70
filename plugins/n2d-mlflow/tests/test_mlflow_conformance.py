"""The framework's own kit on this tracker, switched on."""

from __future__ import annotations

import pytest

from n2d_framework.testing import run_checks


@pytest.mark.usefixtures("store")
def test_it_passes_the_kit_and_tracks_what_the_kit_delivers(monkeypatch, runs, told):
    monkeypatch.setenv("N2D_MLFLOW", "1")
    report = run_checks("tracker/mlflow")
    assert report.ok, report.failures
    assert told() == []
    states = {run.info.run_name: run.info.status for run in runs()}
    assert states["comparison grid"] == "FINISHED"
    assert {run.info.status for run in runs()} == {"FINISHED", "FAILED"}
