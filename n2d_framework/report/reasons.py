"""Cells without results, by the reason: failed and lost cells, and trios that cannot work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from n2d_framework.types import ROLES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["failures", "illegal", "versions"]

_MOST_GROUPS = 100
_MOST_MEMBERS = 50


def failures(table: pd.DataFrame) -> dict[str, Any]:
    """Cells that failed or were lost, those with the same error together.

    Returns
    -------
    dict
        ``groups``, each with ``status``, ``reason``, ``count``, up to fifty ``members`` and one
        ``traceback``, the most frequent first; and how many groups were ``left_out``.
    """
    failed = table[table["status"].isin(("failed", "lost"))]
    rows: Any = failed.to_dict("records")
    return _grouped(rows, lambda row: (row["status"], str(row["error"])), _cell_name)


def illegal(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Trios that cannot be run, those with the same reason together; as :func:`failures`."""
    return _grouped(items, lambda item: ("illegal", str(item["reason"])), _trio_name)


def versions(table: pd.DataFrame) -> dict[str, list[str]]:
    """Versions of what the cells were fitted with; several where machines differed."""
    found: dict[str, set[str]] = {}
    for text in table["versions"].dropna().unique():
        for name, version in json.loads(text).items():
            found.setdefault(name, set()).add(str(version))
    return {name: sorted(found[name]) for name in sorted(found, key=str.lower)}


def _grouped(
    rows: Iterable[Mapping[str, Any]],
    reason: Callable[[Mapping[str, Any]], tuple[str, str]],
    name: Callable[[Mapping[str, Any]], str],
) -> dict[str, Any]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(reason(row), []).append(row)
    found: list[dict[str, Any]] = [
        {
            "status": status,
            "reason": text,
            "count": len(members),
            "members": [name(member) for member in members[:_MOST_MEMBERS]],
            "traceback": _text(members[0].get("traceback")),
        }
        for (status, text), members in groups.items()
    ]
    found.sort(key=lambda group: -group["count"])
    return {"groups": found[:_MOST_GROUPS], "left_out": max(0, len(found) - _MOST_GROUPS)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _trio_name(item: Mapping[str, Any]) -> str:
    trio = " / ".join(str(item[role]) for role in ROLES)
    number = item.get("n_clusters")
    reported = f", k={number}" if isinstance(number, int) else ""
    return f"{item['data']}: {trio}{reported}"


def _cell_name(row: Mapping[str, Any]) -> str:
    return f"{_trio_name(row)}, seed {row['seed']}"
