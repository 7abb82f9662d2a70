"""One run resolves its request once: counted, not promised."""

import contextlib
import json
import sys
from collections import Counter

import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework import storage
from n2d_framework.cli import main
from n2d_framework.core import structure as structuring
from n2d_framework.plan.steps import Plan
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES

MODEL = {
    "embedder": {"name": "pca", "latent_dim": 3},
    "manifolder": {"name": "umap", "n_neighbors": 5, "n_epochs": 10},
    "clusterer": "kmeans",
    "n_clusters": 3,
}
ROWS = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


def count_calls(monkeypatch, original, of=lambda *arguments: arguments[0].__name__):
    """Count calls of a function of the framework, wherever it was imported."""
    counts: Counter[str] = Counter()

    def counted(*arguments, **keywords):
        counts[of(*arguments)] += 1
        return original(*arguments, **keywords)

    for name, module in list(sys.modules.items()):
        for key, value in list(vars(module).items()) if name.startswith("n2d_framework") else ():
            if value is original:
                monkeypatch.setattr(module, key, counted)
    return counts


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    np.save(tmp_path / "rows.npy", ROWS)
    (tmp_path / "run.json").write_text(json.dumps({"data": "rows.npy", "model": MODEL}))
    return tmp_path / "run.json"


@pytest.fixture
def run(config, monkeypatch):
    def run_in(folder):
        words = ["n2d", "run", config, "--out", folder, "--no-plots", "--no-report",
                 "--quiet", "--no-store"]  # fmt: skip
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        with contextlib.suppress(SystemExit):
            main()
        assert (config.parent / folder / "run.n2d").is_file()

    run_in("first")  # imports everything
    return run_in


def test_a_run_structures_each_component_and_each_config_class_once(run, monkeypatch):
    counts = count_calls(monkeypatch, structuring.structure)
    run("out")
    found = dict(counts)
    plan = Plan.of(n2d.compose({"model": MODEL}).composition())
    names = {type(step.prototype).__name__ for step in plan if not step.prepares}
    assert names <= set(found)
    assert set(found.values()) == {1}, found


def test_a_run_reads_nothing_back_that_it_has_written(run, config, monkeypatch):
    reads = [
        count_calls(monkeypatch, function, of=lambda *_: "read")
        for function in (storage.decode, storage.open_image, storage.read_manifest)
    ]
    run("out")
    assert (config.parent / "out" / "run.n2d").is_file()
    assert not any(reads)


def noting_lengths(method, seen):
    def noting(self, x):
        seen.append(len(x))
        return method(self, x)

    return noting


def test_a_fit_looks_back_with_one_encoding(monkeypatch):
    lengths: dict[str, list[int]] = {}
    for role, name, verb in (
        ("embedder", "pca", "transform"),
        ("manifolder", "identity", "transform"),
        ("clusterer", "kmeans", "predict"),
    ):
        cls, seen = default_catalogue().get(role, name).spec.load(), lengths.setdefault(role, [])

        monkeypatch.setattr(cls, verb, noting_lengths(getattr(cls, verb), seen))
    n2d.N2D("pca", "identity", "kmeans", n_clusters=3, random_state=0).fit(
        np.random.default_rng(0).normal(size=(600, 5))
    )
    assert {role: seen.count(500) for role, seen in lengths.items()} == dict.fromkeys(ROLES, 1)


def test_parameters_are_resolved_again_only_when_they_change(monkeypatch):
    model = n2d.N2D({"name": "pca", "latent_dim": 2}, "identity", "kmeans", n_clusters=3)
    counts = count_calls(monkeypatch, structuring.structure)
    first = model.composition()
    assert model.composition() is first
    model.embedder["latent_dim"] = 3
    assert model.composition().choice("embedder").component.latent_dim == 3
    assert counts["ModelConfig"] == 2
