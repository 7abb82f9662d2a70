"""Draw docs/architecture.svg from the code: ``python docs/_ext/n2d_architecture.py``.

Rows are the layers of the import contract in pyproject.toml, boxes are packages, arrows are
imports. An arrow that follows from two others is left out: what is drawn is the transitive
reduction of what the code imports, functions' own imports included.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from html import escape
from pathlib import Path

import grimp

REPOSITORY = Path(__file__).parents[2]
PICTURE = REPOSITORY / "docs" / "architecture.svg"
FRAMEWORK, BUILT_IN = "n2d_framework", "n2d_builtin"
#: The module that plugins import: it lends names of every layer, and stands beside them.
DOOR = "plugin"

_BOX, _HEIGHT, _GAP, _ROW, _MARGIN = 120, 34, 26, 84, 24
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1b1f24; text-anchor: middle; }
  rect { fill: #eef3fb; stroke: #41628f; rx: 5; }
  .outside { fill: #fdf3e1; stroke: #9a6b16; }
  path { fill: none; stroke: #5b6470; stroke-width: 1.2; marker-end: url(#head); }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8eaed; } rect { fill: #22304a; stroke: #8fb1e3; }
    .outside { fill: #40321a; stroke: #dcae62; } path { stroke: #a5adb8; }
  }
"""


def layers() -> list[list[str]]:
    """Packages of each layer, the highest first, as the import contract names them."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    contract = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]
    rows = [[name.strip().partition(".")[2] for name in re.split(r"[|:]", layer)]
            for layer in contract["layers"]]  # fmt: skip
    return [[name for name in row if name != "__main__"] for row in rows if row != ["__main__"]]


def imports() -> dict[str, set[str]]:
    """For each package, the packages of the framework that it imports."""
    graph = grimp.build_graph(FRAMEWORK, BUILT_IN, cache_dir=None)

    def package(module: str) -> str:
        first, _, rest = module.partition(".")
        return BUILT_IN if first == BUILT_IN else rest.partition(".")[0]

    found: dict[str, set[str]] = {}
    for module in graph.modules:
        importer = package(module)
        imported = map(package, graph.find_modules_directly_imported_by(module))
        found.setdefault(importer, set()).update(name for name in imported if name != importer)
    # The face of the framework lends names of all packages, when they are first used.
    return {name: {i for i in found[name] if i} for name in found if name not in ("", "__main__")}


def reduced(edges: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that do not follow from others."""

    def reached(name: str) -> set[str]:
        direct = edges.get(name, set())
        return direct.union(*(reached(other) for other in direct)) if direct else set()

    return sorted(
        (name, other)
        for name, direct in edges.items()
        for other in direct
        if not any(other in reached(between) for between in direct - {other})
    )


def _places(rows: list[list[str]]) -> tuple[dict[str, tuple[int, int]], int]:
    """Left upper corners of the boxes, and the width of the layers."""
    width = max(len(row) for row in rows) * (_BOX + _GAP) - _GAP
    corners = {}
    for number, row in enumerate(rows):
        left = _MARGIN + (width - len(row) * (_BOX + _GAP) + _GAP) // 2
        for place, name in enumerate(row):
            corners[name] = (left + place * (_BOX + _GAP), _MARGIN + number * _ROW)
    beside = _MARGIN + width + 2 * _GAP
    corners[BUILT_IN] = (beside, _MARGIN + _ROW)
    corners[DOOR] = (beside, _MARGIN + 3 * _ROW)
    return corners, width


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y = start[0] + _BOX // 2, start[1] + _HEIGHT
    to_x, to_y = end[0] + _BOX // 2, end[1] - 3
    bend = max(20, (to_y - y) // 2)
    return f'<path d="M{x} {y} C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y}"/>'


def draw() -> str:
    """The picture as SVG; the same text for the same imports."""
    rows, edges = layers(), imports()
    corners, width = _places(rows)
    edges[DOOR] = set()
    arrows = [_arrow(corners[name], corners[other]) for name, other in reduced(edges)]
    boxes = []
    for name, (x, y) in corners.items():
        kind = ' class="outside"' if name in (BUILT_IN, DOOR) else ""
        boxes.append(f'<rect{kind} x="{x}" y="{y}" width="{_BOX}" height="{_HEIGHT}"/>')
        boxes.append(f'<text x="{x + _BOX // 2}" y="{y + 22}">{escape(name)}</text>')
    full = (width + 2 * _MARGIN + 2 * _GAP + _BOX, len(rows) * _ROW + _MARGIN)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full[0]} {full[1]}" '
        f'width="{full[0]}" height="{full[1]}" role="img">\n'
        "<title>Packages of n2d_framework and what they import</title>\n"
        f"<style>{_STYLE}</style>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" style="marker-end: none; '
        'fill: #5b6470"/></marker></defs>\n'
    )
    return head + "\n".join([*arrows, *boxes]) + "\n</svg>\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8", newline="\n")
