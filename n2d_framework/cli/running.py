"""One run from the request to a folder with everything in it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from n2d_framework.bundle import inspect, save
from n2d_framework.cli.console import as_json
from n2d_framework.cli.folder import MARK, output_folder
from n2d_framework.cli.progress import RunProgress, StageTimes, step
from n2d_framework.cli.request import RunRequest
from n2d_framework.cli.summary import LOADING
from n2d_framework.cli.table_file import open_table
from n2d_framework.core.events import FilesWritten
from n2d_framework.data import load
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.events import EventBus
from n2d_framework.pipeline import compose
from n2d_framework.registry import default_catalogue
from n2d_framework.types import AnyArray

if TYPE_CHECKING:
    from n2d_framework.core.dataset import Dataset
    from n2d_framework.core.events import EventSink
    from n2d_framework.pipeline import N2D

__all__ = ["execute"]


def execute(
    request: RunRequest,
    target: Path,
    *,
    overwrite: bool,
    n_jobs: int | None,
    store: Path | None,
    plots: bool,
    progress: RunProgress,
    listeners: Sequence[EventSink] = (),
) -> dict[str, Any]:
    """Load, fit, assess and save.

    Parameters
    ----------
    request : RunRequest
    target : Path
        Output folder; appears whole at the end, or not at all.
    overwrite : bool
        Whether the output of an earlier run may be replaced.
    n_jobs : int or None
    store : Path or None
        Stage store.
    plots : bool
        Whether pictures are drawn.
    progress : RunProgress
    listeners : sequence of callables, default ()
        Who else hears the events, such as a tracker.

    Returns
    -------
    dict
        The content of ``run.json``.
    """
    times, seconds, start = StageTimes(), dict[str, float](), time.perf_counter()
    with output_folder(target, overwrite=overwrite) as folder:
        with step(progress, LOADING, seconds):
            data = load(request.data)
        model = compose(
            request.config, n_jobs=n_jobs, store=store, listeners=(times, progress, *listeners)
        )
        try:
            model.fit(data)
        except DataError as error:
            raise DataError(f"{data.name}: {error}") from error
        with step(progress, "scores", seconds):
            scores = model.assess(data.y)
        with step(progress, "save", seconds):
            paths = _save(model, request, folder)
        if plots:
            with step(progress, "pictures", seconds):
                paths["plots"] = _draw(model, data, folder / "plots")
        paths = _placed(paths | {"run": folder / MARK}, folder, target)
        record = _record(request, model, data, folder / f"{request.name}.n2d")
        record |= {
            "scores": scores,
            "stages": times.stages,
            "seconds": seconds | {"total": time.perf_counter() - start},
            "paths": paths,
        }
        (folder / MARK).write_text(as_json(record) + "\n", encoding="utf-8")
        _tell_written(model, folder)
    return record


def _save(model: N2D, request: RunRequest, folder: Path) -> dict[str, Any]:
    bundle = folder / f"{request.name}.n2d"
    save(model, bundle)
    labels = folder / "labels.csv"
    with open_table(labels) as table:
        table.write(_label_columns(model))
    config = folder / "config.json"
    config.write_text(as_json(_config(request, model)) + "\n", encoding="utf-8")
    return {"bundle": bundle, "labels": labels, "config": config}


def _tell_written(model: N2D, folder: Path) -> None:
    """Tell trackers what there is besides the bundle, which they know of."""
    files = {
        "labels": (str(folder / "labels.csv"),),
        "config": (str(folder / "config.json"),),
        "figures": tuple(str(path) for path in sorted(folder.glob("plots/*.png"))),
        "run": (str(folder / MARK),),
    }
    sink = EventBus(model.listeners, default_catalogue().manager.hook)
    sink(FilesWritten(model.run_id_, files))


def _label_columns(model: N2D) -> dict[str, AnyArray]:
    """Labels of the training rows, with how sure they are where the clusterer can tell."""
    labels = model.labels_
    rows = np.arange(len(labels))
    columns = {"row": rows} | ({} if model.ids_ is None else {"id": model.ids_})
    columns["label"] = labels
    strengths = _asked(model, "strengths")
    if strengths is not None:
        columns["strength"] = strengths
    shares = _asked(model, "predict_proba")
    if shares is not None:
        # Noise is -1, and its share is in the last column.
        columns["probability"] = shares[rows, labels]
    return columns


def _asked(model: N2D, ability: str) -> AnyArray | None:
    """What the clusterer says of the training rows; ``None`` if it lacks the ability."""
    try:
        found: AnyArray = getattr(model.clusterer_, ability)(model.manifold_)
    except UnsupportedError:
        return None
    except AttributeError:
        if hasattr(model.clusterer_, ability):
            raise
        return None
    return found


def _draw(model: N2D, data: Dataset, folder: Path) -> list[Path]:
    from matplotlib import rc_context

    from n2d_framework.metrics import match_labels
    from n2d_framework.plots import save_run_plots

    # A matplotlibrc in the current folder could have titles typeset by LaTeX.
    with rc_context({"text.usetex": False}):
        return save_run_plots(
            model,
            data.x,
            data.y,
            data.names,
            folder=folder,
            match=match_labels,
            image_shape=None if data.modality == "sequence" else "auto",
            random_state=model.random_state_,
        )


def _config(request: RunRequest, model: N2D) -> dict[str, Any]:
    """The configuration with every default filled in; ``n2d run`` takes it back."""
    return {
        "data": request.data,
        "model": model.composition().describe(),
        "random_state": model.random_state_,
    }


def _record(request: RunRequest, model: N2D, data: Dataset, bundle: Path) -> dict[str, Any]:
    manifest = inspect(bundle).manifest
    return {
        "name": request.name,
        "created": manifest["created"],
        "framework_version": manifest["framework_version"],
        "config": _config(request, model),
        "random_state": model.random_state_,
        "data": {"name": data.name, **manifest["data"]},
        "n_clusters_found": model.n_clusters_,
        "agreement": model.agreement_,
        "environment": manifest["environment"],
    }


def _placed(paths: Mapping[str, Any], folder: Path, target: Path) -> dict[str, Any]:
    """Paths as they will be when the folder has got its name."""

    def placed(path: Path) -> str:
        return str(target / path.relative_to(folder))

    return {
        name: [placed(item) for item in path] if isinstance(path, list) else placed(path)
        for name, path in paths.items()
    } | {"folder": str(target)}
