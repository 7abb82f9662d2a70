"""Worth of confidence, exemplars and the reassignment of noise, against known classes.

``python benchmarks/trust.py FOLDER`` with .npz files of known datasets (``x`` or ``z``, and ``y``)
writes benchmarks/results/trust.md. Labels are never used by a method, only to measure it.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import n2d_framework as n2d
from n2d_framework.metrics import accuracy, match_clusters

RESULTS = Path(__file__).with_name("results") / "trust.md"
#: File, key, and most rows of what is clustered by umap and hdbscan.
NOISY = {
    "USPS, latent": ("usps_latent", "z"),
    "letter": ("letter", "x"),
    "satimage": ("satimage", "x"),
}
MOST_ROWS = 5000


def rows_of(folder: Path, name: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and classes of a file; of many rows the first, in a random order."""
    with np.load(folder / f"{name}.npz") as file:
        x, y = file[key].reshape(len(file["y"]), -1), file["y"]
    order = np.random.default_rng(0).permutation(len(x))[:MOST_ROWS]
    return x[order].astype(np.float32), y[order]


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
    model = n2d.N2D(
        "identity", "umap", "gmm", scaler="none", n_clusters=10, random_state=0, n_jobs=1
    ).fit(z)
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


def noise(folder: Path) -> list[str]:
    """Accuracy of reassigned rows, by the nearest row and by the nearest centroid."""
    lines = ["| dataset | rows | noise | nearest row | nearest centroid |", "|---|---|---|---|---|"]
    for name, (file, key) in NOISY.items():
        x, y = rows_of(folder, file, key)
        model = n2d.N2D(
            "identity", "umap", "hdbscan", scaler="minmax", random_state=0, n_jobs=1
        ).fit(x)
        before = model.labels_.copy()
        rows = before == -1
        if not rows.any() or rows.all():
            lines.append(f"| {name} | {len(x)} | {rows.mean():.3f} | - | - |")
            continue
        # Clusters stand for the class of most of their clustered rows.
        majority = {k: np.bincount(y[before == k]).argmax() for k in np.unique(before[~rows])}
        ids = np.array(list(majority))
        means = np.stack([model.manifold_[before == k].mean(axis=0) for k in ids])
        apart = ((model.manifold_[rows][:, None] - means[None]) ** 2).sum(axis=2)
        model.edit().reassign_noise()
        accuracies = [
            np.mean([majority[k] == true for k, true in zip(labels, y[rows], strict=True)])
            for labels in (model.labels_[rows], ids[apart.argmin(axis=1)])
        ]
        lines.append(
            f"| {name} | {len(x)} | {rows.mean():.3f} | {accuracies[0]:.3f} | {accuracies[1]:.3f} |"
        )
    return lines


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


def main(folder: Path) -> None:
    """Measure, and write what was found."""
    warnings.simplefilter("ignore")
    parts = [
        "# Trust, measured",
        "",
        "`python benchmarks/trust.py FOLDER`; classes are used to measure only.",
        "",
        "## Reassigned noise",
        "",
        f"`identity, umap, hdbscan` with their defaults, at most {MOST_ROWS:,} rows. A cluster "
        "stands for the class of most of its rows.",
        "",
        *noise(folder),
        "",
    ]
    parts += [
        "## Drift",
        "",
        "`pca, identity, gmm` fitted on half of the digits 0 to 7 of USPS. Purity is the "
        "share of 8 and 9 among the candidates for new clusters.",
        "",
        *drift(folder),
        "",
    ]
    RESULTS.write_text("\n".join(parts) + "\n", encoding="utf-8")
    parts += ["## Confidence", "", *confidence(folder)]
    RESULTS.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
