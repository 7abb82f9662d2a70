"""``n2d datasets`` and ``n2d datasets fetch``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    own = tmp_path / "own"
    own.mkdir()
    np.savez(own / "usps.npz", x=np.zeros((3, 256), np.float32), y=np.arange(3))
    monkeypatch.setenv("N2D_DATA", str(own))
    monkeypatch.setenv("N2D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("N2D_OFFLINE", "1")
    return own


def test_the_list_says_where_the_rows_are(n2d: Run) -> None:
    reported = {spec["name"]: spec for spec in json.loads(n2d("datasets", "--json").stdout)}
    assert reported["digits"]["whereabouts"] == "embedded"
    assert reported["usps"]["whereabouts"] == "local"
    assert reported["mnist"]["whereabouts"] == "remote"
    assert reported["mnist"]["files"][0]["name"] == "mnist/train-images-idx3-ubyte.gz"
    table = n2d("datasets").stdout
    assert "remote" in table
    assert "har_raw" in table


def test_fetch_prints_the_files(n2d: Run, no_network: Path) -> None:
    result = n2d("datasets", "fetch", "usps", "digits")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        str(no_network / "usps.npz"),
        "digits: embedded, needs no files",
    ]
    found = json.loads(n2d("datasets", "fetch", "usps", "digits", "--json").stdout)
    assert found == {"usps": [str(no_network / "usps.npz")], "digits": []}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["fetch", "mnist"], 1, "N2D_OFFLINE forbids downloads"),
        (["fetch", "mnits"], 2, "did you mean 'mnist'"),
        (["fetch"], 2, "expected 'fetch' and names of datasets"),
        (["get", "mnist"], 2, "got 'get mnist'"),
    ],
)
def test_what_goes_wrong_is_said(n2d: Run, words: list[str], code: int, message: str) -> None:
    result = n2d("datasets", *words)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output
