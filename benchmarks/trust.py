"""Worth of confidence, consensus, exemplars and reassigned noise, against known classes.

``python benchmarks/trust.py FOLDER [SECTION ...]`` with usps.npz, usps_latent.npz, mnist.npz,
letter.npz, satimage.npz and pbmc68k_reduced.h5ad writes benchmarks/results/trust.md: all of it, or
those of noise, consensus, drift and confidence that are named. Classes are never used by a method,
only to measure it.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

import n2d_framework as n2d
from n2d_framework.metrics import accuracy, match_clusters
from n2d_framework.metrics.matching import match_labels
from n2d_framework.pipeline.after_fit.refits import consensus_of

RESULTS = Path(__file__).with_name("results") / "trust.md"
#: Most rows of letter and satimage.
MOST_ROWS = 5000
NOISE_SEEDS, CONSENSUS_SEEDS = range(5), range(5)
LEAVES = {"name": "hdbscan", "cluster_selection_method": "leaf"}


def latents_of(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows as umap lays them out, and their classes."""
    if name == "PBMC":
        with h5py.File(folder / "pbmc68k_reduced.h5ad") as file:
            x, y = file["obsm"]["X_pca"][:, :30], file["obs"]["bulk_labels"].astype(np.int64)
    elif name == "USPS, latent":
        with np.load(folder / "usps_latent.npz") as file:
            x, y = file["z"], file["y"]
    elif name == "MNIST, test":
        with np.load(folder / "mnist.npz") as file:
            pixels, y = file["x_test"], file["y_test"]
        pixels = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        x = PCA(30, random_state=0).fit_transform(pixels)
    else:
        with np.load(folder / f"{name}.npz") as file:
            x, y = file["x"].reshape(len(file["y"]), -1), file["y"]
        order = np.random.default_rng(0).permutation(len(x))[:MOST_ROWS]
        x, y = x[order], y[order]
    return x.astype(np.float32), y


def fitted(x: np.ndarray, clusterer: Any, seed: int, **options: Any) -> n2d.N2D:
    """A model of latent rows, laid out by umap."""
    return n2d.N2D(
        "identity", "umap", clusterer, scaler="none", random_state=seed, n_jobs=1, **options
    ).fit(x)


def wrong(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rows whose cluster stands for another class."""
    stands_for = match_clusters(y, labels)
    return np.array(
        [
            stands_for.get(label) != true
            for label, true in zip(labels.tolist(), y.tolist(), strict=True)
        ]
    )


def confidence(folder: Path) -> list[str]:
    """Exemplars, confidence and abstention on latent rows of USPS."""
    with np.load(folder / "usps_latent.npz") as file:
        z, y = file["z"], file["y"]
    start = time.perf_counter()
    model = fitted(z, "gmm", 0, n_clusters=10)
    found = model.stability(z, resamples=5, seeds=5, keep=True)
    seconds = time.perf_counter() - start
    errors = wrong(y, model.labels_)
    acc = accuracy(y, model.labels_)
    right = []
    for about in model.describe(z, n_exemplars=8)["clusters"]:
        majority = np.bincount(y[model.labels_ == about["label"]]).argmax()
        right += (y[about["exemplars"]] == majority).tolist()
    lines = [
        "USPS, 10 latent dimensions, `identity, umap, gmm`, seed 0; 5 seeds and 5 resamples "
        f"({seconds:.0f} s).",
        "",
        f"- exemplars of the majority class of their cluster: {np.mean(right):.3f} (wanted .95)",
        f"- ACC {acc:.4f}; of the consensus {accuracy(y, found.consensus):.4f}; "
        f"adjusted Rand index of the refits with the model {found.ari.mean():.3f}",
        "",
        "| ranked by | AUROC of errors (wanted .85) | ACC of the surest 95 % (wanted .975) |",
        "|---|---|---|",
    ]
    spread = model.confidence(z)
    strength = model.row_strengths()
    for name, score in (
        ("share of refits that agree", found.confidence),
        ("`model.confidence`", spread),
        ("strength of the mixture", strength),
        ("confidence times strength", spread * strength),
    ):
        kept = np.argsort(-score, kind="stable")[: round(0.95 * len(y))]
        lines.append(
            f"| {name} | {roc_auc_score(errors, -score):.3f} | {1 - errors[kept].mean():.4f} |"
        )
    abstained = model.predict(z, abstain=0.05)
    lines += [
        "",
        f"`predict(x, abstain=.05)` abstains on {np.mean(abstained == -1):.3f} of the rows; "
        f"ACC of the others {1 - errors[abstained != -1].mean():.4f}.",
    ]
    return lines


def voted(points: np.ndarray, labels: np.ndarray, among: int, weights: np.ndarray) -> np.ndarray:
    """Labels of noise by a weighted vote of the nearest clustered rows."""
    ids, codes = np.unique(labels[labels != -1], return_inverse=True)
    search = NearestNeighbors(n_neighbors=among).fit(points[labels != -1])
    nearest = codes[search.kneighbors(points[labels == -1], return_distance=False)]
    votes = [np.bincount(row, weights, minlength=len(ids)).argmax() for row in nearest]
    return np.asarray(ids[votes])


def within(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Points in units of the spread of the clusters."""
    ids, codes = np.unique(labels[labels != -1], return_inverse=True)
    rows = points[labels != -1].astype(float)
    means = np.stack([rows[codes == k].mean(axis=0) for k in range(len(ids))])
    return points / np.sqrt(((rows - means[codes]) ** 2).mean(axis=0) + 1e-12)


def reassigned(model: n2d.N2D, x: np.ndarray) -> dict[str, np.ndarray]:
    """Labels of the rows that are noise, by several ways."""
    before, m = model.labels_.copy(), model.manifold_
    ids, noise = np.unique(before[before != -1]), before == -1
    means = np.stack([m[before == k].mean(axis=0) for k in ids])
    apart = ((m[noise][:, None] - means[None]) ** 2).sum(axis=2)
    latent = within(x, before)
    both = np.hstack([within(m, before) / m.shape[1] ** 0.5, latent / x.shape[1] ** 0.5])
    found = {
        "nearest centroid": ids[apart.argmin(axis=1)],
        "vote of 30": voted(m, before, 30, np.ones(30)),
        "latent, vote of 10": voted(latent, before, 10, 1 / np.arange(1, 11)),
        "both, vote of 10": voted(both, before, 10, 1 / np.arange(1, 11)),
    }
    ways = {"propagation": "`reassign_noise`: propagation", "density": "density"}
    ways |= {"nearest": "nearest row", "probability": "probability", "classifier": "classifier"}
    for method, title in ways.items():
        model.edit().reassign_noise(method=method)
        found[title] = model.labels_[noise]
        model.edit().undo()
    return found


def noise(folder: Path) -> list[str]:
    """Accuracy of reassigned rows, by the nearest row and by other ways."""
    lines: list[str] = []
    means: list[np.ndarray] = []
    for name in ("USPS, latent", "MNIST, test", "letter", "satimage", "PBMC"):
        x, y = latents_of(folder, name)
        shares, scores = [], []
        for seed in NOISE_SEEDS:
            model = fitted(x, LEAVES, seed)
            before = model.labels_.copy()
            rows = before == -1
            # Clusters stand for the class of most of their clustered rows.
            majority = {k: np.bincount(y[before == k]).argmax() for k in np.unique(before[~rows])}
            found = reassigned(model, x)
            shares.append(rows.mean())
            scores.append(
                [np.mean([majority[k] for k in labels] == y[rows]) for labels in found.values()]
            )
        if not lines:
            lines = [f"| dataset | rows | noise | {' | '.join(found)} |"]
            lines += ["|---" * (3 + len(found)) + "|"]
        means.append(np.mean(scores, axis=0))
        lines.append(
            f"| {name} | {len(x)} | {np.mean(shares):.3f} | "
            f"{' | '.join(f'{score:.4f}' for score in means[-1])} |"
        )
    average = " | ".join(f"{score:.4f}" for score in np.mean(means, axis=0))
    return [*lines, f"| mean | | | {average} |"]


def agreement(x: np.ndarray, labels: np.ndarray) -> float:
    """Share of the 15 nearest latent rows that are in the same cluster."""
    nearest = NearestNeighbors(n_neighbors=15).fit(x).kneighbors(return_distance=False)
    return float(np.mean(labels[nearest] == labels[:, None]))


def consensus(folder: Path) -> list[str]:
    """Accuracy of the consensus of seeds, next to that of the seeds."""
    lines = [
        "| dataset | rows | seeds | mean seed | best seed | consensus | seed by neighbours |",
        "|---|---|---|---|---|---|---|",
    ]
    all_scores = []
    for name, n_clusters in (("USPS, latent", 10), ("MNIST, test", 10), ("letter", 26)):
        x, y = latents_of(folder, name)
        labels = [fitted(x, "gmm", s, n_clusters=n_clusters).labels_ for s in CONSENSUS_SEEDS]
        given = np.stack([match_labels(labels[0], one) for one in labels]).astype(np.int64)
        each = [accuracy(y, one) for one in labels]
        chosen = each[int(np.argmax([agreement(x, one) for one in labels]))]
        scores = [np.mean(each), max(each), accuracy(y, consensus_of(given, labels[0])), chosen]
        all_scores.append(scores)
        lines.append(
            f"| {name} | {len(x)} | {', '.join(f'{one:.3f}' for one in each)} | "
            f"{' | '.join(f'{score:.4f}' for score in scores)} |"
        )
    average = " | ".join(f"{score:.4f}" for score in np.mean(all_scores, axis=0))
    return [*lines, f"| mean | | | {average} |"]


def drift(folder: Path) -> list[str]:
    """Alarms on streams of USPS: the digits 0 to 7, then 8 and 9, a rotation, or nothing new."""
    from scipy.ndimage import rotate

    with np.load(folder / "usps.npz") as file:
        x, y = file["x"].astype(np.float32), file["y"]
    rng = np.random.default_rng(0)
    old = rng.permutation(np.flatnonzero(y < 8))
    fitted, held_out = old[: len(old) // 2], old[len(old) // 2 :]
    model = n2d.N2D("pca", "identity", "gmm", n_clusters=8, random_state=0, n_jobs=1)
    model.fit(x[fitted])
    lines = [
        "| stream of 300 rows | alarms | p, median | candidates | purity |",
        "|---|---|---|---|---|",
    ]
    turned = {}
    for degrees in (5, 15):
        pictures = rotate(x[held_out].reshape(-1, 16, 16), degrees, (1, 2), reshape=False, order=1)
        turned[degrees] = pictures.reshape(-1, 256)

    def stream(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng(seed)
        if kind.startswith("rotated"):
            rows = draw.choice(len(held_out), 300, replace=False)
            return turned[int(kind.split()[2])][rows], y[held_out][rows]
        rows = draw.choice(held_out, 300, replace=False)
        if kind == "no drift":
            return x[rows], y[rows]
        new = draw.choice(np.flatnonzero(y >= 8), 90, replace=False)
        rows = np.concatenate([rows[:210], new])
        return x[rows], y[rows]

    kinds = {
        "no drift": 100,
        "30 % are 8 and 9": 20,
        "rotated by 5 degrees": 20,
        "rotated by 15 degrees": 20,
    }
    for kind, times in kinds.items():
        found, purity, number = [], [], []
        for seed in range(times):
            rows, truth = stream(kind, seed)
            one = model.drift(rows)
            found.append((one.verdict == "drift", one.tests[0].p_adjusted))
            number.append(len(one.candidates))
            purity += [np.mean(truth[list(group)] >= 8) for group in one.candidates]
        alarms, p = np.sum([a for a, _ in found]), np.median([b for _, b in found])
        shown = f"{np.mean(purity):.2f}" if purity and kind.startswith("30") else "-"
        lines.append(
            f"| {kind} | {alarms} of {times} | {p:.2g} | {np.mean(number):.1f} | {shown} |"
        )
    return lines


def about_noise(folder: Path) -> list[str]:
    """The section about noise."""
    return [
        "## Reassigned noise",
        "",
        f"`identity, umap, hdbscan` with `cluster_selection_method=leaf`, so that there is noise; "
        f"means over {len(NOISE_SEEDS)} seeds of the share of noise whose new cluster stands for "
        "its class, as the class of most of its clustered rows. MNIST: 30 principal components; "
        f"PBMC: 30 of `obsm/X_pca`; letter and satimage: {MOST_ROWS:,} rows. *Latent*: in the "
        "latent space, in units of the spread of the clusters, weighted by 1, 1/2, 1/3, ...; "
        "*both*: the same with the coordinates of the manifold beside it.",
        "",
        *noise(folder),
        "",
        "`reassign_noise` gives a row to the cluster that a random walk over its 15 neighbours on "
        "the manifold is most likely to meet first; as `method: density` it follows the densest "
        "paths between them, as `nearest` it takes the nearest row. Neighbours in the latent space "
        "would have to be kept beside those of the manifold.",
    ]


def about_consensus(folder: Path) -> list[str]:
    """The section about the consensus of seeds."""
    return [
        "## Consensus of seeds",
        "",
        f"ACC of `identity, umap, gmm` with seeds 0 to {max(CONSENSUS_SEEDS)}, of the consensus of "
        "these (as `model.stability` makes it), and of the seed whose clusters hold most of the 15 "
        "nearest latent neighbours of their rows, which needs no classes either.",
        "",
        *consensus(folder),
        "",
        "Wanted, in the mean: above the mean seed, and within .01 of the best one.",
    ]


def about_drift(folder: Path) -> list[str]:
    """The section about drift."""
    return [
        "## Drift",
        "",
        "`pca, identity, gmm` fitted on half of the digits 0 to 7 of USPS. Purity is the "
        "share of 8 and 9 among the candidates for new clusters.",
        "",
        *drift(folder),
    ]


def about_confidence(folder: Path) -> list[str]:
    """The section about confidence."""
    return ["## Confidence", "", *confidence(folder)]


SECTIONS = {
    "noise": about_noise,
    "consensus": about_consensus,
    "drift": about_drift,
    "confidence": about_confidence,
}


def main(folder: Path, wanted: list[str]) -> None:
    """Measure, and write what was found; sections that are not wanted stay as they are."""
    warnings.simplefilter("ignore")
    before = dict(
        zip(SECTIONS, RESULTS.read_text(encoding="utf-8").split("\n## ")[1:], strict=True)
    )
    parts = [
        "# Trust, measured",
        "",
        "`python benchmarks/trust.py FOLDER [SECTION ...]`; classes are used to measure only.",
    ]
    for name, about in SECTIONS.items():
        kept = f"## {before[name].strip()}"
        parts += ["", *(about(folder) if name in wanted or not wanted else [kept])]
    RESULTS.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
