"""Warnings and log messages while a command runs."""

from __future__ import annotations

import logging
import warnings
from types import TracebackType
from typing import Any, Self

from n2d_framework.cli.console import say_warning
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
from n2d_framework.visible import visible

__all__ = ["Messages"]

_OURS = (
    BundleWarning, CollapseWarning, DataWarning, MetricWarning, NotInductiveWarning,
    RenamedWarning, StoreWarning,
    TrackingWarning,
)  # fmt: skip
_LOGGERS = ("n2d_framework", "n2d_builtin")


class _Formatter(logging.Formatter):
    """Log records in which nothing acts on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record; further lines are indented."""
        return visible(super().format(record)).replace("\n", "\n  ")


class Messages:
    """Shows warnings meant for users as one line each; the rest only to who debugs.

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
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(self._handler)
            logger.setLevel(logging.DEBUG if self.debug else logging.WARNING)
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        if not self.debug:
            warnings.simplefilter("ignore")
            for category in _OURS:
                warnings.simplefilter("always", category)
            warnings.showwarning = _show
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._caught.__exit__(kind, error, trace)
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
            logging.getLogger(name).setLevel(logging.NOTSET)


def _show(message: Warning | str, *_details: Any, **_more: Any) -> None:
    say_warning(str(message))
