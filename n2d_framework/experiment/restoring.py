"""A cell as a fitted model, from the store."""

from __future__ import annotations

import json
from typing import Any

from n2d_framework.errors import DataError
from n2d_framework.experiment.materials import rows_of
from n2d_framework.pipeline import N2D, StageStore
from n2d_framework.types import ROLES

__all__ = ["restore"]


def restore(cell: Any, store: StageStore) -> N2D:
    """Build the model of a cell; its stages come from the store.

    Parameters
    ----------
    cell : Series
        A row of :attr:`Comparison.table`.
    store : StageStore

    Returns
    -------
    N2D
        Fitted; it can predict, assess and be saved.

    Raises
    ------
    DataError
        If the store no longer has the rows or a stage.
    """
    missing = [role for role in ROLES if cell[f"{role}_key"] not in store]
    if missing:
        raise DataError(
            f"{store}: the {' and the '.join(missing)} of this cell is no longer there; run the "
            "comparison again in a new folder"
        )
    model = N2D(
        *(_component(cell, role) for role in ROLES),
        scaler=json.loads(cell["scaler_options"]),
        random_state=int(cell["seed"]),
        store=store,
    )
    return model.fit(rows_of(store.location, cell["data_key"]))


def _component(cell: Any, role: str) -> dict[str, Any]:
    return {"name": cell[f"{role}_component"], **json.loads(cell[f"{role}_options"])}
