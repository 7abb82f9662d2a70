"""The kit examines components for columns, texts and sparse rows with rows of their kinds."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest

from n2d_framework.testing.kit import run_checks

PLUGIN: str = runpy.run_path(str(Path(__file__).parents[1] / "pipeline" / "test_kinds_of_rows.py"))[
    "PLUGIN"
]
COMPONENTS = (
    "prepare/codes", "prepare/letters", "embedder/lengths", "embedder/sums", "describe/kinds",
)  # fmt: skip


def examined(use_plugin, tmp_path, monkeypatch, source: str, which: str) -> set[str]:
    """Names of the checks that fail."""
    use_plugin("rows_plugin", source)
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    return {found.check for found in run_checks(which).outcomes if found.status == "failed"}


@pytest.mark.parametrize("which", COMPONENTS)
def test_good_components_pass(use_plugin, tmp_path, monkeypatch, which):
    assert examined(use_plugin, tmp_path, monkeypatch, PLUGIN, which) == set()


@pytest.mark.parametrize(
    ("which", "good", "wrong", "check"),
    [
        ("prepare/codes", "values = rows.column(about[\"name\"])",
         "values = rows.column(about[\"name\"])[:1].repeat(len(rows))", "batch_invariance"),
        ("embedder/lengths", "t.count(\"a\")]", "len(texts)]", "batch_invariance"),
        ("embedder/sums", "return np.asarray(x @ axes)", "return np.asarray(x @ axes) * 2",
         "sparse_as_dense"),
        ("embedder/sums", "sparse=True,", "sparse=True, weighted=True,", "weights_count"),
    ],
)  # fmt: skip
def test_faults_are_found(use_plugin, tmp_path, monkeypatch, which, good, wrong, check):
    assert good in PLUGIN
    source = PLUGIN.replace(good, wrong).replace(
        "rng = np.random.default_rng(context.seed)",
        "rng = np.random.default_rng(context.seed + len(x.sum(axis=1)))",
    )
    assert check in examined(use_plugin, tmp_path, monkeypatch, source, which)


NAMER = '''"""A plugin with a namer."""
from n2d_framework.plugin import ComponentSpec, component, hookimpl

@hookimpl
def n2d_components():
    """Announce it."""
    yield ComponentSpec(role="describe", name="namer", factory="rows_plugin:Namer",
                        summary="Names clusters by their sizes.")

@component
class Namer:
    """Names clusters by their sizes."""

    def describe_from(self, descriptions):
        """Return a name for each cluster."""
        found = [about for said in descriptions.values() for about in said.get("clusters", [])]
        return {"clusters": [{"label": a["label"], "name": f"{a['size']} rows"} for a in found]}
'''


def test_a_namer_passes(use_plugin, tmp_path, monkeypatch):
    assert examined(use_plugin, tmp_path, monkeypatch, NAMER, "describe/namer") == set()


@pytest.mark.parametrize(
    ("good", "wrong"),
    [("describe_from", "describe_them"), ("f\"{a['size']} rows\"", "str(id(a) + id(found))"),
     ("f\"{a['size']} rows\"", "{1, 2}")],
)  # fmt: skip
def test_faults_of_a_namer_are_found(use_plugin, tmp_path, monkeypatch, good, wrong):
    assert good in NAMER
    source = NAMER.replace(good, wrong)
    assert examined(use_plugin, tmp_path, monkeypatch, source, "describe/namer")
