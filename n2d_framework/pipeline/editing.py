"""Edits of a fitted model's clusters: a journal that holds at once, and can be undone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

import attrs
import numpy as np

from n2d_framework.config import Composition
from n2d_framework.config.choice import Choice
from n2d_framework.core.protocols import FitContext
from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.pipeline.fitting import Fit
from n2d_framework.plan.fitted_plan import FittedPlan
from n2d_framework.plan.run_step import StepResult
from n2d_framework.plan.steps import Plan
from n2d_framework.registry import default_catalogue
from n2d_framework.types import NOISE, Role

__all__ = ["Editor"]

_ROLE: Final[Role] = "refine"


class Editor:
    """Edits the clusters of a fitted model.

    Each method adds an edit to the journal; it holds at once for ``labels_`` and ``predict``, and
    goes with the bundle. An edit that cannot be made changes nothing. Ids are never given to
    another cluster: of merged clusters the first id stays, a deleted cluster becomes noise.

    Made by ``model.edit()``.

    Parameters
    ----------
    current : callable
        Gives the fit of the model as it is.
    take : callable
        Gives the model another one.
    width : int
        Number of coordinates of a row.
    by, at : str, default ""
        Written next to every edit: who makes it, and when.
    """

    def __init__(
        self,
        current: Callable[[], Fit],
        take: Callable[[Fit], None],
        width: int,
        *,
        by: str = "",
        at: str = "",
    ) -> None:
        # A loaded model that cannot place rows does not know its width, and is never asked for it.
        self._current, self._take, self._width = current, take, max(width, 1)
        self._by, self._at = by, at

    @property
    def journal(self) -> tuple[dict[str, Any], ...]:
        """The edits so far, in order, as plain values."""
        choice = _edits_of(self._current().composition)
        return () if choice is None else tuple(choice.option_values()["journal"])

    def merge(self, ids: Iterable[int], *, name: str = "", note: str = "") -> Self:
        """Make one cluster of several; it has the id of the first.

        Raises
        ------
        DataError
            If one of them does not exist (any more).
        """
        return self._added("merge", ids, name=name, note=note)

    def rename(self, names: Mapping[int, str], *, note: str = "") -> Self:
        """Give clusters names."""
        before = self.journal
        added = [self._edit("rename", [label], name, note) for label, name in names.items()]
        self._replay([*before, *added])
        return self

    def delete(self, ids: Iterable[int], *, note: str = "") -> Self:
        """Make noise of clusters."""
        return self._added("delete", ids, name="", note=note)

    def undo(self, edits: int = 1) -> Self:
        """Take back the last edits.

        Raises
        ------
        DataError
            If there are not so many.
        """
        before = list(self.journal)
        if not 1 <= edits <= len(before):
            raise DataError(f"there are {len(before)} edits to undo, not {edits}")
        self._replay(before[:-edits])
        return self

    def _added(self, kind: str, ids: Iterable[int], *, name: str, note: str) -> Self:
        self._replay([*self.journal, self._edit(kind, ids, name, note)])
        return self

    def _edit(self, kind: str, ids: Iterable[int], name: str, note: str) -> dict[str, Any]:
        return {
            "kind": kind, "ids": [int(label) for label in ids], "name": name, "by": self._by,
            "note": note, "at": self._at,
        }  # fmt: skip

    def _replay(self, journal: list[dict[str, Any]]) -> None:
        """Put the journal in place of the one so far; on an error, nothing has changed."""
        fit = self._current()
        kept = [result for result in fit.results if not result.step.spec.edits]
        last = [result for result in fit.results if result.step.spec.edits]
        labels = last[0].component.labels_before_ if last else fit.labels
        chains = dict(fit.composition.chains)
        before = tuple(c for c in chains.get(_ROLE, ()) if not c.spec.edits)
        nowhere = np.zeros((len(labels), self._width), dtype=np.float32)
        component: Any = None
        chains[_ROLE] = before
        if journal:
            choice = _chosen(journal, noise_share=fit.composition.choice(LABEL_ROLE).spec.noise)
            chains[_ROLE] = (*before, choice)
            component = copy.deepcopy(choice.component)
            component.fit(nowhere, labels, context=FitContext())
        composition = attrs.evolve(fit.composition, chains=chains)
        plan = Plan.of(composition)
        results = [
            attrs.evolve(result, step=step) for result, step in zip(kept, plan, strict=False)
        ]
        # A loaded model knows the labels after all steps only.
        results[-1] = attrs.evolve(results[-1], output=labels)
        final = labels
        if journal:
            final = component.refine(nowhere, labels)
            results.append(StepResult(plan.steps[-1], "", component, final, 0.0, cached=False))
        golden = dict(fit.golden)
        fitted = FittedPlan(
            plan=plan,
            components=[result.component for result in results],
            row_shape=fit.fitted.row_shape,
            n_clusters=len(np.unique(final[final != NOISE])),
            storage=fit.fitted.storage,
            schema=fit.fitted.schema,
        )
        if "labels" in golden and len(golden["labels"]):
            golden["labels"] = fitted.labels_of(golden["manifold"])
        self._take(
            attrs.evolve(
                fit, composition=composition, fitted=fitted, results=tuple(results), golden=golden
            )
        )


def _chosen(journal: list[dict[str, Any]], *, noise_share: bool) -> Choice:
    """The component that replays a journal."""
    for entry in default_catalogue().components(_ROLE):
        if entry.spec.edits:
            return Choice.of(entry, {"journal": journal, "noise_share": noise_share})
    raise UnsupportedError("no installed refine component edits clusters")


def _edits_of(composition: Composition) -> Choice | None:
    return next((choice for choice in composition.choices(_ROLE) if choice.spec.edits), None)
