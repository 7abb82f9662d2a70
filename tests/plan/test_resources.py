"""Threads, deadline and stop request of a fit, honoured by components that train in epochs."""

import time

import attrs
import numpy as np
import pytest

import n2d_framework as n2d
from n2d_framework.plan.run_plan import run_plan
from n2d_framework.plan.run_step import RunContext
from n2d_framework.plan.steps import Plan
from n2d_framework.plugin import (
    DeadlineError,
    EpochFinished,
    FitContext,
    Resources,
    StoppedError,
)

ROWS = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
PLAIN = {"embedder": "pca", "manifolder": "identity", "clusterer": "kmeans", "n_clusters": 3}


class StopAfter:
    """A stop request that comes after some questions."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self):
        self.left -= 1
        return self.left < 0


def run(resources, store=None, **changed):
    plan = Plan.of(n2d.N2D(**PLAIN | changed).composition())
    return run_plan(plan, ROWS, "rows", 0, RunContext("", lambda _: None, resources, store))


def test_threads_of_a_context_are_those_of_its_resources():
    assert FitContext().n_jobs == FitContext().resources.threads == 1
    assert FitContext(n_jobs=3).resources.threads == 3
    assert FitContext(resources=Resources(4)).n_jobs == 4
    changed = attrs.evolve(FitContext(resources=Resources(4)), n_jobs=2)
    assert (changed.n_jobs, changed.resources.threads) == (2, 2)


def test_nothing_is_fitted_after_the_deadline():
    with pytest.raises(DeadlineError, match="took longer"):
        run(Resources(deadline=time.monotonic() - 1))


def test_a_fit_within_its_deadline_gives_the_same():
    soon, never = run(Resources(deadline=time.monotonic() + 600)), run(Resources())
    assert all(np.array_equal(a.output, b.output) for a, b in zip(soon, never, strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_umap_stops_between_epochs_and_keeps_nothing(threads, tmp_path):
    umap, store = {"name": "umap", "n_epochs": 100_000}, n2d.StageStore(tmp_path)
    start = time.monotonic()
    with pytest.raises(StoppedError):
        run(Resources(threads, stop=StopAfter(20)), store, manifolder=umap)
    assert time.monotonic() - start < 120
    kept = [store.read(key)[0] for key in store.keys()]  # noqa: SIM118  # not a mapping
    assert [about["role"] for about in kept if "part" not in about] == ["embedder"]


def test_starts_of_a_clusterer_stop():
    with pytest.raises(StoppedError):
        run(Resources(stop=StopAfter(5)), clusterer={"name": "kmeans", "n_init": 50})


def test_a_network_stops_at_the_end_of_an_epoch_when_the_model_is_asked(tmp_path):
    epochs = []

    def ask(event):
        if isinstance(event, EpochFinished):
            epochs.append(event.epoch)
            model.stop()

    network = {"name": "dense_ae", "hidden": [4], "latent_dim": 2, "epochs": 500}
    model = n2d.N2D(**PLAIN | {"embedder": network}, store=tmp_path, listeners=[ask])
    model.stop()  # no fit is running: a no-op
    with pytest.raises(StoppedError, match="asked to stop"):
        model.fit(ROWS)
    assert epochs == [1]
    assert not hasattr(model, "labels_")
    assert not n2d.StageStore(tmp_path).keys()
    assert model.set_params(embedder="pca", listeners=[]).fit(ROWS).n_clusters_ == 3
