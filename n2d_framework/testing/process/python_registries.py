"""Tables that Python keeps for the whole process: importers, modules, loggers, error handlers.

What makes imports work is not put back: a library that was imported meanwhile may need it.
"""

from __future__ import annotations

import contextlib
import copyreg  # noqa: F401  # is looked at only once it is loaded
import csv  # noqa: F401
from collections.abc import Mapping
from typing import Any

from n2d_framework.testing.process.setting import Setting, attribute, functions, not_put_back

__all__ = ["REGISTRIES"]


class _Known(dict[Any, Any]):
    """Values by name; two are equal if what one has is the same there: names may be added."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and not self.changed(other)

    def __ne__(self, other: object) -> bool:  # a dict has one of its own
        return not self == other

    __hash__ = None

    def changed(self, other: _Known) -> list[Any]:
        """Names whose value is another there, or that are gone."""
        gone = object()
        differs = [name for name in self if other.get(name, gone) is not self[name]]
        return [name for name in differs if other.get(name, gone) != self[name]]


#: Whether anything was found frozen: to count what is goes through all of it, every time.
_FROZEN: list[bool] = []


def _frozen(m: Any) -> bool:
    """Return whether anything is spared the garbage collector; calls that thaw it are noted."""
    if not _FROZEN and m.get_freeze_count():
        _FROZEN.append(True)
    return bool(_FROZEN)


def _loggers(m: Any) -> dict[str, Any]:
    known = list(m.root.manager.loggerDict.items())
    return {"root": m.root} | {name: item for name, item in known if isinstance(item, m.Logger)}


def _logger_levels(m: Any) -> _Known:
    # That of the root logger has an entry of its own.
    return _Known((name, item.level) for name, item in _loggers(m).items() if item is not m.root)


def _put_back_logger_levels(m: Any, levels: _Known) -> None:
    for name in levels.changed(_logger_levels(m)):
        m.getLogger(name).setLevel(levels[name])


_OF_LOGGERS = ("propagate", "disabled")
_OF_HANDLERS = ("level", "formatter")


def _logger_ways(m: Any) -> _Known:
    """Attributes of loggers and handlers that decide which messages are seen, and how."""
    found = _Known()
    for logger in _loggers(m).values():
        for holder, names in ((logger, _OF_LOGGERS), *((h, _OF_HANDLERS) for h in logger.handlers)):
            found[holder, "filters"] = tuple(holder.filters)
            for name in names:
                found[holder, name] = getattr(holder, name)
    return found


def _put_back_logger_ways(m: Any, ways: _Known) -> None:
    for holder, name in ways.changed(_logger_ways(m)):
        value = ways[holder, name]
        setattr(holder, name, list(value) if name == "filters" else value)


def _put_back_level_names(m: Any, names: Mapping[int, str]) -> None:
    for level, name in names.items():
        m.addLevelName(level, name)


def _list(library: str, name: str) -> Setting:
    """A list in a module, which is put back."""

    def write(m: Any, found: list[Any]) -> None:
        getattr(m, name)[:] = found

    return Setting(library, lambda m: list(getattr(m, name)), write)


def _import_list(name: str) -> Setting:
    return Setting("sys", lambda m: list(getattr(m, name)), not_put_back)


_ERRORS = (
    "strict", "ignore", "replace", "xmlcharrefreplace", "backslashreplace", "namereplace",
    "surrogateescape", "surrogatepass",
)  # fmt: skip


def _error_handlers(m: Any) -> dict[str, Any]:
    return {name: m.lookup_error(name) for name in _ERRORS}


def _put_back_error_handlers(m: Any, handlers: Mapping[str, Any]) -> None:
    for name, handler in handlers.items():
        m.register_error(name, handler)


_OF_STREAMS = ("encoding", "errors", "line_buffering", "write_through")


def _streams(m: Any) -> list[tuple[Any, dict[str, Any]]]:
    """The streams that a process began with, and how they write."""
    streams = [item for item in (m.__stdin__, m.__stdout__, m.__stderr__) if item is not None]
    return [(item, {name: getattr(item, name, None) for name in _OF_STREAMS}) for item in streams]


def _put_back_streams(_: Any, streams: list[tuple[Any, dict[str, Any]]]) -> None:
    for stream, ways in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(**ways)


def _put_back_builtins(m: Any, names: frozenset[str]) -> None:
    for name in vars(m).keys() - names:
        with contextlib.suppress(AttributeError):
            delattr(m, name)


def _put_back_csv(m: Any, dialects: frozenset[str]) -> None:
    for name in frozenset(m.list_dialects()) - dialects:
        m.unregister_dialect(name)


#: Settings, by the name under which they are reported.
REGISTRIES: dict[str, Setting] = {
    "sys.meta_path": _import_list("meta_path"),
    "sys.path_hooks": _import_list("path_hooks"),
    "sys.modules": Setting("sys", lambda m: _Known(m.modules), not_put_back),
    "sys.argv": _list("sys", "argv"),
    "sys.dont_write_bytecode": attribute("sys", "dont_write_bytecode"),
    "sys.pycache_prefix": attribute("sys", "pycache_prefix"),
    "sys.breakpointhook": attribute("sys", "breakpointhook"),
    "sys.monitoring": Setting(
        "sys", lambda m: [m.monitoring.get_tool(tool) for tool in range(6)], not_put_back
    ),
    "sys.__stdout__, sys.__stderr__ or sys.__stdin__": Setting("sys", _streams, _put_back_streams),
    "the handling of denormal numbers": Setting(
        "sys", lambda m: m.float_info.min / 2 > 0, not_put_back
    ),
    "names in builtins": Setting("builtins", lambda m: frozenset(vars(m)), _put_back_builtins),
    "copyreg.pickle": Setting("copyreg", lambda m: dict(m.dispatch_table), not_put_back),
    "codecs.register_error": Setting("codecs", _error_handlers, _put_back_error_handlers),
    "csv.field_size_limit": functions("csv", "field_size_limit", "field_size_limit"),
    "csv.register_dialect": Setting("csv", lambda m: frozenset(m.list_dialects()), _put_back_csv),
    "gc.callbacks": _list("gc", "callbacks"),
    "gc.set_debug": functions("gc", "get_debug", "set_debug"),
    "gc.freeze": Setting("gc", _frozen, not_put_back),
    "levels of loggers": Setting("logging", _logger_levels, _put_back_logger_levels),
    "filters, propagation or formats of loggers": Setting(
        "logging", _logger_ways, _put_back_logger_ways
    ),
    "logging.addLevelName": Setting(
        "logging",
        lambda m: dict(m._levelToName),  # noqa: SLF001  # the public one is as new as 3.11
        _put_back_level_names,
    ),
    "logging.setLogRecordFactory": functions(
        "logging", "getLogRecordFactory", "setLogRecordFactory"
    ),
    "logging.raiseExceptions": attribute("logging", "raiseExceptions"),
    "signal.pthread_sigmask": Setting(
        "signal",
        lambda m: m.pthread_sigmask(m.SIG_BLOCK, ()),
        lambda m, v: m.pthread_sigmask(m.SIG_SETMASK, v),
    ),
    "decimal.DefaultContext": Setting("decimal", lambda m: repr(m.DefaultContext), not_put_back),
    "warnings.formatwarning": attribute("warnings", "formatwarning"),
    "time.tzset": Setting(
        "time", lambda m: (m.tzname, m.timezone, m.altzone), lambda m, _v: m.tzset()
    ),
    "threading.settrace": functions("threading", "gettrace", "settrace"),
    "threading.setprofile": functions("threading", "getprofile", "setprofile"),
}
