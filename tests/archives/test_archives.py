"""Bundles of earlier versions answer as they did when they were made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from exchange import TOLERANCE, differences  # noqa: E402

from n2d_framework import bundle  # noqa: E402
from n2d_framework.registry import default_catalogue  # noqa: E402
from n2d_framework.types import ROLES  # noqa: E402

ARCHIVES = sorted(HERE.glob("v*/*.n2d"))


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_archive_answers_as_it_did(path):
    changed = differences(path)
    assert changed["predict"] == 0.0
    assert max(changed.values()) <= TOLERANCE, changed


def test_every_built_in_component_is_archived():
    archived: set[tuple[str, str]] = set()
    for path in ARCHIVES:
        described = bundle.inspect(path).manifest["composition"]
        archived |= {(role, described[role]["name"]) for role in ROLES}
    catalogue = default_catalogue()
    built_in = {
        (role, entry.spec.name)
        for role in ROLES
        for entry in catalogue.components(role)
        if entry.distribution == "n2d_framework" and not entry.spec.imports_code
    }
    assert built_in <= archived


def test_archives_stay_small():
    assert sum(path.stat().st_size for path in HERE.glob("v*/*")) < 1_500_000
