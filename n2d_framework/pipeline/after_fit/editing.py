"""Edits of a fitted model's clusters: a journal that holds at once, and can be undone."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, Literal, Self, TypeAlias

import attrs
import numpy as np

from n2d_framework.config.choice import Choice
from n2d_framework.core.options import options_dict
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.resources import Resources
from n2d_framework.core.roles import COORDINATE_ROLES, LABEL_ROLE
from n2d_framework.core.rows.written_names import refuse_nul
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.pipeline.after_fit.arguments import integer
from n2d_framework.pipeline.after_fit.parts_found import parts_by_place, parts_by_refit
from n2d_framework.pipeline.after_fit.row_names import positions_of
from n2d_framework.pipeline.descriptions import names_that_hold
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.plan.run_plan import StepsAgain, unused_id
from n2d_framework.plan.run_step import StepResult
from n2d_framework.plan.steps import Plan
from n2d_framework.registry import default_catalogue
from n2d_framework.types import NOISE, AnyArray, Role

__all__ = ["LINKS", "Editor"]

ReassignMethod: TypeAlias = Literal[
    "propagation", "density", "nearest", "probability", "classifier"
]

#: Methods of an editor by the links that they write.
LINKS: Final = {"together": "must_link", "apart": "cannot_link"}
logger = logging.getLogger(__name__)

_ROLE: Final[Role] = "refine"
#: What only some kinds of edits have.
_OF_FEW: Final = ("becomes", "rows", "refit")
_UNKNOWN: Final = (
    "{}: it is not known where the training rows are, which a bundle does not hold; give the rows, "
    "as in model.edit(X), or with --data"
)


class Editor:
    """Edits the clusters of a fitted model.

    Each method adds an edit to the journal; it holds at once for ``labels_`` and ``predict``, and
    goes with the bundle. An edit that cannot be made changes nothing. Ids are never given to
    another cluster: of merged clusters the first id stays, a deleted cluster becomes noise, the
    largest part of a split one keeps its id.

    Made by ``model.edit()``.

    Parameters
    ----------
    current : callable
        Gives the fit of the model as it is.
    take : callable
        Gives the model another one.
    width : int
        Number of coordinates of a row.
    coordinates, latent : arrays of shape (n, m) and (n, d), optional
        Where the training rows are, on the manifold and in the latent space; without them, clusters
        cannot be split for the first time, noise reassigned, nor rows linked.
    resources : Resources, optional
        What a refit of some rows may use.
    ids : array of str, shape (n,), optional
        Ids of the training rows.
    by, at : str, default ""
        Written next to every edit: who makes it, and when.
    """

    def __init__(
        self,
        current: Callable[[], Fit],
        take: Callable[[Fit], None],
        width: int,
        *,
        coordinates: AnyArray | None = None,
        latent: AnyArray | None = None,
        resources: Resources | None = None,
        ids: AnyArray | None = None,
        by: str = "",
        at: str = "",
    ) -> None:
        # A loaded model that cannot place rows does not know its width, and is never asked for it.
        self._current, self._take, self._width = current, take, max(width, 1)
        self._given, self._ids, self._latent = coordinates, ids, latent
        self._resources, self._again = resources or Resources(), dict[Any, StepsAgain]()
        self._by, self._at = by, at

    @property
    def journal(self) -> tuple[dict[str, Any], ...]:
        """The edits so far, in order, as plain values."""
        made = [r.component for r in self._current().results if r.step.spec.edits]
        # With the ids of parts that were left to the fit.
        edits = map(options_dict, made[0].edits_) if made else ()
        return tuple(
            {
                name: value
                for name, value in edit.items()
                if value is not None
                and (value or name not in _OF_FEW)
                and (name != "method" or edit["kind"] == "reassign")
            }
            for edit in edits
        )

    @property
    def confidence_is_unused(self) -> bool:
        """True if confidence is kept of labels before edits: undoing them brings it back."""
        fitted = self._current().fitted
        return fitted.measured is not None and fitted.confidence is None

    def merge(self, ids: Iterable[int], *, name: str = "", note: str = "") -> Self:
        """Make one cluster of several; it has the id of the first.

        Raises
        ------
        DataError
            If one of them does not exist (any more).
        """
        return self._added("merge", ids, name=name, note=note)

    def rename(self, names: Mapping[int, str], *, note: str = "") -> Self:
        """Give clusters names; several may have the same."""
        before = self.journal
        if not isinstance(names, Mapping):
            raise DataError(f"names must be a mapping such as {{3: 'cats'}}; got {names!r}")
        added = [self._edit("rename", [label], name, note) for label, name in names.items()]
        self._replay([*before, *added])
        return self

    def delete(self, ids: Iterable[int], *, note: str = "") -> Self:
        """Make noise of clusters."""
        return self._added("delete", ids, name="", note=note)

    def split(
        self, label: int, n_clusters: int | None = None, *, refit: bool = False, note: str = ""
    ) -> Self:
        """Split a cluster; the largest part keeps its id and name.

        Parameters
        ----------
        label : int
            Id of the cluster.
        n_clusters : int, optional
            Number of parts; by default as many as the rows fall into.
        refit : bool, default False
            Whether manifolder and clusterer are fitted again, on the latent rows of the cluster
            alone, so that its own structure decides; without, it is split by where its rows are
            among the coordinates that were clustered. A new row of the cluster goes with the
            training row that is nearest in the latent space. A clusterer that finds the number of
            clusters finds that of the parts as well; rows that it takes for noise go with the
            nearest that is in a part. Weights of rows do not count.
        note : str, default ""
            Why.

        Raises
        ------
        DataError
            If there is no such cluster, its rows do not fall into parts, or there are fewer
            different rows than parts.
        UnsupportedError
            If it is not known where the training rows are: a bundle does not hold that, so that
            the editor of a loaded model is made with the rows, ``model.edit(X)``. If a number is
            given for a refit, and the clusterer finds it itself.
        """
        fit = self._current()
        rows = self._coordinates(fit)
        if rows is None or (refit and self._latent is None):
            raise UnsupportedError(_UNKNOWN.format("split"))
        label = integer(label, "id of a cluster")
        number = None if n_clusters is None else integer(n_clusters, "n_clusters")
        if number is not None and number < 2:
            raise DataError(f"split of cluster {label}: into {number} parts; it must be at least 2")
        own, component = (
            np.flatnonzero(fit.labels == label),
            _chosen([], noise_share=False).component,
        )
        again = self._part_fits(fit) if refit else None
        if not len(own):
            number = 2  # there is no such cluster, as the journal will say
        elif again is not None:
            number = parts_by_refit(component, again, own, label, number)
        elif number is None:
            number = parts_by_place(component, np.asarray(rows)[own], label)
        new = max(self._unused_id(fit), label + 1)
        edit = self._edit("split", [label, *range(new, new + number - 1)], "", note)
        self._replay([*self.journal, edit | ({"refit": True} if refit else {})])
        return self

    def _part_fits(self, fit: Fit) -> StepsAgain | None:
        """Fits of some rows, if their latent coordinates are known."""
        if self._latent is None:
            return None
        embedder = fit.fitted.component(COORDINATE_ROLES[0])
        if id(embedder) not in self._again:
            given = (self._latent, fit.random_state, self._resources)
            unused = partial(self._unused_id, fit)
            again = StepsAgain.of(fit.fitted.plan, embedder, *given, unused)
            self._again = {id(embedder): again}
        return self._again[id(embedder)]

    def reassign_noise(
        self,
        *,
        method: ReassignMethod = "propagation",
        max_distance: float | None = None,
        min_probability: float | None = None,
        note: str = "",
    ) -> Self:
        """Give noise, of deleted clusters as well, to clusters.

        Parameters
        ----------
        method : {"propagation", "density", "nearest", "probability", "classifier"}
            Which cluster: the one that a random walk over near rows, started at the row, is most
            likely to meet first (label propagation); the one to which the row is connected through
            the densest rows; that of the nearest training row that is in one; the likeliest, if
            each cluster is a Gaussian; or that for which the 15 nearest rows vote that are in one.
            "propagation" by default. A new row goes with its nearest training row.
        max_distance : float, optional
            Rows farther than this from every clustered training row, in units of the coordinates,
            stay noise; by default none does.
        min_probability : float, optional
            Rows whose cluster has less than this probability, or share of the votes, stay noise,
            for "propagation", "probability" and "classifier"; by default none does.
        note : str, default ""
            Why.

        Raises
        ------
        DataError
            If no training row is noise, or all are.
        UnsupportedError
            As for :meth:`split`.
        """
        fit = self._current()
        if not (fit.labels == NOISE).any() or (fit.labels == NOISE).all():
            reason = "there is no noise" if (fit.labels != NOISE).all() else "there are no clusters"
            raise DataError(f"reassign: {reason}")
        if self._coordinates(fit) is None:
            raise UnsupportedError(_UNKNOWN.format("reassign"))
        edit = self._edit("reassign", (), "", note)
        how = {"method": method, "max_distance": max_distance, "min_probability": min_probability}
        self._replay([*self.journal, edit | how])
        return self

    def must_link(self, rows: Iterable[Any], *, note: str = "") -> Self:
        """Say that training rows belong together: they are in one cluster, also after a refit.

        Links hold whatever the other edits do. As few rows as needed are moved, each group to the
        cluster that it is nearest to; a new row follows its nearest training row, if that was
        moved. To join all rows of two clusters, merge them.

        Parameters
        ----------
        rows : iterable of str or int
            Ids of training rows, or positions.
        note : str, default ""
            Why.

        Raises
        ------
        DataError
            If there are no such rows, or the links contradict each other; with ids.
        UnsupportedError
            As for :meth:`split`.
        """
        return self._link("must_link", rows, note)

    def cannot_link(self, rows: Iterable[Any], *, note: str = "") -> Self:
        """Say that no two of some training rows belong together: each is in another cluster.

        Parameters and errors as for :meth:`must_link`; an error as well if there are fewer clusters
        than rows that are to be apart.
        """
        return self._link("cannot_link", rows, note)

    def renumber(self, ids: Mapping[int, int], *, note: str = "") -> Self:
        """Give clusters other ids, which no other cluster has or had.

        Raises
        ------
        DataError
            If there is no such cluster, or an id is taken.
        """
        edit = self._edit("renumber", ids, "", note)
        self._replay([*self.journal, edit | {"becomes": [int(b) for b in ids.values()]}])
        return self

    def _link(self, method: str, rows: Iterable[Any], note: str) -> Self:
        fit = self._current()
        if self._coordinates(fit) is None:
            raise UnsupportedError(_UNKNOWN.format("links"))
        places = positions_of(self._ids, len(fit.labels), rows)
        if len(set(places)) < 2:
            raise DataError(f"{method} needs two different rows or more; got {len(set(places))}")
        (kind,) = [kind for kind, name in LINKS.items() if name == method]
        self._replay([*self.journal, self._edit(kind, (), "", note) | {"rows": places}])
        return self

    def undo(self, edits: int = 1) -> Self:
        """Take back the last edits.

        Raises
        ------
        DataError
            If there are not so many.
        """
        before = list(self.journal)
        if integer(edits, "edits to undo", 1) > len(before):
            raise DataError(f"there are {len(before)} edits to undo, not {edits}")
        self._replay(before[:-edits])
        return self

    def _added(self, kind: str, ids: Iterable[int], *, name: str, note: str) -> Self:
        self._replay([*self.journal, self._edit(kind, ids, name, note)])
        return self

    def _edit(self, kind: str, ids: Iterable[int], name: str, note: str) -> dict[str, Any]:
        refuse_nul([name], "a cluster", counted="name")
        return {
            "kind": kind, "ids": _several(ids), "name": name, "by": self._by, "note": note,
            "at": self._at,
        }  # fmt: skip

    def _coordinates(self, fit: Fit) -> AnyArray | None:
        """Where the training rows are: as edits before this one keep it, or as it was given."""
        kept = fit.edited_points
        return self._given if kept is None else kept

    def _unused_id(self, fit: Fit) -> int:
        """An id that no cluster has, had, or may get from the clusterer; all greater are, too."""
        used = [k for edit in self.journal for k in (*edit["ids"], *edit.get("becomes", ()))]
        clusterer, noise = fit.fitted.component(LABEL_ROLE), fit.composition.choice(LABEL_ROLE).spec
        free = unused_id(clusterer, noise.noise, self._width, fit.labels, fit.labels_before_edits)
        return max(free, 1 + max(used, default=-1))

    def _replay(self, journal: list[dict[str, Any]]) -> None:
        """Put the journal in place of the one so far; on an error, nothing has changed."""
        fit = self._current()
        kept = [result for result in fit.results if not result.step.spec.edits]
        last = [result.component for result in fit.results if result.step.spec.edits]
        labels = fit.labels_before_edits
        chains = dict(fit.composition.chains)
        before = tuple(c for c in chains.get(_ROLE, ()) if not c.spec.edits)
        rows = self._coordinates(fit)
        if rows is None:
            rows = np.zeros((len(labels), self._width), dtype=np.float32)
        component: Any = None
        chains[_ROLE] = before
        if journal:
            choice = _chosen(journal, noise_share=fit.composition.choice(LABEL_ROLE).spec.noise)
            chains[_ROLE] = (*before, choice)
            component = copy.deepcopy(choice.component)
            if last:
                component.continuing(last[0])
            about = FitContext(ids=self._ids, part_fits=self._part_fits(fit))
            component.fit(rows, labels, context=about)
        composition = attrs.evolve(fit.composition, chains=chains)
        plan = Plan.of(composition)
        results = [
            attrs.evolve(result, step=step) for result, step in zip(kept, plan, strict=False)
        ]
        # A loaded model knows the labels after all steps only.
        results[-1] = attrs.evolve(results[-1], output=labels)
        final = labels
        if journal:
            final = component.labels_
            results.append(StepResult(plan.steps[-1], "", component, final, 0.0, cached=False))
        golden = dict(fit.golden)
        fitted = attrs.evolve(
            fit.fitted,
            plan=plan,
            components=[result.component for result in results],
            n_clusters=len(np.unique(final[final != NOISE])),
        )
        if "labels" in golden and len(golden["labels"]):
            golden["labels"] = fitted.labels_of(golden["manifold"], golden["latent"])
        edited = attrs.evolve(
            fit,
            composition=composition,
            fitted=fitted,
            results=tuple(results),
            golden=golden,
            descriptions=names_that_hold(fit.descriptions, fit.labels, final),
        )
        edited = edited.with_clusters()
        self._take(edited)
        if fit.fitted.confidence is not None and self.confidence_is_unused:
            logger.info("confidence was measured for other labels: not used until they are back")


def _several(ids: Any) -> list[int]:
    """Ids of clusters, as they were given."""
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise DataError(f"ids of clusters must be a list such as [3, 5]; got {ids!r}")
    return [integer(label, "id of a cluster") for label in ids]


def _chosen(journal: list[dict[str, Any]], *, noise_share: bool) -> Choice:
    """The component that replays a journal."""
    for entry in default_catalogue().components(_ROLE):
        if entry.spec.edits:
            return Choice.of(entry, {"journal": journal, "noise_share": noise_share})
    raise UnsupportedError("no installed refine component edits clusters")
