"""Rows as states: what bundles and stores keep of them, and the way back; and parts of rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.rows.column_parts import column_parts, of_column_parts
from n2d_framework.core.rows.columns import packed_column, unpacked_column
from n2d_framework.core.rows.fields import Schema
from n2d_framework.core.rows.rows import Rows
from n2d_framework.core.rows.sparse import is_sparse, unpacked_sparse
from n2d_framework.core.state import State, need
from n2d_framework.errors import StateError

__all__ = ["joined", "packed_rows", "rows_of_state", "state_of_rows", "unpacked_rows"]


def packed_rows(rows: Rows) -> Any:
    """Values of rows as a state may have them: of dense rows their array itself."""
    if rows.storage == "dense":
        return rows.values
    if rows.storage == "sparse":
        x = rows.values
        arrays = {"data": x.data, "indices": x.indices, "indptr": x.indptr}
        return {**arrays, "width": int(x.shape[1])}
    columns = enumerate(rows.values.values())
    return column_parts({number: packed_column(values) for number, values in columns})


def unpacked_rows(state: Any, schema: Schema) -> Rows:
    """Rows from what :func:`packed_rows` gave, perhaps from a file.

    Parameters
    ----------
    state : array or mapping
    schema : Schema

    Raises
    ------
    StateError, DataError
        If the values are not rows of these columns.
    """
    if isinstance(state, np.ndarray):
        return Rows(state)
    if not isinstance(state, Mapping):
        raise StateError("rows are missing")
    if "indptr" in state:
        return Rows(unpacked_sparse(state))
    parts = of_column_parts(state)
    if not parts.keys() >= set(range(len(schema.fields))):
        raise StateError("columns are missing")
    columns = {
        field.name: unpacked_column(parts[number], field.kind)
        for number, field in enumerate(schema.fields)
    }
    return Rows(columns, schema)


def state_of_rows(rows: Rows) -> dict[str, Any]:
    """Values with their weights and columns, as a store keeps them."""
    state: dict[str, Any] = {"values": packed_rows(rows)}
    if rows.weights is not None:
        state["weights"] = rows.weights
    if rows.storage == "columns":
        state["schema"] = json.dumps(rows.schema.as_json())
        state["categories"] = rows.schema.packed_categories()
    return state


def rows_of_state(state: State) -> Rows:
    """Rows from what :func:`state_of_rows` gave, perhaps from a file.

    Raises
    ------
    StateError, DataError
        If the values are not rows.
    """
    schema = Schema()
    if "schema" in state:
        try:
            schema = Schema.from_json(json.loads(need(state, "schema", str)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise StateError(f"the columns cannot be read: {error}") from error
        schema = schema.with_categories(need(state, "categories", dict))
    weights = need(state, "weights", np.ndarray) if "weights" in state else None
    return attrs.evolve(unpacked_rows(state.get("values"), schema), weights=weights)


def joined(parts: Sequence[Any]) -> Any:
    """Blocks of rows, all of one form, put together: arrays, CSR arrays or rows of columns."""
    if len(parts) == 1:
        return parts[0]
    if is_sparse(parts[0]):
        from scipy.sparse import vstack

        return vstack(parts, format="csr")
    if not isinstance(parts[0], Rows):
        return np.concatenate(parts)
    columns = {name: np.concatenate([p.values[name] for p in parts]) for name in parts[0].values}
    return Rows(columns, parts[0].schema)
