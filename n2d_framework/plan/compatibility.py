"""Checks before anything is trained: can these components work together, and on these data?"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs

from n2d_framework.core.kinds import SPARSE, Kind, Kinds, kinds_of_shape
from n2d_framework.core.options import options_dict
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import COLUMN_KINDS, Rows, Storage
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import CompositionError, DataError, NotInductiveWarning
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.plan.steps import Plan

__all__ = [
    "check_plan", "component_reasons", "component_shape", "kind_reasons", "needs_reasons",
    "refuse_missing", "suits", "weight_reasons",
]  # fmt: skip


def component_shape(kind: Kinds, row_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a row as a component of that input kind gets it.

    Flat for vectors; rows of shape (steps,) are sequences of one feature, (steps, 1).
    """
    if kind == "sequence" and len(row_shape) == 1:
        return (*row_shape, 1)
    if kind != "vector" or len(row_shape) == 1:
        return row_shape
    size = 1
    for extent in row_shape:
        size *= extent
    return (size,)


def check_plan(plan: Plan, rows: Rows, describing: Iterable[ComponentSpec] = ()) -> None:
    """Refuse what cannot work, with every reason, before an hour of training.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    describing : iterable of ComponentSpec
        Components that are asked about the rows and their labels in the end.

    Raises
    ------
    CompositionError
        With every reason.
    DataError
        If a value is missing and the first step does not take missing values.

    Warns
    -----
    NotInductiveWarning
        If a step cannot place new rows, so that ``predict`` will be refused.
    """
    refuse_missing(plan.specs[0], rows)
    reasons: list[str] = []
    for step in plan:
        # Of rows that a prepare component makes of columns, only fitting it shows the width.
        shape = rows.row_shape if rows.storage == "dense" or step is plan.steps[0] else None
        reasons += component_reasons(step.spec, step.prototype, len(rows), shape)
    reasons += needs_reasons(plan.specs)
    reasons += kind_reasons(plan.specs, rows, describing)
    if rows.weights is not None:
        reasons += weight_reasons(plan.specs)
    if reasons:
        raise CompositionError("; ".join(reasons))
    for step in plan:
        if not step.spec.inductive:
            warnings.warn(
                f"{step.title} cannot place new rows: this composition can be fitted, "
                "but predict, transform and embed will be refused",
                NotInductiveWarning,
                stacklevel=4,
            )


def refuse_missing(spec: ComponentSpec, rows: Rows) -> None:
    """Refuse missing values that a component does not take.

    Raises
    ------
    DataError
        With the first such row and column, and the components that take them.
    """
    gap = None if spec.missing else rows.missing()
    if gap is None:
        return
    filling = [entry for entry in default_catalogue().components("prepare") if entry.spec.missing]
    names = " or ".join(entry.written_name for entry in filling)
    hint = f"; or prepare the rows by {names}" if names else ""
    shown = repr(gap[1]) if rows.schema.named else gap[1]
    raise DataError(
        f"X contains {_gap_word(rows, gap[1])}: row {gap[0]}, column {shown}; remove "
        "such rows or fill the missing values (for example with sklearn.impute.SimpleImputer)"
        f"{hint}"
    )


def _gap_word(rows: Rows, name: str) -> str:
    return "NaN" if rows.column(name).dtype.kind == "f" else "a missing value"


def weight_reasons(specs: Iterable[ComponentSpec]) -> list[str]:
    """Why rows cannot be weighed: components that do not honour weights, with those that do."""
    reasons = []
    for spec in specs:
        if not spec.weighted:
            able = [e for e in default_catalogue().components(spec.role) if e.spec.weighted]
            names = " or ".join(entry.written_name for entry in able)
            hint = f"use {names}" if names else f"no installed {spec.role} can"
            reasons.append(f"{spec.role} {spec.name!r} cannot weigh rows; {hint}, or leave the "
                           "weights out")  # fmt: skip
    return reasons


def component_reasons(
    spec: ComponentSpec, component: Any, n_rows: int, row_shape: tuple[int, ...] | None
) -> list[str]:
    """Why a component cannot be fitted on data of that size; each reason names it.

    Parameters
    ----------
    spec : ComponentSpec
    component : object
        A fresh, unfitted instance.
    n_rows : int
    row_shape : tuple of int or None
        Shape of one row of the data; ``None`` where it is not known yet.

    Returns
    -------
    list of str
        Empty if nothing is known against it.
    """
    role, info = spec.role, role_info(spec.role)
    missing = info.lacking(component)
    if missing:
        return [f"{role} {spec.name!r} lacks {', '.join(missing)}"]
    takes_rows = info.takes == "rows"
    if takes_rows and row_shape is None:
        return []
    row_shape = row_shape or ()
    shape = component_shape(spec.input, row_shape) if takes_rows else ()
    found = list(_shape_reasons(spec.input, shape, component)) if takes_rows else []
    check = getattr(component, "check_input", None)
    if check is not None:
        found += check(n_rows, shape)
    return [f"{role} {spec.name!r}: {reason}" for reason in found]


#: Kinds that numbers of a fitting shape can be taken for; shapes are checked one by one.
_NUMBERS = frozenset(kind for n in (1, 2, 3) for kind in kinds_of_shape((1,) * n))


#: Columns named in a message.
_SHOWN = 5


@attrs.frozen
class _Given:
    """Kinds and storage of the rows that a component gets."""

    kinds: frozenset[Kind]
    storage: Storage
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, rows: Rows) -> Self:
        if rows.storage == "columns":
            # Named are the columns that a component for numbers cannot take.
            fields = [field for field in rows.schema.fields if field.kind != "number"]
            shown = tuple(f"{field.name!r} is a {field.kind}" for field in fields[:_SHOWN])
            return cls(rows.kinds, rows.storage, shown)
        kind = rows.kind
        if rows.storage == "sparse":
            return cls(frozenset(["vector"]), rows.storage)
        if kind in ("", *_NUMBERS):
            return cls(_NUMBERS, rows.storage)
        also = {entry.spec.name: entry.spec.taken_for for entry in default_catalogue().kinds()}
        return cls(frozenset((kind, *also.get(kind, ()))), rows.storage)

    def after(self, spec: ComponentSpec) -> Self:
        """Kinds and storage of what comes out of a component."""
        info = role_info(spec.role)
        kind = spec.output or info.kind
        if not kind or info.gives == "labels":
            return self
        if kind == SPARSE:
            return type(self)(frozenset(["vector"]), "sparse")
        known = kind in COLUMN_KINDS
        return type(self)(
            _NUMBERS if kind in _NUMBERS else frozenset((kind,)), "columns" if known else "dense"
        )

    def suits(self, spec: ComponentSpec) -> bool:
        """Return whether a component takes such rows."""
        wanted = frozenset(spec.input_kinds)
        if self.storage == "columns":
            return bool(wanted) and self.kinds <= wanted
        takes_rows = role_info(spec.role).takes in ("rows", "labels")
        if self.storage == "sparse" and takes_rows and not spec.sparse:
            return False
        return not wanted or bool(self.kinds & wanted)

    def __str__(self) -> str:
        if self.storage == "sparse":
            return "sparse rows"
        if self.storage == "dense":
            return " or ".join(sorted(self.kinds))
        named = f" ({', '.join(self.columns)})" if self.columns else ""
        return f"columns of {' and '.join(sorted(self.kinds))}{named}"


def suits(spec: ComponentSpec, rows: Rows) -> bool:
    """Return whether a component takes rows as they are; missing values do not count."""
    return _Given.of(rows).suits(spec)


def kind_reasons(
    specs: Iterable[ComponentSpec], rows: Rows, describing: Iterable[ComponentSpec] = ()
) -> list[str]:
    """Why components cannot follow each other: one takes other rows than it would get.

    Parameters
    ----------
    specs : iterable of ComponentSpec
        In the order of the data.
    rows : Rows
        What the first of them gets.
    describing : iterable of ComponentSpec
        Describe components: they get these rows, or else what the embedder gets.

    Returns
    -------
    list of str
        Each names the step and what would fit.
    """
    first = given = prepared = _Given.of(rows)
    reasons: list[str] = []
    for spec in specs:
        if not given.suits(spec):
            reasons.append(_misfit(spec, given))
            if given.storage == "columns":
                return reasons  # what would come out of it is not known
        given = given.after(spec)
        prepared = given if role_info(spec.role).gives == "rows" else prepared
    reasons += [
        _misfit(spec, first)
        for spec in describing
        if not first.suits(spec) and (first.storage == "dense" or not prepared.suits(spec))
    ]
    return reasons


def _misfit(spec: ComponentSpec, given: _Given) -> str:
    catalogue = default_catalogue()
    fitting = [e.written_name for e in catalogue.components(spec.role) if given.suits(e.spec)]
    before = [e.written_name for e in catalogue.components("prepare") if given.suits(e.spec)]
    hint = f"use {' or '.join(fitting)}" if fitting else "no installed component does"
    if not fitting and before and spec.role != "prepare":
        hint = f"prepare them by {' or '.join(before)}"
    if not (fitting or before) and given.storage == "columns":
        hint += "; encode them as numbers or leave them out"
    wanted = " or ".join(spec.input_kinds) or "rows of numbers"
    return f"{spec.role} {spec.name!r} takes {wanted}, and gets {given}; {hint}"


def needs_reasons(specs: Sequence[ComponentSpec]) -> list[str]:
    """Why components cannot follow each other: one needs what none before has published.

    Parameters
    ----------
    specs : sequence of ComponentSpec
        In the order of the data.

    Returns
    -------
    list of str
        Empty if everything needed is published.
    """
    reasons: list[str] = []
    known: dict[str, ComponentSpec] = {}
    lost: dict[str, tuple[ComponentSpec, ComponentSpec]] = {}
    for spec in specs:
        reasons += [
            f"{spec.role} {spec.name!r} {_missing(name, lost.get(name))}"
            for name in spec.needs
            if name not in known
        ]
        if not spec.passes_on:
            lost |= {name: (publisher, spec) for name, publisher in known.items()}
            known = {}
        known |= dict.fromkeys(spec.publishes, spec)
    return reasons


def _missing(name: str, lost: tuple[ComponentSpec, ComponentSpec] | None) -> str:
    if lost is None:
        specs = [entry.spec for entry in default_catalogue().components()]
        found = [f"{spec.role} {spec.name!r}" for spec in specs if name in spec.publishes]
        hint = f"use {' or '.join(found)}" if found else "no installed component publishes them"
        return f"needs the {name} of a stage before, and none publishes them; {hint}"
    publisher, mover = lost
    return (
        f"needs the {name} that {publisher.role} {publisher.name!r} publishes, but {mover.role} "
        f"{mover.name!r} gives other coordinates; use one that passes rows on, such as identity"
    )


def _shape_reasons(kind: Kinds, shape: tuple[int, ...], component: Any) -> list[str]:
    is_image = len(shape) in (2, 3) or options_dict(component).get("image_shape") is not None
    if kind == "image" and not is_image:
        return [
            f"needs images of shape (height, width) or (height, width, channels), rows have "
            f"shape {shape}; reshape the data or give image_shape"
        ]
    if kind == "sequence" and len(shape) != 2:
        return [f"needs sequences of shape (steps, features) or (steps,), rows have shape {shape}"]
    return []
