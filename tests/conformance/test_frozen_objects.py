"""The kit sees what is frozen and thawed, and does not count it again and again."""

from __future__ import annotations

import gc

import pytest

from n2d_framework.testing.process import python_registries
from n2d_framework.testing.process.side_effects import watched


@pytest.fixture
def counts(monkeypatch):
    """Numbers of frozen objects that the kit is given, one after the other; then zero."""
    found = []
    monkeypatch.setattr(python_registries, "_FROZEN", [])
    monkeypatch.setattr(gc, "get_freeze_count", lambda: found.pop(0) if found else 0)
    return found


def settings_changed():
    with watched(auditing=False) as effects:
        pass
    return effects.settings


def test_objects_that_are_frozen_meanwhile_are_seen(counts):
    assert settings_changed() == []
    counts += [0, 7]
    assert settings_changed() == ["gc.freeze"]


def test_what_is_frozen_is_counted_once(counts):
    """A count goes through all objects that are frozen: in a large process a tenth of a second."""
    counts += [7, 8, 9]
    assert settings_changed() == settings_changed() == []
    assert counts == [8, 9]


def test_who_thaws_them_is_seen(counts, monkeypatch):
    counts += [7]
    monkeypatch.setattr(gc, "unfreeze", lambda: None)
    with watched(auditing=False) as effects:
        gc.unfreeze()
    assert effects.settings == ["gc.unfreeze"]
    assert settings_changed() == []
