"""``n2d describe``: what the clusters of rows are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from n2d_framework.cli.commands.verify import TRUST
from n2d_framework.cli.flags import InsteadOfTables, selecting
from n2d_framework.cli.terminal.console import out, print_json, styled

__all__ = ["describe"]

#: Columns of which it is said what was done to them, and channels whose mean is described.
_SAID, _CHANNELS = 40, 6


@selecting
def describe(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.n2d).")],
    data: Annotated[
        str, typer.Argument(help="Rows: those of the fit, or others, which are predicted.")
    ],
    select: Callable[[Any], Any] = lambda data: data,
    exemplars: Annotated[int, typer.Option(min=1, help="Typical rows of each cluster.")] = 5,
    features: Annotated[
        int, typer.Option(min=1, help="Features of each cluster that set it apart.")
    ] = 5,
    rows: Annotated[
        bool, typer.Option(help="Give ids of typical rows; with --no-rows, nothing of a row.")
    ] = True,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report, with the map, as this HTML file.")
    ] = None,
    trust: Annotated[list[str] | None, TRUST] = None,
    json: InsteadOfTables = False,
) -> None:
    """Say what each cluster is: its size, typical rows, neighbours and distinctive features."""
    from n2d_framework.bundle import load
    from n2d_framework.data import load as load_rows

    model = load(bundle, trusted=trust or ())
    found = load_rows(select(data), like=model.schema_)
    described = model.describe(found, n_exemplars=exemplars, n_features=features, keep_rows=rows)
    if report is not None:
        model.report(report, found, keep_rows=rows)
    if json:
        print_json(described)
        return
    console = out()
    for about in described["clusters"]:
        console.print(_heading(about))
        for line in _lines(about, described.get("series")):
            console.print(f"  {line}", soft_wrap=True)
        console.print()
    console.print(described["rules"])
    if "words" in described:
        console.print(described["words"])
    for part, said in described["prepare"].items():
        console.print(f"What {part} did to the data" + (":" if said else " is not known."))
        for what, how in said[:_SAID]:
            console.print(f"  {what}: {how}", soft_wrap=True)
        if len(said) > _SAID:
            console.print(f"  ... and {len(said) - _SAID:,} more (--json gives all)")
    if report is not None:
        console.print(f"report: {report}", soft_wrap=True)


def _heading(about: Mapping[str, Any]) -> Any:
    means = {f"mean {name}": about[name] for name in ("strength", "confidence")}
    known = {"density": about["density"], **means}
    more = "".join(f", {name} {value:.2f}" for name, value in known.items() if value is not None)
    return styled(
        (str(about["name"]), "bold"), f": {about['size']:,} rows, {about['share']:.1%}{more}"
    )


def _lines(about: Mapping[str, Any], series: Mapping[str, Any] | None) -> list[str]:
    from n2d_framework.readable import readable_number

    lines = []
    if about.get("words"):
        words = (f"{one['word']} {one['weight']:.3g}" for one in about["words"])
        lines.append(f"words: {', '.join(words)}")
    lines += [_prototype(one, series or {}) for one in about.get("prototype", [])[:_CHANNELS]]
    for one in about["distinctive"]:
        means, lift = [readable_number(one[name]) for name in ("mean", "others")], ""
        if one["lift"] is not None:
            means = [f"{one[name]:.1%}" for name in ("mean", "others")]
            lift = f"lift {one['lift']:.1f}, "
        lines.append(
            f"{one['feature']}: {means[0]}, others {means[1]} "
            f"({lift}effect {one['effect']:+.2f} [{one['low']:.2f}, {one['high']:.2f}])"
        )
    if "rule" in about:
        rule = about["rule"]
        lines.append(
            f"rule: {' and '.join(rule['conditions'])} ({rule['share']:.0%} of its rows; "
            f"{rule['precision']:.0%} right)"
        )
    if about["touches"]:
        next_to = (f"{item['label']} ({item['share']:.0%})" for item in about["touches"])
        lines.append(f"touches: {', '.join(next_to)}")
    lines += [f"typical: {one['id']}: {one['text']}" for one in about.get("texts", [])]
    if about["exemplars"] and "texts" not in about:
        lines.append(f"typical: {', '.join(map(str, about['exemplars']))}")
    return lines


def _prototype(one: Mapping[str, Any], series: Mapping[str, Any]) -> str:
    """The mean of a channel in words."""
    from n2d_framework.readable import readable_number

    known = [i for i, value in enumerate(one["mean"]) if value is not None]
    if not known:
        return f"mean of {one['channel']}: nothing is known"
    least, most = (choose(known, key=lambda i: one["mean"][i]) for choose in (min, max))
    low, high = (
        f"{readable_number(one['mean'][i])} at {series['times'][i]}" for i in (least, most)
    )
    return f"mean of {one['channel']}: from {low} to {high} ({series['axis']})"
