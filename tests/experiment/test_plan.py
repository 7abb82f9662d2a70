"""Cells, distinct stages and their keys, without fitting anything."""

from __future__ import annotations

import numpy as np
import pytest

from n2d_framework import N2D, StageStore
from n2d_framework.core.events import StageStarted
from n2d_framework.errors import CompositionError, ConfigError, DataError
from n2d_framework.experiment import plan_comparison
from n2d_framework.experiment.estimate import estimate
from n2d_framework.types import ROLES


def plan_of(config, data):
    return plan_comparison(config, data={"few": data}).plan


def counts(plan):
    return tuple(plan.count(role) for role in ROLES)


def test_three_by_four_by_three_by_two_are_6_24_and_72_fits(few_digits):
    config = {
        "embedders": ["pca", "identity", {"name": "pca", "latent_dim": 20}],
        "manifolders": ["umap", "isomap", "tsne", "identity"],
        "clusterers": ["gmm", "kmeans", "hdbscan"],
        "seeds": 2,
        "n_clusters": 10,
    }
    plan = plan_of(config, few_digits)
    assert len(plan.cells) == 72
    assert counts(plan) == (6, 24, 72)


def test_keys_are_those_of_a_run(few_digits, grid):
    plan = plan_of(grid, few_digits)
    cell = next(c for c in plan.cells if c.embedder.label == "pca" and c.seed == 1)
    events = []
    N2D(
        "pca", "identity", {"name": "kmeans", "n_init": 2},
        n_clusters=10, random_state=1, listeners=[events.append],
    ).fit(few_digits[0])  # fmt: skip
    keys = [event.key for event in events if isinstance(event, StageStarted)]
    detail = cell.detail()
    assert [detail[f"{role}_key"] for role in ROLES] == keys


def test_images_and_flat_rows_share_what_they_can(digits, grid):
    images = digits[0][:200].reshape(-1, 8, 8)
    plan = plan_of(grid | {"embedders": ["identity", "conv_ae"]}, images)
    assert plan.count("embedder") == 4


def test_illegal_trios_are_listed_with_their_reason(few_digits, grid):
    grid["manifolders"] = ["identity", {"name": "umap", "n_neighbors": [10, 400]}]
    plan = plan_of(grid, few_digits)
    assert len(plan.cells) == 16
    assert len(plan.illegal) == 4
    assert all("at least 401 rows" in item.reason for item in plan.illegal)
    assert {item.manifolder for item in plan.illegal} == {"umap(n_neighbors=400)"}


def test_a_grid_of_illegal_trios_only_is_refused_with_the_reasons(few_digits, grid):
    grid["manifolders"] = [{"name": "umap", "n_neighbors": 400}]
    with pytest.raises(CompositionError, match=r"nothing is left to compare.*at least 401 rows"):
        plan_of(grid, few_digits)


def test_include_and_exclude(few_digits, grid):
    rule = {"embedder": "pca", "clusterer": {"name": "gmm", "n_init": 1}}
    whole = plan_of(grid, few_digits)
    without = plan_of(grid | {"exclude": [rule]}, few_digits)
    only = plan_of(grid | {"include": [rule]}, few_digits)
    assert (len(whole.cells), len(without.cells), len(only.cells)) == (16, 12, 4)
    assert (without.excluded, only.excluded) == (4, 12)
    assert all(
        c.embedder.label == "pca" and c.clusterer.label.startswith("gmm") for c in only.cells
    )
    assert len(plan_of(grid | {"include": [{"seed": [1]}]}, few_digits).cells) == 8


def test_rules_that_leave_nothing_are_refused(few_digits, grid):
    with pytest.raises(CompositionError, match="16 cells are left out"):
        plan_of(grid | {"exclude": [{"data": "few"}]}, few_digits)


def test_a_rule_that_fits_no_cell_is_noted(few_digits, grid):
    rules = [{"seed": 1, "embedder": "pca"}, {"seed": 1, "embedder": "pca", "n_clusters": 10}]
    assert plan_of(grid | {"exclude": rules}, few_digits).notes == []
    grid["manifolders"] = ["identity", {"name": "umap", "n_neighbors": 400}]
    plan = plan_of(grid | {"exclude": [{"seed": 1}, {"manifolder": "umap"}]}, few_digits)
    assert plan.notes == ["exclude[1] fits no cell that could be run"]


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        (
            {"embedder": "pca", "manifolder": "identity"},
            r"fits 2 methods, must fit one: pca / identity / kmeans; pca / identity / gmm$",
        ),
        (
            {"embedder": "identity", "seed": 1},
            r"fits 0 methods, must fit one: pca / identity / kmeans; .*; identity / pca / gmm$",
        ),
    ],
)
def test_a_baseline_that_is_not_one_method_is_refused_before_anything_runs(
    baseline, said, few_digits, grid
):
    rules = [{"embedder": "identity", "seed": 1}]
    with pytest.raises(ConfigError, match=f"baseline: {said}"):
        plan_of(grid | {"baseline": baseline, "exclude": rules}, few_digits)


@pytest.mark.parametrize("scaler", ["none", "standard(per=array)"])
def test_a_scaler_is_meant_by_its_name_or_its_label(scaler, few_digits, grid):
    trio = {"embedder": "pca", "manifolder": "pca", "clusterer": "gmm"}
    scalers = ["standard", {"name": "standard", "per": "array"}, "none"]
    plan = plan_of(
        grid
        | {"scaler": scalers, "include": [{"scaler": scaler}]}
        | {"baseline": {"scaler": scaler, **trio}},
        few_digits,
    )
    assert {cell.scaler for cell in plan.cells} == {scaler}
    with pytest.raises(ConfigError, match="baseline: fits 2 methods"):
        plan_of(grid | {"scaler": scalers, "baseline": {"scaler": "standard", **trio}}, few_digits)


def test_a_metric_that_needs_classes_is_refused_where_there_are_none(few_digits, grid):
    with pytest.raises(ConfigError, match="metric: 'nmi' needs true classes"):
        plan_of(grid | {"metric": "nmi"}, few_digits[0])
    assert plan_comparison(
        grid | {"metric": "nmi"}, data={"few": few_digits, "bare": few_digits[0]}
    ).plan.cells


def test_several_n_clusters_share_one_manifold(few_digits, grid):
    grid |= {"n_clusters": {"from": 2, "to": 6}, "clusterers": ["kmeans", "hdbscan"], "seeds": 1}
    plan = plan_of(grid, few_digits)
    assert counts(plan) == (2, 4, 4 * 6)
    numbers = [c.n_clusters for cell in plan.cells if (c := cell.clusterer).label == "kmeans"]
    assert sorted(set(numbers)) == [2, 3, 4, 5, 6]
    assert {c.clusterer.n_clusters for c in plan.cells if c.clusterer.label == "hdbscan"} == {None}


def test_a_component_that_comes_twice_is_run_once_and_reported(few_digits, grid):
    grid["embedders"] = ["pca", {"name": "pca", "latent_dim": 10}]
    plan = plan_of(grid, few_digits)
    assert plan.count("embedder") == 2
    assert "pca(latent_dim=10) has the same options as pca" in plan.notes[0]


def test_equal_data_under_two_names_are_fitted_once(few_digits, grid):
    plan = plan_comparison(grid, data={"a": few_digits, "b": few_digits}).plan
    assert len(plan.cells) == 32
    assert len({cell.task.id for cell in plan.cells}) == 32
    assert counts(plan) == (4, 8, 16)


def test_scalers_may_be_several(few_digits, grid):
    plan = plan_of(grid | {"scaler": ["minmax", "standard"]}, few_digits)
    assert len(plan.cells) == 32
    assert counts(plan) == (8, 16, 32)


def test_planning_costs_a_few_calls_a_cell(few_digits, calls):
    def planning(embedders: int) -> int:
        config = {
            "embedders": [{"name": "pca", "latent_dim": {"from": 2, "to": embedders + 1}}],
            "manifolders": [{"name": "pca", "n_components": {"from": 1, "to": 2}}, "identity"],
            "clusterers": [{"name": "gmm", "n_init": {"from": 1, "to": 35}}],
            "seeds": 10,
            "n_clusters": 4,
        }
        plans = []
        made = calls(lambda: plans.append(plan_comparison(config, data={"few": few_digits}).plan))
        assert len(plans[0].cells) == 1_050 * embedders
        return made

    planning(1)  # what is found once, and kept, is not counted
    few, many = planning(2), planning(10)
    assert many < 6 * few
    assert many < 1_000 * 10_500


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((np.ones((5, 3)), None), "all 5 rows are equal"),
        ((np.eye(4), [0, 1]), "4 rows but 2 true classes"),
        ((np.array([[1.0, np.nan], [2.0, 3.0]]), None), "NaN"),
    ],
)
def test_data_that_cannot_be_used_are_refused(data, said, grid):
    with pytest.raises(DataError, match=said):
        plan_of(grid, data)


def test_no_data_are_refused(grid):
    with pytest.raises(ConfigError, match="data: is missing"):
        plan_comparison(grid)
    with pytest.raises(ConfigError, match="listed twice"):
        plan_comparison(grid | {"data": ["digits", "digits"]})


def test_the_estimate_knows_what_the_store_has(few_digits, grid, tmp_path):
    planned = plan_comparison(grid, data={"few": few_digits})
    store = StageStore(tmp_path / "stages")
    before = estimate(planned.plan, planned.materials, store, budget=20)
    assert before.n_stored == 0
    assert before.seconds > 0
    assert before.peak_memory > 20
    assert before.unknown == ()
    model = N2D("pca", "identity", {"name": "kmeans", "n_init": 2}, n_clusters=10, random_state=1)
    model.set_params(store=store).fit(few_digits[0])
    assert estimate(planned.plan, planned.materials, store, budget=20).n_stored == 3


def test_what_was_not_tried_is_reported(few_digits, grid):
    planned = plan_comparison(grid, data={"few": few_digits})
    found = estimate(planned.plan, planned.materials, budget=0)
    assert found.seconds == 0
    assert "n2d_framework:gmm" in found.unknown


def labels(plan, role="clusterer"):
    return list(dict.fromkeys(getattr(cell, role).label for cell in plan.cells))


def test_labels_have_what_differs(few_digits, grid):
    grid["clusterers"] = [{"name": "kmeans", "n_init": 2}, {"name": "gmm", "n_init": [1, 2]}, "gmm"]
    found = labels(plan_of(grid, few_digits))
    assert found == ["kmeans", "gmm(n_init=1)", "gmm(n_init=2)", "gmm(n_init=15)"]


def test_a_number_of_clusters_of_its_own_is_in_the_label_that_of_the_grid_is_not(few_digits, grid):
    grid |= {"n_clusters": [2, 3], "clusterers": ["kmeans", {"name": "kmeans", "n_clusters": 7}]}
    assert labels(plan_of(grid, few_digits)) == ["kmeans", "kmeans(n_clusters=7)"]


def test_an_option_that_is_not_given_differs_from_null(few_digits, grid):
    birch = {"adapt": "sklearn.cluster:Birch", "threshold": 0.2}
    grid["clusterers"] = [birch, birch | {"n_clusters": None}]
    plan = plan_comparison(grid, data={"few": few_digits}, allow_code=True).plan
    name = "sklearn.cluster:Birch"
    assert labels(plan) == [name, f"{name}(n_clusters=null)"]
