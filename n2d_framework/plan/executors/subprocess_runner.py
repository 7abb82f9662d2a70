"""Stages in a process of their own, which is ended when one takes too long or too much memory."""

from __future__ import annotations

import atexit
import contextlib
import pickle
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.errors import StageError
from n2d_framework.plan.executors.tasks import Outcome, Settings, StageTask
from n2d_framework.processes import import_path, module_command

__all__ = ["fit_apart"]

_PERIOD = 0.02
#: Seconds in which a stage may end itself at its deadline: then its process is kept.
_GRACE = 0.25
_GIB = 1 << 30
_TAIL = 2000
_here = threading.local()


def fit_apart(task: StageTask, settings: Settings) -> Outcome:
    """Fit a stage in another process, within the limits of the settings.

    Parameters
    ----------
    task : StageTask
    settings : Settings

    Returns
    -------
    Outcome
        Failed, if the process was stopped at a limit or crashed.

    Raises
    ------
    OutputError
        If the process could not write to the store.
    DeadlineError
        If the time for all work is over.

    Notes
    -----
    The process serves one stage after the other until a limit ends it; then the next stage
    gets a new one. It ends itself when this process dies.
    """
    settings.require_time()
    child = _child()
    with tempfile.TemporaryDirectory(prefix="n2d-stage-") as name:
        folder = Path(name)
        inside = attrs.evolve(settings, inside=True)
        reason = None
        try:
            child.send((str(folder), task, inside))
            reason = _wait(child, folder, settings)
        except BaseException:  # an interrupt too must not leave the process behind
            child.end()
            raise
        if reason is not None:
            child.end()
        return _result(task, folder, reason, child)


class _Child:
    """A process that fits stages."""

    def __init__(self, path: list[str]) -> None:
        self.path = path
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
            module_command("n2d_framework.plan.executors.worker", path=path),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.said,
        )
        atexit.register(self.end)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, work: Any) -> None:
        """Hand over work; the pipe stays open, as the sign that this process lives."""
        assert self.process.stdin is not None
        data = pickle.dumps(work)
        # Where it crashed at once, its exit code says why.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(len(data).to_bytes(8, "little") + data)
            self.process.stdin.flush()

    def memory(self) -> int:
        """Resident memory of the process and its children, in bytes."""
        import psutil

        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process.pid)
            for member in [process, *process.children(recursive=True)]:
                total += member.memory_info().rss
        return total

    def last_words(self) -> str:
        if self.said.closed:
            return ""
        self.said.seek(0)
        return self.said.read().decode(errors="replace")[-_TAIL:].strip()

    def end(self) -> None:
        if self.alive:
            self.process.kill()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process.wait()
        self.said.close()
        atexit.unregister(self.end)


def _child() -> _Child:
    """The process of this thread: the one that is there, or a new one.

    One that was started when modules were looked for elsewhere would not find the plugins and
    classes of today.
    """
    path = import_path()
    found: _Child | None = getattr(_here, "child", None)
    if found is not None and not (found.alive and found.path == path):
        found.end()
        found = None
    if found is None:
        found = _here.child = _Child(path)
    return found


def _wait(child: _Child, folder: Path, settings: Settings) -> str | None:
    """Wait for the result, or for a limit: then the reason is returned.

    The time counts from the moment when the process has loaded the framework.
    """
    began: float | None = None
    while child.alive and not (folder / "result").exists():
        if began is None and (folder / "began").exists():
            began = time.monotonic()
        took = 0.0 if began is None else time.monotonic() - began
        if settings.timeout is not None and took > settings.timeout + _GRACE:
            return settings.timed_out
        if settings.memory_limit is not None:
            used = child.memory() / _GIB
            if used > settings.memory_limit:
                return f"took {used:.2f} GiB, more than the limit of {settings.memory_limit:g} GiB"
        settings.require_time()
        time.sleep(_PERIOD)
    return None


def _result(task: StageTask, folder: Path, reason: str | None, child: _Child) -> Outcome:
    name = f"{task.role} {task.component.rpartition(':')[2]!r}"
    if reason is not None:
        return Outcome.of_failure(task, StageError(f"{name} {reason}"))
    try:
        result = pickle.loads((folder / "result").read_bytes())  # noqa: S301  # written by our own child
    except FileNotFoundError:
        code = child.process.wait()
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        text, said = f"{name}: its process terminated with {end}", child.last_words()
        child.end()
        return Outcome.of_failure(task, StageError(f"{text}; it said: {said}" if said else text))
    if isinstance(result, BaseException):
        raise result
    assert isinstance(result, Outcome)
    return result
