"""The one family of exceptions that users of the framework meet.

Every error derives from :class:`N2DError`, so ``except N2DError`` catches whatever the
framework refuses or fails at. Each class also derives from the built-in exception that a
Python programmer would expect (``ValueError``, ``LookupError``, ...).

``exit_code`` follows the command line's contract: 2 when the request was wrong, 1 when the
work failed.
"""

from __future__ import annotations

import difflib
import logging
import os
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeVar

import attrs

from n2d_framework.visible import visible

__all__ = [
    "BundleError",
    "BundleWarning",
    "CollapseWarning",
    "ComponentImportError",
    "CompositionError",
    "ConfigError",
    "DataError",
    "DataWarning",
    "DownloadError",
    "DuplicateComponentError",
    "MetricWarning",
    "MissingLibraryError",
    "N2DError",
    "NotInductiveWarning",
    "OutputError",
    "PluginError",
    "Problem",
    "RenamedWarning",
    "StageError",
    "StateError",
    "StoreWarning",
    "TrackingWarning",
    "UnknownComponentError",
    "UnsupportedError",
    "attempt",
    "did_you_mean",
    "note_missing",
    "raised_at",
    "warn_renamed",
]

logger = logging.getLogger(__name__)
T = TypeVar("T")


class _Shown(Exception):  # noqa: N818  # of warnings too
    """A message that may quote files, in which nothing acts on a terminal."""

    def __init__(self, *args: Any, **more: Any) -> None:
        shown = (visible(item) if isinstance(item, str) else item for item in args)
        super().__init__(*shown, **more)


class N2DError(_Shown):
    """Base class of every error the framework raises on purpose."""

    exit_code: ClassVar[int] = 1


@attrs.frozen
class Problem:
    """One thing that is wrong, and where.

    Attributes
    ----------
    path : str
        Place in the configuration, such as ``embedder.epochs`` or ``seeds[2]``;
        empty for the whole.
    message : str
        What is wrong and what to do about it.
    """

    path: str
    message: str

    def under(self, prefix: str) -> Problem:
        """The same problem, seen from an enclosing place."""
        if not prefix:
            return self
        if not self.path:
            return Problem(prefix, self.message)
        joint = "" if self.path.startswith("[") else "."
        return Problem(f"{prefix}{joint}{self.path}", self.message)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(N2DError, ValueError):
    """A configuration or an option is wrong; carries *all* problems found.

    Attributes
    ----------
    problems : tuple of Problem
        Every problem found, in the order of the configuration.
    source : str
        File the configuration came from, if any.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.source = source
        lines = [str(problem) for problem in self.problems]
        head = f"{source}: " if source else ""
        if len(lines) == 1:
            text = head + lines[0]
        else:
            text = f"{head}{len(lines)} problems\n" + "\n".join(f"  - {line}" for line in lines)
        super().__init__(text)

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Problem, ...], str]]:
        return type(self), (self.problems, self.source)


class UnknownComponentError(N2DError, LookupError):
    """No installed plugin offers a component of that role and name."""

    exit_code = 2


class DuplicateComponentError(N2DError, LookupError):
    """Two distributions offer the same role and name; ``dist:name`` selects one."""

    exit_code = 2


class ComponentImportError(N2DError, ImportError):
    """A component is known, but importing its class failed."""


class MissingLibraryError(N2DError, ImportError):
    """Work was asked for whose libraries are not installed; the message has the command for it."""

    exit_code = 2


class PluginError(N2DError):
    """A plugin broke the contract of the hooks."""


class CompositionError(N2DError, ValueError):
    """The chosen components cannot work together, or not on these data."""

    exit_code = 2


class DataError(N2DError, ValueError):
    """The input data cannot be used as they are."""

    exit_code = 2


class DownloadError(DataError):
    """A dataset is known but its files could not be fetched."""

    exit_code = 1


class OutputError(N2DError, OSError):
    """An output could not be written; what was there before is unchanged."""


class StageError(N2DError, RuntimeError):
    """A component failed while it was fitted, or returned something unusable."""


class DeadlineError(StageError):
    """A fit was not done by its deadline."""


class StoppedError(N2DError):
    """A fit ended because it was asked to stop."""


class UnsupportedError(N2DError, AttributeError):
    """The fitted model has no such ability (for example ``predict_proba``)."""

    exit_code = 2


class StateError(N2DError, ValueError):
    """A component's stored state is not what the component can read."""


class BundleError(N2DError, ValueError):
    """A bundle cannot be read, written or trusted."""


class BundleWarning(_Shown, UserWarning):
    """A loaded model does not answer as it did when it was saved."""


_noted: ContextVar[tuple[list[str], ...]] = ContextVar("_noted", default=())


class CollapseWarning(_Shown, UserWarning):
    """A stage's result holds little of the data: dead units, few dimensions, a single cluster."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for noted in _noted.get():
            noted.append(str(self))

    @classmethod
    @contextmanager
    def noted(cls) -> Iterator[list[str]]:
        """Note the texts of these warnings, also of those that a filter does not show.

        Yields
        ------
        list of str
            Those of this thread, in their order.
        """
        texts: list[str] = []
        token = _noted.set((*_noted.get(), texts))
        try:
            yield texts
        finally:
            _noted.reset(token)


class DataWarning(_Shown, UserWarning):
    """A part of the data was not used, or may not be what was meant."""


class MetricWarning(_Shown, UserWarning):
    """A metric of a plugin has no score; all others have theirs."""


class DescriptionWarning(_Shown, UserWarning):
    """A description of clusters is missing; the model and all other descriptions are there."""


class NotInductiveWarning(_Shown, UserWarning):
    """A component of the composition cannot place new rows: ``predict`` will be refused."""


class RenamedWarning(_Shown, FutureWarning):
    """A component or an option was asked for by a former name, which will not be known for ever."""


class StoreWarning(_Shown, UserWarning):
    """An entry of the stage store was damaged or of another version and was recomputed."""


class TrackingWarning(_Shown, UserWarning):
    """A tracker cannot write down what happens; the run continues without it."""


_renamed: set[str] = set()


def warn_renamed(former: str, now: str) -> None:
    """Warn, once in a process, that something is asked for by a former name.

    Parameters
    ----------
    former, now : str
        What it was called, and what it is called.

    Warns
    -----
    RenamedWarning
    """
    text = f"{former} is now called {now}; the former name is deprecated"
    if text not in _renamed:
        _renamed.add(text)
        warnings.warn(text, RenamedWarning, stacklevel=2)


def attempt(name: str, make: Callable[[], T], missing: MutableMapping[str, str]) -> T | None:
    """Make one of several things; if it fails, it costs only itself, and `missing` says why.

    Parameters
    ----------
    name : str
        What it is called in `missing`.
    make : callable
    missing : mapping of str to str
        What could not be made, and why; without `name` if it could.

    Returns
    -------
    object or None
        What `make` returned; ``None`` if it failed.
    """
    try:
        made = make()
    except Exception as error:  # noqa: BLE001  # whatever fails here must not cost the others
        note_missing(name, error, missing)
        return None
    missing.pop(name, None)
    return made


def note_missing(name: str, error: Exception, missing: MutableMapping[str, str]) -> None:
    """Write down that something could not be made, and why."""
    logger.debug("%s could not be made", name, exc_info=error)
    expected = isinstance(error, (N2DError, OSError))
    missing[name] = str(error) if expected else f"unexpected {type(error).__name__}: {error}"


def did_you_mean(name: str, known: Sequence[str], *, noun: str = "name") -> str:
    """Say what `name` was probably meant to be.

    Parameters
    ----------
    name : str
        What was asked for.
    known : sequence of str
        What exists.
    noun : str, default "name"
        The word for what is listed, used when nothing is close.

    Returns
    -------
    str
        A sentence with the closest match, or with the list of all that is known.
    """
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not known:
        return f"no {noun} is known"
    return f"known {_plural(noun)}: {', '.join(sorted(known))}"


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


#: Code that imports, calls or checks a plugin: the statement at fault is never in there.
_OURS = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # without pathlib: quick


def raised_at(error: BaseException, package: str = "") -> str:
    """Say which statement of a plugin's code an error came from.

    Parameters
    ----------
    error : BaseException
        It, or what caused it, was raised in the plugin or in what the plugin called.
    package : str, optional
        Top-level package or module of the plugin: the innermost statement there is named, rather
        than one inside a library that it called. Without one, or if none was reached, the
        innermost statement that is not the framework's or the import system's.

    Returns
    -------
    str
        ``"/path/file.py:12"``; empty if no such statement is known.
    """
    while isinstance(error, N2DError) and error.__cause__ is not None:
        error = error.__cause__
    frames = [
        (frame.f_globals.get("__name__") or "", frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    foreign = [
        (name, file, line)
        for name, file, line in frames
        if not file.startswith((_OURS + os.sep, "<frozen "))
        and name.partition(".")[0] not in ("importlib", "pluggy")
    ]
    own = [found for found in foreign if package and found[0].partition(".")[0] == package]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    _, file, line = next(reversed(own or foreign), ("", "", 0))
    return f"{file}:{line}" if file else ""
