"""One edit that a person made, as it is written in a journal."""

from __future__ import annotations

from typing import Literal

import attrs

from n2d_builtin.refine.reassign_noise import SURE, Method, ReassignNoise
from n2d_framework.plugin import option

__all__ = ["LINKS", "OF_ROWS", "Edit"]

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
        elif self.kind == "split" and not len(self.ids) == len(set(self.ids)) > 1:
            found.append("split needs the id of a cluster and different new ids for its parts")
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
        }
        found += [
            f"{self.kind} takes no {name}"
            for name, (given, kinds) in extras.items()
            if given and self.kind not in kinds
        ]
        return found

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
