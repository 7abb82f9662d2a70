"""Rules in terms of the input that give nearly the same clusters, and how nearly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from n2d_framework.core.arrays.contrasts import feature_contrasts
from n2d_framework.readable import readable_condition
from n2d_framework.seeding import derive_seed
from n2d_framework.types import NOISE, AnyArray, IntArray

__all__ = ["Rule", "Surrogate", "said_of_rules", "surrogate"]

#: Rows that the tree is grown on and measured on, half each.
_SAMPLED = 10_000
#: Features that the tree may ask about; of more, those that set a cluster apart most.
_MOST_FEATURES = 1000
_DEPTH, _LEAVES_PER_CLUSTER = 5, 3
#: Share of the leaf's rows that a rule must be right about to be given.
_LEAST_PURITY = 0.5


@attrs.frozen
class Rule:
    """Conditions under which rows are mostly in one cluster.

    Attributes
    ----------
    label : int
    conditions : tuple of str
        That hold together, such as ``"petal length (cm) <= 2.45"``.
    share : float
        Of the cluster's rows that fulfil them.
    precision : float
        Share of the rows that fulfil them which are in the cluster.
    """

    label: int
    conditions: tuple[str, ...]
    share: float
    precision: float


@attrs.frozen
class Surrogate:
    """A shallow decision tree in place of the clustering.

    Attributes
    ----------
    fidelity : float
        Share of rows that the tree was not grown on which it gives their cluster, averaged over
        clusters.
    rules : tuple of Rule
        Empty if `fidelity` is below what was asked for.
    """

    fidelity: float
    rules: tuple[Rule, ...]


def surrogate(
    features: AnyArray,
    labels: IntArray,
    names: Sequence[str],
    *,
    least_fidelity: float = 0.8,
    random_state: int = 0,
) -> Surrogate | None:
    """Grow a shallow tree that gives the clusters from the features, and measure it.

    Parameters
    ----------
    features : array of shape (n, d)
    labels : int64 array of shape (n,)
        Noise is left out.
    names : sequence of str
        One for each feature.
    least_fidelity : float, default 0.8
        Below, no rules are given: they would describe something else than the clusters.
    random_state : int, default 0
        Seed of the sample and of the halves.

    Returns
    -------
    Surrogate or None
        ``None`` where there are fewer than two clusters, or a cluster has fewer than four rows.
    """
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(derive_seed(random_state, "surrogate"))
    rows = np.flatnonzero(labels != NOISE)
    if len(rows) > _SAMPLED:
        rows = np.sort(rng.choice(rows, _SAMPLED, replace=False))
    found, sizes = np.unique(labels[rows], return_counts=True)
    if len(found) < 2 or sizes.min() < 4:
        return None
    seed = int(rng.integers(2**31))
    grown, held_out = train_test_split(
        rows, test_size=0.5, random_state=seed, stratify=labels[rows]
    )
    if features.shape[1] > _MOST_FEATURES:
        effects = np.abs(feature_contrasts(features[grown], labels[grown]).effects).max(axis=0)
        kept = np.sort(np.argsort(-effects, kind="stable")[:_MOST_FEATURES])
        features, names = features[:, kept], [names[i] for i in kept.tolist()]
    tree = DecisionTreeClassifier(
        max_depth=_DEPTH,
        max_leaf_nodes=_LEAVES_PER_CLUSTER * len(found),
        class_weight="balanced",
        random_state=seed,
    ).fit(features[grown], labels[grown])
    fidelity = float(balanced_accuracy_score(labels[held_out], tree.predict(features[held_out])))
    if fidelity < least_fidelity:
        return Surrogate(fidelity, ())
    return Surrogate(fidelity, tuple(_rules(tree.tree_, features[rows], labels[rows], names)))


def said_of_rules(found: Surrogate | None, unlike: str = "") -> str:
    """Say how nearly the rules give the clusters, or why there are none.

    Parameters
    ----------
    found : Surrogate or None
        As :func:`surrogate` gave it.
    unlike : str, optional
        Why it was not asked, such as ``"rows are texts"``.
    """
    if unlike:
        return f"No rules: {unlike}."
    if found is None:
        return "No rules: they need two clusters or more, each of four rows or more."
    if not found.rules:
        return f"No rules: a shallow tree gives only {found.fidelity:.0%} of the clusters."
    return f"The rules give {found.fidelity:.0%} of rows that they were not made of."


def _rules(tree: Any, x: AnyArray, labels: IntArray, names: Sequence[str]) -> list[Rule]:
    """The best leaf of each cluster, as conditions."""
    paths = _paths(tree)
    leaves = tree.apply(np.ascontiguousarray(x, dtype=np.float32))
    rules = []
    for label in np.unique(labels).tolist():
        own = labels == label
        met, counts = np.unique(leaves[own], return_counts=True)
        leaf = int(met[counts.argmax()])
        precision = float(own[leaves == leaf].mean())
        if precision >= _LEAST_PURITY:
            conditions = tuple(_joined(paths[leaf], names))
            rules.append(Rule(label, conditions, float(counts.max() / own.sum()), precision))
    return rules


def _paths(tree: Any) -> dict[int, list[tuple[int, str, float]]]:
    """For each leaf the comparisons that lead to it."""
    found: dict[int, list[tuple[int, str, float]]] = {}
    waiting: list[tuple[int, list[tuple[int, str, float]]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            found[node] = path
            continue
        feature, at = int(tree.feature[node]), float(tree.threshold[node])
        waiting += [(left, [*path, (feature, "<=", at)]), (right, [*path, (feature, ">", at)])]
    return found


def _joined(path: list[tuple[int, str, float]], names: Sequence[str]) -> list[str]:
    """Comparisons of one feature become one on each side, the narrowest."""
    narrowest: dict[tuple[int, str], float] = {}
    for feature, sign, at in path:
        known = narrowest.get((feature, sign), at)
        narrowest[feature, sign] = min(known, at) if sign == "<=" else max(known, at)
    return [
        readable_condition(names[feature], sign, at) for (feature, sign), at in narrowest.items()
    ]
