"""A clusterer that keeps every promise, and for each check one thing that breaks its promise.

``WRONG`` says which breaks which. Announced through :func:`n2d_components` and the other hooks,
as the plugin of the distribution that ``test_kit_can_fail`` installs.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import sys
import time
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from n2d_framework.plugin import (
    ComponentSpec,
    Dataset,
    DatasetSpec,
    MetricSpec,
    StateError,
    check_features,
    component,
    hookimpl,
    learned,
    need,
    option,
    require_fitted,
)


class Colour(Enum):
    RED = 1


def distances(m: Any, centres: Any) -> Any:
    return np.stack([((m - centre) ** 2).sum(axis=1) for centre in centres], axis=1)


@component
class Good:
    """Rows belong to the nearest of rows that lie far apart."""

    n_clusters: int | None = option(None, ge=2, follows="n_clusters", help="How many; 3 if None.")
    shift: float = option(0.0, ge=-1, le=1, help="Added to every centre.")

    centres_: Any = learned()
    labels_: Any = learned()

    def check_input(self, n_rows, row_shape):
        return [] if n_rows >= 5 else [f"needs at least 5 rows, got {n_rows}"]

    def fit(self, m, *, context):
        centres = [m[np.random.default_rng(context.seed).integers(len(m))]]
        while len(centres) < (self.n_clusters or 3):
            centres.append(m[distances(m, np.stack(centres)).min(axis=1).argmax()])
        self.centres_ = np.stack(centres) + np.float32(self.shift)
        self.labels_ = self.predict(m)
        return self

    def predict(self, m):
        centres = require_fitted(self.centres_, "good")
        check_features(m, centres.shape[1], "good")
        return distances(m, centres).argmin(axis=1).astype(np.int64)

    def predict_proba(self, m):
        weights = 1 / (1e-3 + distances(m, require_fitted(self.centres_, "good")))
        return weights / weights.sum(axis=1, keepdims=True)

    def strengths(self, m):
        return self.predict_proba(m).max(axis=1)

    def get_state(self):
        return {"centres": require_fitted(self.centres_, "good")}

    def set_state(self, state):
        centres = need(state, "centres", np.ndarray)
        if centres.ndim != 2:
            raise StateError("centres must be a matrix")
        self.centres_, self.labels_ = centres, None


@component
class NoPrediction:
    """Lacks nearly everything."""

    def fit(self, m, *, context):
        return self


@component
class NoHelp(Good):
    mystery: int = option(1, ge=0, le=9, help="")


@component
class ForgetsOptions(Good):
    """Its own value is not a value the annotation allows."""

    lengths: tuple[int, ...] = option(("short",), help="Lengths.")


@component
class Unbounded(Good):
    """Brings what is beyond its bounds silently back, where it should refuse it."""

    tilt: float = attrs.field(
        default=0.0,
        converter=lambda value: min(max(value, -1.0), 1.0),
        metadata={"n2d": {"help": "An angle.", "ge": -1, "le": 1}},
    )


@component
class RewritesOptions(Good):
    def fit(self, m, *, context):
        super().fit(m, context=context)
        self.shift = 0.5
        return self


@component
class FloatLabels(Good):
    def predict(self, m):
        return super().predict(m).astype(np.int32)


@component
class InventsLabels(Good):
    def predict(self, m):
        return np.where(np.abs(m).max(axis=1) > 100, 99, super().predict(m))


@component
class TurnsLabels(Good):
    """Labels of the training rows in another order than theirs."""

    def fit(self, m, *, context):
        return super().fit(m[::-1], context=context)


@component
class ImproperShares(Good):
    def predict_proba(self, m):
        return 2 * super().predict_proba(m)


@component
class TooStrong(Good):
    def strengths(self, m):
        return 2 * super().strengths(m)


@component
class MutteredEpochs(Good):
    def fit(self, m, *, context):
        context.epoch_finished(2, 2, {"loss": 1.0})
        return super().fit(m, context=context)


@component
class Slow(Good):
    def fit(self, m, *, context):
        end = time.process_time() + 0.6
        while time.process_time() < end:
            pass
        return super().fit(m, context=context)


@component
class DependsOnThreads(Good):
    def fit(self, m, *, context):
        super().fit(m, context=context)
        self.labels_ = (self.labels_ + context.n_jobs) % (self.n_clusters or 3)
        return self


@component
class Remembers(Good):
    seen_: Any = learned()

    def fit(self, m, *, context):
        self.seen_ = (self.seen_ or 0) + 1
        return super().fit(m, context=context)

    def get_state(self):
        return {**super().get_state(), "seen": self.seen_}


@component
class Shares(Good):
    """Keeps what it learns in its class."""

    kept: ClassVar[dict[str, Any]] = {}

    def fit(self, m, *, context):
        super().fit(m, context=context)
        self.kept["offset"] = m[0]
        return self

    def predict(self, m):
        return super().predict(m - self.kept.get("offset", 0))


@component
class ObjectState(Good):
    kept = object()

    def get_state(self):
        return {**super().get_state(), "object": type(self).kept}


@component
class StateOutside(Good):
    """The state lacks something that prediction needs."""

    secret_: Any = learned()

    def fit(self, m, *, context):
        self.secret_ = 1
        return super().fit(m, context=context)

    def predict(self, m):
        return (super().predict(m) + (self.secret_ or 0)) % (self.n_clusters or 3)


@component
class TrustsFiles(Good):
    def set_state(self, state):
        self.centres_ = np.asarray(state["centres"])


@component
class Overwrites(Good):
    def fit(self, m, *, context):
        super().fit(m, context=context)
        if m.flags.writeable:
            m[:1] = 0
        return self


@component
class PromisesTooFew(Good):
    def check_input(self, n_rows, row_shape):
        return []

    def fit(self, m, *, context):
        if len(m) < 10:
            raise RuntimeError("too few rows")
        return super().fit(m, context=context)


@component
class DependsOnCompany(Good):
    def predict(self, m):
        return super().predict(m - m.mean(axis=0))


@component
class AnswersUnfitted(Good):
    def predict(self, m):
        if self.centres_ is None:
            return np.zeros(len(m), dtype=np.int64)
        return super().predict(m)


@component
class TakesAnyWidth(Good):
    def predict(self, m):
        width = require_fitted(self.centres_, "good").shape[1]
        return super().predict(np.resize(m, (len(m), width)).astype(np.float32))


@component
class TiresOut(Good):
    """Fails as soon as it is asked about a list's rows a third time."""

    asked_: Any = learned()

    def predict(self, m):
        self.asked_ = (self.asked_ or 0) + 1
        return (super().predict(m) + (self.asked_ > 2)) % (self.n_clusters or 3)


@component
class Nuisance(Good):
    """Does everything to the process around it that it should not."""

    def fit(self, m, *, context):
        random.seed(1)
        np.random.seed(context.seed)  # noqa: NPY002
        print("fitting")
        logging.getLogger().addHandler(logging.StreamHandler())
        Path("left_behind.txt").write_text("here")
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=0.2).close()
        except OSError:
            sys.stdout.write("no one there\n")
        return super().fit(m, context=context)


WRONG: dict[str, str] = {
    "import_is_light": "wrong_heavy:Heavy",
    "summary": "wrong_plugins:Good",
    "abilities": "wrong_plugins:NoPrediction",
    "options_described": "wrong_plugins:NoHelp",
    "options_round_trip": "wrong_plugins:ForgetsOptions",
    "options_bounded": "wrong_plugins:Unbounded",
    "clone_and_params": "wrong_plugins:RewritesOptions",
    "output": "wrong_plugins:FloatLabels",
    "known_labels": "wrong_plugins:InventsLabels",
    "probabilities": "wrong_plugins:ImproperShares",
    "strengths": "wrong_plugins:TooStrong",
    "epochs": "wrong_plugins:MutteredEpochs",
    "quick": "wrong_plugins:Slow",
    "same_seed": "wrong_plugins:DependsOnThreads",
    "refit_forgets": "wrong_plugins:Remembers",
    "components_are_independent": "wrong_plugins:Shares",
    "state_is_plain": "wrong_plugins:ObjectState",
    "state_round_trip": "wrong_plugins:StateOutside",
    "state_refuses_damage": "wrong_plugins:TrustsFiles",
    "input_unchanged": "wrong_plugins:Overwrites",
    "fewest_rows": "wrong_plugins:PromisesTooFew",
    "batch_invariance": "wrong_plugins:DependsOnCompany",
    "not_fitted": "wrong_plugins:AnswersUnfitted",
    "wrong_width": "wrong_plugins:TakesAnyWidth",
    "in_a_model": "wrong_plugins:TiresOut",
    **dict.fromkeys(
        ("global_seeds", "prints_nothing", "log_handlers", "files", "network"),
        "wrong_plugins:Nuisance",
    ),
}


def name_of(factory: str) -> str:
    return f"wrong_{factory.partition(':')[2].lower()}"


@hookimpl
def n2d_components():
    yield ComponentSpec(
        role="clusterer", name="good", factory="wrong_plugins:Good", summary="Right", soft=True
    )
    for factory in dict.fromkeys([*WRONG.values(), "wrong_plugins:TurnsLabels"]):
        summary = "Two\nlines" if factory == WRONG["summary"] else "Wrong"
        yield ComponentSpec(
            role="clusterer", name=name_of(factory), factory=factory, summary=summary, soft=True
        )


DATASETS = ("light", "described", "obtainable", "rows", "repeats", "prints", "disturbs")
CALLS: list[int] = []


def rows(**changed: Any) -> Dataset:
    x = np.arange(12.0).reshape(6, 2)
    return Dataset(**({"name": "good_set", "x": x, "y": np.arange(6) % 2} | changed))


def too_many() -> Dataset:
    return rows(name="wrong_rows", x=np.zeros((7, 2)))


def another() -> Dataset:
    CALLS.append(1)
    return rows(name="wrong_repeats", x=np.full((6, 2), len(CALLS)))


def disturb() -> None:
    np.random.seed(0)  # noqa: NPY002  # that is what is wrong
    os.environ.setdefault("N2D_DISTURBED", "1")
    os.chdir(Path.cwd().parent)
    logging.basicConfig()


def disturbing() -> Dataset:
    disturb()
    return rows(name="wrong_disturbs")


def chatty() -> Dataset:
    print("loading")
    return rows(name="wrong_prints")


@hookimpl
def n2d_datasets():
    about = {"n_rows": 6, "row_shape": (2,), "n_classes": 2, "licence": "CC0", "source": "here"}
    right = {"summary": "Six rows", "embedded": True, "loader": "wrong_plugins:rows", **about}
    yield DatasetSpec(name="good_set", **right)
    changes: dict[str, dict[str, Any]] = {
        "light": {"loader": "wrong_heavy:load"},
        "described": {"licence": ""},
        "obtainable": {"embedded": False},
        "rows": {"loader": "wrong_plugins:too_many"},
        "repeats": {"loader": "wrong_plugins:another"},
        "prints": {"loader": "wrong_plugins:chatty"},
        "disturbs": {"loader": "wrong_plugins:disturbing"},
    }
    for name in DATASETS:
        yield DatasetSpec(name=f"wrong_{name}", **(right | changes[name]))
    yield DatasetSpec(name="wrong_address", **(right | {"embedded": False, "files": ("rows.csv",)}))


def agreement(y_true: Any, labels: Any) -> float:
    together = labels[:, None] == labels
    return float(np.mean(together == (y_true[:, None] == y_true)))


def no_number(y_true: Any, labels: Any) -> float:
    return float("nan")


def upside_down(y_true: Any, labels: Any) -> float:
    return -agreement(y_true, labels)


def by_name(y_true: Any, labels: Any) -> float:
    return float(np.mean(y_true == labels))


def talkative(y_true: Any, labels: Any) -> float:
    print("scoring")
    return agreement(y_true, labels)


def disturbing_score(y_true: Any, labels: Any) -> float:
    disturb()
    return agreement(y_true, labels)


def of_four(y_true: Any, labels: Any) -> float:
    return float(np.mean([np.bincount(y_true[labels == k]).max() for k in range(4)]))


def largest(coordinates: Any, labels: Any) -> float:
    return float(np.unique(labels, return_counts=True)[1].max())


METRICS = {
    "good_score": "wrong_plugins:agreement",
    "wrong_light": "wrong_heavy:score",
    "acc": "wrong_plugins:agreement",
    "wrong_number": "wrong_plugins:no_number",
    "wrong_direction": "wrong_plugins:upside_down",
    "wrong_groups": "wrong_plugins:by_name",
    "wrong_prints": "wrong_plugins:talkative",
    "wrong_disturbs": "wrong_plugins:disturbing_score",
    "wrong_labels": "wrong_plugins:of_four",
}


@hookimpl
def n2d_metrics():
    for name, function in METRICS.items():
        yield MetricSpec(name=name, function=function, summary="A score")
    yield MetricSpec(
        name="largest", function="wrong_plugins:largest", summary="Rows of the largest cluster",
        needs_truth=False, greater_is_better=None,
    )  # fmt: skip


class GoodTracker:
    """Keeps what it hears, by run."""

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = {}

    @hookimpl
    def n2d_run_started(self, event):
        self.heard[event.run_id] = []

    @hookimpl
    def n2d_run_finished(self, event):
        self.heard.pop(event.run_id)


class RefusesRuns(GoodTracker):
    @hookimpl
    def n2d_run_started(self, event):
        raise KeyError("seed")


class RefusesFailures(GoodTracker):
    @hookimpl
    def n2d_run_finished(self, event):
        if event.error is not None:
            raise RuntimeError(event.error)


class RefusesFailedCells(GoodTracker):
    @hookimpl
    def n2d_cell_finished(self, event):
        self.heard[event.cell] = [event.scores["acc"]]


class OneAtATime(GoodTracker):
    @hookimpl
    def n2d_run_started(self, event):
        if self.heard:
            raise RuntimeError("there is a run already")
        super().n2d_run_started(event)


class Meddles(GoodTracker):
    @hookimpl
    def n2d_run_started(self, event):
        event.composition.clear()


class Talks(GoodTracker):
    @hookimpl
    def n2d_run_finished(self, event):
        print("done")


class Writes(GoodTracker):
    """Only for the kit's runs: it is installed for all tests of a module."""

    @hookimpl
    def n2d_run_finished(self, event):
        if event.run_id == "unasked":
            Path("runs.log").write_text(event.run_id)


class Disturbs(GoodTracker):
    @hookimpl
    def n2d_run_finished(self, event):
        if event.run_id in ("first", "second"):
            disturb()


WRITES, DISTURBS = Writes(), Disturbs()
GOOD_TRACKER, REFUSES_RUNS, REFUSES_FAILURES = GoodTracker(), RefusesRuns(), RefusesFailures()
ONE_AT_A_TIME, MEDDLES, TALKS = OneAtATime(), Meddles(), Talks()
REFUSES_FAILED_CELLS = RefusesFailedCells()
TRACKERS = {
    "good_tracker": "GOOD_TRACKER",
    "wrong_run": "REFUSES_RUNS",
    "wrong_failure": "REFUSES_FAILURES",
    "wrong_comparison": "REFUSES_FAILED_CELLS",
    "wrong_two": "ONE_AT_A_TIME",
    "wrong_change": "MEDDLES",
    "wrong_print": "TALKS",
    "wrong_file": "WRITES",
    "wrong_disturbance": "DISTURBS",
}
