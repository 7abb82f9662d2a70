"""``n2d report``: the HTML report of a comparison or a run, again or elsewhere."""

from __future__ import annotations

from json import loads as json_of
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.flags import Json
from n2d_framework.cli.output_dir import MARK
from n2d_framework.cli.terminal.console import out, print_json
from n2d_framework.errors import ConfigError, DataError, Problem, did_you_mean
from n2d_framework.storage import read_file

__all__ = ["report"]

#: Of a run's record.
_MOST_BYTES = 10_000_000


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Output folder of a comparison, finished or not, or of a run."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; by default report.html in the folder."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What to rank by; that of the comparison by default.")
    ] = None,
    pictures: Annotated[
        int | None,
        typer.Option(min=0, help="Cells per dataset that are drawn, 6 by default; 0 draws none."),
    ] = None,
    max_points: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rows per dataset in these pictures, drawn at random; 2000 by default."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Of a run: where its rows are now, if not where they were."),
    ] = None,
    rows: Annotated[
        bool,
        typer.Option(help="Of a run: show single rows; with --no-rows, only sizes and means."),
    ] = True,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where the fitted stages are, if not in a local folder that the comparison names: "
            "a URL that it names is not opened.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write everything that a comparison or a run found as one HTML file that needs no network."""
    if (folder / MARK).is_file():
        only = {"metric": metric, "pictures": pictures, "max-points": max_points, "store": store}
        wrong = [f"--{name}" for name, value in only.items() if value is not None]
        if wrong:
            raise ConfigError([Problem(wrong[0], f"is for comparisons; {folder} is of a run")])
        _say(_of_run(folder, output or folder / "report.html", data, rows=rows), json=json)
        return
    if data is not None or not rows:
        flag = "--no-rows" if data is None else "--data"
        raise ConfigError([Problem(flag, f"is for runs; {folder} is not the output of one")])
    from n2d_framework.experiment import open_comparison

    if not folder.is_dir():
        raise DataError(f"{folder} {'is not a directory' if folder.exists() else 'does not exist'}")
    comparison = open_comparison(folder, store=store)
    if metric is not None:
        if metric not in comparison.metrics:
            hint = did_you_mean(metric, comparison.metrics, noun="metric")
            raise ConfigError([Problem("--metric", f"unknown metric {metric!r}; {hint}")])
        comparison.config["metric"] = metric
    chosen = {"pictures": pictures, "max_points": max_points}
    given = {name: value for name, value in chosen.items() if value is not None}
    _say(comparison.report(output, **given), json=json)


def _of_run(folder: Path, output: Path, data: str | None, *, rows: bool) -> Path:
    """Write the report of a run from its bundle and its rows, which are predicted again."""
    from n2d_framework.bundle import load
    from n2d_framework.data import load as load_rows

    record = _record(folder / MARK)
    model = load(folder / f"{record['name']}.n2d")
    if record["numbers"] is not None:
        model.numbers_of_clusters_ = record["numbers"]
    reference = record["config"].get("data")
    if data is not None:
        reference = {**reference, "path": data} if isinstance(reference, dict) else data
    found = load_rows(reference)
    return model.report(
        output,
        found,
        title=record["name"],
        scores=record["scores"],
        config=record["config"],
        keep_rows=rows,
    )


def _record(path: Path) -> dict[str, Any]:
    """The part of a run's record that its report needs."""
    from n2d_framework.pipeline.after_fit.choosing import NumbersOfClusters

    try:
        read = json_of(read_file(path, max_bytes=_MOST_BYTES))
        name, config, scores = read["name"], dict(read["config"]), dict(read["scores"])
        known = isinstance(name, str) and Path(name).name == name
        if not known or not all(isinstance(value, (int, float)) for value in scores.values()):
            raise ValueError("it has other values than a run writes")
        tried = read.get("numbers_of_clusters")
        numbers = None if tried is None else NumbersOfClusters.of_dict(tried)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(
            f"{path}: it cannot be read as the record of a run ({error}); run it again"
        ) from error
    return {"name": name, "config": config, "scores": scores, "numbers": numbers}


def _say(written: Path, *, json: bool) -> None:
    if json:
        print_json({"report": str(written), "bytes": written.stat().st_size})
    else:
        out().print(f"report: {written}", soft_wrap=True)
