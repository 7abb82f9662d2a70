"""Confidence of labels: agreement of fits with other seeds and on parts of the rows."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import attrs
import numpy as np
from sklearn.base import clone

from n2d_framework.core.roles import LABEL_ROLE
from n2d_framework.core.rows import Rows
from n2d_framework.errors import (
    CompositionError,
    ConfigError,
    DataError,
    DataWarning,
    Problem,
    UnsupportedError,
)
from n2d_framework.metrics.coding import code, require_same_length
from n2d_framework.metrics.matching import match_clusters
from n2d_framework.pipeline.after_fit.arguments import integer
from n2d_framework.pipeline.after_fit.error_thresholds import ErrorThreshold, error_threshold
from n2d_framework.pipeline.mapped.block_map import map_tasks, sent_once
from n2d_framework.plan.executors.dask_cluster import connected, require_shared
from n2d_framework.plan.store import StageStore
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, AnyArray, FloatArray, IntArray

__all__ = ["Stability", "consensus_of", "stability_of", "unfitted_again"]

#: Share of the rows that a resample holds.
_SHARE = 0.8
#: Most clusters, of which each pair is counted.
_MOST_CLUSTERS = 10_000


@attrs.frozen(eq=False)
class Stability:
    """Agreement of a clustering with refits of the same composition.

    Attributes
    ----------
    labels : int64 array of shape (n,)
        The clustering: labels of the model.
    confidence : float64 array of shape (n,)
        Share of the refits in which the row is in the cluster that was matched to its own; for
        noise, in which it is noise.
    consensus : int64 array of shape (n,)
        The label that most refits give the row, in the numbers of `labels`; its own on a tie.
    ari : float64 array of shape (r,)
        Adjusted Rand index of each refit with `labels`; noise counts as a cluster.
    clusters : tuple of int
        Labels of the clusters, in ascending order.
    jaccard : float64 array of shape (k,)
        Of each cluster the mean Jaccard similarity with the cluster matched to it (Hennig 2007,
        Computational Statistics & Data Analysis 52). Below .6 a cluster is not to be believed, from
        .85 on it is stable.
    together : float64 array of shape (k, k)
        How often rows of one cluster get the label of another: rows add up to 1 with the share
        that gets none of these labels.
    kinds : tuple of str
        Of each refit what was changed: ``"seed"`` or ``"resample"``.
    """

    labels: IntArray
    confidence: FloatArray
    consensus: IntArray
    ari: FloatArray
    clusters: tuple[int, ...]
    jaccard: FloatArray
    together: FloatArray
    kinds: tuple[str, ...]

    def risk_coverage(self, y: Any) -> dict[str, FloatArray]:
        """Error of the surest rows, for every number of them.

        Parameters
        ----------
        y : array-like of shape (n,)
            True classes, to which clusters are matched on all rows.

        Returns
        -------
        dict
            ``coverage``: share of the rows that are kept, the surest first; ``risk``: share of
            these whose cluster stands for another class; ``threshold``: the least confidence among
            them. Rows of one confidence are kept together.

        Raises
        ------
        DataError
            If there is not one class for each row.
        """
        truth = code(y, "y").codes
        require_same_length("y", truth, "the labels", self.labels)
        stands_for = match_clusters(truth, self.labels)
        meant = np.array([stands_for.get(label, -2) for label in self.labels.tolist()])
        order = np.argsort(-self.confidence, kind="stable")
        wrong = np.cumsum((meant != truth)[order])
        sure = self.confidence[order]
        last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
        return {
            "coverage": (last + 1) / len(order),
            "risk": wrong[last] / (last + 1),
            "threshold": sure[last],
        }

    def threshold(self, y: Any, max_error: float = 0.02, *, level: float = 0.95) -> ErrorThreshold:
        """Find the lowest confidence at which the kept rows err seldom enough.

        It is of the confidence here, that of the rows by which it was measured;
        :meth:`N2D.error_threshold` is of that which new rows get.

        Parameters
        ----------
        y : array-like of shape (n,)
            True classes, to which clusters are matched; missing (``None``, NaN) where they are not
            known. Those that are known must be of rows drawn at random.
        max_error : float, default 0.02
            Share of the kept rows that may be in a cluster that stands for another class.
        level : float, default 0.95
            How certain it is to be that in rows like these no more err.

        Returns
        -------
        ErrorThreshold

        Raises
        ------
        DataError
            If no confidence will do.

        See Also
        --------
        n2d_framework.pipeline.after_fit.error_thresholds.error_threshold
        """
        return error_threshold(self.confidence, self.labels, y, max_error=max_error, level=level)


def stability_of(
    model: Any,
    rows: Rows,
    before: IntArray,
    labels: IntArray,
    edited: Callable[[IntArray], IntArray],
    *,
    inductive: bool,
    resamples: int,
    seeds: int,
    scheduler: Any = None,
) -> Stability:
    """Refit a composition and compare.

    Parameters
    ----------
    model : N2D
        Fitted; it is not changed.
    rows : Rows
    before, labels : int64 arrays of shape (n,)
        Labels of the model for `rows` before the edits that people made, and after them.
    edited : callable
        Labels of `rows` after these edits, from such as `before`.
    inductive : bool
        Whether all components can place new rows.
    resamples : int
        Fits on other 80 % of the rows, from which all rows are predicted.
    seeds : int
        Fits on all rows with other seeds.
    scheduler : str, distributed.Client or a cluster object, optional
        Whose workers make the refits.

    Returns
    -------
    Stability

    Raises
    ------
    ConfigError
        If there would be fewer than two refits.
    CompositionError, DataError
        If a resample is too small for the components; or all rows are noise.
    UnsupportedError
        If rows are to be resampled, and a component cannot place new ones; or there are more than
        10,000 clusters, which are compared with each other.
    """
    refits = integer(resamples, "resamples", 0) + integer(seeds, "seeds", 0)
    if refits < 2:
        problem = f"with seeds must be at least two refits, got {resamples} and {seeds}"
        raise ConfigError([Problem("resamples", problem)])
    if resamples and not inductive:
        raise UnsupportedError(
            "resamples: a component cannot place rows that it was not fitted on; use seeds alone"
        )
    number = len(np.unique(labels[labels != NOISE]))
    if not number:
        raise DataError(
            f"stability: all {len(labels)} rows are noise; there is no cluster whose stability "
            "could be measured"
        )
    if number > _MOST_CLUSTERS:
        raise UnsupportedError(
            f"stability: {number} clusters are too many to be compared with those of refits, at "
            f"most {_MOST_CLUSTERS}; fit fewer clusters"
        )
    taken = int(max(before.max(), labels.max()))
    votes, kinds = [], []
    for kind, found in _refits(model, rows, resamples, seeds, scheduler):
        votes.append(edited(_matched(before, found, taken)))
        kinds.append(kind)
    given = np.stack(votes)
    if number == 1 and (given == labels).all():
        warnings.warn(
            "stability: there is one cluster and no refit finds another; that all agree says "
            "nothing of it",
            DataWarning,
            stacklevel=3,
        )
    clusters = [label for label in np.unique(labels).tolist() if label != NOISE]
    return Stability(
        labels,
        (given == labels).mean(axis=0),
        consensus_of(given, labels),
        np.array([_ari(labels, found) for found in given]),
        tuple(clusters),
        np.mean([_jaccard(labels, found, clusters) for found in given], axis=0),
        _together(given, labels, clusters),
        tuple(kinds),
    )


def unfitted_again(model: Any, **params: Any) -> Any:
    """An unfitted model of the same composition, but for edits, which are of clusters by number.

    Parameters
    ----------
    model : N2D
        Fitted. A number of clusters that it chose stays.
    **params : object
        Parameters that it is given.
    """
    composition = model.composition_
    again = clone(model).set_params(**params)
    if any(choice.spec.edits for choice in composition.choices("refine")):
        kept = [choice for choice in composition.choices("refine") if not choice.spec.edits]
        refine = [{"name": choice.name, **choice.given} for choice in kept]
        again.set_params(refine=refine or None)
    if again.n_clusters == "auto":
        again.set_params(**{LABEL_ROLE: composition.parameters()[LABEL_ROLE]})
    return again


def _refits(
    model: Any, rows: Rows, resamples: int, seeds: int, scheduler: Any
) -> Iterator[tuple[str, IntArray]]:
    """Labels of all rows by each refit, in order; each is the same wherever it is made."""

    def unfitted(kind: str, number: int) -> Any:
        seed = derive_seed(model.random_state_, f"stability {kind}", str(number))
        return unfitted_again(model, random_state=seed, describe=[], listeners=())

    planned = [("seed", number) for number in range(seeds)]
    planned += [("resample", number) for number in range(resamples)]
    if scheduler is None:
        for kind, number in planned:
            yield kind, _labels_by(unfitted(kind, number), rows, kind)
        return
    with connected(scheduler) as client:
        store = model.store
        if store is not None:
            kept = store if isinstance(store, StageStore) else StageStore(store)
            require_shared(client, kept, [])
        sent = sent_once(client, rows, f"n2d-rows-{uuid.uuid4().hex}")
        tasks = ((place, (unfitted(*one), one[0])) for place, one in enumerate(planned))
        found = dict(
            map_tasks(
                client,
                lambda task: client.submit(_labels_by, task[0], sent, task[1], pure=False),
                tasks,
                "refit",
            )
        )
    for place, (kind, _) in enumerate(planned):
        yield kind, found[place]


def _labels_by(again: Any, rows: Rows, kind: str) -> IntArray:
    """Labels of all rows by an unfitted model, which is fitted on them or on a part."""
    if kind == "seed":
        fitted = again.fit(rows)
        return np.asarray(fitted.labels_)
    drawn = np.random.default_rng(again.random_state).permutation(len(rows))
    part = np.sort(drawn[: max(2, round(_SHARE * len(rows)))])
    try:
        return np.asarray(again.fit(rows.take(part)).predict(rows))
    except CompositionError as error:
        raise CompositionError(
            f"stability: resamples are fits on {len(part)} of the {len(rows)} rows: {error}; or "
            "use seeds alone (resamples=0)"
        ) from error


def _matched(labels: IntArray, found: IntArray, taken: int) -> IntArray:
    """Labels of a refit in the numbers of `labels`; clusters without one come after `taken`."""
    inside = labels != NOISE
    stands_for = match_clusters(labels[inside], found[inside]) if inside.any() else {}
    spare, values = count(taken + 1), np.unique(found)
    becomes = [
        NOISE if value == NOISE else stands_for[value] if value in stands_for else next(spare)
        for value in values.tolist()
    ]
    return np.array(becomes, dtype=np.int64)[np.searchsorted(values, found)]


def consensus_of(given: IntArray, labels: IntArray) -> IntArray:
    """The label that most clusterings give each row; its own where none is more frequent.

    Parameters
    ----------
    given : int64 array of shape (r, n)
        Labels by `r` clusterings, in the numbers of `labels`.
    labels : int64 array of shape (n,)

    Returns
    -------
    int64 array of shape (n,)
    """
    ordered = np.sort(given, axis=0)
    new = np.ones(given.shape, dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    place = np.arange(len(given))[:, None]
    # How often the label of each place has come so far: greatest first where a label has most.
    times = place - np.maximum.accumulate(np.where(new, place, 0), axis=0) + 1
    most = times.argmax(axis=0)[None]
    often = np.take_along_axis(times, most, axis=0)[0] > (given == labels).sum(axis=0)
    return np.where(often, np.take_along_axis(ordered, most, axis=0)[0], labels)


def _ari(labels: IntArray, found: IntArray) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, found))


def _jaccard(labels: IntArray, found: IntArray, clusters: list[int]) -> FloatArray:
    """Of each cluster the Jaccard similarity with that of the same label."""
    shared = _sizes(labels[labels == found], clusters)
    return shared / (_sizes(labels, clusters) + _sizes(found, clusters) - shared)


def _sizes(labels: IntArray, clusters: list[int]) -> FloatArray:
    places = np.searchsorted(clusters, labels)
    places[~np.isin(labels, clusters)] = len(clusters)
    return np.bincount(places, minlength=len(clusters) + 1)[: len(clusters)].astype(np.float64)


def _together(given: IntArray, labels: IntArray, clusters: list[int]) -> AnyArray:
    """Share of the rows of each cluster that refits give each label."""
    k = len(clusters)
    own, other = np.broadcast_to(labels, given.shape).ravel(), given.ravel()
    both = np.isin(own, clusters) & np.isin(other, clusters)
    pairs = np.searchsorted(clusters, own[both]) * k + np.searchsorted(clusters, other[both])
    counts = np.bincount(pairs, minlength=k * k).reshape(k, k)
    return counts / (len(given) * _sizes(labels, clusters))[:, None]
