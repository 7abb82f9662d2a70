"""Shipped pytest plugin: the fixtures of the conformance kit; loads nothing until one is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["n2d_examine", "pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of the kit."""
    parser.addini(
        "n2d_time_limit",
        "seconds that a component may take to be fitted on its small options",
        default="20",
    )


@pytest.fixture(scope="session")
def n2d_examine(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Callable[..., Any]:
    """Examinations of catalogue entries, each computed once in a session.

    Called as ``n2d_examine("role/name", rows=None, options=None)``.
    """
    from n2d_framework.testing.kit import examination, find

    limit = float(pytestconfig.getini("n2d_time_limit"))
    known: dict[tuple[str, int, str], Any] = {}

    def examine(which: str, rows: Any = None, options: Any = None) -> Any:
        key = (which, id(rows), repr(dict(options or {})))
        if key not in known:
            folder = tmp_path_factory.mktemp("n2d")
            known[key] = examination(
                find(which), folder, rows=rows, time_limit=limit, options=options
            )
        return known[key]

    return examine
