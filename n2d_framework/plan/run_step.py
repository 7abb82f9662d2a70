"""run_stage: the one place where a component is fitted."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from n2d_framework.core.code import code_of
from n2d_framework.core.events import EpochFinished, EventSink, StageFinished, StageStarted
from n2d_framework.core.options import options_dict
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.state import State, check_state
from n2d_framework.errors import BundleError, N2DError, StageError, StateError, StoreWarning
from n2d_framework.plan.collapse import check_collapse
from n2d_framework.plan.store.entries import (
    checked_output,
    last_losses,
    read_entry,
    warn_of_damage,
    with_state,
)
from n2d_framework.plan.equal_rows import share_among_equal_rows
from n2d_framework.plan.keys import stage_key
from n2d_framework.plan.parts import Parts
from n2d_framework.plan.store.stage_store import OptionalStore, StageStore
from n2d_framework.registry import Entry
from n2d_framework.types import AnyArray, Role

__all__ = [
    "StageResult",
    "StageRunner",
    "fit_component",
    "published_about",
]

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class StageResult:
    """A fitted stage.

    Attributes
    ----------
    key : str
        Content key.
    entry : Entry
    component : object
        The fitted component.
    output : array
        Training coordinates (n, d) float32, or labels (n,) int64.
    seconds : float
        How long fitting took, when it was fitted.
    cached : bool
        Whether it was taken from the store in this run.
    published : State
        What is known to later stages about the output.
    """

    key: str
    entry: Entry[ComponentSpec]
    component: Any = attrs.field(repr=False)
    output: AnyArray = attrs.field(repr=False)
    seconds: float
    cached: bool
    published: State = attrs.field(factory=dict, repr=False)


@attrs.frozen(eq=False)
class StageRunner:
    """Runs the stages of one composition.

    Attributes
    ----------
    run_id : str
    sink : callable
        Gets the events.
    n_jobs : int
        Threads a component may use.
    store : StageStore or None
        Asked before fitting, told afterwards.
    recent : mapping
        Results at hand, by key, asked before the store.
    notes : callable
        Asked after each fit for plain values to be kept beside its result.
    outputs_of_code : bool, default False
        Whether the store keeps what components gave that import code: coordinates or labels.
        Their state it never keeps, so that they are fitted again whenever a model is needed.
    """

    run_id: str
    sink: EventSink
    n_jobs: int = 1
    store: StageStore | None = None
    recent: Mapping[str, StageResult] = attrs.field(factory=dict)
    notes: Callable[[], Mapping[str, Any]] = dict
    outputs_of_code: bool = False

    def run_stage(
        self,
        entry: Entry[ComponentSpec],
        component: Any,
        x: AnyArray,
        upstream: str,
        seed: int,
        published: State | None = None,
    ) -> StageResult:
        """Fit a component, or take the result from the store.

        Parameters
        ----------
        entry : Entry
            The component in the catalogue.
        component : object
            A fresh, unfitted instance.
        x : array
            Its input, as the role's protocol says.
        upstream : str
            Key of the stage before, or fingerprint of the data.
        seed : int
            The stage's seed.
        published : State, optional
            What the stages before have published about `x`.

        Returns
        -------
        StageResult

        Raises
        ------
        StageError
            If the component fails or returns something unusable, such as the same coordinates
            for all rows.
        """
        spec = entry.spec
        code = code_of(spec, component)
        key = stage_key(upstream, entry, options_dict(component), seed, code)
        about = (self.run_id, key, spec.role, spec.name)
        self.sink(StageStarted(*about))
        start = time.perf_counter()
        try:
            result = self._known(key, entry, component, len(x))
            if result is None:
                before = published or {}
                parts = Parts(self._usable_store(entry), entry, upstream, seed, code)
                context = attrs.evolve(
                    self._context(about, seed), upstream=before, remember=parts.remember
                )
                output = fit_component(component, spec.role, x, context)
                output = share_among_equal_rows(checked_output(output, spec, len(x)), x)
                check_collapse(output, x, component, spec)
                told = published_about(component, spec, before)
                seconds = time.perf_counter() - start
                result = StageResult(key, entry, component, output, seconds, False, told)
                self._keep(result, seed)
        except BaseException as error:
            took = time.perf_counter() - start
            self.sink(StageFinished(*about, took, error=f"{type(error).__name__}: {error}"))
            if isinstance(error, N2DError) or not isinstance(error, Exception):
                raise
            missing = isinstance(error, ImportError) and spec.extra
            raise StageError(
                f"{spec.role} {spec.name!r} failed: {type(error).__name__}: {error}"
                + (f"; install {spec.extra}" if missing else "")
            ) from error
        self.sink(StageFinished(*about, time.perf_counter() - start, cached=result.cached))
        return result

    def _context(self, about: tuple[str, str, Role, str], seed: int) -> FitContext:
        def epoch_finished(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
            self.sink(EpochFinished(*about, epoch, epochs, dict(metrics)))

        return FitContext(seed=seed, n_jobs=self.n_jobs, epoch_finished=epoch_finished)

    def _known(
        self, key: str, entry: Entry[ComponentSpec], component: Any, n_rows: int
    ) -> StageResult | None:
        if key in self.recent:
            return attrs.evolve(self.recent[key], cached=True)
        store = self._usable_store(entry)
        if store is None:
            return None
        try:
            found = store.read(key)
            if found is None:
                return None
            kept = read_entry(found, entry.spec, n_rows)
            fitted = with_state(component, kept.state or {})
        except (BundleError, StateError, StageError) as error:
            warn_of_damage(store, key, error, stacklevel=2)
            return None
        return StageResult(key, entry, fitted, kept.output, kept.seconds, True, kept.published)

    def _keep(self, result: StageResult, seed: int) -> None:
        foreign = result.entry.spec.imports_code
        if self.store is None or (foreign and not self.outputs_of_code):
            return
        manifest = {
            "role": result.entry.spec.role,
            "component": result.entry.qualified_name,
            "version": result.entry.version,
            "options": options_dict(result.component),
            "seed": seed,
            "seconds": result.seconds,
            "losses": last_losses(result.component),
            **self.notes(),
        }
        try:
            parts: dict[str, State] = {} if foreign else {"state": result.component.get_state()}
            parts["output"] = {"values": result.output}
            if result.published:
                parts["published"] = result.published
            self.store.write(result.key, manifest, parts)
        except Exception as error:
            if not isinstance(self.store, OptionalStore):
                raise
            # The fit is done and good; it can be told with the next save what is wrong.
            name = f"{result.entry.spec.role} {result.entry.spec.name!r}"
            warnings.warn(
                f"{name} cannot be kept in the store: {error}", StoreWarning, stacklevel=2
            )

    def _usable_store(self, entry: Entry[ComponentSpec]) -> StageStore | None:
        """The store, unless it does not keep the component's state."""
        return None if entry.spec.imports_code else self.store


def fit_component(component: Any, role: Role, x: AnyArray, context: FitContext) -> Any:
    """Fit, and return the training coordinates or labels."""
    if role == "clusterer":
        component.fit(x, context=context)
        labels = getattr(component, "labels_", None)
        return component.predict(x) if labels is None else labels
    if hasattr(component, "fit_transform"):
        return component.fit_transform(x, context=context)
    component.fit(x, context=context)
    return component.transform(x)


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
