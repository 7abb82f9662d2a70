"""Starts the fresh process of an examination and reads what it found."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.origin.distributions import distribution_of
from n2d_framework.core.origin.markers import PROJECT
from n2d_framework.core.roles import FITTED_ROLES
from n2d_framework.core.rows import state_of_rows
from n2d_framework.core.state import State
from n2d_framework.errors import StateError
from n2d_framework.processes import module_command
from n2d_framework.storage import encode, write_atomic
from n2d_framework.testing.check import CheckFailedError
from n2d_framework.testing.sample_rows import rows_of
from n2d_framework.types import AnyArray

__all__ = ["Elsewhere", "examine_elsewhere", "heavy_imports", "last_line"]

_LIMIT = 600


@attrs.frozen(eq=False)
class Elsewhere:
    """Findings of a fresh process.

    Attributes
    ----------
    output : array
        Training output of a fit with the same seed and two threads.
    answers : mapping of str to array or None
        Answers of a component that got the state of this process's fit; ``None`` if the state
        cannot be stored, or there are no answers.
    reason : str
        Why there are no answers from the state; empty if there are some.
    effects : mapping of str to list of str
        What fitting and answering did to the process around it.
    """

    output: AnyArray
    answers: Mapping[str, AnyArray] | None
    effects: Mapping[str, list[str]]
    reason: str = ""


def examine_elsewhere(exam: Any) -> Elsewhere:
    """Examine a component in a fresh process, all in one.

    Parameters
    ----------
    exam : ComponentExamination

    Raises
    ------
    CheckFailedError
        If the process fails, with the end of what it said.
    """
    folder = Path(exam.folder) / "elsewhere"
    folder.mkdir(parents=True)
    (folder / "empty").mkdir()
    job = {"role": exam.spec.role, "name": exam.entry.qualified_name, "options": dict(exam.options)}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    rows = {name: state_of_rows(rows_of(getattr(exam, name))) for name in ("rows", "new")}
    _write(folder / "rows", rows)
    _write(folder / "upstream", {"upstream": exam.upstream})
    # What else is to be seen does not depend on the state.
    with contextlib.suppress(StateError if exam.spec.role in FITTED_ROLES else AttributeError):
        _write(folder / "state", {"component": exam.fitted.component.get_state()})
    exam.environment.restore_settings()  # a process inherits a umask, ignored signals, and more
    environment = exam.environment.environment
    _run("component", str(folder), folder=folder / "empty", environment=environment)
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    output = np.load(folder / "output.npy")
    if found["reason"] or not (folder / "state").exists():
        return Elsewhere(output, None, found["effects"], found["reason"])
    with np.load(folder / "answers.npz") as answers:
        return Elsewhere(output, dict(answers), found["effects"])


def _write(path: Path, parts: Mapping[str, State]) -> None:
    image = encode({}, parts, created="", kind="examination", framework_version="")
    write_atomic(path, image)


def heavy_imports(distribution: str, *paths: str) -> list[str]:
    """Heavy libraries that a plugin's announcement and some modules of it load.

    Parameters
    ----------
    distribution : str
        All its entry points are imported.
    *paths : str
        ``"package.module:Name"``.
    """
    points = importlib.metadata.entry_points(group=PROJECT)
    modules = [point.module for point in points if distribution_of(point)[0] == distribution]
    modules += [path.partition(":")[0] for path in paths]
    found: list[str] = json.loads(last_line(_run("imports", *modules)))
    return found


def last_line(text: str) -> str:
    """The last line that holds something."""
    return [line for line in text.splitlines() if line.strip()][-1]


def _run(
    *arguments: str, folder: Path | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """Run the child, which finds what this process finds."""
    try:
        done = subprocess.run(  # noqa: S603  # our own module, by our own interpreter
            module_command("n2d_framework.testing.fresh_process_main", *arguments),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"in a fresh process: not done after {_LIMIT} s") from error
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise CheckFailedError(f"in a fresh process: exit code {done.returncode}\n{said}")
    return done.stdout
