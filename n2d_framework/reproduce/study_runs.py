"""Running a study: one comparison per dataset, in one folder with one stage store."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from n2d_framework.analysis.intervals import seed_warnings
from n2d_framework.core.dataset import DatasetSpec
from n2d_framework.core.events import EventSink
from n2d_framework.data import fetch
from n2d_framework.errors import (
    BundleError,
    CompositionError,
    ConfigError,
    DataError,
    DownloadError,
    OutputError,
    Problem,
    did_you_mean,
)
from n2d_framework.experiment import Comparison, compare, plan_comparison
from n2d_framework.experiment.run_comparison import Planned
from n2d_framework.registry import default_catalogue
from n2d_framework.reproduce.measurements import Ran, measure, versions_of
from n2d_framework.reproduce.study import Study, read_study
from n2d_framework.reproduce.study_remarks import Settings, brief
from n2d_framework.reproduce.study_report import Report
from n2d_framework.storage import read_file, write_atomic

__all__ = ["Watch", "reproduce"]

#: The file that makes a folder the output of a reproduction.
_MARK = "reproduce.json"
_MOST_BYTES = 1 << 16

#: Called with the name and the plan of each dataset that is run; what it returns is entered
#: and gets the events of the stages.
Watch = Callable[[str, Planned], AbstractContextManager[EventSink]]


def reproduce(
    study: str,
    out: str | os.PathLike[str],
    *,
    data: Sequence[str] = (),
    methods: Sequence[str] = (),
    epochs: int | None = None,
    seeds: int = 3,
    workers: int = 1,
    n_jobs: int | None = None,
    retry_failed: bool = False,
    watch: Watch | None = None,
) -> Report:
    """Measure the tables of a study, and set published numbers beside.

    Parameters
    ----------
    study : {"paper", "thesis", "tabular"}
        The tables of the N2D paper; tables 12.1, 12.2 and 13.1 of the thesis; or methods ranked
        over tables of numbers, for which nothing was published.
    out : path
        Folder of the results. Started again, nothing that has finished is done twice, also
        with other data, methods, seeds or epochs.
    data : sequence of str, optional
        Datasets of the study; all of them by default. What is not on this machine and
        cannot be downloaded is skipped by name.
    methods : sequence of str, optional
        Rows of the tables, by id; all of them by default.
    epochs : int, optional
        In place of the published number of epochs of every autoencoder.
    seeds : int, default 3
        How many seeds, counted from 0.
    workers, n_jobs, retry_failed
        As for :func:`n2d_framework.compare`.
    watch : callable, optional
        ``watch(name, planned)`` returns a context manager that yields an event sink.

    Returns
    -------
    Report
        Also written to ``out`` as ``report.md``, ``report.csv`` and ``report.json``.

    Raises
    ------
    ConfigError
        If study, data or methods are unknown, or the folder belongs to something else.
    DownloadError
        If none of the datasets is available, with the reason for each.
    """
    known = read_study(study)
    names = _known(data, known.data_names, "data") or known.data_names
    chosen = _known(methods, list(known.methods), "methods")
    folder = Path(out)
    _require_own(folder, study)
    settings = Settings(epochs, seeds, chosen)
    specs, skipped = _in_memory(names)
    ran: dict[str, Ran] = {}
    missing: dict[str, str] = {}
    for name, spec in specs.items():
        wanted = known.runs(name, chosen)
        if not wanted:
            skipped[name] = "none of the chosen methods can be run on it"
            continue
        config = known.config(
            name, wanted, n_clusters=spec.n_classes or 1, seeds=seeds, epochs=epochs
        )
        try:
            planned = plan_comparison(config)
        except (DataError, CompositionError) as error:
            skipped[name] = str(error)
            continue
        place = folder / f"{name}-{_fingerprint(config)}"
        _write_mark(folder, study)
        with nullcontext(_silent) if watch is None else watch(name, planned) as listener:
            comparison = compare(
                planned, place, store=folder / "stages", workers=workers, n_jobs=n_jobs,
                retry_failed=retry_failed, listeners=(listener,),
            )  # fmt: skip
        missing |= {f"{name}/{kind}": text for kind, text in comparison.missing.items()}
        ran[name] = _ran(known, chosen, planned, comparison, spec)
    if not ran:
        raise DownloadError(_nothing(study, skipped))
    report = Report(known, settings, ran, skipped, folder, missing)
    report.write()
    return report


def _silent(_event: Any) -> None:
    """Hear an event and say nothing."""


def _known(given: Sequence[str], known: list[str], where: str) -> list[str]:
    wrong = [name for name in given if name not in known]
    if wrong:
        noun = "dataset" if where == "data" else "method"
        raise ConfigError(
            [
                Problem(
                    f"--{where}",
                    f"{name!r} is not in these tables; {did_you_mean(name, known, noun=noun)}",
                )
                for name in wrong
            ]
        )
    return list(dict.fromkeys(given))


def _in_memory(names: Iterable[str]) -> tuple[dict[str, DatasetSpec], dict[str, str]]:
    """Datasets whose files are on this machine, downloaded if need be; why others are not."""
    specs: dict[str, DatasetSpec] = {}
    skipped: dict[str, str] = {}
    for name in names:
        try:
            fetch(name)
        except DataError as error:
            skipped[name] = str(error).removeprefix(f"{name}: ")
        else:
            specs[name] = default_catalogue().dataset(name).spec
    return specs, skipped


def _nothing(study: str, skipped: Mapping[str, str]) -> str:
    listed = "\n".join(f"  - {name}: {brief(reason)}" for name, reason in skipped.items())
    return (
        f"{study}: nothing was run\n{listed}\n"
        "Put NAME.npz into the folder that N2D_DATA names, or download it: n2d datasets fetch NAME"
    )


def _ran(
    study: Study, chosen: Sequence[str], planned: Planned, comparison: Comparison, spec: DatasetSpec
) -> Ran:
    name = spec.name
    return Ran(
        n_rows=len(planned.materials[0].rows),
        expected_rows=spec.n_rows,
        folder=comparison.out,
        measured={
            method.id: measure(method, planned, comparison) for method in study.runs(name, chosen)
        },
        versions=versions_of(comparison.table),
        warnings=seed_warnings(comparison.table),
    )


def _fingerprint(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]


def _require_own(folder: Path, study: str) -> None:
    """Refuse a folder that belongs to something else."""
    if folder.exists() and not folder.is_dir():
        raise _wrong(f"{folder} is not a directory; choose another")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        mark = json.loads(read_file(folder / _MARK, max_bytes=_MOST_BYTES))
    except (BundleError, ValueError, RecursionError) as error:
        raise _wrong(
            f"{folder} has files and no readable {_MARK}, so it is not the output of a "
            "reproduction and is left alone; choose another"
        ) from error
    if mark != {"study": study}:
        raise _wrong(f"{folder} has the results of another study; choose another folder")


def _wrong(text: str) -> ConfigError:
    return ConfigError([Problem("--out", text)])


def _write_mark(folder: Path, study: str) -> None:
    """Make a folder the output of a reproduction."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make {folder}: {error.strerror}; choose another folder"
        ) from error
    write_atomic(folder / _MARK, json.dumps({"study": study}).encode() + b"\n")
