"""Edits that people make: clusters merged, renamed and deleted, as a journal."""

from __future__ import annotations

from typing import Any, Literal, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from n2d_framework.plugin import (
    NOISE,
    AnyArray,
    ConfigError,
    DataError,
    FitContext,
    IntArray,
    Problem,
    check_features,
    component,
    learned,
    option,
    require_fitted,
)

__all__ = ["Edit", "Edits"]


@attrs.frozen(kw_only=True)
class Edit:
    """One edit.

    Attributes
    ----------
    kind : {"merge", "rename", "delete"}
    ids : tuple of int
        The clusters. Of those that are merged, the first keeps its id.
    name : str
        The new name of one cluster.
    by, note, at : str
        Who edited, why and when, as the caller says.
    """

    kind: Literal["merge", "rename", "delete"] = option(help="merge, rename or delete.")
    ids: tuple[int, ...] = option(ge=0, help="Ids of clusters; of merged ones, the first stays.")
    name: str = option("", help="The new name, for rename; for merge, a name may be given.")
    by: str = option("", help="Who made it.")
    note: str = option("", help="Why.")
    at: str = option("", help="When.")


@component
class Edits:
    """Replays a journal of edits on labels, at fit and at prediction.

    Ids are never given to another cluster: of merged clusters the first id stays, a deleted
    cluster becomes noise. Each edit sees the clusters that the ones before left.

    Attributes
    ----------
    ids_ : int64 array of shape (k,)
        Clusters before the edits.
    becomes_ : int64 array of shape (k,)
        The id of each after them; -1 of deleted ones.
    labels_before_ : int64 array of shape (n,)
        Labels of the training rows before the edits, so that these can be undone.
    width_ : int
        Number of coordinates of a row.
    changed_ : int
        How many training rows have another label than before.
    """

    journal: tuple[Edit, ...] = option((), help="The edits, in order.")
    noise_share: bool = option(
        False,
        help="Whether the clusterer's probabilities have the share of noise in their last column. "
        "Without, deleting a cluster adds such a column.",
    )

    ids_: NDArray[np.int64] | None = learned(shape=..., dtype="int64", ge=0)
    becomes_: NDArray[np.int64] | None = learned(shape="_shape", dtype="int64", ge=NOISE)
    labels_before_: NDArray[np.int64] | None = learned(shape=("n",), dtype="int64", ge=NOISE)
    width_: int | None = learned(dtype=int, ge=1)
    changed_: int | None = learned(dtype=int, ge=0)

    def __attrs_post_init__(self) -> None:
        problems = []
        for place, edit in enumerate(self.journal):
            path = f"journal[{place}]"
            if edit.kind == "rename" and (len(edit.ids) != 1 or not edit.name.strip()):
                problems.append(Problem(path, "rename needs one id and a name"))
            elif edit.kind == "merge" and len(set(edit.ids)) < 2:
                problems.append(Problem(path, "merge needs two different ids or more"))
            elif edit.kind == "delete" and not edit.ids:
                problems.append(Problem(path, "delete needs an id"))
            elif edit.kind == "delete" and edit.name:
                problems.append(Problem(path, "delete takes no name"))
        if problems:
            raise ConfigError(problems)

    @property
    def _shape(self) -> tuple[int, ...]:
        return require_fitted(self.ids_, "edits").shape

    @property
    def names_(self) -> dict[int, str]:
        """Names that clusters were given, by their ids after all edits."""
        found: dict[int, str] = {}
        for edit in self.journal:
            for gone in edit.ids if edit.kind == "delete" else edit.ids[1:]:
                found.pop(gone, None)
            if edit.name:
                found[edit.ids[0]] = edit.name
        return found

    def fit(self, m: AnyArray, labels: IntArray, *, context: FitContext) -> Self:
        """Replay the journal on `labels`, int64 of shape (n,).

        Raises
        ------
        DataError
            If an edit names a cluster that does not exist, was merged into another, or deleted.
        """
        known = np.unique(labels[labels != NOISE]).astype(np.int64)
        becomes = {int(label): int(label) for label in known}
        gone: dict[int, str] = {}
        for place, edit in enumerate(self.journal):
            for label in edit.ids:
                if label not in becomes or label in gone:
                    reason = gone.get(label, "there is no such cluster")
                    left = [key for key, now in becomes.items() if key == now]
                    raise DataError(
                        f"edits.journal[{place}]: {edit.kind} of cluster {label}: {reason}; "
                        f"clusters are {', '.join(map(str, left)) or 'none'}"
                    )
            if edit.kind == "rename":
                continue
            target = edit.ids[0] if edit.kind == "merge" else NOISE
            for label in edit.ids:
                if label == target:
                    continue
                gone[label] = (
                    "it was deleted" if target == NOISE else f"it was merged into {target}"
                )
                becomes = {key: target if now == label else now for key, now in becomes.items()}
        self.ids_ = known
        self.becomes_ = np.array([becomes[int(label)] for label in known], dtype=np.int64)
        self.labels_before_ = labels.astype(np.int64)
        self.width_ = int(m.shape[1])
        self.changed_ = int((self._renumbered(labels) != labels).sum())
        return self

    def refine(self, m: AnyArray, labels: IntArray) -> IntArray:
        """Labels of rows `m` after the edits: int64 of shape (n,)."""
        check_features(m, require_fitted(self.width_, "edits"), "edits")
        return self._renumbered(labels)

    def refine_proba(self, m: AnyArray, labels: IntArray, proba: AnyArray) -> AnyArray:
        """Shares of clusters after the edits.

        The columns stay those of the clusterer: that of a merged cluster is added to that of the
        first, that of a deleted one to the share of noise.
        """
        found = np.array(proba, dtype=np.float64)
        ids, becomes = require_fitted(self.ids_, "edits"), require_fitted(self.becomes_, "edits")
        if not self.noise_share and (becomes == NOISE).any():
            found = np.hstack([found, np.zeros((len(found), 1))])
        for label, now in zip(ids.tolist(), becomes.tolist(), strict=True):
            if now != label:
                found[:, now] += found[:, label]
                found[:, label] = 0.0
        return found

    def check_learned(self) -> list[str]:
        """Reasons why a state cannot be that of edits."""
        ids, becomes = require_fitted(self.ids_, "edits"), require_fitted(self.becomes_, "edits")
        if not np.isin(becomes, np.append(ids, NOISE)).all():
            return ["state 'becomes' has ids that no cluster has"]
        return []

    def _renumbered(self, labels: IntArray) -> IntArray:
        ids, becomes = require_fitted(self.ids_, "edits"), require_fitted(self.becomes_, "edits")
        found: Any = labels.astype(np.int64)
        place = np.searchsorted(ids, found)
        place = np.minimum(place, max(len(ids) - 1, 0))
        if len(ids):
            known = ids[place] == found
            found[known] = becomes[place[known]]
        return np.asarray(found)
