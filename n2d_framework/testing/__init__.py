"""The conformance kit, for whoever writes a plugin.

A test file of two lines examines all components, datasets, metrics and trackers of a distribution:

.. code-block:: python

    from n2d_framework.testing import conformance

    test_conformance = conformance("n2d-pacmap")

Needs the extra ``test`` (``pip install "n2d_framework[test]"``).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from n2d_framework.testing.check import Check, CheckFailedError
    from n2d_framework.testing.check_results import Outcome, Report
    from n2d_framework.testing.kit import checks_for, entries_of, find, run_checks
    from n2d_framework.testing.parametrised import conformance

__all__ = [
    "Check",
    "CheckFailedError",
    "Outcome",
    "Report",
    "checks_for",
    "conformance",
    "entries_of",
    "find",
    "run_checks",
]

# pytest imports this package at every start, for it holds a pytest plugin: nothing is loaded yet.
_HOMES = {
    "Check": "check",
    "CheckFailedError": "check",
    "Outcome": "check_results",
    "Report": "check_results",
    "checks_for": "kit",
    "conformance": "parametrised",
    "entries_of": "kit",
    "find": "kit",
    "run_checks": "kit",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
