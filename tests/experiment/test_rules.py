"""Rules that name what the grid does not have: what is reported, and what a folder makes of it."""

from __future__ import annotations

import pytest

import n2d_framework as n2d
from n2d_framework.config.comparison_config import read_compare_config
from n2d_framework.errors import CompositionError, ConfigError
from n2d_framework.experiment import plan_comparison

ABSENT = "is not part of this comparison"


def plan_of(config, data):
    return plan_comparison(config, data={"few": data}).plan


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"seed": 99}, f"seed: 99 {ABSENT}; it has 0, 1"),
        ({"n_clusters": 4}, f"n_clusters: 4 {ABSENT}; it has 10"),
        ({"scaler": "minmaxx"}, f"scaler: 'minmaxx' {ABSENT}; did you mean 'minmax'?"),
        ({"data": "fev"}, f"data: 'fev' {ABSENT}; did you mean 'few'?"),
        ({"data": "usps"}, f"data: 'usps' {ABSENT}; known values: few"),
        ({"clusterer": {"name": "kmeans", "n_init": 7}}, f"clusterer.n_init: 7 {ABSENT}; it has 2"),
        ({"manifolder": {"n_components": [2]}}, f"manifolder.n_components: 2 {ABSENT}; it has 5"),
    ],
)
def test_a_value_that_is_not_there_is_noted(rule, said, few_digits, grid):
    plan = plan_of(grid | {"exclude": [rule]}, few_digits)
    assert len(plan.cells) == 16
    assert plan.notes == [f"exclude[0] fits no cell that could be run; {said}"]
    with pytest.raises(CompositionError) as caught:
        plan_of(grid | {"include": [rule]}, few_digits)
    assert said in str(caught.value)


def test_some_values_that_are_not_there_are_noted(few_digits, grid):
    rules = {"include": [{"seed": [0, 2]}], "exclude": [{"data": ["few", "usps"], "seed": 1}]}
    plan = plan_of(grid | rules, few_digits)
    assert len(plan.cells) == 8
    assert plan.notes == [
        f"include[0].seed: 2 {ABSENT}; it has 0, 1",
        f"exclude[0].data: 'usps' {ABSENT}; known values: few",
    ]


def test_what_the_grid_has_is_not_noted(few_digits, grid):
    rules = [
        {"seed": 1, "n_clusters": 10, "data": "few", "scaler": "minmax", "embedder": "pca"},
        {"seed": 0, "manifolder": {"n_components": 5}, "clusterer": {"n_clusters": 10}},
    ]
    assert plan_of(grid | {"exclude": rules}, few_digits).notes == []


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        ({"data": "fev"}, f"baseline.data: 'fev' {ABSENT}; did you mean 'few'"),
        ({"clusterer": "kmeans", "seed": 99}, f"baseline.seed: 99 {ABSENT}"),
    ],
)
def test_a_baseline_names_what_is_there(baseline, said, few_digits, grid):
    with pytest.raises(ConfigError, match=said):
        plan_of(grid | {"baseline": baseline}, few_digits)


def test_a_folder_with_such_a_rule_is_continued(few_digits, grid, tmp_path):
    grid |= {"embedders": ["identity"], "manifolders": ["identity"], "exclude": [{"seed": 99}]}
    for _ in range(2):
        found = n2d.compare(grid, tmp_path / "out", data={"few": few_digits}, n_jobs=1)
        assert len(found.table) == 4
        assert found.notes[0].startswith("exclude[0] fits no cell that could be run; seed: 99")


def test_many_rules_cost_about_what_one_does(calls):
    variants = {"name": "gmm", "n_init": {"from": 1, "to": 40}, "max_iter": {"from": 1, "to": 20}}
    rule = {"clusterer": [{"name": "gmm", "n_init": 3}, {"name": "gmm", "max_iter": 7}]}

    def reading(count: int) -> int:
        grid = {"embedders": ["identity"], "manifolders": ["identity"], "clusterers": [variants]}
        config = grid | {"data": "digits", "exclude": [rule] * count}
        return calls(lambda: read_compare_config(config))

    reading(1)
    assert reading(40) < 5 * reading(1)
