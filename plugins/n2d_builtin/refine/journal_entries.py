"""One edit that a person made, as it is written in a journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

import attrs
import numpy as np

from n2d_builtin.refine.reassign_noise import SURE, Method, ReassignNoise
from n2d_framework.plugin import DataError, FitContext, IntArray, UnsupportedError, option

__all__ = ["LINKS", "OF_ROWS", "Edit", "check_ids", "n_open", "new_ids", "with_ids"]

#: Edits that depend on where rows are.
OF_ROWS = ("split", "reassign", "together", "apart")
#: Links between rows, which hold whatever the other edits do.
LINKS = ("together", "apart")


@attrs.frozen(kw_only=True)
class Edit:
    """One edit.

    Attributes
    ----------
    kind : {"merge", "rename", "delete", "split", "reassign", "renumber", "together", "apart"}
    ids : tuple of int
        The clusters. Of those that are merged, the first keeps its id. Of one that is split, the
        first is its id, which the largest part keeps; the others are the new ids of the other
        parts. None for the reassignment of noise and for links.
    becomes : tuple of int
        For renumber: the new id of each cluster of `ids`.
    rows : tuple of int
        For links: positions of training rows, which are in one cluster (together), or of which no
        two are in the same one (apart).
    n_clusters : int or None
        For split, where the new ids are left out: into how many parts. They get ids that no cluster
        has, in order.
    refit : bool
        For split: whether the parts are found by fitting manifolder and clusterer again on the
        latent rows of the cluster, instead of by where its rows are.
    name : str
        The new name of one cluster.
    max_distance, min_probability, method : float or None, float or None, str
        See :class:`~n2d_builtin.refine.reassign_noise.ReassignNoise`.
    by, note, at : str
        Who edited, why and when, as the caller says.
    """

    kind: Literal[
        "merge", "rename", "delete", "split", "reassign", "renumber", "together", "apart"
    ] = option(
        help="merge, rename, delete, split, reassign (noise), renumber; or a link between rows: "
        "together or apart."
    )
    ids: tuple[int, ...] = option(
        (),
        ge=0,
        help="Ids of clusters; of merged ones, the first stays; of a split one, its id and the new "
        "ids of all parts but the largest.",
    )
    becomes: tuple[int, ...] = option((), ge=0, help="For renumber: the new ids.")
    rows: tuple[int, ...] = option(
        (), ge=0, help="For together and apart: positions of training rows."
    )
    n_clusters: int | None = option(
        None,
        ge=2,
        help="For split, instead of new ids: into how many parts; the fit gives them ids.",
    )
    refit: bool = option(
        False,
        help="For split: find the parts by fitting manifolder and clusterer again on the rows of "
        "the cluster alone, instead of by where they are.",
    )
    name: str = option("", help="The new name, for rename; for merge, a name may be given.")
    max_distance: float | None = option(
        None, gt=0, help="For reassign: noise farther than this from every cluster stays."
    )
    min_probability: float | None = option(
        None,
        ge=0,
        le=1,
        help="For reassign by a method with probabilities: noise less sure than this stays.",
    )
    method: Method = option(
        "nearest", help="For reassign: as the method of the component reassign_noise."
    )  # what journals of 0.2.0, which do not have it, did
    by: str = option("", help="Who made it.")
    note: str = option("", help="Why.")
    at: str = option("", help="When.")

    def problems(self) -> list[str]:
        """Reasons why this cannot be an edit."""
        found = []
        if self.kind == "rename" and (len(self.ids) != 1 or not self.name.strip()):
            found.append("rename needs one id and a name")
        elif self.kind == "merge" and len(set(self.ids)) < 2:
            found.append("merge needs two different ids or more")
        elif self.kind == "delete" and not self.ids:
            found.append("delete needs an id")
        elif self.kind == "split" and not len(self.ids) == len(set(self.ids)) > (not self.open):
            found.append(
                "split needs the id of a cluster, and different new ids for its parts or n_clusters"
            )
        elif self.kind == "reassign" and self.ids:
            found.append("reassign takes no ids: it is for all noise")
        elif self.min_probability is not None and self.method not in SURE:
            found.append(f"min_probability is for methods {', '.join(SURE)}")
        elif self.kind == "renumber" and not (
            0 < len(self.ids) == len(set(self.ids)) == len(self.becomes) == len(set(self.becomes))
        ):
            found.append("renumber needs different ids, and as many different new ones")
        elif self.kind in LINKS and (self.ids or len(set(self.rows)) < 2):
            found.append(f"{self.kind} needs two different rows or more, and no ids")
        extras: dict[str, tuple[bool, tuple[str, ...]]] = {
            "name": (bool(self.name), ("rename", "merge")),
            "max_distance": (self.max_distance is not None, ("reassign",)),
            "min_probability": (self.min_probability is not None, ("reassign",)),
            "method": (self.method != "nearest", ("reassign",)),
            "becomes": (bool(self.becomes), ("renumber",)),
            "rows": (bool(self.rows), LINKS),
            "refit": (self.refit, ("split",)),
            "n_clusters": (self.n_clusters is not None, ("split",)),
        }
        found += [
            f"{self.kind} takes no {name}"
            for name, (given, kinds) in extras.items()
            if given and self.kind not in kinds
        ]
        return found

    @property
    def open(self) -> bool:
        """True for a split whose parts have no ids yet."""
        return self.n_clusters is not None and len(self.ids) == 1

    def finder(self) -> ReassignNoise:
        """Make the component that gives noise to clusters, for reassign; it is not fitted."""
        return ReassignNoise(
            method=self.method,
            max_distance=self.max_distance,
            min_probability=self.min_probability,
        )

    @property
    def existing(self) -> tuple[int, ...]:
        """Ids of clusters that must be there."""
        return self.ids[:1] if self.kind == "split" else self.ids

    @property
    def new(self) -> tuple[int, ...]:
        """Ids that must not be there yet."""
        if self.kind == "renumber":
            return tuple(label for label in self.becomes if label not in self.ids)
        return self.ids[1:] if self.kind == "split" else ()

    @property
    def gone(self) -> dict[int, str]:
        """Ids that there are no more after it, with the reason."""
        if self.kind == "delete":
            return dict.fromkeys(self.ids, "it was deleted")
        if self.kind == "merge":
            into = f"it was merged into {self.ids[0]}"
            return {label: into for label in self.ids[1:] if label != self.ids[0]}
        if self.kind == "renumber":
            both = zip(self.ids, self.becomes, strict=True)
            return {a: f"it is {b} now" for a, b in both if a not in self.becomes}
        return {}


def check_ids(journal: Iterable[Edit], labels: Iterable[int]) -> None:
    """Refuse an edit of a cluster that is not there, or no more.

    Parameters
    ----------
    journal : iterable of Edit
    labels : iterable of int
        Ids of the clusters before it.

    Raises
    ------
    DataError
    """
    alive, gone = set(labels), dict[int, str]()
    for place, edit in enumerate(journal):
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


def with_ids(journal: Iterable[Edit], new: Iterable[int]) -> tuple[Edit, ...]:
    """Give the parts of splits ids where they have none, in order.

    Parameters
    ----------
    journal : iterable of Edit
    new : iterable of int
        Ids that no cluster has or had.
    """
    free = iter(new)
    return tuple(
        attrs.evolve(edit, ids=(*edit.ids, *islice(free, edit.n_clusters - 1)), n_clusters=None)
        if edit.open and edit.n_clusters is not None
        else edit
        for edit in journal
    )


def n_open(journal: Iterable[Edit]) -> int:
    """Count the parts of splits that have no ids yet."""
    return sum(edit.n_clusters - 1 for edit in journal if edit.open and edit.n_clusters)


def new_ids(journal: Sequence[Edit], context: FitContext) -> IntArray | None:
    """Ids for these parts, which no cluster has or may get; ``None`` if there are none.

    Raises
    ------
    UnsupportedError
        If the clusterer is not known.
    """
    wanted = n_open(journal)
    if not wanted:
        return None
    if context.part_fits is None:
        raise UnsupportedError(
            "edits: a split leaves the ids of its parts to the fit, and the clusterer is not "
            "known here; give ids that no cluster has"
        )
    used = [label for edit in journal for label in (*edit.new, *edit.becomes)]
    first = max(context.part_fits.unused_id(), 1 + max(used, default=-1))
    return np.arange(first, first + wanted, dtype=np.int64)
