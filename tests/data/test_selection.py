"""Columns of tables by names, globs and regular expressions."""

from __future__ import annotations

from pathlib import Path

import pytest

from n2d_framework.data import load
from n2d_framework.errors import DataError

NAMES = ["price_net", "price_tax", "rooms", "a*", "ab", "class"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    rows = [[row * (column + 2) % 7 for column in range(len(NAMES))] for row in range(6)]
    lines = [",".join(map(str, row)) for row in [NAMES, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("choice", "features"),
    [
        ({"x": "price_*"}, ["price_net", "price_tax"]),
        ({"x": ["rooms", "price_???"]}, ["rooms", "price_net", "price_tax"]),
        ({"x": "/^p|oo/"}, ["price_net", "price_tax", "rooms"]),
        ({"x": "a*"}, ["a*"]),
        ({"x": "a[*b]"}, ["a*", "ab"]),
        ({"x": "*"}, NAMES[:-1]),
        ({"x": "*", "y": "rooms"}, ["price_net", "price_tax", "a*", "ab", "class"]),
        ({"x": "*", "drop": "/_/"}, ["rooms", "a*", "ab"]),
        ({"x": "*", "id": "ab"}, ["price_net", "price_tax", "rooms", "a*"]),
        ({"drop": ["price_*", "a*"]}, ["rooms", "ab"]),
        ({"x": ["price_*", "price_tax"]}, ["price_net", "price_tax"]),
    ],
)
def test_patterns_choose_columns(
    table: Path, choice: dict[str, object], features: list[str]
) -> None:
    """In the order of the patterns, then of the table; labels and ids only by their own names."""
    data = load({"path": table, **choice})
    assert data.schema is not None
    assert list(data.schema.names) == features


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"x": "prize_*"}, r"x: no column matches 'prize_\*'; it has price_net, "),
        ({"drop": "/^z/"}, "drop: no column matches '/\\^z/'"),
        ({"x": "/(/"}, "x: '/\\(/' is not a regular expression: missing \\)"),
        ({"drop": "price_ne"}, "it has no column 'price_ne'; did you mean 'price_net'"),
        ({"x": "rooms", "y": "rooms"}, "'rooms' cannot be feature and label at once"),
        ({"x": "rooms", "drop": "rooms"}, "'rooms' is in x and in drop"),
        ({"x": "price_*", "drop": "/^price/"}, "no column is left as a feature"),
    ],
)
def test_patterns_that_cannot_be_meant(table: Path, choice: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load({"path": table, **choice})
