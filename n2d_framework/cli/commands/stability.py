"""``n2d stability``: how sure the labels of a model are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import AllowCode, InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import bare_table, out, print_json
from n2d_framework.errors import ConfigError, DataError, Problem, UnsupportedError

__all__ = ["stability"]

#: Most clusters of which all pairs are printed.
_MOST_PAIRED = 1000


@selecting
def stability(
    source: Annotated[
        Path,
        typer.Argument(metavar="BUNDLE|CONFIG", help="A bundle (.n2d), or a configuration to fit."),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            help="Rows: those of the fit, or others; for a configuration, in place of its data."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write each row's confidence and consensus to this table."
        ),
    ] = None,
    select: Callable[[Any], Any] = lambda data: data,
    resamples: Annotated[
        int, typer.Option(min=0, help="Fits on 80 % of the rows each, which predict all.")
    ] = 20,
    seeds: Annotated[int, typer.Option(min=0, help="Fits on all rows with other seeds.")] = 5,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the confidence in the bundle, for n2d predict --confidence."
        ),
    ] = False,
    max_error: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Find the lowest confidence at which no more of the kept rows err; needs classes "
            "(--y). With --keep it is one for n2d predict --min-confidence.",
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder in which the stages of the refits are kept.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on this machine that make the refits.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="A dask.distributed scheduler whose workers make the refits."
        ),
    ] = None,
    allow_code: AllowCode = False,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Fit a model's composition again, and say how sure its labels are."""
    from n2d_framework.bundle import save_again
    from n2d_framework.cli.request import is_config
    from n2d_framework.cli.table_file import check_table_path

    if output is not None:
        check_table_path(output, labels_only=False)
    clients = _clients(scheduler, workers)
    if is_config(str(source)):
        flags = {"--keep": keep, "--trust": trust}
        text = f"needs a bundle; {source} is a configuration"
        if wrong := [Problem(flag, text) for flag, given in flags.items() if given]:
            raise ConfigError(wrong)
        model, rows = _fitted(source, data, select, store, allow_code=allow_code)
    elif allow_code:
        text = f"is for a configuration; {source} is read as a bundle"
        raise ConfigError([Problem("--allow-code", text)])
    else:
        model, rows = _loaded(source, data, select, store, trust or (), keep=keep)
    if max_error is not None and rows.y is None:
        raise ConfigError([Problem("--max-error", "needs classes; name their column with --y")])
    with clients as client:
        found = model.stability(rows, resamples=resamples, seeds=seeds, keep=keep, scheduler=client)
    if keep:
        save_again(model, source)
    if output is not None:
        _write(output, found, rows.ids)
    least, refused = _threshold(model, found, rows, max_error, keep=keep)
    if json:
        print_json(_said(found) | {"threshold": None if least is None else least.as_dict()})
    else:
        _show(found, least)
        for name, path in (("rows     ", output), ("bundle   ", source if keep else None)):
            if path is not None:
                out().print(f"{name}{path}", soft_wrap=True)
    if refused is not None:  # what was measured is written and shown all the same
        raise refused


def _clients(scheduler: str | None, workers: int) -> AbstractContextManager[Any]:
    """Where the refits are made: ``None`` for this process."""
    from n2d_framework.cli.predicting.by_workers import cluster_of

    if scheduler is not None and workers > 1:
        raise ConfigError([Problem("--workers", "cannot be combined with --scheduler")])
    if scheduler is None and workers == 1:
        return contextlib.nullcontext()
    return cluster_of(scheduler, workers)


def _threshold(
    model: Any, found: Any, rows: Any, max_error: float | None, *, keep: bool
) -> tuple[Any, DataError | None]:
    """The lowest confidence at which rows err seldom enough, or why there is none."""
    if max_error is None:
        return None, None
    try:
        if keep:
            return model.error_threshold(rows, rows.y, max_error), None
        return found.threshold(rows.y, max_error), None
    except DataError as error:
        return None, error


def _write(output: Path, found: Any, ids: Any) -> None:
    """Write each row's confidence and consensus."""
    import numpy as np

    from n2d_framework.cli.table_file import open_table

    columns = {"row": np.arange(len(found.labels))} | ({} if ids is None else {"id": ids})
    columns |= {
        "label": found.labels, "confidence": found.confidence, "consensus": found.consensus
    }  # fmt: skip
    with open_table(output) as table:
        table.write(columns)


def _clusters(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "size": int((found.labels == label).sum()),
            "jaccard": float(alike),
            "confidence": float(found.confidence[found.labels == label].mean()),
        }
        for label, alike in zip(found.clusters, found.jaccard, strict=True)
    ]


def _said(found: Any) -> dict[str, Any]:
    """As plain values."""
    clusters = _clusters(found)
    return {
        "refits": len(found.kinds),
        "ari": found.ari.tolist(),
        "mean_confidence": float(found.confidence.mean()),
        "clusters": clusters,
        # A number for each pair of clusters: of very many it fills the disk.
        "together": found.together.tolist() if len(clusters) <= _MOST_PAIRED else None,
    }


def _show(found: Any, least: Any) -> None:
    """Print how stable clusters are."""
    import numpy as np

    shown = bare_table("cluster", "rows", "Jaccard", "mean confidence", "most often taken for")
    for i, about in enumerate(_clusters(found)):
        others = np.where(np.arange(len(found.clusters)) == i, 0.0, found.together[i])
        other = f"{found.clusters[int(others.argmax())]} ({others.max():.0%})"
        shown.add_row(
            str(about["label"]), f"{about['size']:,}", f"{about['jaccard']:.3f}",
            f"{about['confidence']:.3f}", other if others.max() >= 0.005 else "",
        )  # fmt: skip
    console = out()
    console.print(shown)
    console.print(
        f"\n{len(found.kinds)} refits: adjusted Rand index with the model {found.ari.mean():.3f} "
        f"on average, {found.ari.min():.3f} at least; mean confidence "
        f"{found.confidence.mean():.3f}"
    )
    if least is not None:
        console.print(
            f"of confidence {least.confidence:.2f} or more are {least.coverage:.1%} of the rows: "
            f"{least.error:.2%} of these err, with a certainty of {least.level:.0%} at most "
            f"{least.bound:.2%}"
        )


def _loaded(
    bundle: Path, data: str | None, select: Callable[[Any], Any], store: Path | None,
    trusted: Sequence[str], *, keep: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """The model of a bundle, and the rows."""
    from n2d_framework.bundle import holds_rows, load
    from n2d_framework.data import load as load_rows

    if data is None:
        raise ConfigError([Problem("DATA", f"is missing: give the rows after {bundle}")])
    model = load(bundle, trusted=trusted).set_params(store=store)
    if keep and not holds_rows(model):
        raise UnsupportedError(
            f"{bundle}: it was saved without rows, and --keep puts coordinates of rows into it; "
            "save the model with its rows first"
        )
    return model, load_rows(select(data), like=model.schema_)


def _fitted(
    config: Path, data: str | None, select: Callable[[Any], Any], store: Path | None, *,
    allow_code: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """A model of a configuration, fitted on its data, and these."""
    from n2d_framework.cli.request import read_request
    from n2d_framework.data import load as load_rows
    from n2d_framework.pipeline import compose

    request = read_request(
        str(config), data=data, overrides=(), allow_code=allow_code, select=select
    )
    rows = load_rows(request.data)
    return compose(request.config, store=store).fit(rows), rows
