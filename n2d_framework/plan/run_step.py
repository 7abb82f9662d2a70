"""run_step: the one place where a component is fitted, or found in the store."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.arrays.single_precision import in_float32
from n2d_framework.core.events import EpochFinished, EventSink, StageFinished, StageStarted
from n2d_framework.core.protocols import FitContext, PartFits
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import Rows, Schema
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, check_state
from n2d_framework.errors import (
    BundleError,
    CollapseWarning,
    CompositionError,
    DataError,
    N2DError,
    StageError,
    StateError,
    StoreWarning,
)
from n2d_framework.plan.collapse import check_collapse
from n2d_framework.plan.compatibility import (
    component_reasons,
    component_shape,
    kind_reasons,
    refuse_missing,
)
from n2d_framework.plan.equal_rows import share_among_equal_rows
from n2d_framework.plan.out_of_core import fitted_out_of_core
from n2d_framework.plan.parts import Parts
from n2d_framework.plan.preparing import prepared
from n2d_framework.plan.steps import Step
from n2d_framework.plan.store import OptionalStore, StageStore
from n2d_framework.plan.store.entries import (
    checked_output,
    last_losses,
    read_entry,
    warn_of_damage,
    with_state,
)
from n2d_framework.types import AnyArray, Role

__all__ = ["Edge", "RunContext", "StepResult", "fit_component", "published_about", "run_step"]

logger = logging.getLogger(__name__)


def _wrapped(rows: Any) -> Rows:
    return Rows.wrap(rows)


@attrs.frozen(eq=False)
class Edge:
    """Values that one step hands to the next.

    Attributes
    ----------
    rows : Rows
        Rows, or coordinates: what steps before the labels gave last, with the ids and weights of
        the data. An array is taken for dense rows.
    key : str
        Content key of the step that gave it; of the data, their fingerprint.
    labels : array of shape (n,), int64, or None
        What steps have given of labels.
    published : State
        What the steps before have published about `rows`.
    """

    rows: Rows = attrs.field(repr=False, converter=_wrapped)
    key: str
    labels: AnyArray | None = attrs.field(default=None, repr=False)
    published: State = attrs.field(factory=dict, repr=False)

    def rows_for(self, step: Step, *, fitting: bool = False) -> Rows:
        """The rows in the shape and type that a step takes.

        Parameters
        ----------
        step : Step
        fitting : bool, default False
            Whether columns that collapse in float32 are refused.

        Raises
        ------
        DataError
            If the step does not take sparse rows, or missing values, and would get some.
        """
        rows, storage = self.rows, self.rows.storage
        if storage == "columns":
            refuse_missing(step.spec, rows)
            return rows
        if storage == "sparse":
            if not step.spec.sparse:
                raise DataError(kind_reasons([step.spec], rows)[0])
            if step.prepares or rows.values.dtype == np.float32:
                return rows
            return attrs.evolve(rows, values=rows.values.astype(np.float32))
        shape = component_shape(step.spec.input, rows.row_shape)
        values = rows.values
        if values.shape[1:] != shape:
            values = values.reshape(len(values), *shape)
        if not step.prepares and values.dtype != np.float32:  # no step has prepared them
            values = in_float32(values, fitting=fitting)
        if values is rows.values:
            return rows
        return attrs.evolve(rows, values=values, schema=Schema())

    def of(self, step: Step) -> tuple[Any, ...]:
        """Input of a step: what :meth:`rows_for` gives it, and labels if there are any.

        Parameters
        ----------
        step : Step
        """
        given = self.rows_for(step).given
        return (given,) if self.labels is None else (given, self.labels)

    def first(self, n_rows: int) -> Edge:
        """The first rows, with their labels."""
        labels = None if self.labels is None else self.labels[:n_rows]
        return attrs.evolve(self, rows=self.rows.take(slice(n_rows)), labels=labels)

    def after(self, output: Any, key: str = "", published: State | None = None) -> Edge:
        """Values handed on after a step: its coordinates, or its labels and the coordinates.

        Parameters
        ----------
        output : array, CSR array or Rows
            What the step gave.
        key : str
            Its content key.
        published : State, optional
            What is known about coordinates.
        """
        if getattr(output, "ndim", 2) == 1:
            return attrs.evolve(self, key=key, labels=output)
        rows = Rows.wrap(output)
        if self.rows.ids is not None or self.rows.weights is not None:
            rows = attrs.evolve(rows, ids=self.rows.ids, weights=self.rows.weights)
        return Edge(rows, key, None, published or {})


@attrs.frozen(eq=False)
class StepResult:
    """A fitted step.

    Attributes
    ----------
    step : Step
    key : str
        Content key.
    component : object
        The fitted component.
    output : array, CSR array or Rows
        Prepared rows, training coordinates (n, d) float32, or labels (n,) int64.
    seconds : float
        How long fitting took, when it was fitted.
    cached : bool
        Whether it was taken from the store in this run.
    published : State
        What is known to later steps about the output.
    warnings : tuple of str
        What was warned of the training, given again whenever the result is used.
    took : float
        Seconds in this run, of fitting or of reading it.
    """

    step: Step
    key: str
    component: Any = attrs.field(repr=False)
    output: Any = attrs.field(repr=False)
    seconds: float
    cached: bool
    published: State = attrs.field(factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    took: float = 0.0

    def without_rows(self) -> StepResult:
        """The result without its output: prepared rows are as large as the data."""
        shape = Rows.wrap(self.output).row_shape
        return attrs.evolve(self, output=np.empty((0, *shape), np.float32))


@attrs.frozen(eq=False)
class RunContext:
    """Context that all steps of a run share.

    Attributes
    ----------
    run_id : str
        Identifies the run in its events.
    sink : callable
        Gets the events.
    resources : Resources
        Threads that a component may use, and when the run has to end.
    store : StageStore or None
        Asked before a step is fitted; gets its result afterwards.
    recent : mapping of key to StepResult
        Results in memory, asked before the store.
    notes : callable
        Asked after each fit for plain values to be kept beside its result.
    outputs_of_code : bool, default False
        Whether the store keeps what components gave that import code: coordinates or labels.
        Their state it never keeps, so that they are fitted again whenever a model is needed.
    part_fits : PartFits or None
        What refine components may ask for fits on some of the rows.
    """

    run_id: str
    sink: EventSink
    resources: Resources = attrs.field(factory=Resources)
    store: StageStore | None = None
    recent: Mapping[str, StepResult] = attrs.field(factory=dict)
    notes: Callable[[], Mapping[str, Any]] = dict
    outputs_of_code: bool = False
    part_fits: PartFits | None = None

    def store_of(self, step: Step) -> StageStore | None:
        """The store, unless it does not keep the step's state."""
        return None if step.prepares or step.spec.imports_code else self.store


def run_step(step: Step, edge: Edge, seed: int, context: RunContext) -> StepResult:
    """Fit a component, or take the result from the store.

    Parameters
    ----------
    step : Step
    edge : Edge
        What the steps before have given.
    seed : int
        The step's seed.
    context : RunContext

    Returns
    -------
    StepResult

    Raises
    ------
    StageError
        If the component fails or returns something unusable, such as the same coordinates
        for all rows; or is not done by the deadline.
    StoppedError
        If the run is asked to stop.
    """
    key = step.key(edge.key, seed)
    sink = _silent if step.prepares else context.sink
    about = (context.run_id, key, step.role, step.spec.name)
    sink(StageStarted(*about))
    start = time.perf_counter()
    try:
        result = _known(step, key, len(edge.rows), context)
        if result is None:
            context.resources.check()
            result = _fitted(step, edge, key, seed, context)
            _keep(result, seed, context)
        else:
            for text in result.warnings:
                warnings.warn(text, CollapseWarning, stacklevel=2)
    except BaseException as error:
        took = time.perf_counter() - start
        sink(StageFinished(*about, took, error=f"{type(error).__name__}: {error}"))
        if isinstance(error, N2DError) or not isinstance(error, Exception):
            raise
        missing = isinstance(error, ImportError) and step.spec.extra
        raise StageError(
            f"{step.title} failed: {type(error).__name__}: {error}"
            + (f"; install {step.spec.extra}" if missing else "")
        ) from error
    took = time.perf_counter() - start
    sink(StageFinished(*about, took, cached=result.cached))
    return attrs.evolve(result, took=took)


def _silent(event: object) -> None:
    """No-op."""


def _fitted(step: Step, edge: Edge, key: str, seed: int, context: RunContext) -> StepResult:
    def epoch_finished(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        about = (context.run_id, key, step.role, step.spec.name)
        context.sink(EpochFinished(*about, epoch, epochs, dict(metrics)))
        context.resources.check()

    start = time.perf_counter()
    component = step.fresh()
    parts = Parts(context.store_of(step), step.entry, edge.key, seed, step.code)
    about = FitContext(
        seed=seed,
        epoch_finished=epoch_finished,
        upstream=edge.published,
        remember=parts.remember,
        resources=context.resources,
        ids=edge.rows.ids,
        weights=edge.rows.weights,
        part_fits=context.part_fits if step.role == "refine" else None,
    )
    rows = edge.rows_for(step, fitting=True)
    inputs = (rows.given,) if edge.labels is None else (rows.given, edge.labels)
    if role_info(step.role).takes == "rows":
        reasons = component_reasons(step.spec, component, len(rows), edge.rows.row_shape)
        if reasons:
            raise CompositionError("; ".join(reasons))
    with CollapseWarning.noted() as noted:
        if context.resources.scratch is not None:
            output = fitted_out_of_core(step, component, rows, inputs, about)
        else:
            if step.prepares:
                component.fit(*inputs, context=about)
                output = prepared(step, component, rows, fitting=True)
            else:
                output = fit_component(component, step.role, *inputs, context=about)
            output = checked_output(output, step.spec, len(rows))
            if not step.prepares:
                output = share_among_equal_rows(output, rows.identity())
                check_collapse(output, rows.identity(), component, step.spec, stacklevel=3)
    published = published_about(component, step.spec, edge.published)
    seconds = time.perf_counter() - start
    return StepResult(
        step, key, component, output, seconds, False, published, tuple(dict.fromkeys(noted))
    )


def _known(step: Step, key: str, n_rows: int, context: RunContext) -> StepResult | None:
    if key in context.recent:
        return attrs.evolve(context.recent[key], cached=True)
    store = context.store_of(step)
    if store is None:
        return None
    try:
        found = store.read(key)
        if found is None:
            return None
        kept = read_entry(found, step.spec, n_rows)
        fitted = with_state(step.prototype, kept.state or {})
    except (BundleError, StateError, StageError) as error:
        warn_of_damage(store, key, error, stacklevel=3)
        return None
    start = f"{CollapseWarning.__name__}: "
    noted = tuple(text.removeprefix(start) for text in kept.warnings if text.startswith(start))
    return StepResult(step, key, fitted, kept.output, kept.seconds, True, kept.published, noted)


def _keep(result: StepResult, seed: int, context: RunContext) -> None:
    step, store, foreign = result.step, context.store, result.step.spec.imports_code
    if store is None or step.prepares or (foreign and not context.outputs_of_code):
        return
    manifest = {
        "role": step.role,
        "component": step.name,
        "version": step.entry.version,
        "options": dict(step.options),
        "seed": seed,
        "seconds": result.seconds,
        "losses": last_losses(result.component),
        "warnings": [f"{CollapseWarning.__name__}: {text}" for text in result.warnings],
        **context.notes(),
    }
    try:
        parts: dict[str, State] = {} if foreign else {"state": result.component.get_state()}
        parts["output"] = {"values": result.output}
        if result.published:
            parts["published"] = result.published
        store.write(result.key, manifest, parts)
    except Exception as error:
        if not isinstance(store, OptionalStore):
            raise
        # The fit is done and good; the next save says what is wrong.
        warnings.warn(
            f"{step.title} cannot be kept in the store: {error}", StoreWarning, stacklevel=3
        )


def fit_component(component: Any, role: Role, *inputs: AnyArray, context: FitContext) -> Any:
    """Fit, and return what the component gives for the training rows.

    Parameters
    ----------
    component : object
        Unfitted.
    role : str
    *inputs : arrays
        What the role takes.
    context : FitContext
    """
    info = role_info(role)
    if "fit_transform" in info.optional and hasattr(component, "fit_transform"):
        return component.fit_transform(*inputs, context=context)
    component.fit(*inputs, context=context)
    labels = getattr(component, "labels_", None) if "labels_" in info.optional else None
    return getattr(component, info.verb)(*inputs) if labels is None else labels


def published_about(component: Any, spec: ComponentSpec, before: State) -> State:
    """Published facts about a component's output, for later stages.

    Parameters
    ----------
    component : object
        Fitted.
    spec : ComponentSpec
    before : State
        What is known about its input.

    Raises
    ------
    StageError
        If it publishes something else than its spec announces.
    """
    own: State = component.published() if spec.publishes else {}
    if set(own) != set(spec.publishes):
        raise StageError(
            f"{spec.role} {spec.name!r} published {', '.join(sorted(own)) or 'nothing'}, "
            f"announced were {', '.join(spec.publishes)}"
        )
    check_state(own)
    return {**(before if spec.passes_on else {}), **own}
