"""A dry run's estimate: close to what happens, and quick.

The clock is one that the sleeping component moves: what is tested is how the estimate grows, not
how busy the machine is.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from n2d_framework import StageStore, metrics
from n2d_framework.experiment import estimate as estimate_module
from n2d_framework.experiment import plan_comparison
from n2d_framework.experiment.estimate import estimate
from n2d_framework.plan import run_step

PLUGIN = '''
from n2d_framework.plugin import ComponentSpec, component, hookimpl, learned, need, option

class Clock:
    now = 0.0

@component
class Sleeper:
    """Takes `seconds` for 1000 rows, growing as their `power`."""

    seconds: float = option(0.1, help="Seconds for 1000 rows.")
    power: float = option(1.0, help="Of the rows.")
    fitted_: bool = learned()

    def fit(self, x, *, context):
        Clock.now += self.seconds * (len(x) / 1000) ** self.power
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
def clock(use_plugin, monkeypatch):
    use_plugin("sleeping", PLUGIN)
    clock = importlib.import_module("sleeping").Clock

    def now() -> float:
        return clock.now

    for module in (run_step, estimate_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=now, monotonic=now))
    return clock


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.8])
def test_time_grows_as_the_trials_say(digits, power):
    plan = planned(digits, {"seconds": 0.3, "power": power}, seeds=2)
    found = estimate(plan.plan, plan.materials)
    assert found.unknown == ()
    # Two seeds.
    assert found.seconds == pytest.approx(2 * 0.3 * (len(digits[0]) / 1000) ** power)


def test_nothing_is_taken_to_grow_faster_than_the_square(digits):
    plan = planned(digits, {"seconds": 0.3, "power": 5.0}, seeds=1)
    expected = 0.3 * 0.5**5 * (len(digits[0]) / 500) ** 2
    assert estimate(plan.plan, plan.materials).seconds == pytest.approx(expected)


def test_the_trials_end_in_time(digits, clock):
    plan = planned(digits, *({"seconds": 1 + k / 100, "power": 0.0} for k in range(5)))
    found = estimate(plan.plan, plan.materials, budget=0.5)
    # One was tried, on 250 rows and once; the others are taken to be like it, and time to grow with
    # the rows; what came after is not known.
    assert clock.now == pytest.approx(1)
    assert found.seconds == pytest.approx(5 * len(digits[0]) / 250)
    assert found.unknown == ("n2d_framework:kmeans",)


def test_scoring_is_counted_for_the_cells_that_are_left(digits, tmp_path, clock, monkeypatch):
    def takes(name: str, seconds: float) -> None:
        real = getattr(metrics, name)

        def slow(*args, **more):
            clock.now += seconds
            return real(*args, **more)

        monkeypatch.setattr(metrics, name, slow)

    takes("assess", 0.1)
    takes("dbcv", 1.0)
    few = planned(digits, {"seconds": 0.0}, seeds=2)
    many = planned(digits, {"seconds": 0.0}, seeds=20, dbcv_rows=800)
    store = StageStore(tmp_path / "stages")
    one, other = (estimate(p.plan, p.materials, store) for p in (few, many))
    assert one.scoring_seconds == pytest.approx(2 * 0.1)
    assert other.scoring_seconds == pytest.approx(20 * 1.1)
    for key in few.plan.stages:
        store.write(key, {}, {"state": {}})
    nothing = estimate(few.plan, few.materials, store)
    assert (nothing.n_stored, nothing.seconds, nothing.scoring_seconds) == (6, 0, 0)
