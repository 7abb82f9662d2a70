"""Components beside the reference libraries on datasets in any unit.

Run as ``python benchmarks/correctness.py [--datasets N] [--seed S]`` (default: 200 datasets, seed
0; minutes on one core). Number of rows, features and clusters, scale (1e-30 to 1e30), offset (up
to 10,000 spreads), share of duplicates, a constant feature and dtype are drawn at random. Scalers
get the rows in their own type, beside scikit-learn's in float64; components get them in float32,
beside the libraries on the same values in float64: PCA, Isomap, k-means and the mixture of
scikit-learn, and hdbscan.

Each answer is compared twice: with the library on the rows as they are, and, where the two
disagree, with the library on the same rows centred and brought near 1 by a power of two, which
changes no digit of how they lie to each other. What agrees only then is a dependence of the
library on the unit. Prints the table of ``results/correctness.md``, and every dataset that agrees
with neither.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import sklearn.cluster
import sklearn.decomposition
import sklearn.manifold
import sklearn.mixture
import sklearn.preprocessing
from scipy.spatial.distance import pdist
from sklearn.metrics import adjusted_rand_score

from n2d_builtin.gmm.gmm import GaussianMixture
from n2d_builtin.hdbscan.hdbscan import Hdbscan
from n2d_builtin.isomap.isomap import Isomap
from n2d_builtin.kmeans.kmeans import KMeans
from n2d_builtin.linear.linear import PCAEmbedder
from n2d_framework.errors import DataError
from n2d_framework.plugin import FitContext, resolve

#: Of the largest value of a reference; float32 has 6e-8.
TOLERANCE = 1e-4
CONTEXT = FitContext(seed=0, n_jobs=1)


@attrs.frozen(eq=False)
class Dataset:
    """Rows drawn at random, and how.

    Attributes
    ----------
    number : int
    rows : array of shape (n, d)
    n_clusters : int
    about : str
        Everything that was drawn.
    """

    number: int
    rows: np.ndarray
    n_clusters: int
    about: str

    @classmethod
    def draw(cls, number: int, seed: int) -> Dataset:
        """Draw the dataset of that number."""
        rng = np.random.default_rng([seed, number])
        n, d, k = int(rng.integers(60, 140)), int(rng.integers(2, 14)), int(rng.integers(2, 6))
        scale = 10.0 ** rng.uniform(-30, 30)
        offset = float(rng.choice([0.0, 1.0, 1e2, 1e4]))
        duplicates = float(rng.choice([0.0, 0.2, 0.5]))
        dtype = str(rng.choice(["float32", "float64", "int64"]))
        rows = 10 * rng.normal(size=(k, d))[rng.integers(0, k, n)] + rng.normal(size=(n, d))
        rows[: int(duplicates * n)] = rows[rng.integers(n // 2, n, int(duplicates * n))]
        rows = rows + offset * rows.std()
        if dtype == "int64":
            # Thousandths of a spread, and so large that products of them leave int64.
            scale = 10.0 ** rng.uniform(3, 11)
        rows = (rows * scale).astype(dtype)
        constant = bool(rng.random() < 0.2)
        if constant:
            rows[:, 0] = rows[0, 0]
        about = (
            f"{n} x {d}, {k} clusters, scale {scale:.0e}, offset {offset:g}, "
            f"duplicates {duplicates:.0%}, {dtype}{', constant feature' if constant else ''}"
        )
        return cls(number, rows, k, about)


def near_one(rows: np.ndarray) -> np.ndarray:
    """The same rows, centred and divided by a power of two."""
    wide = rows.astype(np.float64)
    wide = np.ldexp(wide, -np.frexp(np.abs(wide).max())[1])
    wide -= wide.mean(axis=0)
    return np.ldexp(wide, -np.frexp(np.abs(wide).max())[1])


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether arrays agree, up to their unit and the rounding of float32."""
    if not (np.isfinite(found).all() and np.isfinite(expected).all()):
        return False
    return bool(np.abs(found - expected).max() <= TOLERANCE * (np.abs(expected).max() or 1.0))


def relative(values: np.ndarray) -> np.ndarray:
    """Values as shares of the largest."""
    return np.asarray(values / (np.abs(values).max() or 1.0), dtype=np.float64)


def scaler(name: str, reference: Callable[[], Any]) -> Callable[[Dataset], Any]:
    """Scaled rows."""

    def answers(data: Dataset) -> tuple[Any, Callable[[np.ndarray], bool]]:
        component = resolve("prepare", name)
        component.fit(data.rows, context=FitContext())
        found = np.float32(component.transform(data.rows))
        return data.rows, lambda rows: close(found, reference().fit_transform(rows))

    return answers


def pca(data: Dataset) -> Any:
    """Variances, their shares, and the space of the leading axes."""
    rows = data.rows.astype(np.float32)
    count = min(3, rows.shape[1])
    model = PCAEmbedder(latent_dim=count).fit(rows, context=CONTEXT)

    def agrees(wide: np.ndarray) -> bool:
        other = sklearn.decomposition.PCA(count, svd_solver="full").fit(wide)
        spanned = np.abs(np.linalg.det(model.components_ @ other.components_.T))
        return (
            close(relative(model.explained_variance_), relative(other.explained_variance_))
            and close(model.explained_variance_ratio_, other.explained_variance_ratio_)
            and bool(spanned > 1 - TOLERANCE)
        )

    return rows, agrees


def whitening(data: Dataset) -> Any:
    """Standard deviation of whitened coordinates."""
    rows = data.rows.astype(np.float32)
    model = PCAEmbedder(latent_dim=2, whiten=True).fit(rows, context=CONTEXT)
    spread = model.transform(rows).std(axis=0)
    return rows, lambda wide: close(
        spread, sklearn.decomposition.PCA(2, whiten=True).fit_transform(wide).std(axis=0)
    )


def isomap(data: Dataset) -> Any:
    """Distances between coordinates; of the distinct rows, on which ours is fitted."""
    rows = data.rows.astype(np.float32)
    rows = rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])]
    model = Isomap(n_components=2, n_neighbors=8, eigen_solver="dense").fit(rows, context=CONTEXT)
    found = relative(pdist(model.transform(rows).astype(np.float64)))

    def agrees(wide: np.ndarray) -> bool:
        other = sklearn.manifold.Isomap(n_components=2, n_neighbors=8, eigen_solver="dense")
        return close(found, relative(pdist(other.fit_transform(wide))))

    return rows, agrees


def kmeans(data: Dataset) -> Any:
    """The same clusters, or less inertia."""
    rows = data.rows.astype(np.float32)
    model = KMeans(n_clusters=data.n_clusters, n_init=5).fit(rows, context=CONTEXT)

    def agrees(wide: np.ndarray) -> bool:
        other = sklearn.cluster.KMeans(data.n_clusters, n_init=5, random_state=0).fit(wide)
        ours, theirs = (inertia(wide, labels) for labels in (model.labels_, other.labels_))
        same = adjusted_rand_score(model.labels_, other.labels_) == 1.0
        return same or ours <= theirs * (1 + TOLERANCE)

    return rows, agrees


def inertia(rows: np.ndarray, labels: np.ndarray) -> float:
    """Sum of squared distances to the means of clusters."""
    return float(sum(np.square(g - g.mean(axis=0)).sum() for g in groups(rows, labels)))


def groups(rows: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Rows of each label."""
    return [rows[labels == label] for label in np.unique(labels)]


def mixture(data: Dataset) -> Any:
    """The same clusters, or a higher likelihood."""
    rows = data.rows.astype(np.float32)
    options: dict[str, Any] = {"n_init": 3, "covariance_type": "diag"}
    likeliest = {"init": "kmeans", "selection": "likelihood", **options}
    model = GaussianMixture(n_clusters=data.n_clusters, **likeliest).fit(rows, context=CONTEXT)
    span = np.frexp(np.abs(rows - rows.mean(axis=0, dtype=np.float64)).max())[1]

    def agrees(wide: np.ndarray) -> bool:
        other = sklearn.mixture.GaussianMixture(data.n_clusters, random_state=0, **options)
        labels = other.fit(wide).predict(wide)
        theirs = other.lower_bound_
        exponent = np.frexp(np.abs(wide - wide.mean(axis=0)).max())[1]
        ours = model.lower_bound_ + (span - exponent) * rows.shape[1] * np.log(2)
        same = adjusted_rand_score(model.labels_, labels) > 1 - TOLERANCE
        return bool(same or ours >= theirs - 0.01)

    return rows, agrees


def density(data: Dataset) -> Any:
    """The same clusters and the same noise."""
    import hdbscan

    rows = data.rows.astype(np.float32)
    options: dict[str, Any] = {"min_cluster_size": 8, "approx_min_span_tree": False}
    model = Hdbscan(**options).fit(rows, context=CONTEXT)

    def agrees(wide: np.ndarray) -> bool:
        with np.errstate(all="ignore"):
            labels = hdbscan.HDBSCAN(**options).fit(wide).labels_
        same = adjusted_rand_score(model.labels_, labels) > 0.999
        return bool(same and (labels == -1).sum() == (model.labels_ == -1).sum())

    return rows, agrees


SUBJECTS: dict[str, Callable[[Dataset], Any]] = {
    "scaler minmax": scaler("minmax", sklearn.preprocessing.MinMaxScaler),
    "scaler standard": scaler("standard", sklearn.preprocessing.StandardScaler),
    "scaler maxabs": scaler("maxabs", sklearn.preprocessing.MaxAbsScaler),
    "pca": pca,
    "pca, whitened": whitening,
    "isomap": isomap,
    "kmeans": kmeans,
    "gmm": mixture,
    "hdbscan": density,
}


def outcome(subject: str, data: Dataset) -> str:
    """Agreement of ours with the library: "as given", "near 1", "refused" or "differs"."""
    try:
        rows, agrees = SUBJECTS[subject](data)
    except DataError as error:
        return f"refused: {error}"
    wide = rows.astype(np.float64)
    try:
        if agrees(wide):
            return "as given"
    except (ValueError, np.linalg.LinAlgError):
        pass  # counted below: the library fails on these rows
    # A largest absolute value is not one of centred rows.
    shifted = subject != "scaler maxabs"
    plain = np.ldexp(wide, -np.frexp(np.abs(wide).max())[1])
    return "near 1" if agrees(near_one(rows) if shifted else plain) else "differs"


def campaign(
    n_datasets: int, seed: int, progress: Callable[[int], None] | None = None
) -> tuple[dict[str, Counter[str]], list[str]]:
    """Outcomes of each subject, and a line for each dataset that was refused or differs."""
    counts: dict[str, Counter[str]] = {subject: Counter() for subject in SUBJECTS}
    lines = []
    for number in range(n_datasets):
        data = Dataset.draw(number, seed)
        if progress is not None:
            progress(number)
        for subject in SUBJECTS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = outcome(subject, data)
            kind, _, reason = found.partition(": ")
            counts[subject][kind] += 1
            if kind in ("refused", "differs"):
                lines.append(f"{subject}, dataset {number} ({data.about}): {kind} {reason}".strip())
    return counts, lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    counts, lines = campaign(
        given.datasets, given.seed, lambda number: print(f"dataset {number}", file=sys.stderr)
    )
    print(
        "| subject | agrees with the library on rows as given | only near 1 | refused | differs |"
    )
    print("|---|---|---|---|---|")
    for subject, found in counts.items():
        cells = [found[kind] for kind in ("as given", "near 1", "refused", "differs")]
        print(f"| {subject} | {' | '.join(map(str, cells))} |")
    print("", *lines, sep="\n")


if __name__ == "__main__":
    main()
