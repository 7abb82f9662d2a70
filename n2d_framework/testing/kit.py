"""The kit: which checks there are for what, and running them."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from n2d_framework.core.announcements.metric import MetricSpec
from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.roles import ROLE_NAMES
from n2d_framework.core.spec import ComponentSpec
from n2d_framework.errors import (
    PluginError,
    UnknownComponentError,
    UnsupportedError,
    did_you_mean,
    raised_at,
)
from n2d_framework.registry import Catalogue, Entry, default_catalogue, refuse_duplicates
from n2d_framework.testing.check import Check, CheckFailedError, OptionNeededError
from n2d_framework.testing.check_results import Outcome, Report
from n2d_framework.testing.checks import (
    announcement,
    dataset_checks,
    effects,
    inputs,
    memory,
    metric_checks,
    results,
    tracker_checks,
    treatment_words,
)
from n2d_framework.testing.checks.tracker_checks import trackers_of
from n2d_framework.testing.examination import ComponentExamination, with_options
from n2d_framework.types import AnyArray

__all__ = [
    "KINDS",
    "AnyEntry",
    "checks_for",
    "entries_of",
    "examination",
    "find",
    "find_all",
    "kind_of",
    "run_checks",
]

AnyEntry: TypeAlias = Entry[Any]

#: What can be examined: components of all roles, and what else a plugin may announce.
KINDS = (*ROLE_NAMES, "dataset", "metric", "tracker")

_COMPONENT = [
    check
    for module in (announcement, results, treatment_words, memory, inputs, effects)
    for check in module.CHECKS.found
]


def find_all(catalogue: Catalogue | None = None) -> list[AnyEntry]:
    """Everything installed that can be examined: components, datasets, metrics, trackers."""
    catalogue = default_catalogue() if catalogue is None else catalogue
    return [
        *catalogue.components(), *catalogue.datasets(), *catalogue.metrics(),
        *trackers_of(catalogue),
    ]  # fmt: skip


def entries_of(distribution: str, catalogue: Catalogue | None = None) -> list[AnyEntry]:
    """Everything of one distribution that can be examined.

    Parameters
    ----------
    distribution : str
        Its name, such as ``n2d-pacmap``.
    catalogue : Catalogue, optional
        Where to look; what is installed, by default.

    Returns
    -------
    list of Entry
        Components, datasets, metrics, trackers; never empty.

    Raises
    ------
    PluginError
        If one of its plugins cannot be used: what it brings would go unexamined.
    UnknownComponentError
        If it brings nothing, or is not installed.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    for failure in catalogue.failures:
        if failure.distribution == distribution:
            text = f"plugin {failure.entry_point!r} of {distribution} cannot be used"
            raise PluginError(f"{text}: {failure.error}")
    for entry in catalogue.rejections:
        if entry.distribution == distribution:
            raise PluginError(f"{entry.what} {entry.name!r} cannot be used: {entry.reason}")
    entries = find_all(catalogue)
    found = [entry for entry in entries if entry.distribution == distribution]
    if not found:
        known = sorted({entry.distribution for entry in entries})
        hint = did_you_mean(distribution, known, noun="distribution")
        raise UnknownComponentError(
            f"{distribution!r} brings nothing to examine; {hint}; one entry is ROLE/NAME"
        )
    return found


def kind_of(entry: AnyEntry) -> str:
    """Its role, or ``dataset``, ``metric``, ``tracker``."""
    spec = entry.spec
    if isinstance(spec, ComponentSpec):
        return spec.role
    if isinstance(spec, DatasetSpec):
        return "dataset"
    return "metric" if isinstance(spec, MetricSpec) else "tracker"


def find(which: str, catalogue: Catalogue | None = None) -> AnyEntry:
    """Find what is to be examined.

    Parameters
    ----------
    which : str
        ``role/name``, where role is one of :data:`KINDS`; the name may be qualified as
        ``distribution:name``. A tracker's name is that of its entry point.
    catalogue : Catalogue, optional
        Where to look; what is installed, by default.

    Raises
    ------
    UnknownComponentError
        If there is no such thing, with what there is and which plugins are unusable.
    DuplicateComponentError
        If several plugins offer it.
    """
    catalogue = default_catalogue() if catalogue is None else catalogue
    kind, _, name = which.partition("/")
    if kind in ROLE_NAMES:
        return catalogue.get(kind, name)
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS, noun="role")
        raise UnknownComponentError(f"{which!r}: write ROLE/NAME; {hint}")
    entries = [entry for entry in find_all(catalogue) if kind_of(entry) == kind]
    found = [entry for entry in entries if name in (entry.spec.name, entry.qualified_name)]
    if found:
        refuse_duplicates(f"{kind} {name!r}", found)
        return found[0]
    text = did_you_mean(name, [entry.spec.name for entry in entries], noun=kind)
    for failure in catalogue.failures:
        text += f"\nplugin {failure.entry_point!r} of {failure.distribution}: {failure.error}"
    raise UnknownComponentError(f"unknown {kind} {name!r}; {text}")


def checks_for(entry: AnyEntry | str) -> list[Check]:
    """The checks of an entry.

    Parameters
    ----------
    entry : Entry or str
        An entry of the catalogue, or ``role/name``.

    Returns
    -------
    list of Check
        Also those that a declared ability will skip: see :meth:`Check.skipped`.
    """
    found = find(entry) if isinstance(entry, str) else entry
    kind = kind_of(found)
    if kind in ROLE_NAMES:
        return [check for check in _COMPONENT if not check.roles or kind in check.roles]
    others = {"dataset": dataset_checks, "metric": metric_checks, "tracker": tracker_checks}
    return list(others[kind].CHECKS.found)


def examination(
    entry: AnyEntry,
    folder: Path,
    *,
    rows: AnyArray | None = None,
    time_limit: float = 20.0,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Common parts of the checks of one entry.

    Parameters
    ----------
    entry : Entry
    folder : Path
        An empty folder for files.
    rows : array of shape (n, ...), optional
        Rows for a component, instead of the kit's.
    time_limit : float, default 20.0
        Seconds a fit on small options may take.
    options : mapping, optional
        Options of a component beside its small ones, such as the path of a model: plain values.

    Raises
    ------
    UnsupportedError
        If the extra ``test`` is not installed, or what has no options is given some.
    ConfigError
        If the component has no such option.
    """
    try:
        import jsonschema  # noqa: F401
    except ImportError as error:
        raise UnsupportedError(
            'the conformance kit needs the extra test: pip install "n2d_framework[test]"'
        ) from error
    if kind_of(entry) in ROLE_NAMES:
        given = dict(options or {})
        return ComponentExamination(with_options(entry, given), folder, rows, time_limit, given)
    if options:
        raise UnsupportedError(f"options are for components; a {kind_of(entry)} has none")
    if kind_of(entry) == "dataset":
        return dataset_checks.DatasetExamination(entry)
    if kind_of(entry) == "metric":
        return metric_checks.MetricExamination(entry)
    return tracker_checks.TrackerExamination(entry, folder)


def run_checks(
    entry: AnyEntry | str,
    *,
    rows: AnyArray | None = None,
    time_limit: float = 20.0,
    only: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Examine an entry.

    Parameters
    ----------
    entry : Entry or str
        An entry of the catalogue, or ``role/name``.
    rows : array of shape (n, ...), optional
        Rows for a component, instead of the kit's.
    time_limit : float, default 20.0
        Seconds a fit on small options may take.
    only : sequence of str, default ()
        Names of the checks to run; all, if empty.
    options : mapping, optional
        Options of a component beside its small ones, such as the path of a model: plain values.

    Returns
    -------
    Report
        Whatever a check raises counts as its failure. Where an option has no default and is
        neither given nor among the small options, what needs it is skipped, and says so.
    """
    found = find(entry) if isinstance(entry, str) else entry
    chosen = [check for check in checks_for(found) if not only or check.name in only]
    with tempfile.TemporaryDirectory(prefix="n2d-check-") as folder:
        exam = examination(found, Path(folder), rows=rows, time_limit=time_limit, options=options)
        streams = sys.stdout, sys.stderr
        try:
            outcomes = tuple(_run(check, exam) for check in chosen)
        finally:  # a component may have replaced them, and the report is to be seen
            sys.stdout, sys.stderr = streams
    name = f"{kind_of(found)}/{found.spec.name}"
    return Report(name, found.distribution, found.version, outcomes)


def _run(check: Check, exam: Any) -> Outcome:
    reason = check.skipped(exam.entry.spec)
    if reason:
        return Outcome(check.name, check.promise, "skipped", reason)
    start = time.perf_counter()
    try:
        check.run(exam)
    except OptionNeededError as error:
        return Outcome(check.name, check.promise, "skipped", str(error))
    except CheckFailedError as error:
        detail = str(error) + _where(exam, error.__cause__)
    except Exception as error:  # noqa: BLE001  # whatever a component raises is its failure
        detail = f"{type(error).__name__}: {error}" + _where(exam, error)
    else:
        return Outcome(check.name, check.promise, "passed", "", time.perf_counter() - start)
    return Outcome(check.name, check.promise, "failed", detail, time.perf_counter() - start)


def _where(exam: Any, error: BaseException | None) -> str:
    """By which statement of the plugin an error was raised, unless it says so itself."""
    if error is None:
        return ""
    found = raised_at(error, exam.entry.package)
    return f" ({found})" if found and found not in str(error) else ""
