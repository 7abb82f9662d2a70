"""Worth of splitting clusters by a refit, and of thresholds for a wanted error, by known classes.

``python benchmarks/splits.py FOLDER`` with usps_latent.npz, letter.npz and satimage.npz
writes benchmarks/results/splits.md. Classes are used to measure, and to say into how many parts.
"""

from __future__ import annotations

import copy
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from trust import fitted, latents_of, wrong

from n2d_framework.errors import DataError

RESULTS = Path(__file__).with_name("results") / "splits.md"
SETS = ("digits", "USPS, latent", "letter", "satimage")
#: Rows that a model is fitted on; the others are new to it, at most as many.
FITTED = 1500
SEEDS = range(2)
#: A class is among a cluster's if it has this share of its rows.
OF_CLUSTER = 0.1
#: Draws of rows of known class, how many, and the error that is wanted.
DRAWS, KNOWN, WANTED = 100, 1000, (0.05, 0.1)


def rows_of(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows as umap lays them out, and their classes."""
    if name != "digits":
        return latents_of(folder, name)
    x, y = load_digits(return_X_y=True)
    return x.astype(np.float32), y


def splits(folder: Path, name: str) -> str:
    """Fit with half as many clusters as classes, and split each into as many as it has."""
    x, y = rows_of(folder, name)
    order = np.random.default_rng(1).permutation(len(x))
    half = min(FITTED, len(x) // 2)
    own, new = order[:half], order[half : 2 * half]
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for seed in SEEDS:
        model = fitted(x[own], "gmm", seed, n_clusters=len(np.unique(y)) // 2)
        before = model.predict(x[new])
        for label in np.unique(model.labels_).tolist():
            inside, placed = model.labels_ == label, before == label
            classes = np.unique(y[own][inside], return_counts=True)[1]
            number = int((classes >= OF_CLUSTER * inside.sum()).sum())
            if number < 2:
                continue
            for refit, scores in found.items():
                edited = copy.deepcopy(model)
                edited.edit().split(label, number, refit=refit)
                labels = edited.predict(x[new])
                scores.append(
                    (
                        normalized_mutual_info_score(y[own][inside], edited.labels_[inside]),
                        normalized_mutual_info_score(y[new][placed], labels[placed]),
                    )
                )
    cells = [f"{value:.3f}" for scores in found.values() for value in np.mean(scores, axis=0)]
    return f"| {name} | {len(found[True])} | {' | '.join(cells)} |"


def thresholds(folder: Path, name: str) -> list[str]:
    """Find thresholds by the classes of some rows, and count the errors of the others."""
    x, y = rows_of(folder, name)
    x, y = x[: 2 * FITTED], y[: 2 * FITTED]
    model = fitted(x, "gmm", 0, n_clusters=len(np.unique(y)))
    model.stability(x, resamples=5, seeds=0, keep=True)
    sure, errs = model.confidence(x), wrong(y, model.labels_)
    lines = []
    for wanted in WANTED:
        over, kept, errors, refused = 0, [], [], 0
        for draw in range(DRAWS):
            rows = np.random.default_rng(draw).permutation(len(x))
            classes = y.astype(object)
            classes[rows[KNOWN:]] = None
            try:
                least = model.error_threshold(x, classes, wanted)
            except DataError:
                refused += 1
                continue
            others = rows[KNOWN:][sure[rows[KNOWN:]] >= least.confidence]
            errors.append(errs[others].mean())
            kept.append(least.coverage)
            over += errs[sure >= least.confidence].mean() > wanted
        said = [f"{np.mean(given):.3f}" if given else "" for given in (kept, errors)]
        head = f"| {name} | {errs.mean():.3f} | {wanted:.2f} | {refused}"
        lines.append(f"{head} | {' | '.join(said)} | {over} |")
    return lines


def main(folder: Path) -> None:
    """Measure, and write what was found."""
    warnings.simplefilter("ignore")
    parts = [
        "# Splits by a refit, and thresholds for an error",
        "",
        "`python benchmarks/splits.py FOLDER`",
        "",
        "## Splits",
        "",
        f"`identity, umap, gmm` on {FITTED:,} rows (half of digits) with half as many clusters as "
        f"classes, seeds 0 to {max(SEEDS)}; each cluster that holds several classes (a tenth of "
        "its rows or more each) is split into as many parts, by where its rows are or by a refit. "
        "NMI of the parts with the classes, mean over these clusters: of the rows of the fit, and "
        "of as many new ones.",
        "",
        "| dataset | splits | by place: fitted | new | by a refit: fitted | new |",
        "|---|---|---|---|---|---|",
        *(splits(folder, name) for name in SETS),
        "",
        "## Thresholds",
        "",
        "`identity, umap, gmm` with as many clusters as classes, confidence kept from 5 "
        f"resamples. The classes of {KNOWN:,} rows drawn at random are known, {DRAWS} draws. "
        "*Over*: draws in which more of all rows of that confidence err than is wanted; 5 may.",
        "",
        "| dataset | error of all | wanted | refused | kept | error of the others kept | over |",
        "|---|---|---|---|---|---|---|",
        *(line for name in SETS for line in thresholds(folder, name)),
    ]
    RESULTS.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
