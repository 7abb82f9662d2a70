"""Descriptions of clusters by describe components."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from n2d_framework.config import Composition
from n2d_framework.core.protocols import ClusteredRows
from n2d_framework.core.state import State, need
from n2d_framework.errors import DescriptionWarning, StateError

__all__ = ["described", "descriptions_of_state", "state_of_descriptions"]


def described(composition: Composition, rows: ClusteredRows) -> dict[str, Any]:
    """Descriptions of all describe components, by name.

    Parameters
    ----------
    composition : Composition
    rows : ClusteredRows

    Returns
    -------
    dict

    Warns
    -----
    DescriptionWarning
        If a component fails or returns something else than plain values; the others count.
    """
    found: dict[str, Any] = {}
    for choice in composition.choices("describe"):
        try:
            given = choice.component.describe(rows)
            found[choice.name] = json.loads(json.dumps(given, allow_nan=False))
        except Exception as error:  # noqa: BLE001  # a component may raise anything
            warnings.warn(
                f"describe {choice.name!r} failed: {type(error).__name__}: {error}; the model is "
                "fitted without its description",
                DescriptionWarning,
                stacklevel=4,
            )
    return found


def state_of_descriptions(descriptions: dict[str, Any]) -> State:
    """Descriptions as a part of a bundle: JSON as bytes of UTF-8."""
    return {"json": np.frombuffer(json.dumps(descriptions).encode(), dtype=np.uint8)}


def descriptions_of_state(state: State) -> dict[str, Any]:
    """The descriptions in a part of a bundle.

    Raises
    ------
    StateError
        If it does not hold any.
    """
    try:
        found = json.loads(need(state, "json", np.ndarray).astype(np.uint8).tobytes())
    except (ValueError, RecursionError) as error:
        raise StateError(f"descriptions cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise StateError("descriptions must be a mapping")
    return found
