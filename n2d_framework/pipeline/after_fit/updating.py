"""A model fitted again on newer rows, its clusters matched with those before."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs
import numpy as np

from n2d_framework.core.rows import Rows, joined
from n2d_framework.errors import CompositionError, DataError, DataWarning
from n2d_framework.metrics.drift.following import Drift
from n2d_framework.metrics.succession import Succession, succession
from n2d_framework.pipeline.after_fit.editing import LINKS
from n2d_framework.pipeline.after_fit.refits import unfitted_again
from n2d_framework.types import NOISE, IntArray

__all__ = [
    "Refit", "Update", "joined_rows", "refitted", "refuse_few", "sizes_of", "warn_of_rows_again",
]  # fmt: skip

#: Fewer new rows are not fitted by themselves: of so few, drift says nothing either.
_FEWEST: Final = 50

Refit: TypeAlias = Literal["drift", "always", "never"]


@attrs.frozen(eq=False)
class Update:
    """Comparison of newer rows with a model, and the model that was fitted again.

    Attributes
    ----------
    drift : Drift
        Comparison of the new rows with those of the fit.
    model : N2D
        Fitted again; the one before, where it was not.
    succession : Succession or None
        What became of the clusters; ``None`` where the model was not fitted again.
    sizes : dict of int to (int, int)
        For each id how many of the rows have it by the model before, and by this one.
    n_rows : int
        Rows that it was fitted on, or would have been.
    names : dict of int to str
        Names of clusters, before and now.
    lost : tuple of str
        Edits of the model before that could not be made again, in words.
    """

    drift: Drift
    model: Any = attrs.field(repr=False)
    succession: Succession | None
    sizes: Mapping[int, tuple[int, int]]
    n_rows: int
    names: Mapping[int, str] = attrs.field(factory=dict)
    lost: tuple[str, ...] = ()

    @property
    def refitted(self) -> bool:
        """Return whether the model was fitted again."""
        return self.succession is not None

    def cluster_name(self, label: int) -> str:
        """The name of a cluster."""
        if label == NOISE:
            return "noise"
        return self.names.get(label, f"cluster {label}")

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        found = self.succession
        return {
            "drift": self.drift.as_dict(),
            "refitted": self.refitted,
            "n_rows": self.n_rows,
            "transitions": []
            if found is None
            else [
                attrs.asdict(one) | {"before": list(one.before), "after": list(one.after)}
                for one in found.transitions
            ],
            "clusters": [
                {"label": k, "name": self.cluster_name(k), "before": before, "now": now}
                for k, (before, now) in self.sizes.items()
            ],
            "lost": list(self.lost),
        }


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Rows that one model takes, one part after the other.

    Parameters
    ----------
    parts : sequence of Rows
        Ids are kept where all have some, weights are not.
    """
    first = parts[0]
    ids = None
    if all(part.ids is not None for part in parts):
        ids = np.concatenate([np.asarray(part.ids, dtype=object) for part in parts])
    if first.storage == "columns":
        kinds = {field.name: field.kind for field in first.schema.fields}
        made = Rows.of_columns(joined(parts).values, kinds)
        return attrs.evolve(made, ids=ids, named_kind=first.named_kind)
    values = joined([part.values for part in parts])
    return attrs.evolve(first, values=values, ids=ids, weights=None)


def refuse_few(n_rows: int, n_rows_before: int) -> None:
    """Refuse to fit a few new rows by themselves.

    Parameters
    ----------
    n_rows, n_rows_before : int
        Of new rows, and of rows of the fit.

    Raises
    ------
    DataError
        If they are fewer than 50, and fewer than the rows of the fit.
    """
    if n_rows < min(_FEWEST, n_rows_before):
        raise DataError(
            f"refit: new rows by themselves must be at least {min(_FEWEST, n_rows_before)} to be "
            f"fitted, and there are {n_rows}; give rows to be fitted together with them, such as "
            "those of the fit, as old or --with"
        )


def warn_of_rows_again(new: Rows, known: Rows) -> None:
    """Warn where new rows are among those that they are fitted together with."""
    again = 0
    if new.fingerprint() == known.fingerprint():
        again = len(new)
    elif new.ids is not None and known.ids is not None:
        again = len({*map(str, new.ids)} & {*map(str, known.ids)})
    if again:
        warnings.warn(
            f"update: {again} of the {len(new)} new rows are among the old ones as well, by their "
            "ids or values; fitted together, they count twice",
            DataWarning,
            stacklevel=3,
        )


def sizes_of(before: IntArray, now: IntArray) -> dict[int, tuple[int, int]]:
    """For each label how many rows have it, by two labelings.

    Parameters
    ----------
    before, now : int64 arrays of shape (n,)
    """
    labels = sorted({*before.tolist(), *now.tolist()})
    return {k: (int((before == k).sum()), int((now == k).sum())) for k in labels}


def refitted(
    model: Any,
    rows: Rows,
    before: IntArray,
    *,
    judged: int,
    training: bool,
    named: Mapping[int, str],
    candidates: Iterable[int] = (),
) -> tuple[Any, Succession, tuple[str, ...]]:
    """Fit the composition of a model again, with ids, names and edits as they were.

    Parameters
    ----------
    model : N2D
        Fitted; it is not changed.
    rows : Rows
        To fit.
    before : int64 array of shape (n,)
        Their labels by `model`; -1 as well for rows that say nothing of its clusters.
    judged : int
        Clusters are matched by so many rows, the first.
    training : bool
        Whether the first rows are those that `model` was fitted on.
    named : mapping of int to str
        Names that edits gave.
    candidates : iterable of int
        Numbers of clusters to choose from; without any, that of the model.

    Returns
    -------
    N2D
    Succession
    tuple of str
        Edits that could not be made again, in words.

    Raises
    ------
    CompositionError
        If the components cannot be fitted on so few rows.
    DataError
        If all rows are noise then.
    """
    journal = model.edit().journal
    again = unfitted_again(model, random_state=model.random_state_)
    numbers = list(candidates)
    try:
        if numbers:
            again.choose_n_clusters(rows, numbers)
        else:
            again.fit(rows)
    except CompositionError as error:
        raise CompositionError(
            f"refit of {len(rows)} rows: {error}{_more(judged, rows)}"
        ) from error
    if (again.labels_ == NOISE).all() and (model.labels_ != NOISE).any():
        raise DataError(
            f"refit: no cluster is found in the {len(rows)} rows, all are noise, and the model "
            f"stays as it is{_more(judged, rows)}"
        )
    used = [k for edit in journal for k in (*edit["ids"], *edit.get("becomes", ()))]
    first_new = max([-1, *model.labels_.tolist(), *before.tolist(), *used]) + 1

    editor = again.edit()
    clusters = set(model.labels_.tolist()) - {NOISE}
    found = succession(before, again.labels_, first_new, judged=judged, known=clusters)
    if any(label != became for label, became in found.ids.items()):
        editor.renumber(found.ids, note="ids as before the update")
    heads = {edit["ids"][0] for edit in journal if edit["kind"] == "merge"}
    merged = [one for one in found.transitions if one.kind == "split" and set(one.before) <= heads]
    for one in merged:
        label = one.before[0]
        editor.merge(
            [label, *(k for k in one.after if k != label)], note="merged before the update"
        )
    if merged:
        found = succession(before, again.labels_, judged=judged, known=clusters)
    return again, found, tuple(_again(editor, again, journal, named, training=training))


def _more(judged: int, rows: Rows) -> str:
    """Advice where new rows were fitted by themselves."""
    alone = judged == len(rows)
    return "; give rows to be fitted together with them, as old or --with" if alone else ""


def _again(
    editor: Any,
    model: Any,
    journal: Sequence[Mapping[str, Any]],
    named: Mapping[int, str],
    *,
    training: bool,
) -> Iterator[str]:
    """Make edits again that are of clusters or rows which are still there; say which are not."""
    alive = set(model.labels_.tolist()) - {NOISE}
    if kept := {label: name for label, name in named.items() if label in alive}:
        editor.rename(kept, note="names as before the update")
    for label in sorted(named.keys() - alive):
        yield f"the name {named[label]!r}: cluster {label} is gone"
    for edit in journal:
        note = edit["note"]
        if edit["kind"] == "delete":
            yield f"the deletion of {', '.join(map(str, edit['ids']))}: see what is new"
        elif edit["kind"] == "reassign" and NOISE in model.labels_ and alive:
            editor.reassign_noise(
                method=edit.get("method", "nearest"),
                max_distance=edit.get("max_distance"),
                min_probability=edit.get("min_probability"),
                note=note,
            )
        elif edit["kind"] in LINKS and training:
            getattr(editor, LINKS[edit["kind"]])(edit["rows"], note=note)
        elif edit["kind"] in LINKS:
            yield f"a link of {len(edit['rows'])} rows: the rows of the fit before were not given"
