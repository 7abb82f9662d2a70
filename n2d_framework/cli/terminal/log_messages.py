"""Warnings and log messages while a command runs."""

from __future__ import annotations

import logging
import warnings
from types import TracebackType
from typing import Any, Self

from n2d_framework.cli.terminal.console import say_warning
from n2d_framework.errors import (
    BundleWarning,
    CollapseWarning,
    DataWarning,
    MetricWarning,
    NotInductiveWarning,
    RenamedWarning,
    StoreWarning,
    TrackingWarning,
)
from n2d_framework.registry.entry_points import announcing_packages
from n2d_framework.visible import visible

__all__ = ["Messages"]

_OURS = (
    BundleWarning, CollapseWarning, DataWarning, MetricWarning, NotInductiveWarning,
    RenamedWarning, StoreWarning,
    TrackingWarning,
)  # fmt: skip


class _Formatter(logging.Formatter):
    """Log records in which nothing acts on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record; further lines are indented."""
        return visible(super().format(record)).replace("\n", "\n  ")


class Messages:
    """Shows warnings meant for users as one line each; the rest only for debugging.

    Log messages of the framework and of every package with an entry point are shown.

    Attributes
    ----------
    debug : bool
        Whether warnings of libraries and log messages of level DEBUG are shown.
    """

    def __init__(self) -> None:
        self.debug = False

    def __enter__(self) -> Self:
        self._handler = logging.StreamHandler()
        self._handler.setFormatter(_Formatter("%(name)s: %(message)s"))
        self._loggers = [logging.getLogger(n) for n in ("n2d_framework", *announcing_packages())]
        for logger in self._loggers:
            logger.addHandler(self._handler)
            logger.setLevel(logging.DEBUG if self.debug else logging.WARNING)
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        if not self.debug:
            warnings.simplefilter("ignore")
            for category in _OURS:
                warnings.simplefilter("always", category)
            warnings.showwarning = _Shown()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._caught.__exit__(kind, error, trace)
        for logger in self._loggers:
            logger.removeHandler(self._handler)
            logger.setLevel(logging.NOTSET)


class _Shown:
    """Shows each warning, and the same one only once: data may be opened more than once."""

    def __init__(self) -> None:
        self._known = set[str]()

    def __call__(self, message: Warning | str, *_details: Any, **_more: Any) -> None:
        if str(message) not in self._known:
            self._known.add(str(message))
            say_warning(str(message))
