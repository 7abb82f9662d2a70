"""The report of an update: what drifted, and what became of the clusters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from n2d_framework.pages.html_page import html_page
from n2d_framework.storage import check_target, write_atomic

__all__ = ["write_update_report"]

#: Tests, clusters and ids of rows that are written out.
_MOST_TESTS, _MOST_CLUSTERS, _MOST_IDS = 200, 500, 20
_KINDS = {
    "kept": "stayed",
    "split": "was split into",
    "merged": "were merged into",
    "rearranged": "were rearranged into",
    "gone": "is gone",
    "new": "is new",
}
#: Changes of a share that are drawn in the width of the page.
_WIDEST = 14.0


def write_update_report(
    path: str | os.PathLike[str], found: Mapping[str, Any], *, title: str, ids: Sequence[str]
) -> Path:
    """Write the report of an update as one HTML file that needs no network.

    Parameters
    ----------
    path : path
    found : mapping
        As :meth:`n2d_framework.pipeline.after_fit.updating.Update.as_dict` gives it.
    title : str
    ids : sequence of str
        Of the new rows.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = Path(path)
    check_target(target)
    names = {about["label"]: about["name"] for about in found["clusters"]}
    drift = found["drift"]
    content = {
        "title": title,
        "drift": drift,
        "refitted": found["refitted"],
        "n_rows": found["n_rows"],
        "lost": found["lost"],
        "transitions": [_in_words(one, names) for one in found["transitions"]],
        "tests": drift["tests"][:_MOST_TESTS],
        "more_tests": max(0, len(drift["tests"]) - _MOST_TESTS),
        "shares": _shares(drift["shares"], names),
        "candidates": [
            {"size": len(rows), "ids": [ids[row] for row in rows[:_MOST_IDS]]}
            for rows in drift["candidates"]
        ],
    }
    page = html_page(
        "update.html.j2", content, {}, scripts=("start_update.js",), styles=("run.css",)
    )
    write_atomic(target, page.encode("utf-8", "replace"))
    return target


def _in_words(one: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    """A transition as a sentence; clusters are named with their ids."""

    def said(labels: Sequence[int]) -> str:
        found = [names.get(label, f"cluster {label}") for label in labels]
        shown = [
            name if name == f"cluster {label}" else f"{name} ({label})"
            for name, label in zip(found, labels, strict=True)
        ]
        return ", ".join(shown)

    before, after, kind = said(one["before"]), said(one["after"]), one["kind"]
    subject = before or after
    text = f"{subject} {_KINDS[kind]}" + (f" {after}" if kind in _WITH_AFTER else "")
    return {"text": text, "kind": kind, "rows": one["rows"], "shared": one["shared"]}


_WITH_AFTER = ("split", "merged", "rearranged")


def _shares(shares: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Shares of clusters then and now, the largest change first."""
    largest = max((max(one["fit"], one["now"]) for one in shares), default=1.0) or 1.0
    ordered = sorted(shares, key=lambda one: -abs(one["now"] - one["fit"]))[:_MOST_CLUSTERS]
    return [
        {
            "name": "noise"
            if one["label"] < 0
            else names.get(one["label"], f"cluster {one['label']}"),
            "fit": one["fit"],
            "now": one["now"],
            "before_width": _WIDEST * one["fit"] / largest,
            "now_width": _WIDEST * one["now"] / largest,
        }
        for one in ordered
    ]
