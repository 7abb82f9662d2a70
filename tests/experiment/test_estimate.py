"""A dry run's estimate: close to what happens, and quick."""

from __future__ import annotations

import time

import pytest

from n2d_framework import StageStore
from n2d_framework.experiment import plan_comparison
from n2d_framework.experiment.estimate import estimate

PLUGIN = '''
import time
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, need, option

@component
class Sleeper:
    """Takes `seconds` for 1000 rows, growing as their `power`."""

    seconds: float = option(0.1, help="Seconds for 1000 rows.")
    power: float = option(1.0, help="Of the rows.")
    fitted_: bool = learned()

    def fit(self, x, *, context):
        time.sleep(self.seconds * (len(x) / 1000) ** self.power)
        self.fitted_ = True
        return self

    def transform(self, x):
        return x

    def get_state(self):
        return {"fitted": self.fitted_}

    def set_state(self, state):
        self.fitted_ = need(state, "fitted", bool)

@hookimpl
def n2d_components():
    yield ComponentSpec(role="manifolder", name="sleeper", factory="sleeping:Sleeper", summary="s")
'''


def planned(digits, *manifolders, **more):
    config = {
        "embedders": ["identity"],
        "manifolders": [{"name": "sleeper", **options} for options in manifolders],
        "clusterers": [{"name": "kmeans", "n_init": 1}],
        "n_clusters": 10,
        "dbcv_rows": 0,
    }
    return plan_comparison(config | more, data={"digits": digits})


@pytest.fixture(autouse=True)
def sleeper(use_plugin) -> None:
    use_plugin("sleeping", PLUGIN)


@pytest.mark.parametrize(("power", "expected"), [(0.0, 0.3), (1.0, 0.539), (1.8, 0.86)])
def test_time_grows_as_the_trials_say(digits, power, expected):
    plan = planned(digits, {"seconds": 0.3, "power": power}, seeds=2)
    found = estimate(plan.plan, plan.materials)
    assert found.unknown == ()
    # Two seeds; and identity and k-means take next to nothing.
    assert 2 * expected * 0.8 < found.seconds < 2 * expected * 1.5 + 1


def test_the_trials_end_in_time(digits):
    plan = planned(digits, *({"seconds": 1 + k / 100, "power": 0.0} for k in range(5)))
    start = time.monotonic()
    found = estimate(plan.plan, plan.materials, budget=0.5)
    assert time.monotonic() - start < 3
    # One was tried, once; the others are taken to be like it; what came after is not known.
    assert found.seconds > 5
    assert found.unknown == ("n2d_framework:kmeans",)


def test_scoring_is_counted_for_the_cells_that_are_left(digits, tmp_path):
    few = planned(digits, {"seconds": 0.0}, seeds=2)
    many = planned(digits, {"seconds": 0.0}, seeds=20, dbcv_rows=800)
    store = StageStore(tmp_path / "stages")
    one, other = (estimate(p.plan, p.materials, store) for p in (few, many))
    assert one.scoring_seconds > 0
    assert other.scoring_seconds > 5 * one.scoring_seconds
    for key in few.plan.stages:
        store.write(key, {}, {"state": {}})
    nothing = estimate(few.plan, few.materials, store)
    assert (nothing.n_stored, nothing.seconds, nothing.scoring_seconds) == (6, 0, 0)
