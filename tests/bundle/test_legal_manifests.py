"""Whatever the format calls legal can be looked at, loaded, used and rewritten; nothing is raw."""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

import toy_plugin

from n2d_framework import bundle
from n2d_framework.cli import app
from n2d_framework.errors import BundleError, N2DError
from n2d_framework.storage import encode
from n2d_framework.types import ROLES

CATALOGUE = toy_plugin.catalogue()
SNAPSHOT = toy_plugin.snapshot()
ROWS = np.zeros((3, 5), np.float32)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("abc_", min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_NUMBERS = st.floats() | st.integers(-(2**63), 2**64 - 1)
_LABELS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=64)


def _by_role(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(dict.fromkeys(ROLES, values))


@st.composite
def legal(draw: st.DrawFn) -> dict[str, Any]:
    """A manifest within section 7 of docs/bundle-format.md, of the model of toys."""
    manifest = copy.deepcopy(SNAPSHOT.manifest)
    manifest["created"] = draw(_LABELS)
    manifest["framework_version"] = draw(_LABELS)
    manifest["random_state"] = draw(st.integers(0, 2**64 - 1))
    manifest["n_clusters_found"] = draw(st.integers(0, 2**64 - 1))
    manifest["composition"]["n_clusters"] = draw(st.none() | st.integers(1, 2**63))
    manifest["composition"]["scaler"] = draw(
        st.sampled_from([{}, {"name": "none"}, {"per": "auto"}, {"name": "none", "per": "auto"}])
    )
    for role in ROLES:
        about = manifest["composition"][role]
        # Components are found by distribution and name; which version was there is free.
        about["version"] = draw(st.text())
    manifest["data"] = {"row_shape": [5]} | draw(
        st.fixed_dictionaries(
            {},
            optional={
                "fingerprint": st.text(),
                "n_rows": st.none() | st.integers(0, 2**64 - 1),
                "dtype": st.text(),
                "feature_names": st.none()
                | st.lists(st.text(max_size=9), min_size=5, max_size=5, unique=True),
                "other": _JSON,
            },
        )
    )
    manifest["training"] = {
        "seconds": draw(_by_role(_NUMBERS)),
        "keys": draw(_by_role(st.text())),
        "agreement": draw(
            st.fixed_dictionaries({}, optional=dict.fromkeys(("rows", "equal", "other"), _NUMBERS))
        ),
    }
    manifest["environment"] = draw(
        st.dictionaries(st.text("ab_", min_size=1), _JSON, max_size=3)
        | st.just({"libraries": {"numpy": "1", "../x": "2", "n2d": 3}})
    )
    if draw(st.booleans()):
        manifest["more"] = draw(_JSON)
    return manifest


def _write(folder: str, manifest: dict[str, Any]) -> Path:
    path = Path(folder) / "model.n2d"
    path.write_bytes(encode(manifest, SNAPSHOT.parts, created=str(manifest.get("created", ""))))
    return path


def _invoke(*words: object) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert "Traceback" not in result.output
    return result


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.generate],
)
@given(legal())
def test_a_legal_manifest_is_taken_everywhere(manifest):
    with tempfile.TemporaryDirectory() as folder:
        path = _write(folder, manifest)
        info = bundle.inspect(path)
        assert info.manifest.keys() == manifest.keys()
        assert _invoke("inspect", path, "--arrays").exit_code == 0
        shown = _invoke("inspect", path, "--json")
        assert shown.exit_code == 0
        json.loads(shown.stdout, parse_constant=pytest.fail)
        model = bundle.load(path, catalogue=CATALOGUE)
        assert len(model.predict(ROWS)) == 3
        assert bundle.verify(path, catalogue=CATALOGUE).ok
        bundle.upgrade(path, path, catalogue=CATALOGUE)
        assert len(bundle.load(path, catalogue=CATALOGUE).predict(ROWS)) == 3


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1.0, 1e308, 2**63])
def test_times_that_are_not_known_are_shown_as_such(tmp_path, seconds):
    manifest = copy.deepcopy(SNAPSHOT.manifest)
    manifest["training"]["seconds"] = dict.fromkeys(ROLES, seconds)
    path = _write(str(tmp_path), manifest)
    assert _invoke("inspect", path).exit_code == 0
    assert bundle.load(path, catalogue=CATALOGUE).predict(ROWS).shape == (3,)


def test_the_smallest_manifest_is_shown(tmp_path):
    manifest = copy.deepcopy(SNAPSHOT.manifest)
    manifest["composition"]["scaler"] = {}
    manifest["data"] = {"row_shape": [5]}
    manifest["environment"] = {}
    manifest["training"]["agreement"] = {}
    shown = _invoke("inspect", _write(str(tmp_path), manifest))
    assert "rows of 5" in shown.stdout
    assert re.search(r"prepare +minmax", shown.stdout)


_PLACES = [
    ("created",), ("framework_version",), ("random_state",), ("n_clusters_found",), ("data",),
    ("training",), ("environment",), ("composition",), ("composition", "scaler"),
    ("composition", "n_clusters"), ("composition", "embedder"), ("composition", "embedder", "name"),
    ("composition", "manifolder", "options"), ("composition", "clusterer", "state_version"),
    ("data", "row_shape"), ("data", "n_rows"), ("data", "dtype"), ("data", "fingerprint"),
    ("data", "feature_names"), ("training", "seconds"), ("training", "seconds", "embedder"),
    ("training", "keys"), ("training", "agreement"), ("training", "agreement", "equal"),
]  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.sampled_from(_PLACES), _JSON)
def test_an_illegal_manifest_is_refused_or_taken_but_never_raw(place, value):
    manifest = copy.deepcopy(SNAPSHOT.manifest)
    inside: Any = manifest
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = _write(folder, manifest)
        try:
            bundle.inspect(path)
        except BundleError:
            assert _invoke("inspect", path).exit_code == 1
            return
        assert _invoke("inspect", path, "--arrays").exit_code == 0
        for use in (bundle.load, bundle.verify):
            try:
                use(path, catalogue=CATALOGUE)
            except N2DError:
                continue
        try:
            bundle.upgrade(path, Path(folder) / "new.n2d", catalogue=CATALOGUE)
        except N2DError:
            return


@pytest.mark.parametrize("place", _PLACES)
def test_a_value_of_another_kind_is_refused_by_its_path(place, tmp_path):
    manifest = copy.deepcopy(SNAPSHOT.manifest)
    inside: Any = manifest
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = [{"a": None}]
    path = tmp_path / "model.n2d"
    path.write_bytes(encode(manifest, SNAPSHOT.parts, created=""))
    with pytest.raises(BundleError, match="/".join(place[:2])):
        bundle.inspect(path)


@pytest.mark.parametrize(
    "wrong",
    [
        3, {}, {"values": [0.0, 1.0], "dated": True},
        {"values": [0.0, 1.0, 2.0], "dated": False, "since_start": True},
        {"values": [0.0, True], "dated": False, "since_start": True},
        {"values": [0.0, "1"], "dated": False, "since_start": True},
    ],
)  # fmt: skip
def test_times_of_series_are_numbers_for_its_steps(tmp_path, wrong):
    for times in (wrong, None, {"values": [0, 2.5], "dated": False, "since_start": True}):
        manifest = copy.deepcopy(SNAPSHOT.manifest)
        series = {"time": "t", "values": ["v"], "steps": 5, "interpolated": False, "times": times}
        manifest["data"] |= {"feature_names": None, "schema": {"fields": [], "series": series}}
        path = _write(str(tmp_path), manifest)
        if times is wrong:
            with pytest.raises(BundleError, match="data/schema/series"):
                bundle.inspect(path)
        else:
            bundle.inspect(path)
