"""A plan: any number of steps, in order, each with a name, a seed and a content key."""

import pickle

import numpy as np
import pytest

from n2d_framework.config import resolve_composition
from n2d_framework.core.rows import fingerprint
from n2d_framework.errors import StateError
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.plan.run_plan import run_plan
from n2d_framework.plan.run_step import RunContext
from n2d_framework.plan.steps import Plan
from n2d_framework.types import ROLES

ROWS = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)


def trio(**options):
    about = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans"}
    return resolve_composition(**about | options)


def with_chain() -> Plan:
    """Two manifolders after each other, between an embedder and a clusterer."""
    chain = ["identity", {"name": "pca", "n_components": 2}]
    return Plan.of(trio(manifolder=chain, n_clusters=3))


def run(plan: Plan, **context):
    return run_plan(plan, ROWS, fingerprint(ROWS), 0, RunContext("", lambda _: None, **context))


def test_steps_of_a_composition_are_called_by_their_roles():
    assert [step.label for step in Plan.of(trio())] == ["prepare", *ROLES]


def test_several_steps_of_a_role_are_numbered_and_have_seeds_of_their_own():
    plan = with_chain()
    labels = ["prepare", "embedder", "manifolder_0", "manifolder_1", "clusterer"]
    assert [step.label for step in plan] == labels
    assert len({step.seed(0) for step in plan}) == len(plan)
    assert plan.last("manifolder").label == "manifolder_1"


def test_a_step_has_the_same_key_in_a_chain_as_before_it():
    alone, chain = Plan.of(trio(n_clusters=3)), with_chain()
    keys, chained = (plan.keys("data", 0) for plan in (alone, chain))
    assert chained["manifolder_0"] == keys["manifolder"]
    assert chained["clusterer"] != keys["clusterer"]


def test_a_key_depends_on_all_that_came_before():
    plan, other = Plan.of(trio()), Plan.of(trio(scaler="standard"))
    assert not set(plan.keys("data", 0).values()) & set(other.keys("data", 0).values())
    assert not set(plan.keys("data", 0).values()) & set(plan.keys("other", 0).values())
    assert not set(plan.keys("data", 0).values()) & set(plan.keys("data", 1).values())


def test_a_chain_is_fitted_and_applied_in_order():
    plan = with_chain()
    results = run(plan)
    fitted = FittedPlan(plan, [r.component for r in results], ROWS.shape[1:], 3)
    latent, manifold, labels = fitted.outputs(ROWS, "embedder", "manifolder", "clusterer")
    assert [result.step.label for result in results] == [step.label for step in plan]
    np.testing.assert_allclose(manifold, results[3].output, atol=1e-5)
    assert manifold.shape == (60, 2)
    assert latent.shape == results[1].output.shape
    np.testing.assert_array_equal(labels, results[-1].output)


def test_a_step_is_recognized_in_another_process():
    for step in with_chain():
        again = pickle.loads(pickle.dumps(step))
        assert "prototype" not in vars(again)
        assert again.key("before", 1) == step.key("before", 1)
        assert again.entry == step.entry


def test_no_step_fits_its_own_prototype():
    plan = with_chain()
    run(plan)
    with pytest.raises(StateError, match="not fitted"):
        plan.last("manifolder").prototype.transform(ROWS[:, :2])
