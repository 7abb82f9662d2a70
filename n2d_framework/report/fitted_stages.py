"""Fitted stages of cells, read from the store; nothing is fitted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from n2d_framework.analysis.comparison_view import ComparisonView
from n2d_framework.config.alternatives import split_alternative
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.rows import Rows, Schema
from n2d_framework.core.structure import structure
from n2d_framework.errors import BundleError, DataError, StageError, StateError
from n2d_framework.plan.preparing import prepared
from n2d_framework.plan.steps import Plan
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.entries import StageEntry, read_entry, with_state
from n2d_framework.registry import default_catalogue
from n2d_framework.types import NOISE, AnyArray, IntArray, Role

__all__ = ["CellStages", "forget"]


@attrs.frozen(eq=False)
class CellStages:
    """The stages of one cell.

    Attributes
    ----------
    cell : mapping
        A row of :attr:`Comparison.table`.
    comparison : ComparisonView
        The comparison that the cell belongs to.
    truth_key : str or None
        Key of the true classes in the store.
    class_names : sequence of str
        Names of the classes, in the order of their codes; may be empty.

    Raises
    ------
    DataError
        If the store of the comparison may not be opened.
    """

    cell: Any
    comparison: ComparisonView
    truth_key: str | None
    class_names: Sequence[str] = ()
    store: StageStore = attrs.field(init=False)

    @store.default
    def _store(self) -> StageStore:
        return self.comparison.store

    def key(self, role: Role) -> str:
        """Content key of a stage."""
        return str(self.cell[f"{role}_key"])

    def output(self, role: Role) -> AnyArray:
        """Training coordinates, or labels, of a stage.

        Raises
        ------
        DataError
            If the store has lost it, or it is damaged.
        """
        name, _ = self._last(role)
        return _entry(self.store.location, self.key(role), role, name).output

    def _last(self, role: Role) -> tuple[str, str]:
        """Name and options of the component of a role; of a chain those of the last."""
        name, options = str(self.cell[f"{role}_component"]), str(self.cell[f"{role}_options"])
        last = split_alternative(name, json.loads(options))[-1]
        return last.pop("name"), json.dumps(last, sort_keys=True)

    def component(self, role: Role) -> Any:
        """The fitted component of a stage; ``None`` if the store keeps only what it gave."""
        name, options = self._last(role)
        return _component(self.store.location, self.key(role), role, name, options)

    @property
    def rows(self) -> Rows:
        """The data as they were loaded."""
        return self.comparison.rows(str(self.cell["data_key"]))

    @property
    def truth(self) -> IntArray | None:
        """True classes as codes; rows that are truly noise are -1."""
        if self.truth_key is None:
            return None
        codes = self.comparison.truth(self.truth_key)
        noise = [code for code, name in enumerate(self.class_names) if name == "noise"]
        return np.where(np.isin(codes, noise), NOISE, codes) if noise else codes

    @property
    def classes(self) -> dict[int, str]:
        """The name of each class, by its code; two classes of one name keep apart."""
        names = dict(enumerate(self.class_names))
        truth = self.truth
        codes = [] if truth is None else np.unique(truth).tolist()
        called = {code: names.get(code, f"class {code}") for code in codes} | (
            {NOISE: "noise"} if NOISE in codes else {}
        )
        shared = {name for name, count in Counter(called.values()).items() if count > 1}
        return {
            code: f"{name} ({code})" if name in shared else name for code, name in called.items()
        }

    def in_input_units(self, decoded: AnyArray) -> AnyArray:
        """Reconstructions of an embedder, in the units and shape of the data."""
        options = json.loads(self.cell["scaler_options"])
        rows, fitted = self.rows, []
        for step in _prepare_steps(options.pop("name"), options):
            component = step.fresh()
            component.fit(rows.given, context=FitContext(weights=rows.weights))
            rows = attrs.evolve(rows, values=prepared(step, component, rows), schema=Schema())
            fitted.append(component)
        found = decoded.reshape(len(decoded), *rows.row_shape)
        for component in reversed(fitted):
            found = component.inverse_transform(found)
        return np.asarray(found)


def _prepare_steps(name: str, options: dict[str, Any]) -> Plan:
    made = []
    for each in split_alternative(name, options):
        entry = default_catalogue().get("prepare", each.pop("name"))
        made.append((entry, structure(entry.spec.load(), each)))
    return Plan.made(made)


@lru_cache(maxsize=6)
def _entry(location: str, key: str, role: Role, name: str) -> StageEntry:
    try:
        found = StageStore(location).read(key)
        if found is not None:
            return read_entry(found, default_catalogue().get(role, name).spec)
    except (BundleError, StateError, StageError) as error:
        raise DataError(f"{location}: the entry {key[:12]}… is damaged ({error})") from error
    raise DataError(f"{location}: the entry {key[:12]}… is no longer in the store")


@lru_cache(maxsize=6)
def _component(location: str, key: str, role: Role, name: str, options: str) -> Any:
    spec = default_catalogue().get(role, name).spec
    if spec.imports_code:
        return None
    component = structure(spec.load(), json.loads(options))
    try:
        return with_state(component, _entry(location, key, role, name).state or {})
    except StateError as error:
        raise DataError(f"{location}: the entry {key[:12]}… is damaged ({error})") from error


def forget() -> None:
    """Let go of what was read last."""
    _entry.cache_clear()
    _component.cache_clear()
