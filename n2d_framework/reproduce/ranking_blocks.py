"""Rankings over datasets as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from n2d_framework.reproduce.ranked import Ranked

__all__ = ["Block", "ranking_blocks", "score_name"]


@attrs.frozen
class Block:
    """One table of a report: title, titles of columns, and rows of texts."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def score_name(metric: str) -> str:
    """A score as tables call it."""
    known = {"acc": "ACC", "nmi": "NMI", "ari": "ARI", "ami": "AMI"}
    return known.get(metric, metric.replace("_", " "))


def ranking_blocks(found: Ranked, digits: int) -> Iterator[Block]:
    """Mean ranks and groups, scores of every dataset, and the main method against the best other.

    Parameters
    ----------
    found : Ranked
    digits : int
        Decimals of scores.
    """
    name, n_data = score_name(found.metric), len(found.scores)
    yield Block(
        f"Mean ranks by {name} over {n_data} datasets{_tested(found)}",
        ["method", "mean rank", f"mean {name}", "best on", "groups"],
        [
            [
                row["method"], f"{row['rank']:.2f}", _text(row["mean"], digits),
                str(row["best_on"]), row["groups"],
            ]
            for row in found.rows()
        ],
    )  # fmt: skip
    methods = [str(method) for method in found.scores]
    scores = [
        [str(data), *(_text(value, digits) for value in values)]
        for data, values in zip(found.scores.index, found.scores.to_numpy(), strict=True)
    ]
    yield Block(f"{name}, means over seeds", ["data", *methods], scores)
    losses = found.losses()
    if losses:
        rows = [
            [
                row["data"], _text(row["main"], digits), row["best"], _text(row["score"], digits),
                f"{row['difference']:+.{digits}f}",
            ]
            for row in losses
        ]  # fmt: skip
        below = sum(row["difference"] < 0 for row in losses)
        yield Block(
            f"{name}: {found.main} against the best other of each dataset: below on {below} of "
            f"{len(losses)}",
            ["data", found.main, "best other", "its score", "difference"],
            rows,
        )
        yield Block(
            f"{name}: {found.main} less each other, mean over datasets",
            ["method", "difference"],
            [[other, f"{mean:+.{digits}f}"] for other, mean in found.means().items()],
        )


def _tested(found: Ranked) -> str:
    test = found.significance
    if np.isnan(test.p_value):
        return f" ({'; '.join(test.warnings)})" if test.warnings else ""
    return (
        f" (Friedman {test.statistic:.1f}, p {test.p_value:.2g}; methods with a letter in common "
        "are not distinguished by Nemenyi's test at .05)"
    )


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.{digits}f}"
