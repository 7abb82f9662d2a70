"""Checks before anything is trained: can these components work together, and on these data?"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from n2d_framework.core.kinds import Kind, Kinds, kinds_of_shape
from n2d_framework.core.options import options_dict
from n2d_framework.core.roles import role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import CompositionError, NotInductiveWarning
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.plan.steps import Plan

__all__ = ["check_plan", "component_reasons", "component_shape", "kind_reasons", "needs_reasons"]


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


def check_plan(
    plan: Plan,
    n_rows: int,
    row_shape: tuple[int, ...],
    kind: Kind = "",
    describing: Iterable[ComponentSpec] = (),
) -> None:
    """Refuse what cannot work, with every reason, before an hour of training.

    Parameters
    ----------
    plan : Plan
    n_rows : int
    row_shape : tuple of int
    kind : str, default ""
        Kind of the rows, where their source names one.
    describing : iterable of ComponentSpec
        Components that are asked about the rows and their labels in the end.

    Raises
    ------
    CompositionError
        With every reason.

    Warns
    -----
    NotInductiveWarning
        If a step cannot place new rows, so that ``predict`` will be refused.
    """
    reasons: list[str] = []
    for step in plan:
        reasons += component_reasons(step.spec, step.prototype, n_rows, row_shape)
    reasons += needs_reasons(plan.specs)
    reasons += kind_reasons(plan.specs, kind) + kind_reasons(describing, kind)
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


def component_reasons(
    spec: ComponentSpec, component: Any, n_rows: int, row_shape: tuple[int, ...]
) -> list[str]:
    """Why a component cannot be fitted on data of that size; each reason names it.

    Parameters
    ----------
    spec : ComponentSpec
    component : object
        A fresh, unfitted instance.
    n_rows : int
    row_shape : tuple of int
        Shape of one row of the data.

    Returns
    -------
    list of str
        Empty if nothing is known against it.
    """
    role, info = spec.role, role_info(spec.role)
    missing = [name for name in info.methods if not hasattr(component, name)]
    if missing:
        return [f"{role} {spec.name!r} lacks {', '.join(missing)}"]
    takes_rows = info.takes == "rows"
    shape = component_shape(spec.input, row_shape) if takes_rows else ()
    found = list(_shape_reasons(spec.input, shape, component)) if takes_rows else []
    check = getattr(component, "check_input", None)
    if check is not None:
        found += check(n_rows, shape)
    return [f"{role} {spec.name!r}: {reason}" for reason in found]


#: Kinds that numbers of a fitting shape can be taken for; shapes are checked one by one.
_NUMBERS = frozenset(kind for n in (1, 2, 3) for kind in kinds_of_shape((1,) * n))


def kind_reasons(specs: Iterable[ComponentSpec], kind: Kind) -> list[str]:
    """Why components cannot follow each other: one takes another kind than it would get.

    Parameters
    ----------
    specs : iterable of ComponentSpec
        In the order of the data.
    kind : str
        Kind of the rows; empty where they are numbers.

    Returns
    -------
    list of str
        Each names the step and what would fit.
    """
    catalogue = default_catalogue()
    also = {entry.spec.name: entry.spec.taken_for for entry in catalogue.kinds()}
    given = _NUMBERS if kind in ("", *_NUMBERS) else frozenset((kind, *also.get(kind, ())))
    reasons: list[str] = []
    for spec in specs:
        wanted = spec.input_kinds
        if wanted and not given & set(wanted):
            fitting = [
                entry.written_name
                for entry in catalogue.components(spec.role)
                if not entry.spec.input_kinds or given & set(entry.spec.input_kinds)
            ]
            hint = f"use {' or '.join(fitting)}" if fitting else "no installed component does"
            is_kind = kind if kind in given else " or ".join(sorted(given))
            reasons.append(
                f"{spec.role} {spec.name!r} takes {' or '.join(wanted)}, and gets {is_kind}; {hint}"
            )
        info = role_info(spec.role)
        after = spec.output or info.kind
        if after and info.gives != "labels":
            given = _NUMBERS if after in _NUMBERS else frozenset((after,))
    return reasons


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
