"""Nothing is tracked unasked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import n2d_mlflow
import pytest
from n2d_mlflow.switch import wanted


def test_an_installed_plugin_alone_writes_nothing_and_imports_nothing(tmp_path):
    code = (
        "import sys, numpy as np, n2d_framework as n2d\n"
        "n2d.N2D('pca', 'identity', 'kmeans', n_clusters=2, random_state=0).fit(np.eye(9))\n"
        "assert 'mlflow' in {p.entry_point for p in __import__('n2d_framework.registry', "
        "fromlist=['x']).default_catalogue().plugins}\n"
        "assert 'mlflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "uri", "tracked"),
    [
        (None, None, False),
        ("1", None, True),
        ("on", None, True),
        ("0", "file:///nowhere", False),
        ("false", "file:///nowhere", False),
        (None, "file:///nowhere", True),
    ],
)
def test_the_switch(monkeypatch, said, uri, tracked):
    for name, value in (("N2D_MLFLOW", said), ("MLFLOW_TRACKING_URI", uri)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert wanted() is tracked


def test_autolog_switches_on_and_off(monkeypatch):
    monkeypatch.setenv("N2D_MLFLOW", "")
    n2d_mlflow.autolog()
    assert wanted()
    n2d_mlflow.autolog(disable=True)
    assert not wanted()


def test_a_tracking_uri_set_in_python_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    assert wanted()


def test_a_wrong_word_costs_the_tracking_only(make, blobs, monkeypatch, reported):
    monkeypatch.setenv("N2D_MLFLOW", "perhaps")
    make().fit(blobs[0])
    make().fit(blobs[0])
    (text,) = reported()
    assert "N2D_MLFLOW must be 1 or 0, got 'perhaps'" in text
    assert list(Path().iterdir()) == []
