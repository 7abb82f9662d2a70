"""Edits that people make: clusters merged, split, renamed, deleted, rows linked: a journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.refine.cluster_parts import number_of_parts, parts
from n2d_builtin.refine.journal_entries import (
    LINKS,
    OF_ROWS,
    Edit,
    check_ids,
    n_open,
    new_ids,
    with_ids,
)
from n2d_builtin.refine.links import with_links
from n2d_builtin.refine.reassign_noise import ReassignNoise
from n2d_builtin.refine.split_parts import (
    LinearParts,
    Parts,
    linear_arrays,
    nearest_arrays,
    of_linear_arrays,
    of_nearest_arrays,
    reasons_against,
    refitted_parts,
)
from n2d_framework.plugin import (
    NOISE,
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    IntArray,
    Problem,
    StageError,
    State,
    UnsupportedError,
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
        Of each part of each split by where rows are, in order: a row of the cluster is in the part
        whose direction times the row plus offset is greatest.
    split_rows_, split_parts_ : float32 and int64 arrays of shape (s, d) and (s,), or None
        Latent coordinates of the training rows of each cluster that was split by a refit, one split
        after the other, with their parts: another row is in the part of the nearest of them.
    split_sizes_ : int64 array of shape (r,), or None
        How many rows of these each such split has.
    new_ids_ : int64 array of shape (a,), or None
        Ids of the parts of splits that the journal leaves open, in order.
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
    split_rows_: NDArray[np.float32] | None = learned(
        shape=("split_rows", "latent"), dtype="float32", optional=True
    )
    split_parts_: NDArray[np.int64] | None = learned(
        shape=("split_rows",), dtype="int64", ge=0, optional=True
    )
    split_sizes_: NDArray[np.int64] | None = learned(
        shape=("refits",), dtype="int64", ge=1, optional=True
    )
    new_ids_: NDArray[np.int64] | None = learned(
        shape=("new_ids",), dtype="int64", ge=0, optional=True
    )
    labels_: Any = learned()
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
    def edits_(self) -> tuple[Edit, ...]:
        """The journal, with the ids that the fit gave to parts which had none."""
        return with_ids(self.journal, [] if self.new_ids_ is None else self.new_ids_.tolist())

    @property
    def needs_rows(self) -> bool:
        """True if an edit depends on where rows are, so that ``fit`` needs their coordinates."""
        return any(edit.kind in OF_ROWS for edit in self.edits_)

    @property
    def needs_latent(self) -> bool:
        """True if a cluster was split by a refit, so that ``refine`` needs latent rows as well."""
        return any(edit.refit for edit in self.edits_)

    @property
    def latent_width(self) -> int:
        """Number of latent coordinates that ``refine`` needs of a row; 0 without a refit."""
        return 0 if self.split_rows_ is None else int(self.split_rows_.shape[1])

    @property
    def noise_column(self) -> bool:
        """True if the last column of :meth:`refine_proba` is the share of noise."""
        return self.noise_share or any(edit.kind == "delete" for edit in self.edits_)

    @property
    def names_(self) -> dict[int, str]:
        """Names that clusters were given, by their ids after all edits."""
        found: dict[int, str] = {}
        for edit in self.edits_:
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
        for edit, other in zip(self.edits_, before.edits_, strict=False):
            if edit != other:
                break
            common += 1
        self._kept = before._parts()[:common]
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
        self.new_ids_ = new_ids(self.journal, context)
        check_ids(self.edits_, np.unique(labels[labels != NOISE]).tolist())
        self.labels_before_ = labels.astype(np.int64)
        self.width_ = int(m.shape[1])
        self.points_ = np.ascontiguousarray(m, dtype=np.float32) if self.needs_rows else None
        self._finders = self._linked = None
        known, self._kept = self._kept or [], None
        found, made = self.labels_before_, list[Parts | None]()
        for place, edit in enumerate(self.edits_):
            made.append(known[place] if place < len(known) else None)
            if edit.kind == "split" and made[-1] is None:
                own = np.flatnonzero(found == edit.ids[0])
                made[-1] = self._split(place, edit, m, own, context)
            found = self._applied(edit, made[-1], None, m, found)
        self._keep_parts(made)
        if any(edit.kind in LINKS for edit in self.edits_):
            ids = range(len(labels)) if context.ids is None else context.ids
            found = self._with_links(found, lambda row: str(ids[row]))
        self.labels_ = found
        self.changed_ = int((found != labels).sum())
        return self

    def _with_links(self, labels: IntArray, name: Callable[[int], str]) -> IntArray:
        """Labels of the training rows in which all links hold."""
        points = require_fitted(self.points_, "edits")
        for place, edit in enumerate(self.edits_):
            if max(edit.rows, default=-1) >= len(labels):
                raise DataError(
                    f"edits.journal[{place}]: there is no row {max(edit.rows)}; there are "
                    f"{len(labels)} rows"
                )
        links = {kind: [edit.rows for edit in self.edits_ if edit.kind == kind] for kind in LINKS}
        return with_links(points, labels, links["together"], links["apart"], name)

    def _moved(self) -> tuple[Any, IntArray, IntArray] | None:
        """A search among training rows, their labels, and which of these follow from links."""
        points, before = self.points_, self.labels_before_
        if points is None or before is None or all(e.kind not in LINKS for e in self.edits_):
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

    @staticmethod
    def _split(place: int, edit: Edit, m: AnyArray, own: IntArray, context: FitContext) -> Parts:
        """Learn the parts of a cluster, whose rows are `own` of the training rows."""
        where = f"edits.journal[{place}]: split of cluster {edit.ids[0]}"
        try:
            if edit.refit:
                return refitted_parts(context.part_fits, own, len(edit.ids))
            return LinearParts(*parts(m[own], len(edit.ids)))
        except (DataError, StageError, UnsupportedError) as error:
            raise type(error)(f"{where}: {error}") from error

    def _keep_parts(self, made: Iterable[Parts | None]) -> None:
        """Keep what splits have learned as arrays."""
        known = list(made)
        self.directions_, self.offsets_ = linear_arrays(known)
        self.split_rows_, self.split_parts_, self.split_sizes_ = nearest_arrays(known)

    def refine(self, m: AnyArray, labels: IntArray, latent: AnyArray | None = None) -> IntArray:
        """Labels of rows after the edits.

        Parameters
        ----------
        m : float32 array of shape (n, width)
        labels : int64 array of shape (n,)
        latent : float32 array of shape (n, d), optional
            Their latent coordinates, where the edits need them.

        Returns
        -------
        int64 array of shape (n,)

        Raises
        ------
        UnsupportedError
            If a cluster was split by a refit, and there are no latent coordinates.
        """
        check_features(m, require_fitted(self.width_, "edits"), "edits")
        latent = self._latent(latent)
        found: IntArray = labels.astype(np.int64)
        for edit, made, finder in self._steps():
            found = self._applied(edit, made, finder, m, found, latent)
        return self._after_links(m, found)

    def _latent(self, latent: AnyArray | None) -> AnyArray | None:
        if not self.needs_latent:
            return None
        if latent is None:
            raise UnsupportedError(
                "a cluster was split by fitting again on its rows: labels follow from latent "
                "coordinates as well, not from those of the manifold alone; give both, or use "
                "predict on the rows"
            )
        check_features(latent, self.latent_width, "edits")
        return latent

    def refine_proba(
        self, m: AnyArray, labels: IntArray, proba: AnyArray, latent: AnyArray | None = None
    ) -> AnyArray:
        """Shares of clusters after the edits; the number of a column is the id of its cluster.

        The column of a merged cluster is added to that of the first, that of a deleted one to the
        share of noise, which comes last. A split cluster's share goes to the part that the row is
        nearest to, and that of noise to the cluster to which a row is reassigned. A row that is
        moved by links takes along the share of the cluster that it was in.
        """
        latent = self._latent(latent)
        given = np.array(proba, dtype=np.float64)
        n_clusters = given.shape[1] - self.noise_share
        last = max((label for edit in self.edits_ for label in edit.new), default=-1)
        found = np.zeros((len(given), max(n_clusters, last + 1) + 1))
        found[:, :n_clusters] = given[:, :n_clusters]
        if self.noise_share:
            found[:, -1] = given[:, -1]
        known: IntArray = labels.astype(np.int64)
        rows = np.arange(len(found))
        for edit, made, finder in self._steps():
            after = self._applied(edit, made, finder, m, known, latent)
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
                found[rows, np.array(edit.ids)[made.of(m, latent)]] += share
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
        given = 0 if self.new_ids_ is None else len(set(self.new_ids_.tolist()))
        if given != n_open(self.journal):
            return ["state 'new_ids' does not have an id for each part that has none"]
        wanted = sum(self._numbers(refit=False))
        parts_found = 0 if self.directions_ is None else len(self.directions_)
        if parts_found != wanted or (self.offsets_ is None) != (self.directions_ is None):
            return [f"state 'directions' has {parts_found} parts, the journal has {wanted}"]
        arrays = (self.split_rows_, self.split_parts_, self.split_sizes_)
        return reasons_against(*arrays, self._numbers(refit=True))

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

    def _steps(self) -> Iterable[tuple[Edit, Parts | None, Any]]:
        """Each edit with the parts that it makes, and what finds clusters for noise."""
        if self._finders is None:
            made = self._parts()
            self._finders = made, self._fitted_finders(made)
        return zip(self.edits_, *self._finders, strict=True)

    def _parts(self) -> list[Parts | None]:
        """Parts that each edit has learned, if it splits."""
        linear = of_linear_arrays(self.directions_, self.offsets_, self._numbers(refit=False))
        nearest = of_nearest_arrays(self.split_rows_, self.split_parts_, self.split_sizes_)
        sources: dict[bool, Iterator[Parts]] = {False: linear, True: nearest}
        return [next(sources[edit.refit]) if edit.kind == "split" else None for edit in self.edits_]

    def _numbers(self, *, refit: bool) -> list[int]:
        """Of how many parts the splits are, by a refit or by where rows are."""
        return [len(e.ids) for e in self.edits_ if e.kind == "split" and e.refit == refit]

    def _fitted_finders(self, splits: Iterable[Parts | None]) -> list[ReassignNoise | None]:
        """For each edit that reassigns noise, the training rows as they were clustered then."""
        finders: list[ReassignNoise | None] = []
        found = require_fitted(self.labels_before_, "edits")
        for edit, made in zip(self.edits_, splits, strict=True):
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
        made: Parts | None,
        finder: ReassignNoise | None,
        m: AnyArray,
        labels: IntArray,
        latent: AnyArray | None = None,
    ) -> IntArray:
        """Labels after one edit; without `latent`, these are the training rows."""
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
            part = made.of(m[own], None if latent is None else latent[own])
            found[own] = np.array(edit.ids, dtype=np.int64)[part]
        elif edit.gone:
            target = edit.ids[0] if edit.kind == "merge" else NOISE
            found[np.isin(labels, list(edit.gone))] = target
        return found
