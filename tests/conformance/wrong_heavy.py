"""A module that loads a heavy library at once, as a plugin's must not."""

from __future__ import annotations

import scipy  # noqa: F401  # of all heavy libraries the one that loads soonest
from wrong_plugins import Good, component
from wrong_plugins import agreement as score  # noqa: F401
from wrong_plugins import rows as load  # noqa: F401

from n2d_framework.plugin import hookimpl


@component
class Heavy(Good):
    """Right, but heavy."""


@hookimpl
def n2d_run_started(event):
    """Listens, so that this is a tracker as well."""
