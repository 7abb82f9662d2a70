"""Why a row is in its cluster: typical rows next to it, its margin, and what would move it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import grouped
from n2d_framework.core.rows import Rows
from n2d_framework.core.rows.columns import missing_in
from n2d_framework.pages.shown_rows import shown_rows
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.readable import readable_feature
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Surroundings", "explanations"]

#: Rows of a cluster whose mean distance is the distance to it.
_NEAREST = 5
#: Changes of a row that are tried, for each that is given.
_TRIED = 4
#: Parts of an image along each side, and of a sequence.
_PATCHES, _SEGMENTS = 4, 8
#: Rows of each cluster from which typical values are taken.
_SAMPLED = 1000
_WORD = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}-]\w+)*")


@attrs.frozen(eq=False)
class _Change:
    """A change of a row towards another cluster: what is changed, and the rows with it."""

    what: str
    values: Any
    value: Any = None
    becomes: Any = None


def _in_float64(given: AnyArray) -> AnyArray:
    return np.asarray(given, dtype=np.float64)


@attrs.define(eq=False, slots=False)
class Surroundings:
    """Rows among which those that are explained have their neighbours.

    Attributes
    ----------
    points : array of shape (n, m)
        Their coordinates on the manifold.
    labels : int64 array of shape (n,)
    ids : sequence of str, or None
    rows : Rows or None
        Their values; ``None`` where only their coordinates are known.
    """

    points: AnyArray = attrs.field(converter=_in_float64)
    labels: IntArray
    ids: Sequence[str] | None = None
    rows: Rows | None = None

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each id."""
        return {} if self.ids is None else {str(name): i for i, name in enumerate(self.ids)}

    def called(self, places: Sequence[int]) -> list[Any]:
        """Ids of rows, or their positions."""
        return list(places) if self.ids is None else [self.ids[i] for i in places]


def explanations(
    rows: Rows,
    chosen: Sequence[int],
    outputs: tuple[AnyArray, AnyArray, IntArray],
    around: Surroundings,
    fitted: FittedPlan,
    name: Callable[[int], str],
    *,
    n_exemplars: int,
    n_features: int,
) -> list[dict[str, Any]]:
    """Explain the labels of some rows.

    Parameters
    ----------
    rows : Rows
    chosen : sequence of int
        Positions of those that are explained.
    outputs : arrays of shape (n, d), (n, m) and (n,)
        Latent rows, coordinates and labels of `rows`.
    around : Surroundings
        Where neighbours are looked for; a row is not a neighbour of itself.
    fitted : FittedPlan
    name : callable
        Gives the name of a cluster.
    n_exemplars, n_features : int
        At most so many rows of each cluster, and changes.

    Returns
    -------
    list of dict
        As :meth:`N2D.explain` says.
    """
    ids = range(len(rows)) if rows.ids is None else rows.ids.tolist()
    latent, coordinates, labels = (given[list(chosen)] for given in outputs)
    strengths = fitted.row_strengths(coordinates, labels, latent)
    found = []
    for number, row in enumerate(chosen):
        own, point = int(labels[number]), coordinates[number].astype(np.float64)
        itself = -1 if rows.ids is None else around.places.get(str(ids[row]), -1)
        if around.rows is rows:
            itself = row
        near = _nearest(point, around, skip=itself)
        others = sorted((about[0], label) for label, about in near.items() if label != own)
        second = others[0][1] if others else None
        about: dict[str, Any] = {
            "row": ids[row],
            "label": own,
            "name": name(own),
            "strength": None if strengths is None else float(strengths[number]),
            "second": None if second is None else {"label": second, "name": name(second)},
            "margin": None if own == NOISE else _margin(near, own, second),
            "exemplars": around.called(near[own][1][:n_exemplars]) if own in near else [],
            "exemplars_of_second": []
            if second is None
            else around.called(near[second][1][:n_exemplars]),
            "moves": None if around.rows is None else [],
        }
        if second is not None and fitted.plan.inductive and around.rows is not None:
            given = rows.take(np.array([row]))
            about["moves"] = _moves(
                given, around, fitted, own, second, skip=itself, n_features=n_features
            )
        found.append(about)
    return found


def _nearest(
    point: AnyArray, around: Surroundings, *, skip: int = -1
) -> dict[int, tuple[float, list[int]]]:
    """For each cluster the distance to it, and its rows that are nearest, the nearest first."""
    labels = around.labels
    apart = np.sqrt(((around.points - point) ** 2).sum(axis=1))
    order = np.argsort(apart, kind="stable")
    order = order[(order != skip) & (labels[order] != NOISE)]
    found = {}
    for label, places in grouped(labels[order]) if len(order) else []:
        own = order[places[:_NEAREST]]
        found[int(label)] = float(apart[own].mean()), own.tolist()
    return found


def _margin(near: Mapping[int, tuple[Any, ...]], own: int, second: int | None) -> float | None:
    """From -1 to 1: how much nearer the own cluster is than the second; 0 halfway."""
    if own not in near or second is None:
        return None
    here, there = near[own][0], near[second][0]
    longest = max(here, there)
    return float((there - here) / longest) if longest > 0 else 0.0


def _moves(
    row: Rows,
    around: Surroundings,
    fitted: FittedPlan,
    own: int,
    second: int,
    *,
    skip: int,
    n_features: int,
) -> list[dict[str, Any]]:
    """Changes that bring the one row nearest to the second cluster, as predicted."""
    rows, labels = around.rows, around.labels
    assert rows is not None
    # Noise has nothing in common: the row itself is compared with the second cluster.
    here = row if own == NOISE else rows.take(_some(np.flatnonzero(labels == own)))
    there = rows.take(_some(np.flatnonzero(labels == second)))
    changes = list(_changes(row, here, there, n_features * _TRIED))
    if not changes:
        return []
    copies = row.take(np.zeros(len(changes), dtype=np.int64))
    tried = attrs.evolve(copies, values=_together(row, [one.values for one in changes]), ids=None)
    placed, predicted = fitted.outputs(tried, "manifolder", fitted.plan.labels)
    found = []
    for one, point, label in zip(changes, placed, predicted.tolist(), strict=True):
        near = _nearest(point.astype(np.float64), around, skip=skip)
        margin = None if own == NOISE else _margin(near, own, second)
        # Noise has no margin: the nearer to the other cluster, the farther it is moved.
        left = near[second][0] if margin is None else margin
        found.append((left, margin, one, int(label)))
    found.sort(key=lambda item: item[0])
    return [
        {"what": one.what, "value": one.value, "becomes": one.becomes, "label": label}
        | ({} if margin is None else {"margin": margin})
        for _, margin, one, label in found[:n_features]
    ]


def _some(places: AnyArray) -> AnyArray:
    if len(places) <= _SAMPLED:
        return places
    return np.sort(np.random.default_rng(0).choice(places, _SAMPLED, replace=False))


def _together(rows: Rows, values: list[Any]) -> Any:
    """Values of single rows as those of rows."""
    if rows.storage == "columns":
        return {name: np.concatenate([one[name] for one in values]) for name in values[0]}
    if rows.storage == "sparse":
        from scipy.sparse import csr_array, vstack

        return csr_array(vstack(values))
    return np.stack(values)


def _changes(row: Rows, here: Rows, there: Rows, number: int) -> Iterator[_Change]:
    """Changes of one row to what is typical of other rows, by kind of data."""
    if row.storage == "columns":
        yield from _of_columns(row, there, number)
        return
    if row.storage == "sparse":
        yield from _of_sparse(row, here, there, number)
        return
    value, shown = row.values[0], shown_rows(row)
    typical = there.values.mean(axis=0, dtype=np.float64)
    if value.ndim > 0 and (shown.image_shape is not None or value.ndim > 1):
        yield from _of_parts(value, typical, shown.image_shape or value.shape)
        return
    own = value.reshape(-1).astype(np.float64)
    typical = typical.reshape(-1)
    sides = [side.values.reshape(len(side), -1).astype(np.float64) for side in (here, there)]
    spread = np.sqrt(sum(side.var(axis=0) for side in sides) / 2) + np.finfo(float).tiny
    effect = np.abs(typical - (own if len(here) == 1 else sides[0].mean(axis=0))) / spread
    effect[own == typical] = -1.0
    for place in np.argsort(-effect, kind="stable")[:number].tolist():
        if effect[place] > 0:
            changed = value.copy().reshape(-1)
            changed[place] = typical[place]
            yield _Change(
                readable_feature(shown.names[place]),
                changed.reshape(value.shape),
                float(own[place]),
                float(changed[place]),
            )


def _of_parts(own: AnyArray, typical: AnyArray, shape: tuple[int, ...]) -> Iterator[_Change]:
    """Patches of an image, or segments of a sequence, as they are in the other cluster."""
    picture = len(shape) == 3 or (len(shape) == 2 and min(shape) >= _PATCHES)
    cuts = [
        np.linspace(0, length, min(length, _PATCHES if picture else _SEGMENTS) + 1).astype(int)
        for length in shape[: 2 if picture else 1]
    ]
    names = ("rows", "columns") if picture else ("steps",)
    for index in np.ndindex(*(len(cut) - 1 for cut in cuts)):
        part = tuple(slice(cut[i], cut[i + 1]) for cut, i in zip(cuts, index, strict=True))
        changed = own.copy().reshape(shape)
        changed[part] = typical.reshape(shape)[part]
        said = ", ".join(
            f"{name} {one.start} to {one.stop - 1}" for name, one in zip(names, part, strict=True)
        )
        yield _Change(said, changed.reshape(own.shape))


def _of_columns(row: Rows, there: Rows, number: int) -> Iterator[_Change]:
    """Each field with its median or most frequent value there; of a text, each word left out."""
    whole = {field.name: row.column(field.name) for field in row.schema.fields}
    for field in row.schema.fields:
        own = whole[field.name][0]
        if field.kind == "text":
            words = [] if own is None else list(dict.fromkeys(_WORD.findall(own)))
            for word in words[: 2 * number]:
                left = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", own)
                value = np.array([left], dtype=object)
                yield _Change(f"{field.name}: without {word!r}", whole | {field.name: value})
            continue
        column = there.column(field.name)
        column = column[~missing_in(column)]
        if not len(column):
            continue
        if field.kind == "number":
            becomes: Any = np.median(column.astype(np.float64))
        elif field.kind == "date":
            becomes = np.sort(column)[len(column) // 2]
        else:
            found, counts = np.unique(column.astype(str), return_counts=True)
            becomes = found[counts.argmax()]
        value = whole[field.name].copy()
        value[0] = becomes
        if missing_in(whole[field.name])[0] or value[0] != own:
            yield _Change(field.name, whole | {field.name: value}, _plain(own), _plain(value[0]))


def _plain(value: Any) -> Any:
    """A value as JSON has it; ``None`` where it is missing."""
    if value is None or value != value:
        return None
    if isinstance(value, (np.datetime64, np.str_, str)):
        return str(value)
    return float(value)


def _of_sparse(row: Rows, here: Rows, there: Rows, number: int) -> Iterator[_Change]:
    """Features that differ most between the clusters, as they are in the other one."""
    typical = np.asarray(there.values.mean(axis=0)).ravel()
    own = row.values.toarray().ravel()
    apart = np.abs(typical - np.asarray(here.values.mean(axis=0)).ravel())
    names = row.schema.names
    for place in np.argsort(-apart, kind="stable")[:number].tolist():
        if apart[place] > 0 and own[place] != typical[place]:
            changed = row.values.tolil()
            changed[0, place] = typical[place]
            said = readable_feature(names[place] if names else str(place))
            yield _Change(said, changed.tocsr(), float(own[place]), float(typical[place]))
