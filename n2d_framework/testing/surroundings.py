"""What a process keeps for everybody in it: log handlers, environment, settings."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Collection, Mapping
from typing import Any, Self

import attrs
import numpy as np

__all__ = ["Surroundings"]


@attrs.frozen(eq=False)
class Surroundings:
    """A process's surroundings at one moment.

    Attributes
    ----------
    handlers : mapping of str to sequence of logging.Handler
        Those of every logger there is, by its name; the root logger's is ``root``.
    environment : mapping of str to str
    numpy_errors : mapping of str to str
        What NumPy does about which error.
    filters : sequence of tuple
        Which warnings are shown.
    """

    handlers: Mapping[str, tuple[logging.Handler, ...]]
    environment: Mapping[str, str]
    numpy_errors: Mapping[str, Any]
    filters: tuple[Any, ...]

    @classmethod
    def now(cls) -> Self:
        """The surroundings as they are."""
        handlers = {name: tuple(logger.handlers) for name, logger in _loggers().items()}
        return cls(handlers, dict(os.environ), dict(np.geterr()), tuple(warnings.filters))

    def handlers_added(self, later: Surroundings, *, logger: str | None = None) -> list[str]:
        """Handlers that came since, of every logger or of one."""
        return [
            f"{handler!r} on the logger {name}"
            for name, handlers in sorted(later.handlers.items())
            for handler in handlers
            if handler not in self.handlers.get(name, ()) and logger in (None, name)
        ]

    def variables_changed(self, later: Surroundings) -> list[str]:
        """Environment variables that were set, changed or taken away since."""
        old, new = self.environment, later.environment
        return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))

    def settings_changed(self, later: Surroundings) -> list[str]:
        """Which of NumPy's error handling and the warning filters changed since."""
        errors = "numpy.seterr" if self.numpy_errors != later.numpy_errors else ""
        filters = "warning filters" if self.filters != later.filters else ""
        return [name for name in (errors, filters) if name]

    def restore(self, *, keeping: Collection[str] = ()) -> None:
        """Put back all but some variables, and but the filters: ``catch_warnings`` does that."""
        for name, logger in _loggers().items():
            logger.handlers[:] = self.handlers.get(name, ())
        for name in self.variables_changed(type(self).now()):
            if name in keeping:
                continue
            if name in self.environment:
                os.environ[name] = self.environment[name]
            else:
                del os.environ[name]
        np.seterr(**self.numpy_errors)


def _loggers() -> dict[str, logging.Logger]:
    known = list(logging.root.manager.loggerDict.items())
    loggers = {name: logger for name, logger in known if isinstance(logger, logging.Logger)}
    return {"root": logging.getLogger(), **loggers}
