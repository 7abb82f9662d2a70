"""The framework's own kit on what this distribution brings, and on the tracker switched on."""

from __future__ import annotations

import pytest

from n2d_framework.testing import conformance, entries_of, run_checks
from n2d_framework.testing.kit import kind_of

test_conformance = conformance("n2d-mlflow")
TRACKERS = [entry for entry in entries_of("n2d-mlflow") if kind_of(entry) == "tracker"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("tracker", TRACKERS, ids=lambda entry: entry.spec.name)
def test_it_passes_the_kit_and_tracks_what_the_kit_delivers(tracker, monkeypatch, runs, reported):
    monkeypatch.setenv("N2D_MLFLOW", "1")
    report = run_checks(tracker)
    assert report.ok, report.failures
    assert reported() == []
    states = {run.info.run_name: run.info.status for run in runs()}
    assert states["comparison grid"] == "FINISHED"
    assert {run.info.status for run in runs()} == {"FINISHED", "FAILED"}
