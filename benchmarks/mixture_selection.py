"""Rules by which a mixture could keep one of its starts, compared on the same starts.

Run as ``python benchmarks/mixture_selection.py FILE.npz ... [--rows N] [--seeds 0:5] [--record
FOLDER]``. A file has rows `x` and classes `y`. For each seed they are laid out by UMAP (20
neighbours, 10 dimensions) and the mixture of all defaults makes its fifteen starts, whose labels
and likelihoods are kept in the folder: an interrupted run resumes. Each rule then chooses from a
hundred draws of eight of the ten starts from k-means and four of the five merged ones (fewer if
some failed), so that chance among starts is seen apart from chance among layouts.

Prints a table in Markdown: mean accuracy over draws and seeds; in brackets the standard deviation
over the draws of one layout (mean of all), and that over layouts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import description
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_rand_score

from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.gmm.graph_modularity import NeighborGraph
from n2d_builtin.neighbors.landmarks import Landmarks
from n2d_builtin.neighbors.neighbors import ExactNeighbors
from n2d_builtin.umap.umap import Umap
from n2d_framework.metrics import assess
from n2d_framework.plugin import AnyArray, FitContext

DRAWS, FROM_KMEANS = 100, 10
SIZES, MOST_ROWS = (10, 20, 50), 10_000
#: What is known of the starts of one layout, and which of some of them is kept.
Starts = dict[str, AnyArray]
Rule = Callable[[Starts, AnyArray], int]


class Recorded(GaussianMixture):
    """The mixture, which keeps what it chose from."""

    def _selected(self, models: list[Any], graph: Any, context: Any) -> Any:
        self.models = models
        return super()._selected(models, graph, context)

    def _best_start(self, rows: AnyArray, n_components: int, context: Any) -> Any:
        self.rows = rows
        return super()._best_start(rows, n_components, context)


def lay_out(x: AnyArray, count: int, seed: int) -> dict[str, AnyArray]:
    context = FitContext(seed=seed)
    embedding = Umap(n_neighbors=20, n_components=10).fit_transform(x, context=context)
    embedding = np.ascontiguousarray(embedding, dtype=np.float32)
    mixture = Recorded(n_clusters=count).fit(embedding, context=context)
    labels = np.stack([model.predict(mixture.rows) for model in mixture.models])
    bound = np.array([model.lower_bound_ for model in mixture.models])
    return {"e": embedding, "labels": labels, "bound": bound}


def graph_of(rows: AnyArray, count: int, size: int) -> tuple[NeighborGraph, AnyArray]:
    """The graph of so many neighbours, as the mixture makes it, and which rows it has."""
    some = Landmarks.draw(rows, MOST_ROWS, 0).rows
    n = len(some)
    k = min(size, max(3, n // (2 * count)), n - 1)
    nearest = ExactNeighbors(some).query_self(k + 1, n_jobs=1)[0][:, 1:]
    ends = np.repeat(np.arange(n), k), nearest.ravel()
    joined = csr_array((np.ones(n * k), ends), shape=(n, n))
    places = {row.tobytes(): i for i, row in enumerate(rows)}
    chosen = np.array([places[row.tobytes()] for row in some])
    return NeighborGraph(some, joined.maximum(joined.T).tocoo()), chosen


def influence(graph: NeighborGraph, labels: AnyArray) -> AnyArray:
    """Change of modularity when a row is drawn once more, times the number of rows."""
    row, column = graph.edges.coords
    n, edges = len(labels), len(row)
    ends = np.bincount(row, minlength=n).astype(float)
    inside = np.bincount(row, weights=labels[row] == labels[column], minlength=n)
    shares = np.bincount(labels, weights=ends) / edges
    whole = inside.sum() / edges
    chance = np.square(shares).sum()
    return n / edges * (inside - whole * ends - 2 * (ends * shares[labels] - chance * ends))


def examined(made: dict[str, AnyArray], y: AnyArray) -> Starts:
    count, labels = len(np.unique(y)), made["labels"].astype(np.int64)
    known: Starts = {"likelihood": made["bound"]}
    known["acc"] = np.array([assess(y, one)["acc"] for one in labels])
    known["agreement"] = np.array([[adjusted_rand_score(a, b) for b in labels] for a in labels])
    for size in SIZES:
        graph, chosen = graph_of(made["e"], count, size)
        row, column = graph.edges.coords
        ends = np.bincount(row, minlength=len(chosen))
        some = labels[:, chosen]
        inside = np.array([(one[row] == one[column]).mean() for one in some])
        shares = np.array([np.bincount(one, weights=ends, minlength=count) for one in some])
        shares /= len(row)
        chance = np.square(shares).sum(axis=1)
        known[f"modularity {size}"] = inside - chance
        cut = [np.bincount(a[row], a[row] != a[column], count) / len(row) for a in some]
        known[f"conductance {size}"] = -(cut / np.maximum(shares, 1e-12)).mean(axis=1)
        if size == 20:
            known["modularity"] = inside - chance
            known["half"], known["twice"] = inside - 0.5 * chance, inside - 2 * chance
            moved = np.stack([influence(graph, one) for one in some])
            known["error"] = (moved[:, None] - moved).std(axis=2) / np.sqrt(len(chosen))
    known["modularity 20 and 50"] = known["modularity 20"] + known["modularity 50"]
    return known


def largest(key: str) -> Rule:
    return lambda known, some: int(some[known[key][some].argmax()])


def tied(known: Starts, some: AnyArray, errors: float) -> AnyArray:
    """Starts whose modularity is within so many standard errors of the largest."""
    modularity, best = known["modularity"], largest("modularity")(known, some)
    behind = modularity[best] - modularity[some]
    return np.asarray(some[behind <= errors * known["error"][best, some]])


def likeliest_tied(errors: float) -> Rule:
    return lambda known, some: largest("likelihood")(known, tied(known, some, errors))


def most_agreeing_tied(errors: float) -> Rule:
    def rule(known: Starts, some: AnyArray) -> int:
        equal = tied(known, some, errors)
        return int(equal[known["agreement"][np.ix_(equal, some)].sum(axis=1).argmax()])

    return rule


RULES: dict[str, Rule] = {
    "modularity (the default)": largest("modularity"),
    "likelihood": largest("likelihood"),
    "modularity, the likeliest within 1 standard error": likeliest_tied(1),
    "modularity, the likeliest within 2": likeliest_tied(2),
    "modularity, the likeliest within 3": likeliest_tied(3),
    "modularity, within 1 that which agrees most with all": most_agreeing_tied(1),
    "modularity, within 2 that which agrees most": most_agreeing_tied(2),
    "that which agrees most with all": most_agreeing_tied(1e9),
    "modularity, resolution 0.5": largest("half"),
    "modularity, resolution 2": largest("twice"),
    "modularity, 10 neighbours": largest("modularity 10"),
    "modularity, 50 neighbours": largest("modularity 50"),
    "modularity, 20 and 50 neighbours": largest("modularity 20 and 50"),
    "conductance, 20 neighbours": largest("conductance 20"),
    "conductance, 50 neighbours": largest("conductance 50"),
    "the most accurate (no rule)": largest("acc"),
}


def draws(count: int) -> list[AnyArray]:
    rng = np.random.default_rng(0)
    merged = max(count - FROM_KMEANS, 0)
    kmeans = count - merged
    return [
        np.r_[
            rng.choice(kmeans, min(8, kmeans), replace=False),
            kmeans + rng.choice(merged, min(4, merged), replace=False),
        ]
        for _ in range(DRAWS)
    ]


def chosen(files: list[Path], rows: int | None, seeds: range, record: Path) -> list[AnyArray]:
    """Of each file, accuracies of shape (rules, layouts, draws)."""
    found = []
    for file in files:
        stored = np.load(file)
        x = np.ascontiguousarray(stored["x"][:rows], dtype=np.float32)
        x, y = x.reshape(len(x), -1), stored["y"][:rows]
        layouts = []
        for seed in seeds:
            place = record / f"{file.stem}_{seed}.npz"
            if not place.exists():
                np.savez(place, **lay_out(x, len(np.unique(y)), seed))
            known = examined(dict(np.load(place)), y)
            some = draws(len(known["acc"]))
            layouts.append(
                [[known["acc"][rule(known, one)] for one in some] for rule in RULES.values()]
            )
        found.append(np.array(layouts).transpose(1, 0, 2))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, help="take that many rows, the first ones")
    parser.add_argument("--seeds", default="0:5", help="first seed and the one after the last")
    parser.add_argument("--record", type=Path, default=Path("mixture_selection"))
    arguments = parser.parse_args()
    arguments.record.mkdir(parents=True, exist_ok=True)
    seeds = range(*map(int, arguments.seeds.split(":")))
    found = chosen(arguments.files, arguments.rows, seeds, arguments.record)
    print(description())
    print(f"\n| rule | {' | '.join(file.stem for file in arguments.files)} | mean |")
    print("|---" * (len(found) + 2) + "|")
    for index, name in enumerate(RULES):
        each = [one[index] for one in found]
        cells = [
            f"{one.mean():.3f} ({one.std(axis=1).mean():.3f}, {one.mean(axis=1).std():.3f})"
            for one in each
        ]
        print(f"| {name} | {' | '.join(cells)} | {np.mean([one.mean() for one in each]):.4f} |")


if __name__ == "__main__":
    main()
