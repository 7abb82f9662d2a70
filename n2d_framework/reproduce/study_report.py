"""Published and measured numbers side by side, as plain values, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from n2d_framework.analysis.result_tables import to_markdown
from n2d_framework.errors import attempt
from n2d_framework.reproduce.measurements import Measured, Ran, Score
from n2d_framework.reproduce.ranked import Ranked, ranked
from n2d_framework.reproduce.ranking_blocks import Block, ranking_blocks, score_name
from n2d_framework.reproduce.study import Method, Study, Table
from n2d_framework.reproduce.study_remarks import (
    Settings,
    brief,
    differences,
    explanations,
    settings_text,
)
from n2d_framework.storage import write_atomic

__all__ = ["Block", "Report"]

_FILES = {"markdown": "report.md", "csv": "report.csv", "json": "report.json"}


@attrs.frozen(eq=False)
class Report:
    """Results of a reproduction.

    Attributes
    ----------
    study : Study
    settings : Settings
    ran : dict of str to Ran
        By dataset.
    skipped : dict of str to str
        Datasets that were not run, each with the reason.
    out : Path
        Where everything is.
    missing : dict of str to str
        Files that could not be written (``markdown``, ``csv``, ``json``, ``NAME/table`` of the
        comparison of a dataset), and why.
    """

    study: Study
    settings: Settings
    ran: Mapping[str, Ran]
    skipped: Mapping[str, str]
    out: Path
    missing: dict[str, str] = attrs.field(factory=dict)

    @property
    def paths(self) -> dict[str, Path]:
        """The written files, by kind."""
        return {kind: self.out / name for kind, name in _FILES.items()}

    @property
    def measured_anything(self) -> bool:
        """Return whether there is at least one measured number."""
        return any(found.scores for ran in self.ran.values() for found in ran.measured.values())

    def remarks(self) -> dict[str, list[str]]:
        """Honest words: ``differences``, ``explanations`` and what was ``not_measured``."""
        lines = self.lines()
        return {
            "differences": differences(self.study, lines),
            "explanations": explanations(self.study, lines, self.settings, self.ran),
            "not_measured": self._not_measured(lines),
        }

    def _not_measured(self, lines: Sequence[Mapping[str, Any]]) -> list[str]:
        whole = [f"{name}: {brief(reason)}" for name, reason in self.skipped.items()]
        single = [
            f"{line['data']}, {line['label']}: {line['reason']}" for line in lines if line["reason"]
        ]
        return list(dict.fromkeys(whole + single))

    def lines(self) -> list[dict[str, Any]]:
        """One record per table, dataset, method and metric that was run or published."""
        return [
            line
            for table in self.study.tables
            for data in table.data
            if data in self.ran
            for line in self._lines(table, data)
        ]

    def _lines(self, table: Table, data: str) -> Iterator[dict[str, Any]]:
        for method in self._methods(table, data):
            printed = table.published(method.id, data)
            found = self.ran[data].measured.get(method.id, Measured({}, reason=method.lacking()))
            about = {"table": table.id, "data": data, "method": method.id, "label": method.label}
            for metric in table.metrics:
                score = found.scores.get(method.column(metric))
                if score is None and metric not in printed and found.scores:
                    continue
                yield about | _line(metric, printed.get(metric), score) | {
                    "view": method.view, "failed": found.failed, "reason": found.reason,
                }  # fmt: skip

    def _methods(self, table: Table, data: str) -> list[Method]:
        chosen = self.settings.methods
        ids = [name for name in table.entries(data) if not chosen or name in chosen]
        return [self.study.methods[name] for name in ids]

    def rankings(self) -> list[Ranked]:
        """Methods ranked over the datasets, by each score of a study that ranks them."""
        chosen = self.settings.methods
        return [
            one
            for table in self.study.tables
            for one in ranked(self.study, table, self.ran, chosen)
        ]

    def blocks(self) -> Iterator[Block]:
        """Tables for people: the rankings, then one per table and dataset."""
        lines = self.lines()
        for one in self.rankings():
            yield from ranking_blocks(one, self.study.digits)
        for table in self.study.tables:
            for data in (name for name in table.data if name in self.ran):
                mine = [e for e in lines if e["table"] == table.id and e["data"] == data]
                if mine:
                    title = (
                        f"Table {table.id}: {table.title}" if table.id[0].isdigit() else table.title
                    )
                    yield self._block(
                        f"{title} ({data}, {self.ran[data].n_rows:,} rows)", table, mine
                    )

    def _block(self, title: str, table: Table, lines: Sequence[Mapping[str, Any]]) -> Block:
        metrics = [m for m in table.metrics if any(line["metric"] == m for line in lines)]
        columns = [
            "method",
            *(f"{score_name(m)} {kind}".strip() for m in metrics for kind in self._kinds),
        ]
        rows = []
        for label in dict.fromkeys(line["label"] for line in lines):
            mine = {line["metric"]: line for line in lines if line["label"] == label}
            texts = (self._texts(mine.get(m))[-len(self._kinds) :] for m in metrics)
            rows.append([label, *(text for pair in texts for text in pair)])
        return Block(title, columns, rows)

    @property
    def _kinds(self) -> tuple[str, ...]:
        """Headings of a score's columns."""
        return ("published", "here") if self.study.published else ("",)

    def _texts(self, line: Mapping[str, Any] | None) -> tuple[str, str]:
        if line is None:
            return "", ""
        digits = self.study.digits
        printed = "" if line["published"] is None else f"{line['published']:.{digits}f}"
        if line["mean"] is None:
            return printed, "-"
        mean = f"{line['mean']:.{digits}f}"
        if line["low"] is None:
            return printed, mean
        return printed, f"{mean} [{line['low']:.{digits}f}, {line['high']:.{digits}f}]"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "study": self.study.name,
            "title": self.study.title,
            "source": self.study.source,
            "citation": self.study.citation,
            "settings": attrs.asdict(self.settings),
            "data": {
                name: {
                    "n_rows": ran.n_rows, "published_rows": ran.expected_rows,
                    "comparison": str(ran.folder), "versions": dict(ran.versions),
                }
                for name, ran in self.ran.items()
            },
            "skipped": dict(self.skipped),
            "lines": self.lines(),
            "rankings": [one.to_dict() for one in self.rankings()],
            "remarks": self.remarks(),
            "files": {kind: str(path) for kind, path in self.paths.items()},
            "missing": self.missing,
        }  # fmt: skip

    def to_csv(self) -> str:
        """One line per table, dataset, method and metric."""
        names = [
            "table", "data", "method", "metric", "view", "published", "mean", "low", "high",
            "seeds", "failed", "difference", "label", "reason",
        ]  # fmt: skip
        target = io.StringIO()
        writer = csv.DictWriter(target, names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.lines())
        return target.getvalue()

    def to_markdown(self) -> str:
        """The report as a page."""
        parts = [f"# {self.study.title}"]
        parts.append(f"{'Published' if self.study.published else 'How'}: {self.study.source}")
        parts.append(settings_text(self.study, self.settings))
        for block in self.blocks():
            parts += [f"## {block.title}", _markdown(block)]
        headings = {
            "not_measured": "Not measured",
            "differences": "Where the numbers differ",
            "explanations": "What may be the reason, and how to read them",
        }
        remarks = self.remarks()
        for name, heading in headings.items():
            if remarks[name]:
                parts += [f"## {heading}", "\n".join(f"- {text}" for text in remarks[name])]
        if self.study.published:
            sources = [f"- {table.id}: {table.source}" for table in self.study.tables]
            parts += ["## Sources of the published numbers", "\n".join(sources)]
        return "\n\n".join(parts) + "\n"

    def write(self) -> None:
        """Write ``report.md``, ``report.csv`` and ``report.json`` to the output folder.

        Each by itself: one that cannot be written is in :attr:`missing`.
        """
        texts: dict[str, Callable[[], str]] = {
            "markdown": self.to_markdown,
            "csv": self.to_csv,
            "json": lambda: (
                json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            ),
        }
        for kind, path in self.paths.items():
            attempt(kind, partial(_write, path, texts[kind]), self.missing)


def _write(path: Path, text: Callable[[], str]) -> None:
    write_atomic(path, text().encode())


def _line(metric: str, published: float | None, score: Score | None) -> dict[str, Any]:
    """A record of one number; what there is not is ``None``."""
    line: dict[str, Any] = {"metric": metric, "published": published, "seeds": 0}
    line |= dict.fromkeys(("mean", "low", "high", "difference"))
    if score is None:
        return line
    line |= {"mean": score.mean, "seeds": score.seeds}
    if not math.isnan(score.low):
        line |= {"low": score.low, "high": score.high}
    if published is not None:
        line["difference"] = score.mean - published
    return line


def _markdown(block: Block) -> str:
    import pandas as pd

    return to_markdown(pd.DataFrame(block.rows, columns=block.columns)).rstrip()
