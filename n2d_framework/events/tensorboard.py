"""TensorBoard: losses, seconds, scores and figures of runs and comparisons as event files."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.core.events import (
    CellFinished,
    ComparisonStarted,
    EpochFinished,
    Event,
    FilesWritten,
    RunAssessed,
    RunFinished,
    RunStarted,
    StageFinished,
)
from n2d_framework.core.libraries import require_extra
from n2d_framework.types import ROLES

__all__ = ["TensorBoard"]

#: Scores that TensorBoard's table of hyperparameters has columns for.
_COLUMNS = tuple(f"scores/{name}" for name in ("acc", "nmi", "ari", "silhouette"))
_NUMBERS = itertools.count()


@attrs.frozen
class _Epoch:
    """Values of one epoch, and when it ended."""

    role: str
    epoch: int
    metrics: Mapping[str, float]
    when: float


class TensorBoard:
    """Writes what happens to TensorBoard's event files; an event sink.

    Parameters
    ----------
    folder : path
        Each run gets a folder of its own in it, named by time and trio; a comparison a folder
        with one for each cell. Nothing is written before the first event.

    Raises
    ------
    MissingLibraryError
        If the library that writes the files is not installed:
        ``pip install "n2d_framework[tensorboard]"``.

    Notes
    -----
    Written are: ``ROLE/loss`` and whatever else an epoch measures, by epoch; ``seconds/ROLE``;
    ``scores/acc`` and all other scores; figures, where files are written (``n2d run``); and the
    options, in the table of hyperparameters. Scores of rows other than those of training are
    under ``scores_of_other_rows``.

    Examples
    --------
    >>> import n2d_framework as n2d
    >>> board = n2d.TensorBoard("tensorboard")  # doctest: +SKIP
    >>> model = n2d.N2D("dense_ae", "umap", "gmm", listeners=[board])  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        require_extra("tensorboard", "writing event files")
        self.folder = Path(folder)
        self._places: dict[str, Path] = {}
        self._epochs: dict[str, list[_Epoch]] = {}
        self._open: dict[str, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies, as scikit-learn's clone makes them, begin from scratch: open files have no copy.
        return type(self), (self.folder,)

    def __repr__(self) -> str:
        return f"TensorBoard({str(self.folder)!r})"

    def __call__(self, event: Event) -> None:
        """Write down an event."""
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, ComparisonStarted):
            self._places[event.run_id] = self._free(f"{Path(event.folder).name}-comparison")
        elif event.run_id not in self._places:
            return  # it began before this listener was there
        elif isinstance(event, EpochFinished):
            self._note(event)
        elif isinstance(event, CellFinished):
            self._write_cell(event)
        else:
            self._add(event)

    def _free(self, name: str) -> Path:
        """A folder that does not exist yet; it is made, so that it is taken."""
        stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
        number = 1
        while True:
            path = self.folder / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if not path.exists():  # a file is where a folder should be made
                    raise
                number += 1
            else:
                return path

    def _begin(self, event: RunStarted) -> None:
        names = [_name(event.composition[role]) for role in ROLES]
        self._places[event.run_id] = self._free("-".join(names))
        self._open[event.run_id] = _writer(self._places[event.run_id])
        options = _flat(event.composition) | {"random_state": event.random_state}
        _write_options(self._open[event.run_id], options)

    @contextmanager
    def _writing(self, run_id: str) -> Iterator[Any]:
        """The run's writer; after its end a new one, closed at once."""
        if run_id in self._open:
            yield self._open[run_id]
            return
        with _writer(self._places[run_id]) as writer:
            yield writer

    def _note(self, event: EpochFinished) -> None:
        epoch = _Epoch(event.role, event.epoch, event.metrics, time.time())
        if event.run_id in self._open:
            _write_epoch(self._open[event.run_id], epoch)
        else:  # of a comparison: its cells will ask for it
            self._epochs.setdefault(event.key, []).append(epoch)

    def _add(self, event: Event) -> None:
        if isinstance(event, StageFinished) and event.run_id not in self._open:
            return  # of a comparison: reported with its cells
        if isinstance(event, FilesWritten) and not event.files.get("figures"):
            return
        if not isinstance(event, (StageFinished, RunAssessed, FilesWritten, RunFinished)):
            return
        with self._writing(event.run_id) as writer:
            if isinstance(event, StageFinished):
                writer.add_scalar(f"seconds/{event.role}", event.seconds)
            elif isinstance(event, RunAssessed):
                _write_scores(writer, event.scores, training=event.training)
            elif isinstance(event, FilesWritten):
                _write_figures(writer, event.files.get("figures", ()))
            elif isinstance(event, RunFinished):
                _write_end(writer, event)
        if isinstance(event, RunFinished):
            self._open.pop(event.run_id).close()

    def _write_cell(self, event: CellFinished) -> None:
        method = _safe(event.method.replace(" / ", "-").replace(", ", ","))
        place = self._places[event.run_id] / _safe(event.data) / method
        with _writer(place / f"seed{event.random_state}") as writer:
            options = _flat(event.composition)
            options |= {"data": event.data, "random_state": event.random_state}
            _write_options(writer, options)
            for key in event.stages.values():
                for epoch in self._epochs.get(key, ()):
                    _write_epoch(writer, epoch)
            for role, seconds in event.seconds.items():
                writer.add_scalar(f"seconds/{role}", seconds)
            _write_scores(writer, event.scores, training=True)
            if event.error is not None:
                writer.add_text("error", event.error)


def _writer(place: Path) -> Any:
    from tensorboardX import SummaryWriter

    # Names are made of seconds and the host; a file of the same second would be overwritten.
    mark = f".{os.getpid()}.{next(_NUMBERS):06d}"
    return SummaryWriter(str(place), filename_suffix=mark)


def _write_epoch(writer: Any, epoch: _Epoch) -> None:
    for name, value in epoch.metrics.items():
        writer.add_scalar(f"{epoch.role}/{name}", value, epoch.epoch, walltime=epoch.when)


def _write_scores(writer: Any, scores: Mapping[str, float], *, training: bool) -> None:
    group = "scores" if training else "scores_of_other_rows"
    for name, value in scores.items():
        writer.add_scalar(f"{group}/{name}", value)


def _write_end(writer: Any, event: RunFinished) -> None:
    writer.add_scalar("seconds/total", event.seconds)
    if event.n_clusters is not None:
        writer.add_scalar("clusters/found", event.n_clusters)
    if event.error is not None:
        writer.add_text("error", event.error)


def _write_figures(writer: Any, paths: tuple[str, ...]) -> None:
    import numpy as np
    from PIL import Image

    for path in paths:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        writer.add_image(f"figures/{Path(path).stem}", pixels, dataformats="HWC")


def _write_options(writer: Any, options: Mapping[str, Any]) -> None:
    """Options as text, and as a row of the table of hyperparameters."""
    from tensorboardX.summary import hparams

    lines = [f"| {name} | {value} |" for name, value in options.items()]
    writer.add_text("options", "\n".join(["| option | value |", "|---|---|", *lines]))
    shown = {name: _shown(value) for name, value in options.items()}
    for summary in hparams(shown, dict.fromkeys(_COLUMNS, 0.0)):
        writer.file_writer.add_summary(summary)


def _shown(value: Any) -> Any:
    """A value that the table of hyperparameters can have."""
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _flat(composition: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name: ``embedder``, ``embedder.epochs``, ``scaler``, ``n_clusters``, ..."""
    flat: dict[str, Any] = {}
    for part, value in composition.items():
        if not isinstance(value, Mapping):
            flat[part] = value
            continue
        flat[part] = value["name"]
        flat |= {f"{part}.{name}": item for name, item in value.items() if name != "name"}
    return flat


def _safe(name: str) -> str:
    """A name that every system can have in a path, still readable."""
    return re.sub(r"[^\w.=(),+-]+", "-", name).strip("-.") or "unnamed"


def _name(component: Any) -> str:
    """Name of a component, or of those of a chain."""
    if isinstance(component, list):
        return "+".join(str(item["name"]) for item in component)
    return str(component["name"])
