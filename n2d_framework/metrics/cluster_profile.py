"""Profiles of clusters: size, typical rows, neighbours, and what sets each apart."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import Contrasts, feature_contrasts, grouped
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Contrast", "Profile", "profiles"]

#: Rows of a cluster among which typical ones are looked for; their distances are all computed.
_CANDIDATES = 500
#: Rows whose neighbours are looked for, and how many neighbours.
_SAMPLED, _NEIGHBORS = 5000, 10
#: Share of the candidates that are dense enough to be typical, and of those near enough to the
#: medoid: islands at the rim of a cluster are dense, but often of another class.
_DENSE, _CENTRAL = 0.7, 0.5
#: Share of links from which on clusters are said to touch, and how many such clusters are named.
_TOUCHING, _MOST_TOUCHING = 0.01, 4
#: Half the width of a 95 % interval, in standard errors.
_NORMAL = 1.96


@attrs.frozen
class Contrast:
    """A feature that sets a cluster apart.

    Attributes
    ----------
    feature : str
    effect : float
        Cohen's d against all other rows.
    low, high : float
        Ends of its 95 % interval, for large samples (Hedges and Olkin 1985, chapter 5).
    mean, others : float
        Mean of the cluster and of all other rows, in the units of the feature.
    lift : float or None
        Of a feature that is 1 or 0, such as a category: its share in the cluster, divided by that
        in all rows. ``None`` for others.
    """

    feature: str
    effect: float
    low: float
    high: float
    mean: float
    others: float
    lift: float | None = None


@attrs.frozen
class Profile:
    """Profile of a cluster.

    Attributes
    ----------
    label : int
        -1 is noise.
    size : int
    share : float
        Of all rows.
    exemplars : tuple of int
        Typical rows: first the medoid, then rows of the half that is nearest to it, from dense
        places, that differ from each other.
    touches : tuple of (int, float)
        Labels of the clusters next to it, and their share of the nearest neighbours of its rows.
    density : float or None
        How many times as near its rows have their tenth neighbour as rows in general, in the
        median: above 1 it is denser. ``None`` if neighbours are at the very same place.
    strength : float or None
        Mean strength of its rows; ``None`` if the clusterer knows none.
    contrasts : tuple of Contrast
        By descending absolute effect.
    """

    label: int
    size: int
    share: float
    exemplars: tuple[int, ...]
    touches: tuple[tuple[int, float], ...]
    density: float | None
    strength: float | None
    contrasts: tuple[Contrast, ...]


def profiles(
    coordinates: AnyArray,
    labels: IntArray,
    *,
    features: AnyArray | None = None,
    names: Sequence[str] = (),
    strengths: AnyArray | None = None,
    n_exemplars: int = 8,
    n_contrasts: int = 6,
    random_state: int = 0,
) -> list[Profile]:
    """Profile every cluster.

    Parameters
    ----------
    coordinates : array of shape (n, m)
        What was clustered.
    labels : int64 array of shape (n,)
    features : array of shape (n, d), optional
        What clusters are compared by.
    names : sequence of str
        One for each feature.
    strengths : array of shape (n,), optional
    n_exemplars, n_contrasts : int
        At most so many of each cluster.
    random_state : int, default 0
        Seed of the rows that are looked at in large clusters.

    Returns
    -------
    list of Profile
        In ascending order of labels.
    """
    rng = np.random.default_rng(derive_seed(random_state, "profiles"))
    touching, densities = _around(coordinates, labels, rng)
    compared = None if features is None else feature_contrasts(features, labels)
    made = []
    for i, (label, own) in enumerate(grouped(labels)):
        made.append(
            Profile(
                label,
                len(own),
                len(own) / len(labels),
                tuple(_typical(coordinates, own, n_exemplars, rng)),
                touching.get(label, ()),
                densities.get(label),
                None if strengths is None else float(np.mean(strengths[own])),
                () if compared is None else _contrasts(compared, i, names, n_contrasts),
            )
        )
    return made


def _contrasts(
    compared: Contrasts, i: int, names: Sequence[str], number: int
) -> tuple[Contrast, ...]:
    """The features that set the i-th cluster apart most."""
    effects, size = compared.effects[i], compared.sizes[i]
    rest = compared.sizes.sum() - size
    if not rest:
        return ()
    order = np.lexsort((np.arange(len(names)), -np.abs(effects))).tolist()
    made: list[Contrast] = []
    for j in order[: 2 * number]:
        effect = float(effects[j])
        means = float(compared.means[i, j]), float(compared.others[i, j])
        if effect != 0 and len(made) < number and not _opposite(made, names[j], effect, means):
            variance = (size + rest) / (size * rest) + effect**2 / (2 * (size + rest))
            reach = _NORMAL * float(np.sqrt(variance))
            lift = _lift(compared, i, j)
            made.append(Contrast(names[j], effect, effect - reach, effect + reach, *means, lift))
    return tuple(made)


def _lift(compared: Contrasts, i: int, j: int) -> float | None:
    """Lift of a feature that is 1 or 0 in a group: of those the variance follows from the mean."""
    means, deviations = compared.means[:, j], compared.deviations[:, j]
    indicator = (means >= 0).all() and (means <= 1).all()
    if not (indicator and np.allclose(deviations**2, means * (1 - means), rtol=0, atol=1e-9)):
        return None
    overall = float((means * compared.sizes).sum() / compared.sizes.sum())
    return float(means[i]) / overall if overall > 0 else None


def _opposite(
    made: Sequence[Contrast], name: str, effect: float, means: tuple[float, float]
) -> bool:
    """Return whether a contrast says that rows lack what an earlier one says that they have."""
    column = name.partition(" = ")[0]
    return any(
        column != name
        and one.feature.startswith(f"{column} = ")
        and np.isclose(one.effect, -effect)
        and np.allclose((one.mean + means[0], one.others + means[1]), 1.0)
        for one in made
    )


def _typical(
    coordinates: AnyArray, own: AnyArray, number: int, rng: np.random.Generator
) -> list[int]:
    """Rows of a cluster: its medoid, then dense rows near it, each far from those before."""
    from scipy.spatial.distance import cdist

    if len(own) <= 2:
        return [int(row) for row in own[:number]]
    if len(own) > _CANDIDATES:
        own = np.sort(rng.choice(own, _CANDIDATES, replace=False))
    points = np.asarray(coordinates[own], dtype=np.float64)
    distances = cdist(points, points)
    chosen = [int(distances.sum(axis=1).argmin())]
    reach = np.partition(distances, min(_NEIGHBORS, len(own) - 1), axis=1)
    sparse = reach[:, min(_NEIGHBORS, len(own) - 1)]
    middle = distances[chosen[0]]
    allowed = (sparse <= np.quantile(sparse, _DENSE)) & (middle <= np.quantile(middle, _CENTRAL))
    while len(chosen) < min(number, int(allowed.sum())):
        away = np.where(allowed, distances[chosen].min(axis=0), -1.0)
        away[chosen] = -1.0
        chosen.append(int(away.argmax()))
    return [int(row) for row in own[chosen[:number]]]


def _around(
    coordinates: AnyArray, labels: IntArray, rng: np.random.Generator
) -> tuple[dict[int, tuple[tuple[int, float], ...]], dict[int, float | None]]:
    """For each cluster the clusters that its rows' nearest neighbours are of, and its density."""
    from sklearn.neighbors import NearestNeighbors

    rows = np.arange(len(coordinates))
    if len(rows) > _SAMPLED:
        rows = np.sort(rng.choice(rows, _SAMPLED, replace=False))
    number = min(_NEIGHBORS, len(rows) - 1)
    if number < 1:
        return {}, {}
    points = np.asarray(coordinates[rows], dtype=np.float64)
    search = NearestNeighbors(n_neighbors=number).fit(points)
    apart, near = search.kneighbors()
    near, reach = labels[rows][near], apart[:, -1]
    found: dict[int, tuple[tuple[int, float], ...]] = {}
    dense: dict[int, float | None] = {}
    usual = float(np.median(reach))
    for label, own in grouped(labels[rows]):
        others, counts = np.unique(near[own], return_counts=True)
        shares = counts / counts.sum()
        order = np.argsort(-shares, kind="stable").tolist()
        found[label] = tuple(
            (int(others[i]), float(shares[i]))
            for i in order
            if others[i] not in (label, NOISE) and shares[i] >= _TOUCHING
        )[:_MOST_TOUCHING]
        own_reach = float(np.median(reach[own]))
        dense[label] = usual / own_reach if usual > 0 and own_reach > 0 else None
    return found, dense
