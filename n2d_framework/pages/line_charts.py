"""Small line charts as plain values, for a template to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["HEIGHT", "WIDTH", "line_chart"]

#: Size of the drawing, in its own units, and the free border around the line.
WIDTH, HEIGHT, _BORDER = 320, 150, 8


def line_chart(
    title: str, x: Sequence[int], y: Sequence[float | None], best: int | None, *, chosen: int
) -> dict[str, Any] | None:
    """Values of a chart of one line.

    Parameters
    ----------
    title : str
    x : sequence of int
        Ascending.
    y : sequence of float or None
        ``None`` where there is no value: the line is broken there.
    best : int or None
        The `x` whose point is marked.
    chosen : int
        The `x` of the upright line.

    Returns
    -------
    dict or None
        ``title``, ``lines`` (each the points of an SVG polyline), ``points`` (``x``, ``y`` and
        ``said`` of each), ``best``, ``chosen`` (where it stands), ``low`` and ``high`` of the
        values, ``first`` and ``last`` of `x`; ``None`` if no value is known.
    """
    known = [value for value in y if value is not None and math.isfinite(value)]
    if not known:
        return None
    low, high = min(known), max(known)

    def across(value: int) -> float:
        return _BORDER + (WIDTH - 2 * _BORDER) * (value - x[0]) / max(x[-1] - x[0], 1)

    def up(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return HEIGHT - _BORDER - (HEIGHT - 2 * _BORDER) * share

    lines: list[list[str]] = [[]]
    points = []
    for place, value in zip(x, y, strict=True):
        if value is None or not math.isfinite(value):
            lines.append([])
            continue
        left, top = round(across(place), 1), round(up(value), 1)
        lines[-1].append(f"{left},{top}")
        said = f"{place}: {value:,.3f}" if abs(value) < 100 else f"{place}: {value:,.0f}"
        points.append({"x": left, "y": top, "said": said, "best": place == best})
    return {
        "title": title, "lines": [" ".join(line) for line in lines if len(line) > 1],
        "points": points, "best": best, "chosen": round(across(chosen), 1),
        "low": low, "high": high, "first": x[0], "last": x[-1],
    }  # fmt: skip
