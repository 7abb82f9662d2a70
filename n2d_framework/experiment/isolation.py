"""A stage in a process of its own, which is ended when it takes too long or too much memory."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.errors import StageError
from n2d_framework.experiment.fitting import failure
from n2d_framework.experiment.tasks import Outcome, Settings, StageTask

__all__ = ["fit_apart"]

_PERIOD = 0.02
_GIB = 1 << 30
_TAIL = 2000


def fit_apart(task: StageTask, settings: Settings) -> Outcome:
    """Fit a stage in a new process, within the limits of the settings.

    Parameters
    ----------
    task : StageTask
    settings : Settings

    Returns
    -------
    Outcome
        Failed, if the process was ended at a limit or died.

    Raises
    ------
    OutputError
        If the process could not write to the store.

    Notes
    -----
    The time counts from the moment when the new process has loaded the framework. The process
    ends itself when this one dies.
    """
    with tempfile.TemporaryDirectory(prefix="n2d-stage-") as name:
        folder = Path(name)
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603  # this interpreter, a module of ours
                [sys.executable, "-m", "n2d_framework.experiment.child", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            try:
                _send(process, (task, attrs.evolve(settings, timeout=None, memory_limit=None)))
                reason = _wait(process, folder, settings)
            finally:
                _end(process)
        return _result(task, folder, reason, process.returncode)


def _send(process: subprocess.Popen[bytes], work: Any) -> None:
    """Hand over the work; the pipe stays open, as the sign that this process lives."""
    assert process.stdin is not None
    try:
        data = pickle.dumps(work)
        process.stdin.write(len(data).to_bytes(8, "little") + data)
        process.stdin.flush()
    except BrokenPipeError:
        return  # it died at once; what it said is found in its error output


def _wait(process: subprocess.Popen[bytes], folder: Path, settings: Settings) -> str | None:
    """Wait for the end, or for a limit: then the reason is returned."""
    import psutil

    try:
        watched = psutil.Process(process.pid)
    except psutil.NoSuchProcess:
        return None
    began: float | None = None
    while process.poll() is None:
        if began is None and (folder / "began").exists():
            began = time.monotonic()
        took = 0.0 if began is None else time.monotonic() - began
        if settings.timeout is not None and took > settings.timeout:
            return f"took longer than the time-out of {settings.timeout:g} s"
        if settings.memory_limit is not None:
            used = _memory(watched) / _GIB
            if used > settings.memory_limit:
                return f"took {used:.2f} GiB, more than the limit of {settings.memory_limit:g} GiB"
        time.sleep(_PERIOD)
    return None


def _memory(process: Any) -> int:
    import psutil

    total = 0
    try:
        for member in [process, *process.children(recursive=True)]:
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        return total
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    process.wait()


def _result(task: StageTask, folder: Path, reason: str | None, code: int) -> Outcome:
    name = f"{task.role} {task.component.rpartition(':')[2]!r}"
    if reason is not None:
        return failure(task, StageError(f"{name} {reason}"))
    try:
        result = pickle.loads((folder / "result").read_bytes())  # noqa: S301  # written by our own child
    except (FileNotFoundError, EOFError, pickle.UnpicklingError):
        said = (folder / "errors").read_text(errors="replace")[-_TAIL:].strip()
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = f"{name}: its process ended by {end}"
        return failure(task, StageError(f"{text}; it said: {said}" if said else text))
    if isinstance(result, BaseException):
        raise result
    assert isinstance(result, Outcome)
    return result
