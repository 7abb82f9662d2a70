"""A component under examination: what several checks look at is computed once."""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
import numpy as np

from n2d_framework.config import Choice
from n2d_framework.core.options import options_of
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import Rows
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State
from n2d_framework.errors import ConfigError, Problem, did_you_mean
from n2d_framework.plan.compatibility import component_reasons
from n2d_framework.plan.run_step import published_about
from n2d_framework.registry import Entry, default_catalogue
from n2d_framework.testing.check import CheckFailedError, OptionNeededError
from n2d_framework.testing.exercise import exercise, questions
from n2d_framework.testing.process.process_state import Surroundings
from n2d_framework.testing.sample_rows import (
    N_CLUSTERS,
    N_TRAIN,
    WIDTHS,
    changed,
    clouds,
    locked,
    rows_for,
    rows_of,
    take,
)
from n2d_framework.types import AnyArray

__all__ = [
    "SEED",
    "ComponentExamination",
    "Fitted",
    "answers",
    "difference",
    "fit",
    "fresh",
    "kept_state",
    "once",
    "options_for",
    "partner_of",
    "same",
    "with_options",
]

SEED = 7

_Found = TypeVar("_Found")


class once(Generic[_Found]):  # noqa: N801  # a decorator, as cached_property is
    """A property that is computed once, also where that fails: many checks ask for the same."""

    def __init__(self, function: Callable[[Any], _Found]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = f"_once_{name}"

    def __get__(self, exam: Any, owner: type[Any]) -> _Found:
        if exam is None:
            raise AttributeError(self._name)
        kept = vars(exam)
        if self._name not in kept:
            try:
                kept[self._name] = self._function(exam), None
            except Exception as error:  # noqa: BLE001  # raised below, as often as it is asked for
                kept[self._name] = None, (error, error.__traceback__)
        value, failed = kept[self._name]
        if failed is not None:
            raise failed[0].with_traceback(failed[1])
        found: _Found = value
        return found


@attrs.frozen(eq=False)
class Fitted:
    """A fitted component, its training output, and how fitting went.

    `seconds` are those of the clock, or of computing where these are fewer.
    """

    component: Any
    output: Any
    seconds: float
    epochs: list[tuple[Any, Any, Any]]


def fresh(entry: Entry[ComponentSpec]) -> Any:
    """An unfitted component with its small options."""
    return Choice.of(entry, options_for(entry)).filled(N_CLUSTERS).component


def options_for(entry: Entry[ComponentSpec]) -> Mapping[str, Any]:
    """Options that a component is examined with.

    Raises
    ------
    OptionNeededError
        If one that is required is not among them.
    """
    small = entry.spec.small_options
    needed = [
        option.name
        for option in options_of(entry.spec.load())
        if option.default is attrs.NOTHING and option.name not in small
    ]
    if needed:
        flags = " ".join(f"--set {name}=VALUE" for name in needed)
        raise OptionNeededError(
            f"not examined, for {', '.join(needed)} has no default: n2d check-plugin "
            f"{entry.spec.role}/{entry.spec.name} {flags} (options= of run_checks); or announce "
            "small_options"
        )
    return small


def with_options(entry: Entry[ComponentSpec], options: Mapping[str, Any]) -> Entry[ComponentSpec]:
    """The entry with further small options.

    Raises
    ------
    ConfigError
        If it has no such option.
    """
    if not options:
        return entry
    known = [option.name for option in options_of(entry.spec.load())]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ConfigError([Problem(name, did_you_mean(name, known)) for name in unknown])
    small = {**entry.spec.small_options, **options}
    return attrs.evolve(entry, spec=attrs.evolve(entry.spec, small_options=small))


def fit(
    entry: Entry[ComponentSpec],
    component: Any,
    x: Any,
    *,
    n_jobs: int = 1,
    upstream: State | None = None,
    weights: AnyArray | None = None,
) -> Fitted:
    """Fit as the pipeline does; the rows are a read-only copy."""
    epochs: list[tuple[Any, Any, Any]] = []

    def heard(epoch: int, of: int, metrics: Mapping[str, float]) -> None:
        epochs.append((epoch, of, metrics))

    rows = locked(x)
    context = FitContext(
        seed=SEED, n_jobs=n_jobs, epoch_finished=heard, upstream=upstream or {}, weights=weights
    )
    start, computed = time.perf_counter(), _computed()
    output = exercise(component, entry.spec.role, rows, context)
    elapsed, computed = time.perf_counter() - start, _computed() - computed
    # Others may use the machine too; but what mostly waits is not quick for that.
    return Fitted(component, output, min(elapsed, max(computed, elapsed / 5)), epochs)


def _computed() -> float:
    """Seconds of computing of this process and of those that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def partner_of(entry: Entry[ComponentSpec]) -> Entry[ComponentSpec]:
    """An installed embedder that publishes what a component needs, of its own plugin first."""
    found = [
        other
        for other in default_catalogue().components("embedder")
        if set(entry.spec.needs) <= set(other.spec.publishes)
    ]
    if not found:
        names = ", ".join(entry.spec.needs)
        raise CheckFailedError(f"needs {names}, which no installed embedder publishes")
    takes_vectors = [e for e in found if not e.spec.input_kinds or "vector" in e.spec.input_kinds]
    return min(takes_vectors or found, key=lambda other: other.distribution != entry.distribution)


def answers(spec: ComponentSpec, component: Any, x: Any) -> dict[str, AnyArray]:
    """Everything a fitted component says about rows."""
    return dict(questions(spec, component, x))


def same(left: Any, right: Any) -> bool:
    """Return whether two states, or values in them, are equal to the last bit."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        a, b = np.asarray(left), np.asarray(right)
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) or (left != left and right != right)


def kept_state(component: Any) -> dict[str, Any]:
    """A copy of a component's state, without what is written again at each call.

    Objects of other libraries are: their files name addresses in memory.
    """
    first, second = copy.deepcopy(dict(component.get_state())), component.get_state()
    return {key: value for key, value in first.items() if same(value, second.get(key))}


def difference(left: object, right: object) -> str:
    """Difference of two arrays, to be appended to a sentence."""
    a, b = np.asarray(left), np.asarray(right)
    if a.shape != b.shape or a.dtype != b.dtype:
        return f": {a.dtype} {a.shape} and {b.dtype} {b.shape}"
    if a.dtype.kind not in "fiu":
        return ""
    rows = int((a != b).reshape(len(a), -1).any(axis=1).sum()) if a.ndim else int(a != b)
    return f" for {rows} of {len(a)} rows, by up to {np.abs(a - b).max():g}"


@attrs.define(eq=False, slots=False)
class ComponentExamination:
    """Common parts of the checks of one component.

    Attributes
    ----------
    entry : Entry
    folder : Path
        An empty folder for files.
    given : array of shape (n, ...), list of str, frame or Rows, optional
        Rows of the author's, instead of the kit's: three quarters to fit, the rest to ask.
    time_limit : float
        Seconds a fit on small options may take.
    options : mapping
        Options beside the small ones of the entry, which has them already.
    surroundings : Surroundings
        Those before anything was fitted, for the fresh process: a variable or a umask that a fit
        sets here would otherwise be there already.
    """

    entry: Entry[ComponentSpec]
    folder: Path
    given: Any = None
    time_limit: float = 20.0
    options: Mapping[str, Any] = attrs.Factory(dict)
    environment: Surroundings = attrs.field(factory=Surroundings.now, init=False)

    @property
    def spec(self) -> ComponentSpec:
        """Announcements of the plugin."""
        return self.entry.spec

    @once
    def cls(self) -> type[Any]:
        """The component's class."""
        return self.spec.load()

    @once
    def partner(self) -> Entry[ComponentSpec] | None:
        """An embedder that publishes what the component needs; its rows are then the latent."""
        return partner_of(self.entry) if self.spec.needs else None

    @once
    def all_rows(self) -> Any:
        """Rows to fit, then those that are asked about."""
        return self._rows_and_upstream[0]

    @property
    def upstream(self) -> State:
        """Published facts about the rows."""
        return self._rows_and_upstream[1]

    @once
    def _rows_and_upstream(self) -> tuple[Any, State]:
        spec = self.spec if self.partner is None else self.partner.spec
        rows = rows_for(spec) if self.given is None else Rows.of(self.given).given
        if isinstance(rows, np.ndarray) and rows.dtype != object:
            rows = np.ascontiguousarray(rows, dtype=np.float32)
        if self.partner is None:
            return rows, {}
        trained = N_TRAIN if self.given is None else len(rows) * 3 // 4
        training = take(rows, slice(trained))
        embedder = fit(self.partner, fresh(self.partner), training).component
        return embedder.transform(rows), published_about(embedder, spec, {})

    @property
    def n_rows(self) -> int:
        """Number of rows to fit."""
        return N_TRAIN if self.given is None else len(rows_of(self.all_rows)) * 3 // 4

    @once
    def rows(self) -> Any:
        """Rows to fit, as a component is given them."""
        return take(self.all_rows, slice(self.n_rows))

    @once
    def new(self) -> Any:
        """Rows the component was not fitted on."""
        return take(self.all_rows, slice(self.n_rows, None))

    @property
    def n_new(self) -> int:
        """Number of rows that the component was not fitted on."""
        return len(rows_of(self.new))

    @once
    def other(self) -> Any:
        """Other rows to fit, as many."""
        return take(changed(self.all_rows), slice(self.n_rows))

    def fresh(self) -> Any:
        """An unfitted component with its small options."""
        return fresh(self.entry)

    def fit(self, component: Any, x: Any, *, n_jobs: int = 1) -> Fitted:
        """Fit as the pipeline does."""
        return fit(self.entry, component, x, n_jobs=n_jobs, upstream=self.upstream)

    def answers(self, component: Any, x: Any) -> dict[str, AnyArray]:
        """Everything a fitted component says about rows."""
        return answers(self.spec, component, x)

    @once
    def fitted(self) -> Fitted:
        """The component, fitted once."""
        return self.fit(self.fresh(), self.rows)

    @once
    def refitted(self) -> Fitted:
        """The component, fitted on other rows first and then on the same."""
        component = self.fresh()
        self.fit(component, self.other)
        return self.fit(component, self.rows)

    @once
    def answered(self) -> dict[str, AnyArray]:
        """Output of the fitted component for new rows."""
        return self.answers(self.fitted.component, self.new)

    @once
    def wide(self) -> tuple[Any, AnyArray] | None:
        """The component fitted on rows of more features than the kit's, and new rows of as many.

        ``None`` for components that take rows of the data, whose options may be for as many
        features as those have; for components that need what an embedder published, or cannot be
        fitted on rows so wide; and where the author gives the rows.
        """
        spec = self.spec
        takes_rows = role_info(spec.role).takes == "rows"
        if takes_rows or self.partner is not None or self.given is not None:
            return None
        for width in WIDTHS:
            rows, component = clouds(width), self.fresh()
            if component_reasons(spec, component, N_TRAIN, rows.shape[1:]):
                continue
            # A covariance of 67 features takes more rows, for example.
            with contextlib.suppress(Exception):
                self.fit(component, rows[:N_TRAIN])
                return component, rows[N_TRAIN:]
        return None

    @once
    def elsewhere(self) -> Any:
        """Findings of a fresh process."""
        from n2d_framework.testing.fresh_process import examine_elsewhere

        return examine_elsewhere(self)

    @once
    def imported(self) -> list[str]:
        """Heavy libraries that announcing the component and importing its class load."""
        from n2d_framework.testing.fresh_process import heavy_imports

        return heavy_imports(self.entry.distribution, self.spec.factory)
