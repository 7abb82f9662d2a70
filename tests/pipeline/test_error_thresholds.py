"""Thresholds of confidence for a wanted error: the bound holds, or they are refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from scipy.stats import binom

import n2d_framework as n2d
from n2d_framework.errors import DataError, UnsupportedError
from n2d_framework.pipeline.after_fit.refits import Stability

#: Confidences that occur, how often, and the share of the rows of each that err.
LEVELS = np.array([1.0, 0.96, 0.9, 0.8, 0.6, 0.3])
SHARES = np.array([0.45, 0.2, 0.12, 0.1, 0.08, 0.05])
ERRORS = np.array([0.004, 0.012, 0.03, 0.08, 0.2, 0.5])
RISK = np.cumsum(SHARES * ERRORS) / np.cumsum(SHARES)


def measured(seed: int, n: int = 2000, errors=ERRORS) -> tuple[Stability, np.ndarray]:
    """Rows of four clusters with their confidence, and their classes."""
    rng = np.random.default_rng(seed)
    level = rng.choice(len(LEVELS), n, p=SHARES)
    labels = rng.integers(0, 4, n)
    classes = np.where(rng.random(n) < errors[level], (labels + 1) % 4, labels)
    nothing = np.zeros(0)
    found = Stability(labels, LEVELS[level], labels, nothing, (0, 1, 2, 3), nothing, nothing, ())
    return found, np.array(list("abcd"))[classes]


@pytest.mark.parametrize("max_error", [0.01, 0.02, 0.04])
def test_the_error_of_other_rows_is_within_the_bound_in_95_of_100_repeats(max_error):
    over, refused, kept = 0, 0, list[float]()
    for seed in range(200):
        found, y = measured(seed, 4000)
        try:
            least = found.threshold(y, max_error)
        except DataError:
            refused += 1
            continue
        # All rows of confidence at least that, ever: what a held-out set without end would have.
        risk = RISK[least.confidence <= LEVELS][-1]
        over += risk > max_error
        kept.append(least.coverage)
        assert least.error <= least.bound <= max_error
    # At 0.01 the third level errs by 0.0101: the certainty of 95 % is all but used up.
    assert over <= binom.ppf(0.99, 200, 0.05)
    assert refused <= 20
    best = SHARES[max_error >= RISK].sum()
    assert np.mean(kept) > best - 0.25


def test_a_threshold_keeps_what_it_says_and_counts_known_classes_alone():
    found, y = measured(1)
    least = found.threshold(y, 0.05, level=0.9)
    kept = found.confidence >= least.confidence
    assert least.coverage == pytest.approx(kept.mean())
    assert least.n_rows == kept.sum()
    assert least.as_dict()["max_error"] == 0.05
    some = y.astype(object)
    some[np.random.default_rng(0).random(len(y)) < 0.4] = None
    fewer = found.threshold(some, 0.05, level=0.9)
    assert 0.5 * least.n_rows < fewer.n_rows < 0.75 * least.n_rows
    noise = copy.copy(found.labels)
    noise[::3] = -1
    third = Stability(noise, *(getattr(found, name) for name in (
        "confidence", "consensus", "ari", "clusters", "jaccard", "together", "kinds")))  # fmt: skip
    assert third.threshold(y, 0.05).coverage <= 2 / 3


@pytest.mark.parametrize(
    ("classes", "asked", "said"),
    [
        (None, {"max_error": 0.001}, "1999 .* rows of known class are too few|at least 2995"),
        (None, {"max_error": 0.003}, r"of the surest 1\d\d\d rows .* err"),
        (50, {"max_error": 0.02}, "50 clustered rows of known class are too few; .*at least 149"),
        (0, {}, "the class of no row is known"),
        (None, {"max_error": 0.0}, "max_error=0.0: must be a share"),
        (None, {"max_error": "2%"}, "max_error='2%': must be a share"),
        (None, {"level": 1.0}, "level=1.0: must be a share"),
        (-1, {}, "y has 1999 rows"),
    ],
)
def test_what_cannot_be_had_is_refused(classes, asked, said):
    found, y = measured(0)
    if classes == -1:
        y = y[1:]
    elif classes is not None:
        y = [*y[:classes], *[None] * (len(y) - classes)]
    with pytest.raises(DataError, match=said):
        found.threshold(y, **asked)


def test_a_model_abstains_below_its_threshold(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 400)
    x = np.array([[20.0, 0.0], [0.0, 0.0], [4.0, 0.0]])[y] + rng.normal(size=(1200, 2))
    model = n2d.N2D("identity", "identity", "kmeans", n_clusters=3, scaler="none",
                    random_state=0).fit(x)  # fmt: skip
    with pytest.raises(UnsupportedError, match="it was not measured"):
        model.error_threshold(x, y)
    model.stability(x, resamples=10, seeds=0, keep=True)
    least = model.error_threshold(x, y, 0.02)
    labels = model.predict(x, min_confidence=least.confidence)
    kept = labels != -1
    assert kept.tolist() == (model.confidence(x) >= least.confidence).tolist()
    assert kept.mean() == pytest.approx(least.coverage)
    assert labels[kept].tolist() == model.labels_[kept].tolist()
    new = np.array([[20.0, 0.0], [0.0, 0.0], [4.0, 0.0]])[y] + rng.normal(size=(1200, 2))
    stands = {label: np.bincount(y[model.labels_ == label]).argmax() for label in range(3)}
    labels = model.predict(new, min_confidence=least.confidence)
    wrong = [stands[label] != true for label, true in zip(labels, y, strict=True) if label >= 0]
    assert np.mean(wrong) <= 0.02
    model.save(tmp_path / "m.n2d")
    again = n2d.load(tmp_path / "m.n2d")
    assert again.predict(new, min_confidence=least.confidence).tolist() == labels.tolist()
    both = again.predict(new, min_confidence=least.confidence, abstain=0.5)
    assert set(np.flatnonzero(labels == -1)) <= set(np.flatnonzero(both == -1))
    with pytest.raises(DataError, match=r"min_confidence=1\.5: must be from 0 to 1"):
        again.predict(new, min_confidence=1.5)
