"""Checks before anything is trained: can these components work together, and on these data?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from n2d_framework.core.kinds import Kinds
from n2d_framework.core.options import options_dict
from n2d_framework.core.roles import role_info
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import CompositionError, NotInductiveWarning
from n2d_framework.registry import default_catalogue

if TYPE_CHECKING:
    from n2d_framework.plan.steps import Plan

__all__ = ["check_plan", "component_reasons", "component_shape", "needs_reasons"]


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


def check_plan(plan: Plan, n_rows: int, row_shape: tuple[int, ...]) -> None:
    """Refuse what cannot work, with every reason, before an hour of training.

    Parameters
    ----------
    plan : Plan
    n_rows : int
    row_shape : tuple of int

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
