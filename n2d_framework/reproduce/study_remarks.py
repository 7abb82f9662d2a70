"""Remarks on numbers: where they differ, and what may be the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from n2d_framework.reproduce.study import Other, Study

if TYPE_CHECKING:
    from n2d_framework.reproduce.measurements import Ran

__all__ = ["Settings", "brief", "differences", "explanations", "settings_text"]

#: Differences of less are not worth a word.
_SMALL = 0.01

Line = Mapping[str, Any]


@attrs.frozen
class Settings:
    """Settings of a reproduction.

    Attributes
    ----------
    epochs : int or None
        In place of the publication's.
    seeds : int
    methods : list of str
        The chosen ones; empty for all.
    """

    epochs: int | None = None
    seeds: int = 1
    methods: list[str] = attrs.field(factory=list)


def brief(reason: str) -> str:
    """The first line of a reason, with the next one where it only announces that."""
    first, *rest = reason.splitlines()
    return f"{first} {rest[0].strip(' -')}" if first.endswith(":") and rest else first


def settings_text(study: Study, settings: Settings) -> str:
    """One sentence on how it was run."""
    epochs = study.epochs if settings.epochs is None else settings.epochs
    seeds = "one seed" if settings.seeds == 1 else f"{settings.seeds} seeds"
    text = f"Here: autoencoders trained for {_as_published(epochs, study)}, {seeds}"
    spread = "" if settings.seeds == 1 else "; in brackets 95 % bootstrap intervals of the mean"
    return f"{text}{spread}."


def _as_published(epochs: int, study: Study) -> str:
    counted = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    if epochs == study.epochs and not study.published:
        return f"{counted} at most"
    return (
        f"{counted} as published"
        if epochs == study.epochs
        else f"{counted} instead of {study.epochs}"
    )


def differences(study: Study, lines: Iterable[Line]) -> list[str]:
    """Published numbers that were not recognized, the largest difference first."""
    known = [line for line in lines if line["difference"] is not None]
    found = sorted(known, key=lambda line: -abs(line["difference"]))
    texts = [_difference(line, study.digits) for line in found if _differs(line)]
    agreeing = len(known) - len(texts)
    if known:
        what = f"within {_SMALL} of the published number"
        texts.append(f"{agreeing} of {len(known)} measured numbers are {what}.")
    return texts


def _differs(line: Line) -> bool:
    return bool(abs(line["difference"]) > _SMALL)


def _difference(line: Line, digits: int) -> str:
    worse = "above" if line["difference"] > 0 else "below"
    text = (
        f"{line['data']}, {line['label']}: {line['metric'].upper()} {line['mean']:.{digits}f} is "
        f"{abs(line['difference']):.{digits}f} {worse} the published {line['published']:.{digits}f}"
    )
    if line["low"] is None:
        return f"{text}; with one seed this may be chance"
    if line["low"] <= line["published"] <= line["high"]:
        return (
            f"{text}; the interval over {line['seeds']} seeds is so wide that it holds the "
            "published number: more seeds would show"
        )
    return f"{text}, which is outside the interval over {line['seeds']} seeds"


def explanations(
    study: Study, lines: Sequence[Line], settings: Settings, ran: Mapping[str, Ran]
) -> list[str]:
    """Possible reasons of differences, and notes on the numbers, each once."""
    texts: list[str] = []
    if settings.epochs is not None and settings.epochs != study.epochs:
        texts.append(
            f"Autoencoders were trained for {_as_published(settings.epochs, study)}: their numbers "
            "are of another training."
        )
    texts += _of_data(study, ran)
    texts += _of_methods(study, lines)
    tables = {line["table"] for line in lines}
    texts += [note for table in study.tables if table.id in tables for note in table.notes]
    texts += study.notes
    texts += [text for run in ran.values() for text in run.warnings]
    texts += [_by_others(other) for other in study.others if _concerns(other, lines)]
    texts += _versions(ran)
    return list(dict.fromkeys(texts))


def _of_data(study: Study, ran: Mapping[str, Ran]) -> Iterator[str]:
    for name, run in ran.items():
        if run.n_rows != run.expected_rows:
            yield (
                f"{name}: {run.n_rows:,} rows were found here, the published dataset has "
                f"{run.expected_rows:,}: its numbers are not comparable."
            )
        yield from study.data.get(name, {}).get("notes", ())


def _of_methods(study: Study, lines: Iterable[Line]) -> Iterator[str]:
    shown = list(lines)
    for key in dict.fromkeys(line["method"] for line in shown):
        method = study.methods[key]
        yield from method.notes
        if any(line["method"] == key and line["difference"] is not None for line in shown):
            yield from method.causes


def _concerns(other: Other, lines: Iterable[Line]) -> bool:
    return any(line["method"] == other.method and line["data"] == other.data for line in lines)


def _by_others(other: Other) -> str:
    scores = ", ".join(f"{name.upper()} {value}" for name, value in other.scores.items())
    return f"Others on {other.data}: {scores} ({other.what}; {other.source})."


def _versions(ran: Mapping[str, Ran]) -> Iterator[str]:
    found = {name: version for run in ran.values() for name, version in run.versions.items()}
    if found:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
        yield f"Measured with {listed}."
