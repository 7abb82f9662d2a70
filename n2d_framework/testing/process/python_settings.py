"""Settings that Python keeps for the whole process: of its interpreter and its own modules."""

from __future__ import annotations

import atexit  # noqa: F401  # is looked at only once it is loaded
import decimal  # noqa: F401
import multiprocessing  # noqa: F401
from collections.abc import Mapping
from typing import Any

from n2d_framework.testing.process.python_registries import REGISTRIES
from n2d_framework.testing.process.replaced_functions import (
    library_functions,
    put_back_functions,
)
from n2d_framework.testing.process.setting import Setting, attribute, functions, not_put_back

__all__ = ["PYTHON"]


def _mask(m: Any) -> int:
    found: int = m.umask(0)
    m.umask(found)
    return found


def _signal_handlers(m: Any) -> dict[int, Any]:
    return {int(number): m.getsignal(number) for number in m.valid_signals()}


def _put_back_signal_handlers(m: Any, handlers: Mapping[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and m.getsignal(number) != handler:
            m.signal(number, handler)


def _stop_timers(m: Any, running: list[bool]) -> None:
    for timer, before in enumerate(running):
        if not before:
            m.setitimer(timer, 0)


def _set_path(m: Any, path: list[str]) -> None:
    m.path[:] = path


_DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _decimal_context(m: Any) -> dict[str, Any]:
    context = m.getcontext()
    return {**{name: getattr(context, name) for name in _DECIMAL}, "traps": dict(context.traps)}


def _resource_limits(m: Any) -> dict[int, Any]:
    numbers = {getattr(m, name) for name in dir(m) if name.startswith("RLIMIT_")}
    return {number: m.getrlimit(number) for number in numbers}


def _put_back_resource_limits(m: Any, limits: Mapping[int, Any]) -> None:
    for number, limit in limits.items():
        m.setrlimit(number, limit)


#: Settings, by the name under which they are reported. What a platform lacks is not looked at.
PYTHON: dict[str, Setting] = {
    **REGISTRIES,
    "the working directory": functions("os", "getcwd", "chdir"),
    "os.umask": Setting("os", _mask, lambda m, v: m.umask(v)),
    "os.nice": Setting("os", lambda m: m.getpriority(m.PRIO_PROCESS, 0), not_put_back),
    "the CPU affinity": Setting(
        "os", lambda m: m.sched_getaffinity(0), lambda m, v: m.sched_setaffinity(0, v)
    ),
    "resource.setrlimit": Setting("resource", _resource_limits, _put_back_resource_limits),
    "sys.path": Setting("sys", lambda m: list(m.path), _set_path),
    "sys.setrecursionlimit": functions("sys", "getrecursionlimit", "setrecursionlimit"),
    "sys.setswitchinterval": functions("sys", "getswitchinterval", "setswitchinterval"),
    "sys.set_int_max_str_digits": functions(
        "sys", "get_int_max_str_digits", "set_int_max_str_digits"
    ),
    "sys.excepthook": attribute("sys", "excepthook"),
    "sys.unraisablehook": attribute("sys", "unraisablehook"),
    "sys.displayhook": attribute("sys", "displayhook"),
    "sys.settrace": functions("sys", "gettrace", "settrace"),
    "sys.setprofile": functions("sys", "getprofile", "setprofile"),
    # Not put back: whoever captures them has others in each test.
    "sys.stdout": Setting("sys", lambda m: id(m.stdout), not_put_back),
    "sys.stderr": Setting("sys", lambda m: id(m.stderr), not_put_back),
    "threading.excepthook": attribute("threading", "excepthook"),
    "threading.stack_size": functions("threading", "stack_size", "stack_size"),
    "atexit.register": functions("atexit", "_ncallbacks"),
    "functions of Python or of a library": Setting("sys", library_functions, put_back_functions),
    "sys.setdlopenflags": functions("sys", "getdlopenflags", "setdlopenflags"),
    "sys.stdin": Setting("sys", lambda m: id(m.stdin), not_put_back),
    "signal.setitimer": Setting(
        "signal", lambda m: [m.getitimer(timer) > (0, 0) for timer in range(3)], _stop_timers
    ),
    "faulthandler.enable": Setting(
        "faulthandler",
        lambda m: m.is_enabled(),
        lambda m, v: m.enable() if v else m.disable(),
    ),
    "tracemalloc.start": Setting(
        "tracemalloc", lambda m: m.is_tracing(), lambda m, v: m.start() if v else m.stop(), False
    ),
    "tempfile.tempdir": Setting(
        "tempfile", lambda m: m.gettempdir(), lambda m, v: setattr(m, "tempdir", v)
    ),
    "logging.setLoggerClass": functions("logging", "getLoggerClass", "setLoggerClass"),
    "builtins.print": attribute("builtins", "print"),
    "builtins.open": attribute("builtins", "open"),
    "signal handlers": Setting("signal", _signal_handlers, _put_back_signal_handlers),
    "locale.setlocale": Setting(
        "locale", lambda m: m.setlocale(m.LC_ALL), lambda m, v: m.setlocale(m.LC_ALL, v)
    ),
    "socket.setdefaulttimeout": functions("socket", "getdefaulttimeout", "setdefaulttimeout"),
    "gc.disable": Setting(
        "gc", lambda m: m.isenabled(), lambda m, v: m.enable() if v else m.disable()
    ),
    "gc.set_threshold": Setting(
        "gc", lambda m: m.get_threshold(), lambda m, v: m.set_threshold(*v)
    ),
    "decimal.getcontext": Setting(
        "decimal", _decimal_context, lambda m, v: m.setcontext(m.Context(**v))
    ),
    "logging.disable": attribute("logging", "root.manager.disable"),
    "the level of the root logger": attribute("logging", "root.level"),
    "logging.captureWarnings": attribute("warnings", "showwarning"),
    "multiprocessing.set_start_method": Setting(
        "multiprocessing",
        # Whoever asks for a context settles the default: that changes nothing.
        lambda m: m.get_start_method(allow_none=True) or m.get_all_start_methods()[0],
        lambda m, v: m.set_start_method(v, force=True),
    ),
}
