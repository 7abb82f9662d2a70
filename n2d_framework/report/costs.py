"""Where the time went, and what fitting each distinct stage once has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.types import ROLES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["costs"]

_MOST_COMPONENTS = 40


def costs(table: pd.DataFrame) -> dict[str, Any]:
    """Add up what stages took, each once and as often as cells needed it.

    Parameters
    ----------
    table : DataFrame
        As of :attr:`Comparison.table`.

    Returns
    -------
    dict
        ``roles``: for each role the distinct fits, their seconds, the number of cells that use
        one, and the seconds if each of these had fitted its own. ``components``: the same for
        each component, the costliest first. ``fits, seconds, needs, alone``: sums.
    """
    import pandas as pd

    stages = pd.concat([_of_role(table, role) for role in ROLES], ignore_index=True)
    distinct = stages.drop_duplicates("key")
    roles = [{"role": role} | _sums(stages, distinct, role=role) for role in ROLES]
    components = []
    for (role, name), group in stages.groupby(["role", "component"], sort=False):
        once = distinct[(distinct["role"] == role) & (distinct["component"] == name)]
        found = {"role": str(role), "component": str(name)} | _sums(group, once)
        slowest = float(once["seconds"].max()) if len(once) else 0.0
        components.append(found | {"slowest": slowest, "memory": _most(group["memory"])})
    components.sort(key=lambda item: -item["seconds"])
    return {
        "roles": roles,
        "components": components[:_MOST_COMPONENTS],
        "left_out": max(0, len(components) - _MOST_COMPONENTS),
        **_sums(stages, distinct),
    }


def _of_role(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Every use of a stage whose cost is known."""
    columns = {
        f"{role}_key": "key",
        role: "component",
        f"{role}_seconds": "seconds",
        f"{role}_peak_memory": "memory",
    }
    found = table[list(columns)].rename(columns=columns).assign(role=role)
    return found[found["seconds"].notna()]


def _sums(uses: pd.DataFrame, distinct: pd.DataFrame, role: str | None = None) -> dict[str, Any]:
    if role is not None:
        uses, distinct = uses[uses["role"] == role], distinct[distinct["role"] == role]
    return {
        "fits": len(distinct),
        "seconds": float(distinct["seconds"].sum()),
        "needs": len(uses),
        "alone": float(uses["seconds"].sum()),
    }


def _most(values: pd.Series[float]) -> float | None:
    most = float(values.max())
    return None if np.isnan(most) else most
