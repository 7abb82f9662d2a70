"""Edits that people make: clusters merged, split, renamed, deleted, rows linked: a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.refine.cluster_parts import number_of_parts, part_of, parts
from n2d_builtin.refine.journal_entries import LINKS, OF_ROWS, Edit
from n2d_builtin.refine.links import with_links
from n2d_builtin.refine.reassign_noise import ReassignNoise
from n2d_framework.plugin import (
    NOISE,
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    IntArray,
    Problem,
    State,
    check_features,
    component,
    distinct_rows,
    learned,
    option,
    require_fitted,
)

__all__ = ["Edit", "Edits"]


@component
class Edits:
    """Replays a journal of edits on labels, at fit and at prediction.

    Ids are never given to another cluster: of merged clusters the first id stays, a deleted
    cluster becomes noise, the largest part of a split one keeps its id. Each edit sees the clusters
    that the ones before left.

    Attributes
    ----------
    labels_before_ : int64 array of shape (n,)
        Labels of the training rows before the edits, so that these can be undone.
    width_ : int
        Number of coordinates of a row.
    changed_ : int
        How many training rows have another label than before.
    points_ : float32 array of shape (n, m), or None
        Coordinates of the training rows, if an edit depends on them: it splits, reassigns or links.
    directions_, offsets_ : float64 arrays of shape (p, m) and (p,), or None
        Of each part of each split, in order: a row of the cluster is in the part whose direction
        times the row plus offset is greatest.
    """

    journal: tuple[Edit, ...] = option((), help="The edits, in order.")
    noise_share: bool = option(
        False,
        help="Whether the clusterer's probabilities have the share of noise in their last column. "
        "Without, deleting a cluster adds such a column.",
    )

    width_: int | None = learned(dtype=int, ge=1)
    labels_before_: NDArray[np.int64] | None = learned(shape=("n",), dtype="int64", ge=NOISE)
    changed_: int | None = learned(dtype=int, ge=0)
    points_: NDArray[np.float32] | None = learned(
        shape=("n", "width_"), dtype="float32", optional=True
    )
    directions_: NDArray[np.float64] | None = learned(
        shape=("parts", "width_"), dtype="float64", optional=True
    )
    offsets_: NDArray[np.float64] | None = learned(shape=("parts",), dtype="float64", optional=True)
    _finders: Any = learned()
    _linked: Any = learned()
    _kept: Any = learned()

    def __attrs_post_init__(self) -> None:
        problems = [
            Problem(f"journal[{place}]", problem)
            for place, edit in enumerate(self.journal)
            for problem in edit.problems()
        ]
        if problems:
            raise ConfigError(problems)

    @property
    def needs_rows(self) -> bool:
        """True if an edit depends on where rows are, so that ``fit`` needs their coordinates."""
        return any(edit.kind in OF_ROWS for edit in self.journal)

    @property
    def noise_column(self) -> bool:
        """True if the last column of :meth:`refine_proba` is the share of noise."""
        return self.noise_share or any(edit.kind == "delete" for edit in self.journal)

    @property
    def names_(self) -> dict[int, str]:
        """Names that clusters were given, by their ids after all edits."""
        found: dict[int, str] = {}
        for edit in self.journal:
            becomes = dict(zip(edit.ids, edit.becomes, strict=False))
            found = {becomes.get(label, label): name for label, name in found.items()}
            for gone in edit.gone:
                found.pop(gone, None)
            if edit.name:
                found[edit.ids[0]] = edit.name
        return found

    @staticmethod
    def number_of_parts(m: AnyArray) -> int:
        """Into how many parts rows `m` of a cluster fall; 1 if they do not fall into parts."""
        return number_of_parts(m)

    def continuing(self, before: Edits) -> Self:
        """Keep what an earlier journal learned of the edits that both begin with."""
        common = 0
        for edit, other in zip(self.journal, before.journal, strict=False):
            if edit != other:
                break
            common += 1
        learned_parts = sum(len(e.ids) for e in self.journal[:common] if e.kind == "split")
        if learned_parts and before.directions_ is not None and before.offsets_ is not None:
            self._kept = before.directions_[:learned_parts], before.offsets_[:learned_parts]
        return self

    def fit(self, m: AnyArray, labels: IntArray, *, context: FitContext) -> Self:
        """Replay the journal on `labels`, int64 of shape (n,), of rows at `m`.

        Splits do not depend on the seed: the same journal makes the same parts of the same rows.

        Raises
        ------
        DataError
            If an edit names a cluster that does not exist, was merged into another, or deleted, or
            a cluster cannot be split into so many parts; if links contradict each other, or name
            rows that there are not.
        """
        self._check_ids(np.unique(labels[labels != NOISE]).tolist())
        self.labels_before_ = labels.astype(np.int64)
        self.width_ = int(m.shape[1])
        self.points_ = np.ascontiguousarray(m, dtype=np.float32) if self.needs_rows else None
        self.directions_ = self.offsets_ = self._finders = self._linked = None
        if self._kept is not None:
            (self.directions_, self.offsets_), self._kept = self._kept, None
        found, known = self.labels_before_, self._parts()
        for place, edit in enumerate(self.journal):
            made = known[place]
            if edit.kind == "split" and made is None:
                made = self._split(place, edit, m[found == edit.ids[0]])
            found = self._applied(edit, made, None, m, found)
        if any(edit.kind in LINKS for edit in self.journal):
            ids = range(len(labels)) if context.ids is None else context.ids
            found = self._with_links(found, lambda row: str(ids[row]))
        self.changed_ = int((found != labels).sum())
        return self

    def _with_links(self, labels: IntArray, name: Callable[[int], str]) -> IntArray:
        """Labels of the training rows in which all links hold."""
        points = require_fitted(self.points_, "edits")
        for place, edit in enumerate(self.journal):
            if max(edit.rows, default=-1) >= len(labels):
                raise DataError(
                    f"edits.journal[{place}]: there is no row {max(edit.rows)}; there are "
                    f"{len(labels)} rows"
                )
        links = {kind: [edit.rows for edit in self.journal if edit.kind == kind] for kind in LINKS}
        return with_links(points, labels, links["together"], links["apart"], name)

    def _moved(self) -> tuple[Any, IntArray, IntArray] | None:
        """A search among training rows, their labels, and which of these follow from links."""
        points, before = self.points_, self.labels_before_
        if points is None or before is None or all(e.kind not in LINKS for e in self.journal):
            return None
        if self._linked is None:
            known = before
            for edit, made, finder in self._steps():
                known = self._applied(edit, made, finder, points, known)
            after = self._with_links(known, str)
            first = distinct_rows(points).first
            moved = (after != known)[first]
            self._linked = ExactNeighbors(points[first]), after[first], moved
        found: tuple[Any, IntArray, IntArray] = self._linked
        return found

    def _after_links(self, m: AnyArray, labels: IntArray) -> IntArray:
        """Labels of rows: one whose nearest training row was moved by links goes with it."""
        known = self._moved()
        if known is None or not known[2].any() or not len(m):
            return labels
        search, after, moved = known
        nearest = search.query(np.ascontiguousarray(m, dtype=np.float32), 1)[0][:, 0]
        return np.asarray(np.where(moved[nearest], after[nearest], labels), dtype=np.int64)

    def _split(self, place: int, edit: Edit, m: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Learn the parts of a cluster, whose rows are at `m`."""
        try:
            made = parts(m, len(edit.ids))
        except DataError as error:
            where = f"edits.journal[{place}]: split of cluster {edit.ids[0]}"
            raise DataError(f"{where}: {error}") from None
        before = () if self.directions_ is None else (self.directions_,)
        offsets = () if self.offsets_ is None else (self.offsets_,)
        self.directions_ = np.concatenate([*before, made[0]])
        self.offsets_ = np.concatenate([*offsets, made[1]])
        return made

    def refine(self, m: AnyArray, labels: IntArray) -> IntArray:
        """Labels of rows `m` after the edits: int64 of shape (n,)."""
        check_features(m, require_fitted(self.width_, "edits"), "edits")
        found: IntArray = labels.astype(np.int64)
        for edit, made, finder in self._steps():
            found = self._applied(edit, made, finder, m, found)
        return self._after_links(m, found)

    def refine_proba(self, m: AnyArray, labels: IntArray, proba: AnyArray) -> AnyArray:
        """Shares of clusters after the edits; the number of a column is the id of its cluster.

        The column of a merged cluster is added to that of the first, that of a deleted one to the
        share of noise, which comes last. A split cluster's share goes to the part that the row is
        nearest to, and that of noise to the cluster to which a row is reassigned. A row that is
        moved by links takes along the share of the cluster that it was in.
        """
        given = np.array(proba, dtype=np.float64)
        n_clusters = given.shape[1] - self.noise_share
        last = max((label for edit in self.journal for label in edit.new), default=-1)
        found = np.zeros((len(given), max(n_clusters, last + 1) + 1))
        found[:, :n_clusters] = given[:, :n_clusters]
        if self.noise_share:
            found[:, -1] = given[:, -1]
        known: IntArray = labels.astype(np.int64)
        rows = np.arange(len(found))
        for edit, made, finder in self._steps():
            after = self._applied(edit, made, finder, m, known)
            if edit.kind == "renumber":
                shares = found[:, edit.ids].copy()
                found[:, edit.ids] = 0.0
                found[:, edit.becomes] += shares
                known = after
                continue
            target = edit.ids[0] if edit.kind == "merge" else NOISE
            for label in edit.gone:
                found[:, target] += found[:, label]
                found[:, label] = 0.0
            if made is not None:
                share = found[:, edit.ids[0]].copy()
                found[:, edit.ids[0]] = 0.0
                found[rows, np.array(edit.ids)[part_of(m, *made)]] += share
            elif edit.kind == "reassign":
                moved = np.flatnonzero(after != known)
                found[moved, after[moved]] += found[moved, -1]
                found[moved, -1] = 0.0
            known = after
        moved = np.flatnonzero((after := self._after_links(m, known)) != known)
        shares = found[moved, known[moved]].copy()
        found[moved, known[moved]] = 0.0
        found[moved, after[moved]] += shares
        return found if self.noise_column else found[:, :-1]

    def check_learned(self) -> list[str]:
        """Reasons why a state cannot be that of edits."""
        if self.needs_rows != (self.points_ is not None):
            return ["state 'points' must be there just if the journal splits, reassigns or links"]
        wanted = sum(len(edit.ids) for edit in self.journal if edit.kind == "split")
        parts_found = 0 if self.directions_ is None else len(self.directions_)
        if parts_found != wanted or (self.offsets_ is None) != (self.directions_ is None):
            return [f"state 'directions' has {parts_found} parts, the journal has {wanted}"]
        return []

    @classmethod
    def upgrade_state(cls, state: State, version: int) -> State:
        """Bring an older state up to date.

        Parameters
        ----------
        state : State
        version : int
            1: it held what follows from the journal.
        """
        old = ("ids", "becomes") if version < 2 else ()
        return {name: value for name, value in state.items() if name not in old}

    def _check_ids(self, labels: Iterable[int]) -> None:
        """Refuse an edit of a cluster that is not there, or no more."""
        alive, gone = set(labels), dict[int, str]()
        for place, edit in enumerate(self.journal):
            where = f"edits.journal[{place}]: {edit.kind} of cluster"
            for label in edit.existing:
                if label not in alive:
                    reason = gone.get(label, "there is no such cluster")
                    left = ", ".join(map(str, sorted(alive))) or "none"
                    raise DataError(f"{where} {label}: {reason}; clusters are {left}")
            for label in edit.new:
                if label in alive or label in gone:
                    raise DataError(f"{where} {edit.ids[0]}: the id {label} is taken")
            gone |= edit.gone
            alive = (alive | set(edit.new)) - set(edit.gone)
            gone = {label: reason for label, reason in gone.items() if label not in alive}

    def _steps(self) -> Iterable[tuple[Edit, tuple[AnyArray, AnyArray] | None, Any]]:
        """Each edit with the parts that it makes, and what finds clusters for noise."""
        if self._finders is None:
            self._finders = self._fitted_finders()
        return zip(self.journal, self._parts(), self._finders, strict=True)

    def _parts(self) -> list[tuple[AnyArray, AnyArray] | None]:
        found: list[tuple[AnyArray, AnyArray] | None] = []
        directions, offsets, done = self.directions_, self.offsets_, 0
        for edit in self.journal:
            own = slice(done, done + len(edit.ids))
            known = edit.kind == "split" and directions is not None and own.stop <= len(directions)
            if not known or directions is None or offsets is None:
                found.append(None)
                continue
            found.append((directions[own], offsets[own]))
            done = own.stop
        return found

    def _fitted_finders(self) -> list[ReassignNoise | None]:
        """For each edit that reassigns noise, the training rows as they were clustered then."""
        finders: list[ReassignNoise | None] = []
        found = require_fitted(self.labels_before_, "edits")
        for edit, made in zip(self.journal, self._parts(), strict=True):
            finder = None
            if self.points_ is None:
                finders.append(finder)
                continue
            if edit.kind == "reassign":
                finder = edit.finder()
                finder.fit(self.points_, found, context=FitContext())
            finders.append(finder)
            found = self._applied(edit, made, finder, self.points_, found)
        return finders

    def _applied(
        self,
        edit: Edit,
        made: tuple[AnyArray, AnyArray] | None,
        finder: ReassignNoise | None,
        m: AnyArray,
        labels: IntArray,
    ) -> IntArray:
        """Labels after one edit."""
        if edit.kind == "reassign":
            if finder is None:  # while the journal is being fitted
                finder = edit.finder()
                finder.fit(m, labels, context=FitContext())
            return finder.refine(m, labels)
        found: IntArray = labels.copy()
        if edit.kind == "renumber":
            for label, becomes in zip(edit.ids, edit.becomes, strict=True):
                found[labels == label] = becomes
        elif made is not None:
            own = labels == edit.ids[0]
            found[own] = np.array(edit.ids, dtype=np.int64)[part_of(m[own], *made)]
        elif edit.gone:
            target = edit.ids[0] if edit.kind == "merge" else NOISE
            found[np.isin(labels, list(edit.gone))] = target
        return found
