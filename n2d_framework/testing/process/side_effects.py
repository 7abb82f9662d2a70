"""Effects of code on the process around it: prints, seeds, files, settings, threads, warnings."""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import gc
import io
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import psutil

from n2d_framework.testing.heavy import heavy_loaded
from n2d_framework.testing.process.audited import Audited, for_a_cache
from n2d_framework.testing.process.process_state import Surroundings

__all__ = ["Effects", "watched"]

#: Warnings that Python does not show by default, wherever they come from.
_NOT_SHOWN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
#: Seconds in which what was started may end.
_GRACE = 1.0
_SYSTEM = ("/dev/", "/proc/", "/sys/", "/memfd:")


@attrs.define
class Effects:
    """Findings; every list is empty if nothing was done.

    Attributes
    ----------
    printed, seeds, handlers, files, network, environment, settings : list of str
    thread_counts : list of str
        Libraries whose number of threads was changed.
    survivors : list of str
        Threads and processes that were started and still run a second later.
    open_files : list of str
        Files and sockets that were opened and are open still.
    warnings : list of str
        What was warned of, or logged as a warning, that is shown to users.
    """

    printed: list[str] = attrs.field(factory=list)
    seeds: list[str] = attrs.field(factory=list)
    handlers: list[str] = attrs.field(factory=list)
    files: list[str] = attrs.field(factory=list)
    network: list[str] = attrs.field(factory=list)
    environment: list[str] = attrs.field(factory=list)
    settings: list[str] = attrs.field(factory=list)
    thread_counts: list[str] = attrs.field(factory=list)
    survivors: list[str] = attrs.field(factory=list)
    open_files: list[str] = attrs.field(factory=list)
    warnings: list[str] = attrs.field(factory=list)

    def __add__(self, other: Effects) -> Effects:
        """Findings of either side."""
        mine, theirs = attrs.asdict(self), attrs.asdict(other)
        return Effects(**{name: list(dict.fromkeys(mine[name] + theirs[name])) for name in mine})


@contextlib.contextmanager
def watched(*, importing: bool = False, auditing: bool = True) -> Iterator[Effects]:
    """Watch everything this process does until the end of the block, then put its settings back.

    Parameters
    ----------
    importing : bool, default False
        Whether libraries are imported in the block. Many of those set environment variables,
        have a log handler of their own, draw a random number or say something about the machine:
        then no more is reported than no library may do either, and variables stay that were set
        before a heavy library was imported: they may be for it.
    auditing : bool, default True
        Whether to look for files and for the network as well, by an audit hook: it cannot be taken
        away again, so that this is for a process of its own.
    """
    effects = Effects()
    audited = Audited(effects.network)
    threads: list[threading.Thread] = []
    noted: list[str] = []
    children = set(_children())
    if auditing:
        audited.listen()
    with (
        warnings.catch_warnings(record=True) as warned,
        _noted(threads, noted),
        _logged(effects.warnings if not importing else []),
        _captured(effects.printed, (1,) if importing else (1, 2)),
    ):
        # Not simplefilter: whoever calls that should be seen to change something.
        warnings.filterwarnings("always", message=".*")
        for category in _NOT_SHOWN:
            warnings.filterwarnings("ignore", message=".*", category=category)
        before, opened, running = Surroundings.now(), _open_files(), set(sys._current_frames())  # noqa: SLF001
        try:
            yield effects
        finally:
            after, still = Surroundings.now(), _open_files()
            heavy = len(heavy_loaded()) if importing else 0
            before.restore(
                after, keeping=[name for name, then in audited.variables.items() if then < heavy]
            )
    audited.stop()
    effects.survivors += _survivors(threads, children, running)
    effects.handlers += before.handlers_added(after, logger="root" if importing else None)
    effects.files += audited.files(with_folders=not importing)
    if not importing:
        effects.open_files += sorted({still[number] for number in still.keys() - opened.keys()})
        effects.seeds += before.seeds_changed(after)
        effects.thread_counts += before.counts_changed(after)
        effects.warnings += [
            f"{item.category.__name__}: {item.message} ({item.filename}:{item.lineno})"
            for item in warned
        ]
        effects.environment += before.variables_changed(after.environment)
        effects.settings += before.settings_changed(after) + noted
        effects.settings += ["sys.addaudithook"] if audited.hooks else []


def _children() -> dict[int, str]:
    """Processes that this one has started, but those by which Python itself keeps house."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in command:
                found[process.pid] = command[:100]
    return found


def _open_files() -> dict[int, str]:
    """Files and sockets that are open, by their descriptors, but devices."""
    places = Path("/proc/self/fd")
    if not places.is_dir():
        return {item.fd: item.path for item in psutil.Process().open_files()}
    found = {}
    for place in list(places.iterdir()):
        with contextlib.suppress(OSError):  # that of this very listing
            name = str(place.readlink())
            if name.startswith("socket:") or (name[0] == "/" and not name.startswith(_SYSTEM)):
                found[int(place.name)] = name.partition(":")[0]
    return found


#: Functions that add to, or take from, what shows nothing of it, by their modules.
_ADDING = (
    (codecs, "register_error"), (codecs, "register"), (os, "register_at_fork"), (gc, "unfreeze"),
)  # fmt: skip


@contextlib.contextmanager
def _noted(threads: list[threading.Thread], added: list[str]) -> Iterator[None]:
    """Note threads that are started, and what is added to what shows nothing of it.

    But those that a library starts, or what it adds, when it is imported.
    """
    start = threading.Thread.start

    def noting(thread: threading.Thread) -> None:
        if not for_a_cache():
            threads.append(thread)
        start(thread)

    def noting_call(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if not for_a_cache() and name not in added:
                added.append(name)
            return function(*args, **more)

        return call

    with contextlib.ExitStack() as stack:
        for module, name in _ADDING:
            function = getattr(module, name, None)
            if function is not None:  # not on every platform
                stack.callback(setattr, module, name, function)
                setattr(module, name, noting_call(f"{module.__name__}.{name}", function))
        threading.Thread.start = noting  # type: ignore[method-assign, assignment]
        stack.callback(setattr, threading.Thread, "start", start)
        yield


def _survivors(threads: list[threading.Thread], children: set[int], running: set[int]) -> list[str]:
    """Threads and processes that do not end within a second, and did not run before."""
    until = time.monotonic() + _GRACE
    while True:
        found = [f"thread {thread.name}" for thread in threads if thread.is_alive()]
        # Threads that were started below the module threading, which knows them not.
        named = {thread.ident for thread in threading.enumerate()}
        raw = sys._current_frames().keys() - running - named  # noqa: SLF001
        found += [f"thread {number}" for number in sorted(raw)]
        found += [f"process {pid} ({c})" for pid, c in _children().items() if pid not in children]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


@contextlib.contextmanager
def _captured(printed: list[str], descriptors: tuple[int, ...]) -> Iterator[None]:
    """Catch what is printed: by Python to both streams, by anything to some descriptors."""
    start = len(_TEXT.getvalue())
    try:
        with contextlib.ExitStack() as stack:
            for descriptor in descriptors:
                stack.enter_context(_captured_below(printed, descriptor))
            stack.enter_context(contextlib.redirect_stdout(_TEXT))
            stack.enter_context(contextlib.redirect_stderr(_TEXT))
            yield
    finally:
        _note(printed, _TEXT.getvalue()[start:])


@contextlib.contextmanager
def _captured_below(printed: list[str], descriptor: int) -> Iterator[None]:
    """Catch what is written to a descriptor, past the streams of Python."""
    _flush()
    with tempfile.TemporaryFile() as native:
        kept = os.dup(descriptor)
        os.dup2(native.fileno(), descriptor)
        mine = os.fstat(descriptor)
        try:
            yield
        finally:
            _flush()
            if not os.path.samestat(mine, os.fstat(descriptor)):
                printed.append(f"descriptor {descriptor} was made another file")
            os.dup2(kept, descriptor)
            os.close(kept)
            native.seek(0)
            _note(printed, native.read().decode(errors="replace"))


def _flush() -> None:
    """Write what Python and the C library have kept back so far."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


def _note(printed: list[str], said: str) -> None:
    if said.strip():
        printed.append(said.strip()[:200])


@contextlib.contextmanager
def _logged(messages: list[str]) -> Iterator[None]:
    """Collect what is logged as a warning or worse: Python, or the application, shows it.

    No handler is added where there is none, so that `logging.basicConfig` does what it does.
    """
    collector, root, last = _Collector(messages), logging.getLogger(), logging.lastResort
    logging.lastResort = collector
    if root.handlers:
        root.addHandler(collector)
    try:
        yield
    finally:
        root.removeHandler(collector)
        logging.lastResort = last


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        where = f"logged by {record.name}, {record.pathname}:{record.lineno}"
        self.messages.append(f"{record.levelname}: {record.getMessage()} ({where})")


class _Text(io.StringIO):
    """Text that several threads may write."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            return super().write(text)


#: One for all that is watched in a process: handlers of a library keep the stream they found.
_TEXT = _Text()
