"""A cell as a fitted model, from the store."""

from __future__ import annotations

import json
from typing import Any

import attrs
import numpy as np

from n2d_framework.config.adapted_classes import NOT_PERMITTED, as_written
from n2d_framework.config.alternatives import joined_name, split_alternative
from n2d_framework.core.roles import role_info
from n2d_framework.core.rows import Schema
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.core.structure import structure
from n2d_framework.errors import ConfigError, DataError, Problem
from n2d_framework.pipeline import N2D
from n2d_framework.plan.steps import Plan
from n2d_framework.plan.store import StageStore
from n2d_framework.plan.store.entries import read_entry
from n2d_framework.plan.store.stored_arrays import rows_of
from n2d_framework.registry import default_catalogue
from n2d_framework.types import ROLES, AnyArray, Role

__all__ = ["restore"]

#: How far coordinates that are computed again may be off, as a part of their range.
_CLOSE = 1e-3


def restore(cell: Any, store: StageStore, schema: Schema, *, allow_code: bool = False) -> N2D:
    """Build the model of a cell; its stages come from the store.

    Parameters
    ----------
    cell : Series
        A row of :attr:`Comparison.table`.
    store : StageStore
    schema : Schema
        The columns of its rows.
    allow_code : bool, default False
        Whether code that the cell names may be imported. Its stages are fitted again.

    Returns
    -------
    N2D
        Fitted; it can predict, assess and be saved.

    Raises
    ------
    ConfigError
        If the cell imports code, and that is not permitted.
    DataError
        If the store no longer has the rows or a stage; or a stage that was fitted again is of
        other code than it was, or gives something else.
    """
    missing = [role for role in ROLES if cell[f"{role}_key"] not in store]
    if missing:
        raise DataError(
            f"{store}: the {' and the '.join(missing)} of this cell is no longer there; run the "
            "comparison again in a new folder"
        )
    again = [role for role in ROLES if any(spec.imports_code for spec in _specs(cell, role))]
    if again and not allow_code:
        raise ConfigError(Problem("", f"{_named(cell, role)} {NOT_PERMITTED}") for role in again)
    for role in again:
        _require_same_code(cell, role)
    scaler = json.loads(cell["scaler_options"])
    model = N2D(
        *(_component(cell, role) for role in ROLES),
        prepare=split_alternative(scaler.pop("name"), scaler),
        random_state=int(cell["seed"]),
        store=store,
    )
    rows = rows_of(store.location, cell["data_key"])
    if rows.storage != "columns":
        rows = attrs.evolve(rows, schema=schema)
    model.fit(rows)
    for role in again:
        _require_same_output(cell, role, store, model)
    return model


def _components(cell: Any, role: Role) -> list[dict[str, Any]]:
    return split_alternative(cell[f"{role}_component"], json.loads(cell[f"{role}_options"]))


def _component(cell: Any, role: Role) -> Any:
    """As a model takes it: a mapping, or a list of those of a chain."""
    found = _components(cell, role)
    return found[0] if len(found) == 1 else found


def _specs(cell: Any, role: Role) -> list[ComponentSpec]:
    return [default_catalogue().get(role, each["name"]).spec for each in _components(cell, role)]


def _named(cell: Any, role: Role) -> str:
    names = []
    for spec, options in zip(_specs(cell, role), _components(cell, role), strict=True):
        names.append(as_written(spec.name, options)[0])
    return f"{role} {joined_name(names)}"


def _plan(cell: Any, role: Role) -> Plan:
    """The steps of one role of a cell."""
    made = []
    for each in _components(cell, role):
        entry = default_catalogue().get(role, each.pop("name"))
        made.append((entry, structure(entry.spec.load(), each)))
    return Plan.made(made)


def _require_same_code(cell: Any, role: Role) -> None:
    """Refuse code that is not what the comparison ran, before anything is fitted."""
    plan, key = _plan(cell, role), _upstream(cell, role)
    for step in plan:
        key = step.key(key, step.seed(int(cell["seed"])))
    if key != cell[f"{role}_key"]:
        entry = step.entry
        now = ", ".join(f"{name} {version}" for name, version in step.code.items())
        raise DataError(
            f"{_named(cell, role)} has to be fitted again, but its code is not what the comparison "
            f"ran (here: {entry.distribution} {entry.version}, {now}); install the versions in the "
            "table's column versions, or run the comparison again"
        )


def _upstream(cell: Any, role: Role) -> str:
    if role != ROLES[0]:
        return str(cell[f"{ROLES[ROLES.index(role) - 1]}_key"])
    options = json.loads(cell["scaler_options"])
    row = {"prepare_component": options.pop("name"), "prepare_options": json.dumps(options)}
    key = str(cell["data_key"])
    for step in _plan(row, "prepare"):
        key = step.key(key, step.seed(int(cell["seed"])))
    return key


def _require_same_output(cell: Any, role: Role, store: StageStore, model: N2D) -> None:
    """Refuse a stage that gives something else now: the later ones and the scores are not its."""
    found = store.read(cell[f"{role}_key"])
    recorded = None if found is None else read_entry(found, _specs(cell, role)[-1]).output
    now = role_info(role).output
    if recorded is None or not _alike(getattr(model, now), recorded):
        raise DataError(
            f"{_named(cell, role)} was fitted again and gave something else than in the "
            "comparison: it is not deterministic; give it a random_state, if it has one"
        )


def _alike(now: AnyArray, recorded: AnyArray) -> bool:
    if now.dtype.kind != "f":
        return np.array_equal(now, recorded)
    return now.shape == recorded.shape and np.allclose(
        now, recorded, rtol=0, atol=_CLOSE * float(np.ptp(recorded))
    )
