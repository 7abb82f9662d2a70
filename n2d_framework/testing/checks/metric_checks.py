"""Checks of a metric."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np

from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.scores import is_taken
from n2d_framework.errors import ComponentImportError
from n2d_framework.registry import Entry
from n2d_framework.testing.check import CheckFailedError, Checks, demand
from n2d_framework.testing.checks.effects import ALONE, no_effects
from n2d_framework.testing.examination import once
from n2d_framework.testing.fresh_process import heavy_imports
from n2d_framework.testing.process.process_state import Surroundings
from n2d_framework.testing.process.side_effects import watched
from n2d_framework.types import AnyArray

__all__ = ["CHECKS", "MetricExamination"]

CHECKS = Checks()


@attrs.define(eq=False, slots=False)
class MetricExamination:
    """Common parts of the checks of a metric: four clouds, their classes, a random labelling."""

    entry: Entry[MetricSpec]
    printed: list[str] = attrs.field(factory=list)

    @once
    def function(self) -> Callable[[AnyArray, AnyArray], float]:
        """The function."""
        return self.entry.spec.load()

    @once
    def truth(self) -> AnyArray:
        """Classes of 80 rows."""
        return np.arange(80, dtype=np.int64) % 4

    @once
    def first(self) -> AnyArray:
        """The first argument: classes, or coordinates."""
        if self.entry.spec.needs_truth:
            return self.truth
        rng = np.random.default_rng(5)
        points = 8 * np.eye(4)[self.truth] + rng.normal(size=(80, 4))
        return np.asarray(points, dtype=np.float32)

    @once
    def random(self) -> AnyArray:
        """Labels that have nothing to do with the rows."""
        return np.random.default_rng(6).permutation(self.truth)

    def score(self, first: AnyArray, labels: AnyArray) -> float:
        """Call the function with arrays that cannot be written to."""
        locked = []
        for array in (first, labels):
            copy = array.copy()
            copy.setflags(write=False)
            locked.append(copy)
        with watched(importing=True, auditing=False) as effects:  # puts back what it changes
            found = self.function(*locked)
        self.printed += effects.printed
        return found


@CHECKS.add("announcing it and importing its function loads no heavy library")
def metric_import_is_light(exam: MetricExamination) -> None:
    """Import in a fresh process."""
    found = heavy_imports(exam.entry.distribution, exam.entry.spec.function)
    demand(not found, f"importing loads {', '.join(found)}; import such libraries in functions")


@CHECKS.add("its name is that of no score or column of the framework")
def metric_has_its_own_name(exam: MetricExamination) -> None:
    """Look at the name."""
    name = exam.entry.spec.name
    text = f"{name!r} is a score or a column of the framework; choose another name"
    demand(not is_taken(name), text)


@CHECKS.add("it is a finite number, the same at every call, and changes nothing")
def metric_is_a_number(exam: MetricExamination) -> None:
    """Score twice."""
    first, second = (exam.score(exam.first, exam.random) for _ in range(2))
    demand(isinstance(first, (float, np.floating)), f"returns a {type(first).__name__}, no float")
    demand(math.isfinite(first), f"returns {first}")
    demand(first == second, f"returns {first}, then {second}")


@CHECKS.add("the true classes score better than chance, in the announced direction", "directed")
def metric_direction(exam: MetricExamination) -> None:
    """Compare the truth with a random labelling."""
    best, chance = exam.score(exam.first, exam.truth), exam.score(exam.first, exam.random)
    sign = 1 if exam.entry.spec.greater_is_better else -1
    demand(sign * (best - chance) > 0, f"the truth scores {best:g}, chance {chance:g}")


@CHECKS.add("the names of clusters and the order of rows do not matter")
def metric_is_about_groups(exam: MetricExamination) -> None:
    """Rename clusters, and shuffle rows."""
    plain = exam.score(exam.first, exam.random)
    renamed = exam.score(exam.first, np.array([2, 0, 3, 1])[exam.random])
    demand(math.isclose(plain, renamed, rel_tol=1e-6, abs_tol=1e-9), "renaming clusters matters")
    order = np.random.default_rng(8).permutation(len(exam.truth))
    shuffled = exam.score(exam.first[order], exam.random[order])
    demand(math.isclose(plain, shuffled, rel_tol=1e-6, abs_tol=1e-9), "the order of rows matters")


@CHECKS.add("it takes any number of clusters, and noise")
def metric_takes_any_labels(exam: MetricExamination) -> None:
    """Score one cluster, fewer and more than there are classes, and labels with noise."""
    n = len(exam.truth)
    cases = {
        "one cluster": np.zeros(n, dtype=np.int64),
        "fewer clusters than classes": exam.random // 2,
        "more clusters than classes": exam.random + 4 * (np.arange(n) % 3),
        "noise": np.where(np.arange(n) % 5 == 0, -1, exam.random),
        "nothing but noise": np.full(n, -1, dtype=np.int64),
    }
    for what, labels in cases.items():
        try:
            found = exam.score(exam.first, labels)
        except ComponentImportError:
            raise
        except Exception as error:
            name = type(error).__name__
            text = f"labels with {what} give {name}: {error}; return NaN where there is no score"
            raise CheckFailedError(text) from error
        demand(isinstance(found, (float, np.floating)), f"returns {found!r} for {what}, no float")


@CHECKS.add("scoring leaves the process around it alone")
def metric_leaves_process_alone(exam: MetricExamination) -> None:
    """Score again, when everything is imported, and look at seeds, threads, settings, warnings."""
    exam.score(exam.first, exam.random)
    with Surroundings.stirred(), watched(auditing=False) as effects:
        exam.function(exam.first.copy(), exam.random.copy())
    no_effects(attrs.asdict(effects), *ALONE, "survivors", "warnings")


@CHECKS.add("scoring prints nothing")
def metric_prints_nothing(exam: MetricExamination) -> None:
    """Look at what is said."""
    exam.score(exam.first, exam.random)
    demand(not exam.printed, f"prints {' '.join(exam.printed)[:200]!r}")
