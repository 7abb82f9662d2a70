"""The examples of comparisons: what they cover, and that they run when made small."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import n2d_framework as n2d
from n2d_framework.experiment import plan_comparison
from n2d_framework.types import ROLES

FOLDER = Path(__file__).parents[2] / "examples"
STRATEGIES = FOLDER / "compare_strategies.yaml"
ABLATION = FOLDER / "compare_ablation.yaml"


@pytest.fixture(scope="module")
def few() -> dict[str, object]:
    """300 digits instead of USPS."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return {"usps": (x[:300], y[:300])}


def trios(plan) -> set[tuple[str, ...]]:
    return {tuple(getattr(cell, role).choice.name for role in ROLES) for cell in plan.cells}


def test_the_strategies_are_all_there(few):
    plan = plan_comparison(STRATEGIES, data=few).plan
    found = trios(plan)
    baselines = {("identity", "identity", "kmeans"), ("identity", "identity", "gmm")}
    two_stages = {("pca", "identity", "kmeans"), ("identity", "umap", "hdbscan")}
    two_stages |= {
        ("identity", m, c) for m in ("umap", "isomap", "tsne") for c in ("gmm", "kmeans")
    }
    deep = {("dense_ae", "identity", "kmeans")}
    not_too_deep = {("dense_ae", m, "gmm") for m in ("umap", "isomap", "tsne")}
    assert baselines | two_stages | deep | not_too_deep <= found
    assert plan.illegal == []


def test_the_guide_says_what_the_dry_run_says(few):
    plan = plan_comparison(STRATEGIES, data=few).plan
    fits = " + ".join(str(plan.count(role)) for role in ROLES)
    said = " ".join((FOLDER.parent / "docs" / "compare.md").read_text().split())
    assert f"{len(plan.cells)} cells need {fits} fits instead of {3 * len(plan.cells)}" in said


def test_the_strategies_run(few, tmp_path):
    small = ["seeds=1", "dbcv_rows=0", "embedders[2].epochs=1", "embedders[2].hidden=[16]"]
    small += ["manifolders[1].n_epochs=20", "manifolders[3]={name: tsne, n_iter: 30}"]
    found = n2d.compare(STRATEGIES, tmp_path, overrides=small, data=few, n_jobs=1)
    assert (found.table["status"] == "done").all()
    assert len(found.table) == 30
    assert found.against().baseline == "identity / identity / kmeans"
    assert len(found.against().table) == 29


def test_the_ablation_runs(few, tmp_path):
    small = ["seeds=1", "dbcv_rows=0", "embedders[0].epochs=1", "embedders[0].hidden=[[16], [8]]"]
    found = n2d.compare(
        ABLATION, tmp_path, overrides=[*small, "manifolders[0].n_epochs=20"], data=few, n_jobs=1
    )
    assert (found.table["status"] == "done").all()
    assert len(found.table) == 2 * 3 * (2 * 3 - 1)


def test_the_choice_of_the_number_of_clusters_runs(few, monkeypatch, capsys):
    script = runpy.run_path(str(FOLDER / "compare_n_clusters.py"))
    config = script["CONFIG"]
    config["manifolders"][0]["n_epochs"] = 20
    config |= {"n_clusters": {"from": 9, "to": 11}, "seeds": 2, "dbcv_rows": 100}
    real = n2d.compare

    def compare(wanted, folder):
        return real({**wanted, "data": "digits"}, folder, data=few, n_jobs=1)

    monkeypatch.setattr(n2d, "compare", compare)
    script["main"]()
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()] == ["n_clusters", "9", "10", "11"]
    assert "bic" in printed
    assert "stability" in printed
