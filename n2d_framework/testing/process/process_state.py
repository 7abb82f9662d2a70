"""State that a process shares: log handlers, environment, settings, random states."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Self

import attrs
import threadpoolctl

from n2d_framework.testing.process.setting import Setting
from n2d_framework.testing.process.shared_settings import (
    COUNTS,
    RANDOM,
    SETTINGS,
    Shared,
    other_number,
)

__all__ = ["Surroundings"]


def _pools() -> dict[str, tuple[int, Callable[[int], Any]]]:
    """Threads of the BLAS and OpenMP libraries that are loaded, and how to set them."""
    controllers = threadpoolctl.ThreadpoolController().lib_controllers
    return {
        f"threads of {pool.internal_api} ({os.path.basename(pool.filepath)})": (  # noqa: PTH119
            pool.num_threads,
            pool.set_num_threads,
        )
        for pool in controllers
    }


def _read(table: Mapping[str, Shared | Setting]) -> dict[str, Any]:
    found = {}
    for name, shared in table.items():
        module = sys.modules.get(shared.module)
        # A module of that name may be something else, or an older version.
        with contextlib.suppress(Exception):
            if module is not None:
                found[name] = shared.read(module)
    return found


@attrs.frozen(eq=False)
class Surroundings:
    """A process's surroundings at one moment.

    Attributes
    ----------
    handlers : mapping of str to sequence of logging.Handler
        Those of every logger there is, by its name; the root logger's is ``root``.
    environment : mapping of str to str
    filters : sequence of tuple
        Which warnings are shown.
    random_states : mapping of str to object
        Of the libraries that are loaded.
    thread_counts : mapping of str to object
        How many threads the libraries that are loaded use.
    settings : mapping of str to object
        Of the process and of the libraries that are loaded.
    """

    handlers: Mapping[str, tuple[logging.Handler, ...]]
    environment: Mapping[str, str]
    filters: tuple[Any, ...]
    random_states: Mapping[str, Any] = attrs.field(factory=partial(_read, RANDOM))
    thread_counts: Mapping[str, Any] = attrs.field(factory=lambda: _all_counts())
    settings: Mapping[str, Any] = attrs.field(factory=partial(_read, SETTINGS))

    @classmethod
    def now(cls) -> Self:
        """The surroundings as they are."""
        handlers = {name: tuple(logger.handlers) for name, logger in _loggers().items()}
        return cls(handlers, dict(os.environ), tuple(warnings.filters))

    def handlers_added(self, later: Surroundings, *, logger: str | None = None) -> list[str]:
        """Handlers that came since, of every logger or of one."""
        return [
            f"{handler!r} on the logger {name}"
            for name, handlers in sorted(later.handlers.items())
            for handler in handlers
            if handler not in self.handlers.get(name, ()) and logger in (None, name)
        ]

    def variables_changed(self, environment: Mapping[str, str]) -> list[str]:
        """Environment variables that were set, changed or taken away since."""
        old, new = self.environment, environment
        return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))

    def settings_changed(self, later: Surroundings) -> list[str]:
        """Settings of the process, and of libraries that were loaded, that changed since."""
        filters = ["warning filters"] if self.filters != later.filters else []
        return _changed(self.settings, later.settings) + filters

    def seeds_changed(self, later: Surroundings) -> list[str]:
        """Global states of random numbers that changed since, of libraries that were loaded."""
        return _changed(self.random_states, later.random_states)

    def counts_changed(self, later: Surroundings) -> list[str]:
        """Numbers of threads that changed since, of libraries that were loaded."""
        return _changed(self.thread_counts, later.thread_counts)

    @staticmethod
    @contextlib.contextmanager
    def stirred() -> Iterator[None]:
        """Change all random states and numbers of threads: who sets them again is then seen.

        In the end, numbers of threads are put back.
        """
        pools = _pools()
        counts = {name: shared for name, shared in COUNTS.items() if shared.module in sys.modules}
        for shared in (*RANDOM.values(), *counts.values()):
            module = sys.modules.get(shared.module)
            with contextlib.suppress(Exception):  # one thread may be all there is
                if module is not None:
                    shared.stir(module)
        for number, set_number in pools.values():
            set_number(other_number(number))
        try:
            yield
        finally:
            for number, set_number in pools.values():
                set_number(number)

    def restore(self, now: Surroundings | None = None, *, keeping: Collection[str] = ()) -> None:
        """Put back all but some variables, and but the filters: ``catch_warnings`` does that.

        To look at what there is `now` takes most of the time, where somebody has done so already.
        """
        for name, logger in _loggers().items():
            logger.handlers[:] = self.handlers.get(name, ())
        for name in self.variables_changed(os.environ):
            if name in keeping:
                continue
            if name in self.environment:
                os.environ[name] = self.environment[name]
            else:
                del os.environ[name]
        self.restore_settings(now)

    def restore_settings(self, now: Surroundings | None = None) -> None:
        """Put back the settings of the process, and of libraries, but the filters."""
        for name, found in (_read(SETTINGS) if now is None else now.settings).items():
            setting = SETTINGS[name]
            loaded_meanwhile = name not in self.settings
            if loaded_meanwhile and setting.usual is None:
                continue
            module = sys.modules[setting.module]
            usual = setting.usual(module) if callable(setting.usual) else setting.usual
            before = usual if loaded_meanwhile else self.settings[name]
            if found != before:
                setting.write(module, before)


def _loggers() -> dict[str, logging.Logger]:
    known = list(logging.root.manager.loggerDict.items())
    loggers = {name: logger for name, logger in known if isinstance(logger, logging.Logger)}
    return {"root": logging.getLogger(), **loggers}


def _all_counts() -> dict[str, Any]:
    return _read(COUNTS) | {name: number for name, (number, _) in _pools().items()}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in before if name in after and before[name] != after[name]]
